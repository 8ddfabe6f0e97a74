//! What the log says of elections, as JSON.

use raft_core::command::{Campaign, TermGuard, TransferLeadership};
use raft_core::election::CandidateEnd;
use raft_core::event::EventKind;
use raft_core::ids::{CandidateId, ElectionName};
use raft_core::outcome::{CandidateReply, LeaderSummary};
use serde_json::{Value, json};

use super::command::data;

pub(super) fn term(guard: &TermGuard) -> Value {
    json!({"election": guard.election.to_string(), "term": guard.term.0})
}

pub(super) fn campaign(campaign: &Campaign) -> Value {
    json!({
        "command": "campaign", "election": campaign.election.to_string(),
        "candidate": campaign.candidate.to_string(), "weight": campaign.weight,
        "data": data(campaign.value.as_deref()),
    })
}

pub(super) fn resign(election: &ElectionName, candidate: &CandidateId) -> Value {
    json!({
        "command": "resign", "election": election.to_string(), "candidate": candidate.to_string(),
    })
}

pub(super) fn transfer(ask: &TransferLeadership) -> Value {
    json!({
        "command": "transfer-leadership", "election": ask.election.to_string(),
        "to": ask.to.to_string(), "of_term": ask.term.map(|term| term.0), "within_ms": ask.within_ms,
    })
}

/// How a candidate stood after its command.
pub(super) fn standing(reply: &CandidateReply) -> Value {
    json!({
        "created": reply.created, "term": reply.term.map(|term| term.0), "position": reply.position,
        "leader": reply.leader.leader.to_string(),
    })
}

/// Who leads.
pub(super) fn leader(leader: &LeaderSummary) -> Value {
    let heir = leader
        .transfer
        .as_ref()
        .map(|transfer| transfer.to.to_string());
    json!({"leader": leader.leader.to_string(), "term": leader.term.0, "to": heir})
}

pub(super) fn end(end: CandidateEnd) -> &'static str {
    match end {
        CandidateEnd::Resigned => "resigned",
        CandidateEnd::SessionClosed => "session_closed",
        CandidateEnd::SessionExpired => "session_expired",
        CandidateEnd::ZnodeDeleted => "node_deleted",
        CandidateEnd::Transferred => "transferred",
    }
}

/// An event of an election; of others nothing.
#[expect(
    clippy::too_many_lines,
    reason = "a flat match, one arm for each event"
)]
pub(super) fn event(kind: &EventKind) -> Value {
    match kind {
        EventKind::CandidateJoined {
            election,
            candidate,
            session,
            weight,
        } => json!({
            "event": "election.joined", "election": election.to_string(),
            "candidate": candidate.to_string(), "owner": session.0, "weight": weight,
        }),
        EventKind::CandidateChanged {
            election,
            candidate,
            session,
            weight,
        } => json!({
            "event": "election.changed", "election": election.to_string(),
            "candidate": candidate.to_string(), "owner": session.0, "weight": weight,
        }),
        EventKind::CandidateLeft {
            election,
            candidate,
            session,
            end: how,
        } => json!({
            "event": "election.left", "election": election.to_string(),
            "candidate": candidate.to_string(), "owner": session.0, "how": end(*how),
        }),
        EventKind::LeaderElected {
            election,
            candidate,
            session,
            term,
            handed_over,
        } => json!({
            "event": "election.elected", "election": election.to_string(),
            "candidate": candidate.to_string(), "owner": session.0, "term": term.0,
            "handed_over": handed_over,
        }),
        EventKind::LeadershipEnded {
            election,
            candidate,
            session,
            term,
            end: how,
        } => json!({
            "event": "election.ended", "election": election.to_string(),
            "candidate": candidate.to_string(), "owner": session.0, "term": term.0,
            "how": end(*how),
        }),
        EventKind::TransferAsked {
            election,
            leader,
            session,
            to,
            within_ms,
            ..
        } => json!({
            "event": "election.transfer", "election": election.to_string(),
            "candidate": leader.to_string(), "owner": session.0, "to": to.to_string(),
            "within_ms": within_ms,
        }),
        EventKind::TransferCancelled { election, to } => json!({
            "event": "election.transfer_cancelled", "election": election.to_string(),
            "to": to.to_string(),
        }),
        EventKind::NodeCreated { .. }
        | EventKind::NodeChanged { .. }
        | EventKind::NodeAclChanged { .. }
        | EventKind::NodeDeleted { .. }
        | EventKind::ClaimQueued { .. }
        | EventKind::ClaimGranted { .. }
        | EventKind::ClaimEnded { .. }
        | EventKind::ClaimExtended { .. }
        | EventKind::ReleaseRequested { .. }
        | EventKind::ReleaseAnswered { .. }
        | EventKind::LockConfigured { .. }
        | EventKind::SessionOpened { .. }
        | EventKind::SessionEnded { .. }
        | EventKind::Instance { .. } => Value::Null,
    }
}
