//! Groups: joining and leaving. A member is an ephemeral child of the group's znode and nothing else, so
//! whatever ZooKeeper clients do there is the same as what is done here.

use crate::acl::{AclEntry, Perms};
use crate::apply::Step;
use crate::apply::tree::NewZnode;
use crate::command::JoinGroup;
use crate::data::Data;
use crate::ids::{GroupName, MemberId, SessionId, ZnodePath};
use crate::limits;
use crate::outcome::{Refusal, Reply};
use crate::znode::{Stat, ZnodeKind};

impl Step<'_> {
    /// Makes the acting session a member, or brings its member's value to what it says (see
    /// [`JoinGroup`]).
    pub(crate) fn join_group(&mut self, join: &JoinGroup) -> Result<Reply, Refusal> {
        check_bounds(join)?;
        let session = self.acting_session("joining a group")?;
        let path = join.group.znode().child(join.member.as_str())?;
        if let Some(znode) = self.state.znode(&path) {
            let (owner, version) = (znode.owner(), znode.version);
            return match owner {
                Some(owner) if owner == session => self.change_member(&path, join),
                Some(_) => Err(taken(&join.group, &join.member)),
                // A group of that name, or whatever else stands there.
                None => Err(Refusal::NodeExists { path, version }),
            };
        }
        let length = join.value.as_ref().map_or(0, |value| value.len() as u64);
        let parent = join.group.znode();
        self.check_child(&parent, join.member.as_str(), (session, length))?;
        self.ensure_containers(&parent)?;
        // From here on nothing refuses.
        let new = NewZnode {
            data: join.value.as_ref().map(Data::from),
            content_type: join.content_type.clone(),
            acl: [AclEntry::open()].into(),
            kind: ZnodeKind::Ephemeral(session),
        };
        let stat = self.insert_znode(path, new);
        Ok(joined(true, stat))
    }

    /// The member is there and the acting session's own.
    fn change_member(&mut self, path: &ZnodePath, join: &JoinGroup) -> Result<Reply, Refusal> {
        let znode = self.state.existing(path)?;
        let is_value = znode.data.as_deref() == join.value.as_deref()
            && znode.rare.content_type == join.content_type;
        if is_value {
            return Ok(joined(false, znode.stat()));
        }
        self.permitted(path, Perms::WRITE)?;
        let data = join.value.as_ref().map(Data::from);
        let length = data.as_ref().map_or(0, |data| data.len() as u64);
        self.check_quota_of_data(path, length)?;
        let stat = self.set_znode_data(path, data, join.content_type.clone());
        Ok(joined(false, stat))
    }

    /// Ends a membership by its owner's wish. That there is none is what was asked for: so a repeat has
    /// the same answer but for `left`.
    pub(crate) fn leave_group(
        &mut self,
        group: &GroupName,
        member: &MemberId,
    ) -> Result<Reply, Refusal> {
        let session = self.acting_session("leaving a group")?;
        let path = group.znode().child(member.as_str())?;
        let owner = self.state.znode(&path).and_then(|znode| znode.owner());
        match owner {
            Some(owner) if owner == session => {
                self.remove_znode(&path);
                Ok(Reply::GroupLeft { left: true })
            }
            Some(_) => Err(taken(group, member)),
            None => Ok(Reply::GroupLeft { left: false }),
        }
    }

    /// The acting session, which `what` needs.
    pub(in crate::apply) fn acting_session(&self, what: &str) -> Result<SessionId, Refusal> {
        self.session.ok_or_else(|| Refusal::SessionRequired {
            what: what.to_owned(),
        })
    }
}

fn joined(created: bool, stat: Stat) -> Reply {
    Reply::GroupJoined { created, stat }
}

fn taken(group: &GroupName, member: &MemberId) -> Refusal {
    Refusal::MemberTaken {
        group: group.clone(),
        member: member.clone(),
    }
}

fn check_bounds(join: &JoinGroup) -> Result<(), Refusal> {
    let length = join.value.as_ref().map_or(0, bytes::Bytes::len);
    if length > limits::MEMBER_VALUE_BYTES_MAX {
        return Err(Refusal::limit(
            "bytes in the value of a group member",
            limits::MEMBER_VALUE_BYTES_MAX as u64,
        ));
    }
    let content_type = join.content_type.as_deref().unwrap_or_default();
    if content_type.len() > limits::CONTENT_TYPE_BYTES_MAX {
        return Err(Refusal::limit(
            "bytes per content type",
            limits::CONTENT_TYPE_BYTES_MAX as u64,
        ));
    }
    Ok(())
}
