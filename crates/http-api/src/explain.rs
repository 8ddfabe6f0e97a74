//! Why a lock is as it is, in sentences.

use http_types::v1::locks::{Claim, Explanation, LockState, Queue};
use raft_core::lock::Lock;

use crate::convert::lock::lock_state;

/// Waiters named one by one.
const WAITERS_NAMED: usize = 5;

/// The explanation of a lock whose queue is already converted.
pub(crate) fn explanation(lock: &Lock, delayed_ms: Option<u64>, queue: Queue) -> Explanation {
    let state = lock_state(lock, delayed_ms.is_some());
    let mut lines = vec![headline(state, delayed_ms, &queue)];
    lines.extend(queue.holders.iter().map(holder_line));
    lines.push(match queue.queue_length {
        0 => "nobody waits".to_owned(),
        1 => "1 claim waits".to_owned(),
        many => format!("{many} claims wait"),
    });
    let waiting = queue.waiters.iter().take(WAITERS_NAMED).enumerate();
    lines.extend(waiting.map(|(at, claim)| waiter_line(at.saturating_add(1), claim)));
    Explanation {
        lock: queue.lock.clone(),
        state,
        lines,
        advice: advice(&queue),
        queue,
    }
}

fn headline(state: LockState, delayed_ms: Option<u64>, queue: &Queue) -> String {
    let name = &queue.lock;
    match state {
        LockState::Free => format!("{name} is free"),
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
        "held by {} since {since} ({held}), fence {}",
        who(claim),
        claim.fence
    )
}

fn waiter_line(place: usize, claim: &Claim) -> String {
    format!("#{place} {} for {}", who(claim), seconds(claim.waited_ms))
}

fn advice(queue: &Queue) -> Vec<String> {
    let Some(holder) = queue.holders.first() else {
        return Vec::new();
    };
    vec![format!(
        "to free it by force: POST /v1/locks/{}/-/break with If-Match: \"f{}\" and a reason; the \
         holder is not asked and may still be working",
        queue.lock, holder.fence
    )]
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1000.0)
}
