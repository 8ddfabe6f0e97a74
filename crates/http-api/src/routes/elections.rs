//! `/v1/elections` and `/v1/elections/{election}`: who leads, and handing over.

use axum::http::StatusCode;
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::elections as v1;
use raft_core::command::{Command, TransferLeadership};
use raft_core::ids::{CandidateId, ElectionName, Term};
use raft_core::outcome::{Refusal, Reply as Replied};
use raft_core::state::State;
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3;

use crate::call::Call;
use crate::change;
use crate::convert::{election, event};
use crate::error::{Check, Problem, problem_of};
use crate::extract::headers::IfNoneMatch;
use crate::limits::{PAGE_DEFAULT, PAGE_MAX, STANDBY_SHOWN_MAX};
use crate::reply::Reply;

/// Elections with candidates, in order of name.
#[utoipa::path(
    get, path = "/v1/elections", tag = "elections", operation_id = "elections",
    params(v1::ElectionsQuery),
    responses((status = 200, description = "A page of them", body = v1::ElectionList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let query: v1::ElectionsQuery = call.query()?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let after = query
        .after
        .as_deref()
        .map(ElectionName::parse)
        .transpose()?;
    let prefix = query.prefix.as_deref().unwrap_or_default();
    let wall_ms = call.api.wall_ms();
    let read = |state: &State| {
        // One more than shown says whether there is a next page.
        let mut found = state.elections(prefix, after.as_ref(), limit.saturating_add(1));
        let has_more = found.len() > limit;
        found.truncate(limit);
        let rows = found
            .iter()
            .map(|(name, record)| election::summary(state, wall_ms, (name, record)));
        let elections: Vec<v1::ElectionSummary> = rows.collect();
        let next = found
            .last()
            .filter(|_| has_more)
            .map(|(name, _)| name.to_string());
        Ok(v1::ElectionList { elections, next })
    };
    let answer = call.read(read).await?;
    let mut reply = Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age);
    if let Some(next) = &answer.value.next {
        let parameters = [
            ("prefix", query.prefix.clone()),
            ("limit", Some(limit.to_string())),
            ("after", Some(next.clone())),
        ];
        let url = paths::with_query("/v1/elections", &parameters);
        reply = reply.text("link", &format!("<{url}>; rel=\"next\""));
    }
    Ok(reply)
}

/// Who leads and who stands by. With `If-None-Match` and `Prefer: wait=60` waits for a change.
#[utoipa::path(
    get, path = "/v1/elections/{election}", tag = "elections", operation_id = "election",
    params(
        ("election" = String, Path, description = "Name of the election; may contain slashes"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag the reader has"),
        ("Prefer" = Option<String>, Header, description = "`wait=60`: how long to wait for a change"),
    ),
    responses(
        (status = 200, description = "As it is", body = v1::Election),
        (status = 304, description = "It did not change within the wait"),
        (status = 404, description = "`no_election`: nobody stands", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let name = call.election()?;
    let known = IfNoneMatch::from(&call.headers)?;
    let until = Instant::now() + call.wait().unwrap_or_default();
    let wall_ms = call.api.wall_ms();
    let answer = call.read(|state| shown(state, wall_ms, &name)).await?;
    let (view, etag) = answer.value;
    if !known.has(&etag) {
        return Ok(Reply::ok(&view)?
            .etag(&etag)
            .at(answer.zxid)
            .aged(answer.age));
    }
    let znode = name.znode();
    let concerns = |kind: &_| {
        let value = event::znode(kind).and_then(raft_core::ids::ZnodePath::parent);
        event::election(kind) == Some(&name) || value.as_ref() == Some(&znode)
    };
    let changed = change::wait_for(&call, until, concerns, |state| {
        let (view, etag) = shown(state, wall_ms, &name)?;
        Ok((!known.has(&etag)).then(|| (view, etag, state.last_zxid())))
    });
    match changed.await? {
        Some((view, etag, zxid)) => Ok(Reply::ok(&view)?.etag(&etag).at(zxid)),
        None => Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(&etag)),
    }
}

/// The election, and a hash of what a reader sees of it apart from the passing of time.
fn shown(
    state: &State,
    wall_ms: u64,
    name: &ElectionName,
) -> Result<(v1::Election, String), Problem> {
    let none = || {
        let election = name.clone();
        problem_of(state, wall_ms, &Refusal::NoElection { election })
    };
    let view = election::election(state, wall_ms, name).ok_or_else(none)?;
    let mut hash = Xxh3::new();
    for candidate in state.candidates(name, STANDBY_SHOWN_MAX.saturating_add(1)) {
        hash.update(&candidate.candidate.stands.zxid.0.to_le_bytes());
        hash.update(&candidate.candidate.weight.to_le_bytes());
        let written = candidate.znode.map_or(0, |znode| znode.mzxid.0);
        hash.update(&written.to_le_bytes());
        let transfer = candidate.election.transfer.as_ref();
        hash.update(
            &transfer
                .map_or(0, |transfer| transfer.asked.zxid.0)
                .to_le_bytes(),
        );
    }
    let etag = format!("\"t{}-{:016x}\"", view.term, hash.digest());
    Ok((view, etag))
}

/// Hand the leadership over to another candidate. The leader is told on its session's stream and has
/// until the deadline to finish and resign; then it is done without it, and it goes on as the last
/// candidate of its weight. Asking again replaces target and deadline.
#[utoipa::path(
    post, path = "/v1/elections/{election}/-/transfer", tag = "elections", operation_id = "hand_over",
    params(
        ("election" = String, Path, description = "Name of the election; may contain slashes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    request_body = v1::HandoverRequest,
    responses(
        (status = 200, description = "As it is now; `leader.transfer` while the leader has time", body = v1::Election),
        (status = 403, description = "`forbidden`: it takes the permission to delete below the election's znode", body = Document),
        (status = 404, description = "`no_election`, `no_candidate`", body = Document),
        (status = 412, description = "`term_stale`", body = Document),
    )
)]
pub(crate) async fn transfer(call: Call) -> Result<Reply, Problem> {
    let name = call.election()?;
    let request: v1::HandoverRequest = call.json()?;
    let command = Command::TransferLeadership(TransferLeadership {
        election: name.clone(),
        to: CandidateId::parse(&request.to)?,
        term: request.term.map(Term),
        within_ms: request.deadline.unwrap_or_default().as_millis(),
        reason: request.reason,
    });
    let check = Check::or_repeat(paths::election(name.as_str()));
    let done = call.propose(command, check).await?;
    let Replied::LeadershipTransfer(_) = done.reply else {
        return Err(Problem::internal(
            "transfer was answered with something else",
        ));
    };
    let wall_ms = call.api.wall_ms();
    let (view, etag) = call.api.node.peek(|state| shown(state, wall_ms, &name))?;
    Ok(Reply::ok(&view)?
        .etag(&etag)
        .at(done.moment.zxid)
        .replayed(done.replayed))
}
