//! What a command or an entry changed, as JSON.

use raft_core::event::EventKind;
use raft_core::lock::ClaimEnd;
use raft_core::session::SessionEnd;
use raft_types::Membership;
use serde_json::{Value, json};

use super::command::mode;
use super::{election, service};

/// Who is in: voters of each configuration (two while it changes), and all members.
pub(super) fn members(membership: &Membership) -> Value {
    let nodes = membership
        .nodes()
        .map(|(id, address)| json!({"node": id, "peer": address.peer, "api": address.api}));
    json!({"voters": membership.get_joint_config(), "nodes": nodes.collect::<Vec<_>>()})
}

/// How a claim ended.
pub(super) fn claim_end(end: ClaimEnd) -> &'static str {
    match end {
        ClaimEnd::Released => "released",
        ClaimEnd::Left => "left",
        ClaimEnd::WaitElapsed => "wait-elapsed",
        ClaimEnd::Expired => "expired",
        ClaimEnd::Abandoned => "abandoned",
        ClaimEnd::Broken => "broken",
        ClaimEnd::SessionClosed => "session-closed",
        ClaimEnd::SessionExpired => "session-expired",
        ClaimEnd::ZnodeDeleted => "znode-deleted",
    }
}

/// One event, by the name it has in event streams.
#[expect(
    clippy::too_many_lines,
    reason = "a flat match, one arm for each event"
)]
pub(super) fn event(kind: &EventKind) -> Value {
    match kind {
        EventKind::NodeCreated { path, stat, .. } => json!({
            "event": "node.created", "path": path.as_str(), "version": stat.version,
            "owner": (stat.ephemeral_owner.0 != 0).then_some(stat.ephemeral_owner.0),
        }),
        EventKind::NodeChanged { path, stat, .. } => json!({
            "event": "node.changed", "path": path.as_str(), "version": stat.version,
        }),
        EventKind::NodeAclChanged { path, stat } => json!({
            "event": "node.acl_changed", "path": path.as_str(), "acl_version": stat.aversion,
        }),
        EventKind::NodeDeleted { path, stat, .. } => json!({
            "event": "node.deleted", "path": path.as_str(), "version": stat.version,
        }),
        EventKind::ClaimQueued {
            lock,
            claim,
            fence,
            session,
            mode: how,
            ..
        } => json!({
            "event": "lock.queued", "lock": lock.to_string(), "claim": claim.to_string(),
            "fence": fence.0, "owner": session.0, "mode": mode(*how),
        }),
        EventKind::ClaimGranted {
            lock,
            claim,
            fence,
            session,
            mode: how,
            handed_over,
        } => json!({
            "event": "lock.granted", "lock": lock.to_string(), "claim": claim.to_string(),
            "fence": fence.0, "owner": session.0, "mode": mode(*how), "handed_over": handed_over,
        }),
        EventKind::ClaimEnded {
            lock,
            claim,
            fence,
            session,
            held,
            end,
            ..
        } => json!({
            "event": if *held { "lock.released" } else { "lock.left" },
            "lock": lock.to_string(), "claim": claim.to_string(), "fence": fence.0,
            "owner": session.0, "how": claim_end(*end),
        }),
        EventKind::ClaimExtended { lock, claim, fence } => json!({
            "event": "lock.extended", "lock": lock.to_string(), "claim": claim.to_string(),
            "fence": fence.0,
        }),
        EventKind::ReleaseRequested {
            lock,
            claim,
            fence,
            within_ms,
            ..
        } => json!({
            "event": "lock.release_requested", "lock": lock.to_string(),
            "claim": claim.to_string(), "fence": fence.0, "within_ms": within_ms,
        }),
        EventKind::ReleaseAnswered {
            lock,
            claim,
            fence,
            needs_ms,
            ..
        } => json!({
            "event": "lock.release_answered", "lock": lock.to_string(),
            "claim": claim.to_string(), "fence": fence.0, "needs_ms": needs_ms,
        }),
        EventKind::LockConfigured { lock } => {
            json!({"event": "lock.configured", "lock": lock.to_string()})
        }
        EventKind::CandidateJoined { .. }
        | EventKind::CandidateChanged { .. }
        | EventKind::CandidateLeft { .. }
        | EventKind::LeaderElected { .. }
        | EventKind::LeadershipEnded { .. }
        | EventKind::TransferAsked { .. }
        | EventKind::TransferCancelled { .. } => election::event(kind),
        EventKind::Instance { .. } => service::event(kind),
        EventKind::SessionOpened { session, name } => json!({
            "event": "session.opened", "session": session.0,
            "name": name.as_ref().map(ToString::to_string),
        }),
        EventKind::SessionEnded { session, name, end } => json!({
            "event": match end {
                SessionEnd::Closed => "session.closed",
                SessionEnd::Expired => "session.expired",
            },
            "session": session.0, "name": name.as_ref().map(ToString::to_string),
        }),
    }
}
