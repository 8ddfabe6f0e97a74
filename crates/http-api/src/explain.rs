//! Why a lock is as it is, in sentences: who has it, what is usual, what would free it.

use std::time::Duration;

use http_types::v1::locks::{
    Claim, Eta, Explanation, LockState, LockStatistics, Queue, ReleaseRequest,
};
use raft_core::acl::{self, Identity, Perms};
use raft_core::command::SessionRef;
use raft_core::history::History;
use raft_core::ids::{LockName, SessionId};
use raft_core::lock::Lock;
use raft_core::query::session::SessionStatus;
use raft_core::session::SessionKind;
use raft_core::state::State;

use crate::convert;
use crate::convert::lock::lock_state;
use crate::forecast::{FORECAST_HOLDS_MIN, Forecast};
use crate::limits::QUEUE_SHOWN_MAX;
use crate::millis::as_ms;

/// Waiters named one by one.
const WAITERS_NAMED: usize = 5;

/// Who asks about which lock.
pub(crate) struct Asked<'a> {
    pub(crate) state: &'a State,
    pub(crate) wall_ms: u64,
    pub(crate) name: &'a LockName,
    pub(crate) identities: &'a [Identity],
    /// How long ago a session was last heard of, where this node knows.
    pub(crate) contact: &'a (dyn Fn(SessionId) -> Option<Duration> + Sync),
}

/// The explanation of a lock.
pub(crate) fn explanation(asked: &Asked<'_>, lock: &Lock) -> Explanation {
    let Asked {
        state,
        wall_ms,
        name,
        ..
    } = *asked;
    let delayed_ms = state.lock(name).and_then(|view| view.delayed_ms);
    let waiters = state.queue(name, QUEUE_SHOWN_MAX);
    let queue = convert::lock::queue(state, wall_ms, (name, lock), waiters);
    let found = state.history(name).and_then(History::statistics);
    let statistics = found.as_ref().map(convert::history::statistics);
    let standing = lock_state(lock, delayed_ms.is_some());
    let forecast = Forecast::of(state, wall_ms, name).filter(|_| standing != LockState::Free);
    let eta_ms = forecast.map(|forecast| forecast.at(queue.queue_length.saturating_add(1)));
    let may_break = may_break(asked);

    let mut lines = vec![headline(standing, delayed_ms, &queue)];
    for (claim, held) in queue
        .holders
        .iter()
        .zip(state.holders(name, QUEUE_SHOWN_MAX))
    {
        lines.push(holder_line(claim));
        lines.extend(liveness_line(asked, held.session));
        lines.extend(claim.release_request.as_ref().map(asked_line));
    }
    lines.extend(statistics.as_ref().map(statistics_line));
    lines.push(match queue.queue_length {
        0 => "nobody waits".to_owned(),
        1 => "1 claim waits".to_owned(),
        many => format!("{many} claims wait"),
    });
    let waiting = queue.waiters.iter().take(WAITERS_NAMED).enumerate();
    lines.extend(waiting.map(|(at, claim)| waiter_line(at.saturating_add(1), claim)));
    Explanation {
        lock: queue.lock.clone(),
        state: standing,
        lines,
        advice: advice(lock, &queue, (eta_ms, may_break)),
        may_break,
        eta_ms,
        statistics,
        queue,
    }
}

/// As the command that breaks a hold checks it.
fn may_break(asked: &Asked<'_>) -> bool {
    let znode = asked.state.znode(&asked.name.znode());
    znode.is_some_and(|znode| acl::allows(&znode.acl, asked.identities, Perms::DELETE))
}

fn headline(state: LockState, delayed_ms: Option<u64>, queue: &Queue) -> String {
    let name = &queue.lock;
    match state {
        LockState::Free => match queue.waiters.first() {
            Some(first) => format!(
                "{name} is held by nobody; it is kept for the first that waits, which wants it together with {}",
                others(first)
            ),
            None => format!("{name} is free"),
        },
        LockState::Delayed => format!(
            "{name} is held by nobody and stays closed for {} more after an involuntary end",
            seconds(delayed_ms.unwrap_or(0))
        ),
        LockState::Held if queue.holder_count == 1 => format!("{name} is held"),
        LockState::Held => format!("{name} is held by {} claims", queue.holder_count),
    }
}

fn who(claim: &Claim) -> String {
    let owner = claim
        .owner
        .as_ref()
        .map(ToString::to_string)
        .filter(|owner| !owner.is_empty());
    let reason = claim
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(" {reason:?}"));
    match owner {
        Some(owner) => format!(
            "{owner}{reason} (claim {}, session {})",
            claim.claim, claim.session
        ),
        None => format!("claim {}{reason} of session {}", claim.claim, claim.session),
    }
}

fn holder_line(claim: &Claim) -> String {
    let since = claim.granted_at.as_deref().unwrap_or("an unknown time");
    let held = seconds(claim.held_ms.unwrap_or(0));
    format!(
        "held by {} since {since} ({held}), fence {}{}",
        who(claim),
        claim.fence,
        together(claim)
    )
}

/// The locks that are claimed together with this one.
fn others(claim: &Claim) -> String {
    let others = claim.all_of.iter().filter(|lock| **lock != claim.lock);
    others.map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn together(claim: &Claim) -> String {
    if claim.all_of.is_empty() {
        return String::new();
    }
    format!(", together with {}", others(claim))
}

/// When the holder was last heard of: only the leader knows.
fn liveness_line(asked: &Asked<'_>, session: SessionId) -> Option<String> {
    let SessionStatus::Live(session) = asked.state.session(&SessionRef::Id(session)) else {
        return None;
    };
    if session.kind == SessionKind::Implicit {
        return None;
    }
    let heard = (asked.contact)(session.id)?;
    Some(format!(
        "  its session was renewed {} ago; it may end after {} of silence",
        seconds(as_ms(heard)),
        seconds(session.timeout_ms)
    ))
}

fn asked_line(request: &ReleaseRequest) -> String {
    let answer = match request.needs_ms {
        Some(ms) => format!("it says it needs {} more", seconds(ms)),
        None => "it has not answered".to_owned(),
    };
    format!(
        "  asked to release by {} at {}, wanted in {} ({:?}); {answer}",
        request.who,
        request.asked_at,
        seconds(request.remaining_ms),
        request.reason
    )
}

fn statistics_line(of: &LockStatistics) -> String {
    format!(
        "usual: half of the last {} holds took up to {}, 95 % up to {}; waits {} and {} (since {})",
        of.holds,
        seconds(of.hold_ms.p50),
        seconds(of.hold_ms.p95),
        seconds(of.wait_ms.p50),
        seconds(of.wait_ms.p95),
        of.since
    )
}

fn waiter_line(place: usize, claim: &Claim) -> String {
    let eta = claim.eta_ms.map_or_else(String::new, |eta| {
        format!(", about {} more", seconds(eta.p50))
    });
    format!(
        "#{place} {} for {}{eta}{}",
        who(claim),
        seconds(claim.waited_ms),
        together(claim)
    )
}

fn advice(lock: &Lock, queue: &Queue, (eta, may_break): (Option<Eta>, bool)) -> Vec<String> {
    let Some(holder) = queue.holders.first() else {
        return Vec::new();
    };
    let mut advice = vec![freed_by(lock, holder), wait_for(eta)];
    advice.push(format!(
        "to ask for it: POST /v1/locks/{}/-/request-release with a reason and a deadline; the holder is told \
         and keeps the lock as long as it likes",
        queue.lock
    ));
    advice.push(if may_break {
        format!(
            "to free it by force: POST /v1/locks/{}/-/break with If-Match: \"f{}\" and a reason; the \
             holder is not asked and may still be working",
            queue.lock, holder.fence
        )
    } else {
        format!(
            "you may not free it by force: the access list of /locks/{} does not let you delete",
            queue.lock
        )
    });
    advice
}

/// What ends the hold without anybody's doing.
fn freed_by(lock: &Lock, holder: &Claim) -> String {
    let longest = lock.settings.as_ref().and_then(|s| s.max_hold_ms);
    let bound = match (holder.expires_ms, longest) {
        (Some(ms), None) => format!("at the latest in {}, unless it is extended", seconds(ms)),
        (Some(ms), Some(longest)) => format!(
            "at the latest in {}, or {} after its grant if it is extended",
            seconds(ms),
            seconds(longest)
        ),
        (None, _) => "no time bounds it".to_owned(),
    };
    format!(
        "it is freed when claim {} is released or session {} ends; {bound}",
        holder.claim, holder.session
    )
}

fn wait_for(eta: Option<Eta>) -> String {
    match eta {
        Some(Eta { p50, p95 }) => format!(
            "to wait: a claim that queues now gets it in about {}, {} if holds take long",
            seconds(p50),
            seconds(p95)
        ),
        None => format!(
            "to wait: how long is not known before {FORECAST_HOLDS_MIN} holds of this lock have ended"
        ),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1000.0)
}
