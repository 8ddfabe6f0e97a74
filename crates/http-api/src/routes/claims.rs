//! `/v1/locks/{lock}/-/claims/{claim}`, the one-line form `POST /v1/locks/{lock}`, and several locks at once
//! (`POST /v1/claims`).

use std::time::Duration;

use http_types::problem::Problem as Document;
use http_types::v1::locks as v1;
use node::ClaimStanding;
use raft_core::command::{Acquire, AcquireAll, ClaimPart, ClaimSession, Command, IdempotencyKey};
use raft_core::ids::{ClaimId, LockName};
use raft_core::outcome::{ClaimReply, Refusal, Reply as Replied};
use raft_core::query::lock::ClaimStatus;
use xxhash_rust::xxh3::xxh3_64;

use crate::call::Call;
use crate::convert::lock::{self, Counts};
use crate::error::{Check, Problem};
use crate::extract::path::claim_url;
use crate::keeper::Keeper;
use crate::reply::Reply;
use crate::routes::acquisition::Acquisition;

/// How much longer than the claim may queue a request waits, so that it hears of the end.
const END_OF_WAIT: Duration = Duration::from_secs(2);

/// Stand in the queue, or ask how the claim of this id stands. Repeating it changes nothing.
///
/// With `Prefer: wait=30` the request is answered when the claim holds or has ended, or after that
/// time with 202. While it waits, the session it names is renewed.
#[utoipa::path(
    put, path = "/v1/locks/{lock}/-/claims/{claim}", tag = "locks", operation_id = "acquire",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        ("claim" = String, Path, description = "Id of the claim, chosen by the client"),
        ("Holdfast-Session" = Option<String>, Header, description = "The owning session; without one the claim lives by its own `ttl`"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long this request may wait"),
    ),
    request_body = v1::AcquireRequest,
    responses(
        (status = 200, description = "It holds, as an earlier request found", body = v1::Claim),
        (status = 201, description = "It holds now", body = v1::Claim),
        (status = 202, description = "It waits in the queue", body = v1::Claim),
        (status = 409, description = "`claim_mismatch`, `lock_mode_mismatch`, `deadlock`", body = Document),
        (status = 410, description = "`claim_ended`, `session_expired`", body = Document),
        (status = 423, description = "`lock_held`", body = Document),
    )
)]
pub(crate) async fn acquire(call: Call) -> Result<Reply, Problem> {
    let (lock, claim) = (call.lock()?, call.claim()?);
    let request: v1::AcquireRequest = call.json_or_empty()?;
    let session = match call.session {
        Some(_) => ClaimSession::Acting,
        None => ClaimSession::Implicit,
    };
    let tries_once = session == ClaimSession::Implicit;
    let acquire = Acquire {
        mode: lock::mode_in(request.mode, request.permits)?,
        limit: request.limit,
        session,
        wait_ms: request
            .wait
            .map(|wait| wait.as_millis())
            .or(tries_once.then_some(0)),
        ttl_ms: request.ttl.map(|ttl| ttl.as_millis()),
        ack_within_ms: request.ack_within.map(|within| within.as_millis()),
        reentrant: request.reentrant,
        reason: request.reason,
        labels: request.labels,
        lock,
        claim,
    };
    let wait = call.wait().unwrap_or_default();
    Acquisition::of_one(&call, acquire).run(wait).await
}

/// One line for shells: the server makes the claim id and a session for this claim alone.
///
/// The request waits as long as `wait` says. With an `Idempotency-Key` it can be repeated.
#[utoipa::path(
    post, path = "/v1/locks/{lock}", tag = "locks", operation_id = "acquire_one_line",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        v1::AcquireQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    responses(
        (status = 201, description = "It holds", body = v1::Claim),
        (status = 202, description = "It waits in the queue", body = v1::Claim),
        (status = 423, description = "`lock_held`", body = Document),
    )
)]
pub(crate) async fn acquire_one_line(call: Call) -> Result<Reply, Problem> {
    let lock = call.lock()?;
    let query: v1::AcquireQuery = call.query()?;
    let claim = match call.idempotency()? {
        Some(key) => claim_id_of(&lock, &key),
        None => call.api.random_id("k"),
    };
    let wait = query.wait.unwrap_or_default();
    let acquire = Acquire {
        mode: lock::mode_in(query.mode, query.permits)?,
        limit: query.limit,
        session: ClaimSession::Implicit,
        wait_ms: Some(wait.as_millis()),
        ttl_ms: query.ttl.map(|ttl| ttl.as_millis()),
        ack_within_ms: query.ack_within.map(|within| within.as_millis()),
        reentrant: false,
        reason: query.reason,
        labels: std::collections::BTreeMap::new(),
        claim: ClaimId::parse(&claim)?,
        lock,
    };
    let patience = if wait.as_millis() == 0 {
        Duration::ZERO
    } else {
        wait.as_duration()
            .saturating_add(END_OF_WAIT)
            .min(call.api.settings.wait_max)
    };
    let wait = call.wait().unwrap_or(patience);
    Acquisition::of_one(&call, acquire).run(wait).await
}

/// Stand in the queues of several locks, and have all of them or none.
///
/// The claim is granted when it is the first in each of the queues and fits beside those who hold; until then it
/// holds nothing, and those behind it wait. It ends as a whole, by whichever of its locks it is released, broken
/// or expires. Repeating it with the same `id` changes nothing and says how it stands; with `Prefer: wait=30` it is
/// answered when the claim holds or has ended, or after that time with 202.
#[utoipa::path(
    post, path = "/v1/claims", tag = "locks", operation_id = "acquire_all",
    params(
        ("Holdfast-Session" = Option<String>, Header, description = "The owning session; without one the claim lives by its own `ttl`"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long this request may wait"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a request without `id` repeatable"),
    ),
    request_body = v1::AcquireAllRequest,
    responses(
        (status = 200, description = "It holds all of them, as an earlier request found", body = v1::Claims),
        (status = 201, description = "It holds all of them now", body = v1::Claims),
        (status = 202, description = "It waits in the queues and holds none", body = v1::Claims),
        (status = 409, description = "`claim_mismatch`, `lock_mode_mismatch`, `deadlock`", body = Document),
        (status = 410, description = "`claim_ended`, `session_expired`", body = Document),
        (status = 423, description = "`lock_held`", body = Document),
    )
)]
pub(crate) async fn acquire_all(call: Call) -> Result<Reply, Problem> {
    let request: v1::AcquireAllRequest = call.json()?;
    let parts = request.all_of.iter().map(lock::part_in);
    let all_of = parts.collect::<Result<Vec<ClaimPart>, _>>()?;
    let first = all_of.iter().map(|part| part.lock.clone()).min();
    let first = first.ok_or_else(|| {
        Problem::bad_request("`all_of` names no lock: name those that are wanted together")
    })?;
    let is_named = request.id.is_some();
    let claim = match (request.id, call.idempotency()?) {
        (Some(id), _) => id,
        (None, Some(key)) => claim_id_of(&first, &key),
        (None, None) => call.api.random_id("m"),
    };
    let session = match call.session {
        Some(_) => ClaimSession::Acting,
        None => ClaimSession::Implicit,
    };
    let tries_once = session == ClaimSession::Implicit;
    let ask = AcquireAll {
        claim: ClaimId::parse(&claim)?,
        all_of,
        session,
        wait_ms: request
            .wait
            .map(|wait| wait.as_millis())
            .or(tries_once.then_some(0)),
        ttl_ms: request.ttl.map(|ttl| ttl.as_millis()),
        ack_within_ms: request.ack_within.map(|within| within.as_millis()),
        reason: request.reason,
        labels: request.labels,
    };
    let wait = call.wait().unwrap_or_default();
    Acquisition::of_all(&call, (first, is_named), ask)
        .run(wait)
        .await
}

/// The same key names the same claim, so that a retry that overtakes the first attempt, or comes
/// after its answer was forgotten, finds it.
fn claim_id_of(lock: &LockName, key: &IdempotencyKey) -> String {
    format!(
        "k_{:016x}",
        xxh3_64(format!("{lock}\0{}", key.key).as_bytes())
    )
}

/// Do I hold it? Says where the claim stands; with `Prefer: wait=30` waits for it to hold or end.
#[utoipa::path(
    get, path = "/v1/locks/{lock}/-/claims/{claim}", tag = "locks", operation_id = "claim",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        ("claim" = String, Path, description = "Id of the claim"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long this request may wait"),
    ),
    responses(
        (status = 200, description = "It holds or waits", body = v1::Claim),
        (status = 404, description = "`no_claim`: never seen, or long forgotten", body = Document),
        (status = 410, description = "`claim_ended`", body = Document),
    )
)]
pub(crate) async fn claim(call: Call) -> Result<Reply, Problem> {
    let (lock, claim) = (call.lock()?, call.claim()?);
    let answer = call
        .read(|state| Ok(standing_of(state, &lock, &claim)))
        .await?;
    let mut keeper = Keeper::of(&call);
    let (standing, zxid) = match (call.wait(), answer.value) {
        (Some(wait), ClaimStanding::Live(waiting)) if !waiting.claim.is_held() => {
            let waited = call.api.node.await_claim(&lock, &claim, wait);
            let waited = call.unless_stopping(keeper.during(waited)).await;
            let stopping = || Problem::from(node::ReadError::ShuttingDown);
            waited.ok_or_else(stopping)?
        }
        (_, standing) => (standing, answer.zxid),
    };
    match standing {
        ClaimStanding::Live(reply) => {
            let safe_ms = keeper.safe_hold(&reply.claim, None).await;
            let reply = Reply::ok(&view(&call, (&lock, &claim), &reply, safe_ms))?;
            Ok(reply.at(zxid).aged(answer.age))
        }
        ClaimStanding::Ended(ended) => {
            Err(call.refused(&Refusal::ClaimEnded(ended)).at_index(zxid))
        }
        ClaimStanding::Unknown => Err(call
            .refused(&Refusal::NoClaim { lock, claim })
            .at_index(zxid)),
    }
}

/// Give a hold more time from now, or another reason.
#[utoipa::path(
    patch, path = "/v1/locks/{lock}/-/claims/{claim}", tag = "locks", operation_id = "extend",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        ("claim" = String, Path, description = "Id of the claim"),
    ),
    request_body = v1::ExtendRequest,
    responses(
        (status = 200, description = "As it is now", body = v1::Claim),
        (status = 404, description = "`no_claim`", body = Document),
        (status = 409, description = "`not_owner`, `not_holder`", body = Document),
        (status = 410, description = "`claim_ended`", body = Document),
    )
)]
pub(crate) async fn extend(call: Call) -> Result<Reply, Problem> {
    let (lock, claim) = (call.lock()?, call.claim()?);
    let request: v1::ExtendRequest = call.json()?;
    let command = Command::ExtendClaim {
        lock: lock.clone(),
        claim: claim.clone(),
        ttl_ms: request.ttl.map(|ttl| ttl.as_millis()),
        reason: request.reason,
    };
    let mut keeper = Keeper::of(&call);
    let check = Check::or_repeat(claim_url(&lock, &claim));
    let done = keeper.during(call.propose(command, check)).await?;
    let Replied::Claim(reply) = done.reply else {
        return Err(unexpected("extend"));
    };
    let safe_ms = keeper
        .safe_hold(&reply.claim, Some(done.moment.log_time))
        .await;
    Ok(Reply::ok(&view(&call, (&lock, &claim), &reply, safe_ms))?.at(done.moment.zxid))
}

/// Release the lock, or leave the queue. Repeating it gives the same answer for 15 minutes.
#[utoipa::path(
    delete, path = "/v1/locks/{lock}/-/claims/{claim}", tag = "locks", operation_id = "release",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        ("claim" = String, Path, description = "Id of the claim"),
    ),
    responses(
        (status = 200, description = "It has ended by its owner's wish", body = v1::EndedClaim),
        (status = 404, description = "`no_claim`", body = Document),
        (status = 409, description = "`not_owner`", body = Document),
        (status = 410, description = "`claim_ended` otherwise: its owner worked unprotected", body = Document),
    )
)]
pub(crate) async fn release(call: Call) -> Result<Reply, Problem> {
    let (lock, claim) = (call.lock()?, call.claim()?);
    let check = Check::or_repeat(claim_url(&lock, &claim));
    let command = Command::ReleaseClaim {
        lock: lock.clone(),
        claim: claim.clone(),
    };
    let done = call.propose(command, check).await?;
    if let Replied::ClaimEnded(ended) = &done.reply {
        let view = call.api.node.peek(|state| lock::ended(state, ended));
        return Ok(Reply::ok(&view)?.at(done.moment.zxid));
    }
    // One of several re-entries: the hold goes on under the others.
    let Replied::Claim(reply) = &done.reply else {
        return Err(unexpected("release"));
    };
    let view = view(&call, (&lock, &claim), reply, None);
    Ok(Reply::ok(&view)?.at(done.moment.zxid))
}

pub(super) fn unexpected(command: &str) -> Problem {
    Problem::internal(&format!("{command} was answered with something else"))
}

pub(super) fn view(
    call: &Call,
    (lock, id): (&LockName, &ClaimId),
    reply: &ClaimReply,
    safe_ms: Option<u64>,
) -> v1::Claim {
    let wall_ms = call.api.wall_ms();
    let known = (Counts::of(reply), safe_ms);
    let view = call
        .api
        .node
        .peek(|state| lock::claim(state, wall_ms, &reply.claim, known));
    lock::under(view, lock, id)
}

fn standing_of(state: &raft_core::state::State, lock: &LockName, claim: &ClaimId) -> ClaimStanding {
    match state.claim(lock, claim) {
        ClaimStatus::Live(view) => ClaimStanding::Live(Box::new(ClaimReply {
            claim: view.claim.clone(),
            created: false,
            position: view.position,
            holders: view.holders,
            waiters: view.waiters,
        })),
        ClaimStatus::Ended(ended) => ClaimStanding::Ended(Box::new(ended.clone())),
        ClaimStatus::Unknown => ClaimStanding::Unknown,
    }
}
