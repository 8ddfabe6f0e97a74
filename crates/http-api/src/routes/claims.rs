//! `/v1/locks/{lock}/-/claims/{claim}` and the one-line form `POST /v1/locks/{lock}`.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::locks as v1;
use node::{AcquireOutcome, ClaimStanding};
use raft_core::command::{Acquire, ClaimSession, Command, IdempotencyKey};
use raft_core::ids::{ClaimId, LockName, LogTime, Zxid};
use raft_core::lock::{Claim, ClaimEnd, ClaimState, EndedClaim};
use raft_core::outcome::{ClaimReply, HolderSummary, Outcome, Refusal, Reply as Replied};
use raft_core::query::ClaimStatus;
use xxhash_rust::xxh3::xxh3_64;

use crate::call::{Call, Done};
use crate::convert::lock::{self, Counts};
use crate::error::{Check, Problem};
use crate::extract::path::claim_url;
use crate::keeper::Keeper;
use crate::limits::HOLDERS_SHOWN_MAX;
use crate::reply::Reply;

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
        wait_ms: request.wait.map(|wait| wait.as_millis()).or(tries_once.then_some(0)),
        ttl_ms: request.ttl.map(|ttl| ttl.as_millis()),
        ack_within_ms: request.ack_within.map(|within| within.as_millis()),
        reentrant: request.reentrant,
        reason: request.reason,
        labels: request.labels,
        lock,
        claim,
    };
    let wait = call.wait().unwrap_or_default();
    Acquisition::new(&call, acquire).run(wait).await
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
        wait.as_duration().saturating_add(END_OF_WAIT).min(call.api.settings.wait_max)
    };
    let wait = call.wait().unwrap_or(patience);
    Acquisition::new(&call, acquire).run(wait).await
}

/// The same key names the same claim, so that a retry that overtakes the first attempt, or comes
/// after its answer was forgotten, finds it.
fn claim_id_of(lock: &LockName, key: &IdempotencyKey) -> String {
    format!("k_{:016x}", xxh3_64(format!("{lock}\0{}", key.key).as_bytes()))
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
    let answer = call.read(|state| Ok(standing_of(state, &lock, &claim))).await?;
    let mut keeper = Keeper::of(&call);
    let (standing, zxid) = match (call.wait(), answer.value) {
        (Some(wait), ClaimStanding::Live(waiting)) if !waiting.claim.is_held() => {
            let waited = call.api.node.await_claim(&lock, &claim, wait);
            (keeper.during(waited).await, call.api.node.applied())
        }
        (_, standing) => (standing, answer.zxid),
    };
    match standing {
        ClaimStanding::Live(reply) => {
            let safe_ms = keeper.safe_hold(&reply.claim, None).await;
            let reply = Reply::ok(&view(&call, (&lock, &claim), &reply, safe_ms))?;
            Ok(reply.at(zxid).aged(answer.age))
        }
        ClaimStanding::Ended(ended) => Err(call.refused(&Refusal::ClaimEnded(ended)).at_index(zxid)),
        ClaimStanding::Unknown => {
            Err(call.refused(&Refusal::NoClaim { lock, claim }).at_index(zxid))
        }
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
    let Replied::Claim(reply) = done.reply else { return Err(unexpected("extend")) };
    let safe_ms = keeper.safe_hold(&reply.claim, Some(done.moment.log_time)).await;
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
    let command = Command::ReleaseClaim { lock: lock.clone(), claim: claim.clone() };
    let done = call.propose(command, check).await?;
    if let Replied::ClaimEnded(ended) = &done.reply {
        let view = call.api.node.peek(|state| lock::ended(state, ended));
        return Ok(Reply::ok(&view)?.at(done.moment.zxid));
    }
    // One of several re-entries: the hold goes on under the others.
    let Replied::Claim(reply) = &done.reply else { return Err(unexpected("release")) };
    let view = view(&call, (&lock, &claim), reply, None);
    Ok(Reply::ok(&view)?.at(done.moment.zxid))
}

fn unexpected(command: &str) -> Problem {
    Problem::internal(&format!("{command} was answered with something else"))
}

fn view(
    call: &Call,
    (lock, id): (&LockName, &ClaimId),
    reply: &ClaimReply,
    safe_ms: Option<u64>,
) -> v1::Claim {
    let wall_ms = call.api.wall_ms();
    let known = (Counts::of(reply), safe_ms);
    let view = call.api.node.peek(|state| lock::claim(state, wall_ms, &reply.claim, known));
    lock::under(view, lock, id)
}

fn standing_of(
    state: &raft_core::state::State,
    lock: &LockName,
    claim: &ClaimId,
) -> ClaimStanding {
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

/// One attempt to acquire.
struct Acquisition<'a> {
    call: &'a Call,
    acquire: Acquire,
}

/// What is known of a live claim after an attempt.
struct Standing {
    status: StatusCode,
    reply: Box<ClaimReply>,
    zxid: Zxid,
    /// A log time not before the request was sent.
    as_of: Option<LogTime>,
    replayed: bool,
}

impl<'a> Acquisition<'a> {
    fn new(call: &'a Call, acquire: Acquire) -> Acquisition<'a> {
        Acquisition { call, acquire }
    }

    async fn run(self, wait: Duration) -> Result<Reply, Problem> {
        let call = self.call;
        let draft = call.draft(Command::Acquire(self.acquire.clone()))?;
        let url = claim_url(&self.acquire.lock, &self.acquire.claim);
        let is_repeatable = call.method == Method::PUT || draft.idempotency.is_some();
        let check = Check::at(url).repeatable_if(is_repeatable);
        let mut keeper = Keeper::of(call);
        let outcome = keeper.during(call.api.node.acquire(draft, wait, call.time_left())).await;
        let outcome = outcome.map_err(|error| Problem::of_propose(error, check))?;
        let standing = match outcome {
            AcquireOutcome::Decided(outcome) => self.decided(outcome).await?,
            AcquireOutcome::Waiting(reply, zxid) => {
                let status = StatusCode::ACCEPTED;
                Standing { status, reply, zxid, as_of: None, replayed: false }
            }
            AcquireOutcome::Granted(reply, zxid) => {
                // It was granted while this request waited, so after it was sent.
                let as_of = granted_at(&reply.claim);
                Standing { status: StatusCode::CREATED, reply, zxid, as_of, replayed: false }
            }
            AcquireOutcome::Ended(ended, zxid) => return Err(self.ended(ended).at_index(zxid)),
        };
        self.answer(standing, &mut keeper, wait).await
    }

    async fn decided(&self, outcome: Outcome) -> Result<Standing, Problem> {
        let Done { reply, moment, replayed } = self.call.done(outcome)?;
        let Replied::Claim(reply) = reply else { return Err(unexpected("acquire")) };
        if replayed {
            return self.replayed(moment.zxid).await;
        }
        let status = match (reply.claim.is_held(), reply.created) {
            (true, true) => StatusCode::CREATED,
            (true, false) => StatusCode::OK,
            (false, _) => StatusCode::ACCEPTED,
        };
        let as_of = Some(moment.log_time);
        Ok(Standing { status, reply, zxid: moment.zxid, as_of, replayed })
    }

    /// The remembered answer says how the claim stood once; what counts is how it stands.
    async fn replayed(&self, zxid: Zxid) -> Result<Standing, Problem> {
        let Acquire { lock, claim, .. } = &self.acquire;
        let standing = self.call.api.node.await_claim(lock, claim, Duration::ZERO).await;
        match standing {
            ClaimStanding::Live(reply) => {
                let held = reply.claim.is_held();
                let status = if held { StatusCode::OK } else { StatusCode::ACCEPTED };
                Ok(Standing { status, reply, zxid, as_of: None, replayed: true })
            }
            ClaimStanding::Ended(ended) => Err(self.ended(ended)),
            ClaimStanding::Unknown => Err(Problem::new(
                ErrorCode::ClaimEnded,
                "the claim made under this idempotency key has ended and is forgotten",
            )),
        }
    }

    /// The wait was over before its turn: the lock is held. Every other end is told as it is.
    fn ended(&self, ended: Box<EndedClaim>) -> Problem {
        if ended.end != ClaimEnd::WaitElapsed || ended.held {
            return self.call.refused(&Refusal::ClaimEnded(ended));
        }
        let refusal = self.call.api.node.peek(|state| {
            let holders = state.holders(&ended.lock, HOLDERS_SHOWN_MAX);
            let view = state.lock(&ended.lock);
            Refusal::LockHeld {
                lock: ended.lock.clone(),
                holders: holders.into_iter().map(summary_of).collect(),
                waiters: view.as_ref().map_or(0, |view| view.lock.waiters),
                delayed_ms: view.and_then(|view| view.delayed_ms),
            }
        });
        self.call.refused(&refusal)
    }

    async fn answer(
        self,
        standing: Standing,
        keeper: &mut Keeper,
        wait: Duration,
    ) -> Result<Reply, Problem> {
        let Acquire { lock, claim, .. } = &self.acquire;
        let Standing { status, reply, zxid, as_of, replayed } = standing;
        let safe_ms = keeper.safe_hold(&reply.claim, as_of).await;
        let view = view(self.call, (lock, claim), &reply, safe_ms);
        let mut answer = Reply::json(status, &view)?
            .at(zxid)
            .location(&claim_url(lock, claim))
            .replayed(replayed);
        if self.call.prefer.wait.is_some() {
            answer = answer.preferred(&format!("wait={}", wait.as_secs()));
        }
        Ok(answer)
    }
}

fn granted_at(claim: &Claim) -> Option<LogTime> {
    match &claim.state {
        ClaimState::Held { granted, .. } => Some(granted.log_time),
        ClaimState::Waiting { .. } => None,
    }
}

fn summary_of(claim: &Claim) -> HolderSummary {
    HolderSummary {
        claim: claim.id.clone(),
        session: claim.session,
        fence: claim.fence,
        mode: claim.mode,
    }
}
