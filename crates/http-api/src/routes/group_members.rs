//! `/v1/groups/{group}/-/members/{member}`: joining and leaving.

use axum::http::StatusCode;
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::groups as v1;
use raft_core::command::{Command, JoinGroup};
use raft_core::ids::{GroupName, MemberId};
use raft_core::outcome::{Refusal, Reply as Replied};
use raft_core::state::State;

use crate::call::Call;
use crate::convert::{group as convert, node};
use crate::error::{Check, Problem, problem_of};
use crate::extract::path::member_url;
use crate::reply::Reply;

/// Be a member, for as long as the session lives; a repeat changes the value to what it says. Nothing is
/// remembered of a member that left: a late duplicate of this makes it one again.
#[utoipa::path(
    put, path = "/v1/groups/{group}/-/members/{member}", tag = "groups", operation_id = "join",
    params(
        ("group" = String, Path, description = "Name of the group; may contain slashes"),
        ("member" = String, Path, description = "Id of the member, chosen by the client"),
        ("Holdfast-Session" = String, Header, description = "The owning session"),
    ),
    request_body = v1::JoinRequest,
    responses(
        (status = 200, description = "It was there; the value is as asked", body = v1::GroupMember),
        (status = 201, description = "It joined", body = v1::GroupMember),
        (status = 400, description = "`session_required`", body = Document),
        (status = 403, description = "`forbidden`: the group's access list lets nobody in", body = Document),
        (status = 409, description = "`member_taken`; `node_exists`: a group has this name", body = Document),
        (status = 410, description = "`session_expired`", body = Document),
    )
)]
pub(crate) async fn join(call: Call) -> Result<Reply, Problem> {
    let (group, member) = (call.group()?, call.group_member()?);
    let request: v1::JoinRequest = call.json_or_empty()?;
    let encoding = request.encoding.unwrap_or_default();
    let value = request.value.map(|value| node::bytes_in(&value, encoding));
    let command = Command::JoinGroup(JoinGroup {
        group: group.clone(),
        member: member.clone(),
        value: value.transpose()?,
        content_type: request.content_type.map(Into::into),
    });
    require_session(&call, "joining a group")?;
    let url = member_url(&group, &member);
    let done = call.propose(command, Check::or_repeat(url.clone())).await?;
    let Replied::GroupJoined { created, .. } = done.reply else {
        return Err(Problem::internal("join was answered with something else"));
    };
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let found = call.api.node.peek(|state| {
        let view = shown(&call, state, (&group, &member))?;
        Ok::<_, Problem>((view, state.last_zxid()))
    });
    let (view, zxid) = found?;
    Ok(Reply::json(status, &view)?.at(zxid).location(&url))
}

/// The member of this id.
#[utoipa::path(
    get, path = "/v1/groups/{group}/-/members/{member}", tag = "groups", operation_id = "group_member",
    params(
        ("group" = String, Path, description = "Name of the group; may contain slashes"),
        ("member" = String, Path, description = "Id of the member"),
    ),
    responses(
        (status = 200, description = "It is there", body = v1::GroupMember),
        (status = 403, description = "`forbidden`: it takes the permission to read the group's znode", body = Document),
        (status = 404, description = "`no_group_member`", body = Document),
    )
)]
pub(crate) async fn member(call: Call) -> Result<Reply, Problem> {
    let (group, member) = (call.group()?, call.group_member()?);
    let read = |state: &State| shown(&call, state, (&group, &member));
    let answer = call.read(read).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

/// Be a member no more. That it is not there is what was asked for, so repeating this is answered alike.
#[utoipa::path(
    delete, path = "/v1/groups/{group}/-/members/{member}", tag = "groups", operation_id = "leave",
    params(
        ("group" = String, Path, description = "Name of the group; may contain slashes"),
        ("member" = String, Path, description = "Id of the member"),
        ("Holdfast-Session" = String, Header, description = "The owning session"),
    ),
    responses(
        (status = 200, description = "It is not there; `left` says whether this request ended it", body = v1::MemberLeft),
        (status = 400, description = "`session_required`", body = Document),
        (status = 409, description = "`member_taken`", body = Document),
        (status = 410, description = "`session_expired`: it ended with its session", body = Document),
    )
)]
pub(crate) async fn leave(call: Call) -> Result<Reply, Problem> {
    let (group, member) = (call.group()?, call.group_member()?);
    require_session(&call, "leaving a group")?;
    let check = Check::or_repeat(member_url(&group, &member));
    let command = Command::LeaveGroup {
        group: group.clone(),
        member: member.clone(),
    };
    let done = call.propose(command, check).await?;
    let Replied::GroupLeft { left } = done.reply else {
        return Err(Problem::internal("leave was answered with something else"));
    };
    let view = v1::MemberLeft {
        group: group.to_string(),
        member: member.to_string(),
        left,
    };
    Ok(Reply::ok(&view)?.at(done.moment.zxid))
}

/// Refuses a request that names no session before it takes a place in the log.
pub(crate) fn require_session(call: &Call, what: &str) -> Result<(), Problem> {
    if call.session.is_none() {
        let what = what.to_owned();
        return Err(call.refused(&Refusal::SessionRequired { what }));
    }
    Ok(())
}

fn shown(
    call: &Call,
    state: &State,
    (group, member): (&GroupName, &MemberId),
) -> Result<v1::GroupMember, Problem> {
    let Some(view) = state.group_member(group, member.as_str()) else {
        let detail = format!("nobody is in group {group} as {member}");
        let problem = Problem::new(ErrorCode::NoGroupMember, detail);
        return Err(problem.with(|more| {
            more.group = Some(group.to_string());
            more.member = Some(member.to_string());
        }));
    };
    let readable = state.can_read(&group.znode(), &call.identities);
    readable.map_err(|refusal| problem_of(state, call.api.wall_ms(), &refusal))?;
    Ok(convert::member(state, group, &view, &call.identities))
}
