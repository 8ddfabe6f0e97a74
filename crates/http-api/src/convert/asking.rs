//! That a holder was asked to release.

use http_types::v1::events;
use http_types::v1::locks as v1;
use raft_core::lock::ReleaseRequest;

use crate::millis::{left, rfc3339};

/// The request on a hold.
pub(crate) fn release_request(request: &ReleaseRequest, wall_ms: u64) -> v1::ReleaseRequest {
    let until = |at| left(at, &request.asked, wall_ms);
    v1::ReleaseRequest {
        who: request.who.clone(),
        reason: request.reason.clone(),
        asked_at: rfc3339(request.asked.wall),
        remaining_ms: until(request.until),
        needs_ms: request.needs_until.map(until),
    }
}

/// The event that tells the holder.
pub(crate) fn requested(
    claim: events::ClaimEvent,
    who: &str,
    within_ms: u64,
    reason: &str,
) -> events::EventKind {
    events::EventKind::LockReleaseRequested {
        claim,
        who: who.to_owned(),
        within_ms,
        reason: reason.to_owned(),
    }
}
