//! `/v1/groups` and `/v1/groups/{group}`: who is there.

use axum::http::StatusCode;
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::groups as v1;
use raft_core::ids::{GroupName, ZnodePath};
use raft_core::state::State;
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3;

use crate::call::Call;
use crate::change;
use crate::convert::group::Place;
use crate::convert::{event, group as convert};
use crate::error::{Problem, problem_of};
use crate::extract::headers::IfNoneMatch;
use crate::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::reply::Reply;

/// Groups with members, in order of the segments of their names.
#[utoipa::path(
    get, path = "/v1/groups", tag = "groups", operation_id = "groups",
    params(v1::GroupsQuery),
    responses((status = 200, description = "A page of them", body = v1::GroupList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let query: v1::GroupsQuery = call.query()?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let after = query.after.as_deref().map(GroupName::parse).transpose()?;
    let prefix = query.prefix.as_deref().unwrap_or_default();
    let read = |state: &State| {
        // One more than shown says whether there is a next page.
        let mut found = state.groups(prefix, after.as_ref(), limit.saturating_add(1));
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more);
        let next = last.map(|(name, _)| name.to_string());
        let summary = |(name, member_count): &(GroupName, u32)| v1::GroupSummary {
            group: name.to_string(),
            member_count: *member_count,
        };
        let groups = found.iter().map(summary).collect();
        Ok(v1::GroupList { groups, next })
    };
    let answer = call.read(read).await?;
    let reply = Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age);
    let more = [("prefix", query.prefix.clone())];
    Ok(with_next(
        reply,
        "/v1/groups",
        answer.value.next,
        limit,
        &more,
    ))
}

/// Adds the link to the next page, if there is one.
fn with_next(
    reply: Reply,
    path: &str,
    next: Option<String>,
    limit: usize,
    more: &[(&str, Option<String>)],
) -> Reply {
    let Some(next) = next else {
        return reply;
    };
    let own = [("limit", Some(limit.to_string())), ("after", Some(next))];
    let parameters: Vec<_> = more.iter().cloned().chain(own).collect();
    let url = paths::with_query(path, &parameters);
    reply.text("link", &format!("<{url}>; rel=\"next\""))
}

/// Who is in the group, in the order in which they joined; nobody, where there is no such group. With
/// `If-None-Match` and `Prefer: wait=60` waits for a change.
#[utoipa::path(
    get, path = "/v1/groups/{group}", tag = "groups", operation_id = "group",
    params(
        ("group" = String, Path, description = "Name of the group; may contain slashes"),
        v1::GroupQuery,
        ("If-None-Match" = Option<String>, Header, description = "The ETag the reader has"),
        ("Prefer" = Option<String>, Header, description = "`wait=60`: how long to wait for a change"),
    ),
    responses(
        (status = 200, description = "As it is; the ETag is of all members, whichever page this is", body = v1::Group),
        (status = 304, description = "It did not change within the wait"),
        (status = 403, description = "`forbidden`: it takes the permission to read the group's znode", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let name = call.group()?;
    let query: v1::GroupQuery = call.query()?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let place = |text: &str| {
        Place::parse(text).ok_or_else(|| {
            Problem::bad_request(format!("after={text} is not the `next` of a page before"))
        })
    };
    let after = query.after.as_deref().map(place).transpose()?;
    let page = (after.as_ref(), limit);
    let known = IfNoneMatch::from(&call.headers)?;
    let until = Instant::now() + call.wait().unwrap_or_default();
    let answer = call.read(|state| shown(&call, state, &name, page)).await?;
    let (view, etag) = answer.value;
    let url = paths::group(name.as_str());
    if !known.has(&etag) {
        let reply = Reply::ok(&view)?.etag(&etag).at(answer.zxid);
        return Ok(with_next(
            reply.aged(answer.age),
            &url,
            view.next,
            limit,
            &[],
        ));
    }
    let znode = name.znode();
    let concerns = |kind: &_| {
        let path = event::znode(kind);
        path.and_then(ZnodePath::parent).as_ref() == Some(&znode) || path == Some(&znode)
    };
    let changed = change::wait_for(&call, until, concerns, |state| {
        let (view, etag) = shown(&call, state, &name, page)?;
        Ok((!known.has(&etag)).then(|| (view, etag, state.last_zxid())))
    });
    match changed.await? {
        Some((view, etag, zxid)) => {
            let reply = Reply::ok(&view)?.etag(&etag).at(zxid);
            Ok(with_next(reply, &url, view.next, limit, &[]))
        }
        None => Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(&etag)),
    }
}

/// A page of the group, and a hash of all that a reader sees of it.
fn shown(
    call: &Call,
    state: &State,
    name: &GroupName,
    page: (Option<&Place>, usize),
) -> Result<(v1::Group, String), Problem> {
    let znode = name.znode();
    if state.znode(&znode).is_some() {
        let readable = state.can_read(&znode, &call.identities);
        readable.map_err(|refusal| problem_of(state, call.api.wall_ms(), &refusal))?;
    }
    let members = state.group_members(name);
    let mut hash = Xxh3::new();
    for member in &members {
        hash.update(&member.znode.czxid.0.to_le_bytes());
        hash.update(&member.znode.mzxid.0.to_le_bytes());
        hash.update(member.id.as_bytes());
        hash.update(&[0]);
    }
    let etag = format!("\"g{}-{:016x}\"", members.len(), hash.digest());
    let view = convert::group(state, name, &members, page, &call.identities);
    Ok((view, etag))
}
