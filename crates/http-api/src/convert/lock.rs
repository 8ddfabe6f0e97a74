//! Locks and claims.

use http_types::v1::locks as v1;
use raft_core::command::{ClaimPart, LockKind, LockMode, LockSettings};
use raft_core::ids::{ClaimId, LockName};
use raft_core::lock::{Claim, ClaimEnd, ClaimState, EndedClaim, Lock};
use raft_core::outcome::{ClaimReply, HolderSummary};
use raft_core::query::lock::{ClaimStatus, ClaimView, LockView};
use raft_core::state::State;

use crate::convert::{asking, fence, session};
use crate::error::Problem;
use crate::extract::path::claim_url;
use crate::forecast::Forecast;
use crate::limits::{HOLDERS_SHOWN_MAX, QUEUE_SHOWN_MAX};
use crate::millis::{left, rfc3339, since};

/// How many stand where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) position: u32,
    pub(crate) holders: u32,
    pub(crate) waiters: u32,
}

impl Counts {
    /// As the reply of a command says.
    pub(crate) fn of(reply: &ClaimReply) -> Counts {
        Counts {
            position: reply.position,
            holders: reply.holders,
            waiters: reply.waiters,
        }
    }

    /// As a query says.
    pub(crate) fn of_view(view: &ClaimView<'_>) -> Counts {
        Counts {
            position: view.position,
            holders: view.holders,
            waiters: view.waiters,
        }
    }
}

/// A mode, outward: the word, and the permits.
pub(crate) fn mode(mode: LockMode) -> (v1::Mode, Option<u32>) {
    match mode {
        LockMode::Exclusive => (v1::Mode::Exclusive, None),
        LockMode::Shared => (v1::Mode::Shared, None),
        LockMode::Permits(permits) => (v1::Mode::Permits, Some(permits)),
    }
}

/// A mode, inward.
///
/// # Errors
/// When word and permits contradict each other.
pub(crate) fn mode_in(mode: Option<v1::Mode>, permits: Option<u32>) -> Result<LockMode, Problem> {
    match (mode, permits) {
        (None | Some(v1::Mode::Exclusive), None) => Ok(LockMode::Exclusive),
        (Some(v1::Mode::Shared), None) => Ok(LockMode::Shared),
        (None | Some(v1::Mode::Permits), Some(permits)) => Ok(LockMode::Permits(permits)),
        (Some(v1::Mode::Permits), None) => Ok(LockMode::Permits(1)),
        (Some(v1::Mode::Exclusive | v1::Mode::Shared), Some(_)) => Err(Problem::bad_request(
            "permits belong to mode \"permits\" only",
        )),
    }
}

/// One of several locks that are claimed together, as a request names it.
pub(crate) fn part_in(part: &v1::ClaimPart) -> Result<ClaimPart, Problem> {
    Ok(ClaimPart {
        lock: LockName::parse(&part.lock)?,
        mode: mode_in(part.mode, part.permits)?,
        limit: part.limit,
    })
}

/// A live claim; `safe_ms` where the request knows it.
pub(crate) fn claim(
    state: &State,
    wall_ms: u64,
    claim: &Claim,
    known: (Counts, Option<u64>),
) -> v1::Claim {
    let waits = !claim.is_held();
    let forecast = waits.then(|| Forecast::of(state, wall_ms, &claim.lock));
    claim_foreseen(state, wall_ms, claim, known, forecast.flatten().as_ref())
}

/// As [`claim`], with the forecast of its lock.
fn claim_foreseen(
    state: &State,
    wall_ms: u64,
    claim: &Claim,
    (counts, safe_ms): (Counts, Option<u64>),
    forecast: Option<&Forecast>,
) -> v1::Claim {
    let (mode, permits) = mode(claim.mode);
    let mut view = v1::Claim {
        lock: claim.lock.to_string(),
        claim: claim.id.to_string(),
        state: v1::ClaimState::Waiting,
        mode,
        permits,
        fence: fence::shown(claim.fence),
        session: session::label(state, claim.session),
        position: Some(counts.position),
        eta_ms: None,
        holders: counts.holders,
        queue_length: counts.waiters,
        queued_index: claim.queued.zxid.0,
        queued_at: rfc3339(claim.queued.wall),
        granted_index: None,
        granted_at: None,
        waited_ms: since(&claim.queued, wall_ms),
        held_ms: None,
        safe_ms: None,
        ttl_ms: claim.ttl_ms,
        expires_ms: None,
        wait_remaining_ms: None,
        ack_remaining_ms: None,
        owner: session::owner_of(state, claim.session),
        reason: claim.reason.clone(),
        labels: claim.labels.clone(),
        all_of: claim.all_of.iter().map(LockName::to_string).collect(),
        release_request: asked(claim, wall_ms),
        release: claim_url(&claim.lock, &claim.id),
    };
    match &claim.state {
        ClaimState::Waiting { deadline } => {
            // How long several queues take together is not what one of them tells.
            let forecast = forecast.filter(|_| claim.all_of.is_empty());
            view.eta_ms = forecast.map(|forecast| forecast.at(counts.position));
            view.wait_remaining_ms =
                deadline.map(|deadline| left(deadline, &claim.queued, wall_ms));
        }
        ClaimState::Held {
            granted,
            expires,
            acknowledge_by,
        } => {
            view.expires_ms = expires.map(|expires| left(expires, granted, wall_ms));
            view.state = v1::ClaimState::Held;
            view.position = None;
            view.granted_index = Some(granted.zxid.0);
            view.granted_at = Some(rfc3339(granted.wall));
            view.waited_ms = granted.log_time.0.saturating_sub(claim.queued.log_time.0);
            view.held_ms = Some(since(granted, wall_ms));
            view.safe_ms = safe_ms;
            view.ack_remaining_ms = acknowledge_by.map(|by| left(by, granted, wall_ms));
        }
    }
    view
}

/// That somebody asked for its release.
pub(crate) fn asked(claim: &Claim, wall_ms: u64) -> Option<v1::ReleaseRequest> {
    let request = claim.release_request.as_deref();
    request.map(|request| asking::release_request(request, wall_ms))
}

/// As [`claim`], with the counts looked up and nothing known of safety.
pub(crate) fn claim_standing(state: &State, wall_ms: u64, live: &Claim) -> v1::Claim {
    let counts = match state.claim(&live.lock, &live.id) {
        ClaimStatus::Live(view) => Counts::of_view(&view),
        ClaimStatus::Ended(_) | ClaimStatus::Unknown => Counts {
            position: 0,
            holders: 0,
            waiters: 0,
        },
    };
    claim(state, wall_ms, live, (counts, None))
}

/// Shows a hold under the id it was asked for: a re-entry shares the hold of another id.
pub(crate) fn under(mut view: v1::Claim, lock: &LockName, id: &ClaimId) -> v1::Claim {
    view.claim = id.to_string();
    view.release = claim_url(lock, id);
    view
}

/// How a claim ended.
pub(crate) fn ended(state: &State, ended: &EndedClaim) -> v1::EndedClaim {
    v1::EndedClaim {
        lock: ended.lock.to_string(),
        claim: ended.id.to_string(),
        state: end(ended.end),
        fence: fence::shown(ended.fence),
        held: ended.held,
        session: session::label(state, ended.session),
        ended_index: ended.ended.zxid.0,
        ended_at: rfc3339(ended.ended.wall),
        reason: ended.reason.clone(),
    }
}

/// The way a claim ended.
pub(crate) fn end(end: ClaimEnd) -> v1::ClaimEnd {
    match end {
        ClaimEnd::Released => v1::ClaimEnd::Released,
        ClaimEnd::Left => v1::ClaimEnd::Left,
        ClaimEnd::WaitElapsed => v1::ClaimEnd::WaitElapsed,
        ClaimEnd::Expired => v1::ClaimEnd::Expired,
        ClaimEnd::Abandoned => v1::ClaimEnd::Abandoned,
        ClaimEnd::Broken => v1::ClaimEnd::Broken,
        ClaimEnd::SessionClosed => v1::ClaimEnd::SessionClosed,
        ClaimEnd::SessionExpired => v1::ClaimEnd::SessionExpired,
        ClaimEnd::ZnodeDeleted => v1::ClaimEnd::NodeDeleted,
    }
}

/// Somebody who has the lock.
pub(crate) fn holder(state: &State, wall_ms: u64, claim: &Claim) -> v1::Holder {
    let (mode, permits) = mode(claim.mode);
    let (held_ms, expires_ms) = match &claim.state {
        ClaimState::Waiting { .. } => (None, None),
        ClaimState::Held {
            granted, expires, ..
        } => (
            Some(since(granted, wall_ms)),
            expires.map(|expires| left(expires, granted, wall_ms)),
        ),
    };
    v1::Holder {
        claim: claim.id.to_string(),
        session: session::label(state, claim.session),
        fence: fence::shown(claim.fence),
        mode,
        permits,
        owner: session::owner_of(state, claim.session),
        held_ms,
        expires_ms,
        reason: claim.reason.clone(),
        release_request: asked(claim, wall_ms),
    }
}

/// As [`holder`], from what a refusal carries; the state adds what it still knows.
pub(crate) fn holder_of_summary(
    state: &State,
    wall_ms: u64,
    (lock, summary): (&LockName, &HolderSummary),
) -> v1::Holder {
    if let Ok(claim) = state.verify(lock, summary.fence) {
        return holder(state, wall_ms, claim);
    }
    let (mode, permits) = mode(summary.mode);
    v1::Holder {
        claim: summary.claim.to_string(),
        session: session::label(state, summary.session),
        fence: fence::shown(summary.fence),
        mode,
        permits,
        owner: session::owner_of(state, summary.session),
        held_ms: None,
        expires_ms: None,
        reason: None,
        release_request: None,
    }
}

/// Settings, outward.
pub(crate) fn settings(settings: &LockSettings) -> v1::LockSettings {
    let (kind, limit) = kind(settings.kind);
    v1::LockSettings {
        kind,
        limit,
        lock_delay_ms: settings.lock_delay_ms,
        max_hold_ms: settings.max_hold_ms,
        max_waiters: settings.max_waiters,
        labels: settings.labels.clone(),
    }
}

fn kind(kind: LockKind) -> (v1::LockKind, Option<u32>) {
    match kind {
        LockKind::Mutex => (v1::LockKind::Mutex, None),
        LockKind::ReadWrite => (v1::LockKind::Rw, None),
        LockKind::Semaphore { limit } => (v1::LockKind::Semaphore, Some(limit)),
    }
}

/// Settings, inward.
///
/// # Errors
/// When kind and limit contradict each other.
pub(crate) fn settings_in(request: v1::LockSettingsRequest) -> Result<LockSettings, Problem> {
    let kind = match (request.kind, request.limit) {
        (v1::LockKind::Mutex, None) => LockKind::Mutex,
        (v1::LockKind::Rw, None) => LockKind::ReadWrite,
        (v1::LockKind::Semaphore, Some(limit)) => LockKind::Semaphore { limit },
        (v1::LockKind::Semaphore, None) => {
            return Err(Problem::bad_request("a semaphore needs its limit"));
        }
        (v1::LockKind::Mutex | v1::LockKind::Rw, Some(_)) => {
            return Err(Problem::bad_request(
                "a limit belongs to kind \"semaphore\" only",
            ));
        }
    };
    Ok(LockSettings {
        kind,
        lock_delay_ms: request.lock_delay.unwrap_or_default().as_millis(),
        max_hold_ms: request.max_hold.map(|d| d.as_millis()),
        max_waiters: request.max_waiters,
        labels: request.labels,
    })
}

/// Whether a lock can be had.
pub(crate) fn lock_state(lock: &Lock, is_delayed: bool) -> v1::LockState {
    if lock.holders > 0 {
        v1::LockState::Held
    } else if is_delayed {
        v1::LockState::Delayed
    } else {
        v1::LockState::Free
    }
}

/// A lock with its holders.
pub(crate) fn lock(state: &State, wall_ms: u64, name: &LockName, view: &LockView<'_>) -> v1::Lock {
    let shown = view.holders.iter().take(HOLDERS_SHOWN_MAX);
    v1::Lock {
        lock: name.to_string(),
        state: lock_state(&view.lock, view.delayed_ms.is_some()),
        settings: view.lock.settings.as_ref().map(settings),
        version: version(view),
        agreed_limit: view.lock.agreed_limit,
        holders: shown.map(|claim| holder(state, wall_ms, claim)).collect(),
        holder_count: view.lock.holders,
        queue_length: view.lock.waiters,
        delayed_ms: view.delayed_ms,
    }
}

/// Version of the lock's znode, which its settings are changed against.
pub(crate) fn version(view: &LockView<'_>) -> i32 {
    view.stat.map_or(0, |stat| stat.version)
}

/// Whether a lock can be had now.
pub(crate) fn state_of(state: &State, lock: &Lock) -> v1::LockState {
    let is_delayed = lock
        .delayed_until
        .is_some_and(|until| until > state.log_time());
    lock_state(lock, is_delayed)
}

/// One row of a listing.
pub(crate) fn summary(
    state: &State,
    wall_ms: u64,
    name: &LockName,
    lock: &Lock,
) -> v1::LockSummary {
    let first = state.holders(name, 1).first().copied();
    let kind = match (&lock.settings, lock.agreed_limit) {
        (Some(settings), _) => kind(settings.kind).0,
        (None, Some(_)) => v1::LockKind::Semaphore,
        (None, None) => v1::LockKind::Rw,
    };
    v1::LockSummary {
        lock: name.to_string(),
        state: state_of(state, lock),
        kind,
        holder_count: lock.holders,
        queue_length: lock.waiters,
        holder: first.map(|claim| holder(state, wall_ms, claim)),
    }
}

/// The first holders, and with them the first waiters.
pub(crate) fn queue(
    state: &State,
    wall_ms: u64,
    (name, lock): (&LockName, &Lock),
    waiters: Vec<&Claim>,
) -> v1::Queue {
    let counts = |position| Counts {
        position,
        holders: lock.holders,
        waiters: lock.waiters,
    };
    let place = |index: usize| u32::try_from(index.saturating_add(1)).unwrap_or(u32::MAX);
    let holders = state.holders(name, QUEUE_SHOWN_MAX);
    let forecast = Forecast::of(state, wall_ms, name);
    let forecast = forecast.as_ref();
    v1::Queue {
        lock: name.to_string(),
        holders: holders
            .into_iter()
            .map(|held| claim_foreseen(state, wall_ms, held, (counts(0), None), forecast))
            .collect(),
        waiters: waiters
            .into_iter()
            .enumerate()
            .map(|(at, waiting)| {
                let known = (counts(place(at)), None);
                claim_foreseen(state, wall_ms, waiting, known, forecast)
            })
            .collect(),
        holder_count: lock.holders,
        queue_length: lock.waiters,
    }
}
