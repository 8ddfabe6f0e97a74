//! `/v1/cluster`: who is in, who leads.

use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::cluster as v1;
use node::{MemberChange, Subtrees, SubtreesAsked};
use raft_core::ids::ZnodePath;
use raft_core::state::State;
use raft_types::NodeId;

use crate::call::Call;
use crate::convert::cluster;
use crate::error::Problem;
use crate::limits::{DIGEST_DEPTH_MAX, DIGEST_SUBTREES_MAX};
use crate::millis::as_ms;
use crate::reply::Reply;
use crate::routes::nodes::readable;

/// The cluster as its leader sees it.
#[utoipa::path(
    get, path = "/v1/cluster", tag = "cluster", operation_id = "cluster",
    responses(
        (status = 200, description = "Members, leader, what it can bear", body = v1::Cluster),
        (status = 503, description = "`no_leader`", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let status = call.api.node.cluster_status(call.time_left()).await?;
    Reply::ok(&cluster::cluster(&status, call.api.node.id()))
}

/// This node's state in one number, equal at the same index on every node; with `depth`, its parts.
///
/// To find where two nodes differ, compare their answers and begin again at the deepest `path` that
/// differs. Digests of subtrees cover znodes, claims among them as the znodes they are; what a state
/// remembers beside them (sessions, settings and queues of locks, answers) is in `digest` alone.
/// They are computed when asked for, by visiting every znode below `path`.
#[utoipa::path(
    get, path = "/v1/cluster/digest", tag = "cluster", operation_id = "digest",
    params(v1::DigestQuery),
    responses(
        (status = 200, description = "Position and digests", body = v1::StateDigest),
        (status = 400, description = "`bad_request`: more levels than are listed", body = Document),
        (status = 404, description = "`no_node`", body = Document),
        (status = 503, description = "`overloaded`: others are being computed, or it took too long", body = Document),
    )
)]
pub(crate) async fn digest(call: Call) -> Result<Reply, Problem> {
    let query: v1::DigestQuery = call.query()?;
    let is_whole = query == v1::DigestQuery::default();
    let asked = subtrees_asked(&query)?;
    let answer = call.read(|state| Ok(state.clone())).await?;
    let state = answer.value;
    let whole = cluster::digest(answer.zxid.0, state.digest());
    let mut told = v1::StateDigest {
        index: whole.index,
        digest: whole.digest,
        subtrees: None,
        truncated: None,
    };
    if !is_whole {
        let found = subtrees(&call, &state, asked).await?;
        let may_read = |path: &ZnodePath| state.can_read(path, &call.identities).is_ok();
        told.truncated = Some(found.truncated);
        told.subtrees = Some(cluster::subtrees(found, may_read));
    }
    Ok(Reply::ok(&told)?.at(answer.zxid).aged(answer.age))
}

fn subtrees_asked(query: &v1::DigestQuery) -> Result<SubtreesAsked, Problem> {
    let depth = query.depth.unwrap_or(0);
    if depth > DIGEST_DEPTH_MAX {
        return Err(Problem::bad_request(format!(
            "depth is {depth}, at most {DIGEST_DEPTH_MAX} levels are listed: begin at a path below"
        )));
    }
    Ok(SubtreesAsked {
        path: ZnodePath::parse(query.path.as_deref().unwrap_or("/"))?,
        depth,
        limit: DIGEST_SUBTREES_MAX,
    })
}

async fn subtrees(call: &Call, state: &State, asked: SubtreesAsked) -> Result<Subtrees, Problem> {
    readable(call, state, &asked.path)?;
    // The walk is given up when this future is dropped.
    let _walk = call.api.admission.walk(call.time_left()).await?;
    let found = node::subtrees(state.clone(), asked, call.time_left()).await;
    let found = found.map_err(|error| {
        Problem::new(
            ErrorCode::Overloaded,
            format!("{error}: begin at a path below, or allow more with Holdfast-Timeout"),
        )
        .with(|more| more.waited_ms = Some(as_ms(error.waited)))
    })?;
    found.ok_or_else(|| Problem::internal("a znode that could be read is not there"))
}

fn member_in_path(call: &Call) -> Result<NodeId, Problem> {
    member(&call.segment("member")?)
}

fn member(text: &str) -> Result<NodeId, Problem> {
    cluster::node_in(text)
        .ok_or_else(|| Problem::bad_request(format!("{text:?} names no node, expected n4 or 4")))
}

async fn change(call: &Call, change: MemberChange) -> Result<Reply, Problem> {
    let query: v1::ChangeQuery = call.query()?;
    let within = call.time_left();
    let report = call
        .api
        .node
        .change_members(change, query.dry_run, query.force, within)
        .await?;
    Reply::ok(&cluster::change(&report, query.dry_run))
}

fn addresses(peer: &str, api: &str) -> Result<(), Problem> {
    if !peer.contains(':') {
        return Err(Problem::bad_request(format!(
            "peer is {peer:?}, expected host:port"
        )));
    }
    if !(api.starts_with("http://") || api.starts_with("https://")) {
        return Err(Problem::bad_request(format!(
            "api is {api:?}, expected a base URL"
        )));
    }
    Ok(())
}

/// Add a node: it begins to receive the log, and has no vote until it is promoted.
#[utoipa::path(
    put, path = "/v1/cluster/members/{member}", tag = "cluster", operation_id = "add_member",
    params(("member" = String, Path, description = "`n4` or `4`; never used before"), v1::ChangeQuery),
    request_body = v1::MemberRequest,
    responses(
        (status = 200, description = "Done, or what would be done", body = v1::MemberChange),
        (status = 409, description = "`unsafe_change` with the arithmetic, `membership_busy`", body = Document),
    )
)]
pub(crate) async fn add(call: Call) -> Result<Reply, Problem> {
    let id = member_in_path(&call)?;
    let request: v1::MemberRequest = call.json()?;
    if request.role == v1::Role::Voter {
        return Err(Problem::bad_request(
            "a new member is a learner; promote it when it has caught up",
        ));
    }
    addresses(&request.peer, &request.api)?;
    let added = MemberChange::AddLearner {
        id,
        peer: request.peer,
        api: request.api,
    };
    change(&call, added).await
}

/// Give a learner a vote.
#[utoipa::path(
    post, path = "/v1/cluster/members/{member}/promote", tag = "cluster", operation_id = "promote",
    params(("member" = String, Path, description = "`n4` or `4`"), v1::ChangeQuery),
    responses(
        (status = 200, description = "Done, or what would be done", body = v1::MemberChange),
        (status = 409, description = "`unsafe_change`, `membership_busy`", body = Document),
    )
)]
pub(crate) async fn promote(call: Call) -> Result<Reply, Problem> {
    let id = member_in_path(&call)?;
    change(&call, MemberChange::Promote { id }).await
}

/// Take the vote of a member, which goes on receiving the log.
#[utoipa::path(
    post, path = "/v1/cluster/members/{member}/demote", tag = "cluster", operation_id = "demote",
    params(("member" = String, Path, description = "`n4` or `4`"), v1::ChangeQuery),
    responses(
        (status = 200, description = "Done, or what would be done", body = v1::MemberChange),
        (status = 409, description = "`unsafe_change`, `membership_busy`", body = Document),
    )
)]
pub(crate) async fn demote(call: Call) -> Result<Reply, Problem> {
    let id = member_in_path(&call)?;
    change(&call, MemberChange::Demote { id }).await
}

/// Remove a member for ever; its id is never used again.
#[utoipa::path(
    delete, path = "/v1/cluster/members/{member}", tag = "cluster", operation_id = "remove_member",
    params(("member" = String, Path, description = "`n4` or `4`"), v1::ChangeQuery),
    responses(
        (status = 200, description = "Done, or what would be done", body = v1::MemberChange),
        (status = 409, description = "`unsafe_change`, `membership_busy`", body = Document),
    )
)]
pub(crate) async fn remove(call: Call) -> Result<Reply, Problem> {
    let id = member_in_path(&call)?;
    change(&call, MemberChange::Remove { id }).await
}

/// Put a new node in the place of a lost one, in one change.
#[utoipa::path(
    post, path = "/v1/cluster/members/-/replace", tag = "cluster", operation_id = "replace_member",
    params(v1::ChangeQuery),
    request_body = v1::ReplaceRequest,
    responses(
        (status = 200, description = "Done, or what would be done", body = v1::MemberChange),
        (status = 409, description = "`unsafe_change`, `membership_busy`", body = Document),
    )
)]
pub(crate) async fn replace(call: Call) -> Result<Reply, Problem> {
    let request: v1::ReplaceRequest = call.json()?;
    addresses(&request.peer, &request.api)?;
    let (old, new) = (member(&request.old)?, member(&request.new)?);
    let replaced = MemberChange::Replace {
        old,
        new,
        peer: request.peer,
        api: request.api,
    };
    change(&call, replaced).await
}

/// Hand leadership to a member, or to the one that is most up to date.
#[utoipa::path(
    post, path = "/v1/cluster/leader", tag = "cluster", operation_id = "transfer_leadership",
    request_body = v1::TransferRequest,
    responses(
        (status = 200, description = "Handed over", body = v1::Transfer),
        (status = 409, description = "`unsafe_change`: nobody can take over", body = Document),
        (status = 504, description = "`outcome_unknown`", body = Document),
    )
)]
pub(crate) async fn transfer(call: Call) -> Result<Reply, Problem> {
    let request: v1::TransferRequest = call.json_or_empty()?;
    let to = request.to.as_deref().map(member).transpose()?;
    let Some(from) = call.api.node.status().leader else {
        return Err(Problem::new(
            ErrorCode::NoLeader,
            "nobody leads who could hand over",
        ));
    };
    let report = call
        .api
        .node
        .transfer_leadership(to, call.time_left())
        .await?;
    Reply::ok(&v1::Transfer {
        from: v1::node_name(from),
        to: v1::node_name(report.leader),
        term: report.term,
        took_ms: as_ms(call.received.elapsed()),
    })
}
