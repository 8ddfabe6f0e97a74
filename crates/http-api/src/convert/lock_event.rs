//! Events about locks.

use http_types::v1::events as v1;
use raft_core::event::EventKind;
use raft_core::ids::{ClaimId, Fence, LockName, SessionId};
use raft_core::state::State;

use crate::convert::{asking, fence, lock, session};

struct Names<'a> {
    lock: &'a LockName,
    claim: &'a ClaimId,
    fence: Fence,
}

fn claim_event(state: &State, names: &Names<'_>, session: Option<SessionId>) -> v1::ClaimEvent {
    // An extension does not carry the owner; the claim does while it lives.
    let owner = session.or_else(|| {
        state
            .verify(names.lock, names.fence)
            .ok()
            .map(|claim| claim.session)
    });
    v1::ClaimEvent {
        lock: names.lock.to_string(),
        claim: names.claim.to_string(),
        fence: fence::shown(names.fence),
        session: owner.map_or_else(String::new, |id| session::label(state, id)),
    }
}

/// What an event about a lock tells; nothing of other events.
#[expect(
    clippy::too_many_lines,
    reason = "a flat match, one arm for each event"
)]
pub(crate) fn event(state: &State, kind: &EventKind) -> v1::EventKind {
    let named = |lock: &LockName, claim: &ClaimId, fence, session| {
        claim_event(state, &Names { lock, claim, fence }, session)
    };
    match kind {
        EventKind::ClaimQueued {
            lock,
            claim,
            fence,
            session,
            mode,
            position,
        } => {
            let claim = named(lock, claim, *fence, Some(*session));
            let (mode, permits) = lock::mode(*mode);
            v1::EventKind::LockQueued {
                claim,
                mode,
                permits,
                position: *position,
            }
        }
        EventKind::ClaimGranted {
            lock,
            claim,
            fence,
            session,
            mode,
            handed_over,
        } => {
            let claim = named(lock, claim, *fence, Some(*session));
            let (mode, permits) = lock::mode(*mode);
            v1::EventKind::LockGranted {
                claim,
                mode,
                permits,
                handed_over: *handed_over,
            }
        }
        EventKind::ClaimEnded {
            lock,
            claim,
            fence,
            session,
            held,
            end,
            reason,
        } => {
            let claim = named(lock, claim, *fence, Some(*session));
            let ended = v1::ClaimEndEvent {
                claim,
                state: lock::end(*end),
                reason: reason.clone(),
            };
            if *held {
                v1::EventKind::LockReleased(ended)
            } else {
                v1::EventKind::LockLeft(ended)
            }
        }
        EventKind::ClaimExtended { lock, claim, fence } => {
            v1::EventKind::LockExtended(named(lock, claim, *fence, None))
        }
        EventKind::ReleaseRequested {
            lock,
            claim,
            fence,
            session,
            who,
            within_ms,
            reason,
        } => asking::requested(
            named(lock, claim, *fence, Some(*session)),
            who,
            *within_ms,
            reason,
        ),
        EventKind::ReleaseAnswered {
            lock,
            claim,
            fence,
            session,
            needs_ms,
        } => v1::EventKind::LockReleaseAnswered {
            claim: named(lock, claim, *fence, Some(*session)),
            needs_ms: *needs_ms,
        },
        EventKind::LockConfigured { lock } => v1::EventKind::LockConfigured {
            lock: lock.to_string(),
        },
        EventKind::NodeCreated { .. }
        | EventKind::NodeChanged { .. }
        | EventKind::NodeAclChanged { .. }
        | EventKind::NodeDeleted { .. }
        | EventKind::SessionOpened { .. }
        | EventKind::SessionEnded { .. }
        | EventKind::CandidateJoined { .. }
        | EventKind::CandidateChanged { .. }
        | EventKind::CandidateLeft { .. }
        | EventKind::LeaderElected { .. }
        | EventKind::LeadershipEnded { .. }
        | EventKind::TransferAsked { .. }
        | EventKind::TransferCancelled { .. }
        | EventKind::Instance { .. } => v1::EventKind::Unrecognised,
    }
}
