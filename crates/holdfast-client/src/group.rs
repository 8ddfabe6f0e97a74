//! Groups: being a member for as long as a guard and its session live, and who else is there.

use http_types::v1::groups::{
    Group, GroupList, GroupMember, GroupQuery, GroupsQuery, JoinRequest, MemberLeft,
};
use http_types::{headers, paths};
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::error::Error;
use crate::loss::Loss;
use crate::session::Session;
use crate::transport::{Call, Repeat, random_id};
use crate::withdrawal::{Withdrawal, send_in_background};

/// How to be a member of a group; see [`Client::group`].
#[derive(Debug)]
#[must_use = "a member joins by join"]
pub struct GroupBuilder {
    client: Client,
    name: String,
    member: String,
    request: JoinRequest,
}

impl Client {
    /// Begins to describe a member of a group. Its id is chosen here, so everything below may be repeated.
    pub fn group(&self, name: impl Into<String>) -> GroupBuilder {
        GroupBuilder {
            client: self.clone(),
            name: name.into(),
            member: random_id("m"),
            request: JoinRequest::default(),
        }
    }

    /// One page of the groups that have members.
    ///
    /// # Errors
    /// As every read.
    pub async fn groups(&self, query: &GroupsQuery) -> Result<GroupList, Error> {
        let path = paths::with_query(
            "/v1/groups",
            &[
                ("prefix", query.prefix.clone()),
                ("after", query.after.clone()),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// One page of the members of a group, in the order in which they joined. A group nobody is in has
    /// none.
    ///
    /// # Errors
    /// As every read.
    pub async fn group_info(&self, name: &str, query: &GroupQuery) -> Result<Group, Error> {
        let path = paths::with_query(
            &paths::group(name),
            &[
                ("after", query.after.clone()),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// One member of a group.
    ///
    /// # Errors
    /// [`ErrorCode::NoGroupMember`](crate::ErrorCode::NoGroupMember).
    pub async fn group_member(&self, group: &str, member: &str) -> Result<GroupMember, Error> {
        let path = paths::group_member(group, member);
        self.read(Call::get(path)).await?.json()
    }

    /// Ends a membership that has no [`Membership`].
    ///
    /// # Errors
    /// [`ErrorCode::MemberTaken`](crate::ErrorCode::MemberTaken) when it is another session's.
    pub async fn leave_group(
        &self,
        group: &str,
        member: &str,
        session: &str,
    ) -> Result<MemberLeft, Error> {
        self.write(leave_call(group, member, session)).await?.json()
    }
}

impl GroupBuilder {
    /// What others find at the member, such as its address.
    pub fn value(mut self, value: impl Into<String>) -> GroupBuilder {
        self.request.value = Some(value.into());
        self
    }

    /// Another id than the random one.
    pub fn member_id(mut self, id: impl Into<String>) -> GroupBuilder {
        self.member = id.into();
        self
    }

    /// Joins.
    ///
    /// # Errors
    /// [`ErrorCode::MemberTaken`](crate::ErrorCode::MemberTaken) while another session is the member of
    /// this id; [`Error::SessionLost`]; as every write.
    ///
    /// Cancel safety: dropping the future leaves in the background.
    pub async fn join(self, session: &Session) -> Result<Membership, Error> {
        if let Some(loss) = session.loss() {
            return Err(Error::SessionLost(loss));
        }
        let leave = leave_call(&self.name, &self.member, session.id());
        let pending = Withdrawal::by(session.client(), leave);
        let call = join_call(&self.name, &self.member, &self.request, session.id())?;
        let answer = self.client.write(call).await;
        let member = answer.inspect_err(|error| pending.settle(error))?.json()?;
        pending.done();
        Ok(Membership {
            session: session.clone(),
            member,
            left: false,
        })
    }
}

/// A membership. It lasts as long as its session; dropping it leaves in the background,
/// [`leave`](Membership::leave) says whether that worked.
///
/// That somebody deletes the member's znode is not heard of here; a [`GroupMember`] that must be there
/// is seen in the group.
#[derive(Debug)]
#[must_use = "dropping the membership leaves the group"]
pub struct Membership {
    session: Session,
    member: GroupMember,
    left: bool,
}

impl Membership {
    /// The member as it was when it joined or changed its value last.
    #[must_use]
    pub fn member(&self) -> &GroupMember {
        &self.member
    }

    /// The session it lives with.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Fires when the session is lost, and the membership with it.
    #[must_use]
    pub fn lost_token(&self) -> CancellationToken {
        self.session.lost_token()
    }

    /// Waits until the session is lost, and the membership with it. Cancel safe.
    pub async fn lost(&self) {
        self.session.lost().await;
    }

    /// Why it is lost, if it is.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        self.session.loss()
    }

    /// Changes what others find at the member.
    ///
    /// # Errors
    /// As every write. When the outcome is unknown, call it again.
    pub async fn set_value(&mut self, value: impl Into<String>) -> Result<(), Error> {
        let request = JoinRequest {
            value: Some(value.into()),
            ..JoinRequest::default()
        };
        let (group, member) = (&self.member.group, &self.member.member);
        let call = join_call(group, member, &request, self.session.id())?;
        self.member = self.session.client().write(call).await?.json()?;
        Ok(())
    }

    /// Leaves. Says whether the member was there until now.
    ///
    /// # Errors
    /// As every write. When the outcome is unknown, the end of the session does it.
    pub async fn leave(mut self) -> Result<MemberLeft, Error> {
        self.left = true;
        let (group, member) = (&self.member.group, &self.member.member);
        let call = leave_call(group, member, self.session.id());
        self.session.client().write(call).await?.json()
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        // A session that is lost takes its members with it.
        if !self.left && self.session.loss().is_none() {
            let (group, member) = (&self.member.group, &self.member.member);
            let call = leave_call(group, member, self.session.id());
            send_in_background(self.session.client(), call);
        }
    }
}

fn join_call(
    group: &str,
    member: &str,
    request: &JoinRequest,
    session: &str,
) -> Result<Call, Error> {
    let path = paths::group_member(group, member);
    let call = Call::new(Method::PUT, path, Repeat::ById).json(request)?;
    Ok(call.header(headers::SESSION, session))
}

/// Repeating it is answered alike.
fn leave_call(group: &str, member: &str, session: &str) -> Call {
    let path = paths::group_member(group, member);
    Call::new(Method::DELETE, path, Repeat::ById).header(headers::SESSION, session)
}
