//! Elections and candidates.

use http_types::v1::elections as v1;
use http_types::v1::events;
use raft_core::election::{CandidateEnd, Election, EndedCandidate, Transfer};
use raft_core::event::EventKind;
use raft_core::ids::{CandidateId, ElectionName, SessionId};
use raft_core::query::election::CandidateView;
use raft_core::state::State;

use crate::convert::{node, session};
use crate::extract::path::candidate_url;
use crate::limits::STANDBY_SHOWN_MAX;
use crate::millis::{left, rfc3339, since};

/// A candidate; `safe_ms` where the request knows it.
pub(crate) fn candidate(
    state: &State,
    wall_ms: u64,
    (name, view): (&ElectionName, &CandidateView<'_>),
    safe_ms: Option<u64>,
) -> v1::Candidate {
    let CandidateView {
        id,
        candidate,
        election,
        position,
        znode,
    } = view;
    let term = view.term();
    let data = znode.and_then(|znode| znode.data.as_deref());
    let (value, encoding) = data.map(node::text).unzip();
    let content_type = znode.and_then(|znode| znode.content_type());
    let transfer = election.transfer.as_ref().filter(|_| term.is_some());
    v1::Candidate {
        election: name.to_string(),
        candidate: id.to_string(),
        state: match term {
            Some(_) => v1::CandidateState::Leader,
            None => v1::CandidateState::Standby,
        },
        term: term.map(|term| term.0),
        position: Some(*position).filter(|_| term.is_none()),
        weight: candidate.weight,
        session: session::label(state, candidate.session),
        owner: session::owner_of(state, candidate.session),
        value,
        encoding,
        content_type: content_type.map(str::to_owned),
        stands_index: candidate.stands.zxid.0,
        stands_at: rfc3339(candidate.stands.wall),
        safe_ms: safe_ms.filter(|_| term.is_some()),
        leader: election.leader.to_string(),
        transfer: transfer.map(|transfer| transfer_under_way(transfer, wall_ms)),
        resign: candidate_url(name, id),
    }
}

fn transfer_under_way(transfer: &Transfer, wall_ms: u64) -> v1::LeaderTransfer {
    v1::LeaderTransfer {
        to: transfer.to.to_string(),
        remaining_ms: left(transfer.deadline, &transfer.asked, wall_ms),
        asked_at: rfc3339(transfer.asked.wall),
        reason: transfer.reason.clone(),
    }
}

/// An election with its leader and the first of those who stand by. `None` while nobody stands.
pub(crate) fn election(state: &State, wall_ms: u64, name: &ElectionName) -> Option<v1::Election> {
    let record = state.election(name)?;
    let shown = STANDBY_SHOWN_MAX.saturating_add(1);
    let mut candidates = state
        .candidates(name, shown)
        .into_iter()
        .map(|view| candidate(state, wall_ms, (name, &view), None));
    Some(v1::Election {
        election: name.to_string(),
        leader: candidates.next()?,
        term: record.term.0,
        elected_at: rfc3339(record.elected.wall),
        led_ms: since(&record.elected, wall_ms),
        standby: candidates.collect(),
        candidate_count: state.candidate_count(name),
    })
}

/// One row of a listing.
pub(crate) fn summary(
    state: &State,
    wall_ms: u64,
    (name, election): (&ElectionName, &Election),
) -> v1::ElectionSummary {
    let leader = state
        .candidates(name, 1)
        .first()
        .map(|view| view.candidate.session);
    let leader = leader.unwrap_or_default();
    v1::ElectionSummary {
        election: name.to_string(),
        leader: election.leader.to_string(),
        term: election.term.0,
        session: session::label(state, leader),
        owner: session::owner_of(state, leader),
        led_ms: since(&election.elected, wall_ms),
        candidate_count: state.candidate_count(name),
    }
}

/// How a candidate ended.
pub(crate) fn ended(
    state: &State,
    (name, id): (&ElectionName, &CandidateId),
    ended: &EndedCandidate,
) -> v1::EndedCandidate {
    v1::EndedCandidate {
        election: name.to_string(),
        candidate: id.to_string(),
        state: end(ended.end),
        term: ended.term.map(|term| term.0),
        session: session::label(state, ended.session),
        ended_index: ended.ended.zxid.0,
        ended_at: rfc3339(ended.ended.wall),
    }
}

fn end(end: CandidateEnd) -> v1::CandidateEnd {
    match end {
        CandidateEnd::Resigned => v1::CandidateEnd::Resigned,
        CandidateEnd::SessionClosed => v1::CandidateEnd::SessionClosed,
        CandidateEnd::SessionExpired => v1::CandidateEnd::SessionExpired,
        CandidateEnd::ZnodeDeleted => v1::CandidateEnd::NodeDeleted,
        CandidateEnd::Transferred => v1::CandidateEnd::Transferred,
    }
}

/// An event of an election; anything else is not recognised.
#[expect(
    clippy::too_many_lines,
    reason = "a flat match, one arm for each event"
)]
pub(crate) fn event(state: &State, kind: &EventKind) -> events::EventKind {
    let named = |election: &ElectionName, candidate: &CandidateId, session: SessionId| {
        events::CandidateEvent {
            election: election.to_string(),
            candidate: candidate.to_string(),
            session: session::label(state, session),
        }
    };
    match kind {
        EventKind::CandidateJoined {
            election,
            candidate,
            session,
            weight,
        } => events::EventKind::ElectionJoined {
            candidate: named(election, candidate, *session),
            weight: *weight,
        },
        EventKind::CandidateChanged {
            election,
            candidate,
            session,
            weight,
        } => events::EventKind::ElectionChanged {
            candidate: named(election, candidate, *session),
            weight: *weight,
        },
        EventKind::CandidateLeft {
            election,
            candidate,
            session,
            end: how,
        } => events::EventKind::ElectionLeft(events::CandidateEndEvent {
            candidate: named(election, candidate, *session),
            term: None,
            state: end(*how),
        }),
        EventKind::LeaderElected {
            election,
            candidate,
            session,
            term,
            handed_over,
        } => events::EventKind::ElectionElected {
            candidate: named(election, candidate, *session),
            term: term.0,
            handed_over: *handed_over,
        },
        EventKind::LeadershipEnded {
            election,
            candidate,
            session,
            term,
            end: how,
        } => events::EventKind::ElectionEnded(events::CandidateEndEvent {
            candidate: named(election, candidate, *session),
            term: Some(term.0),
            state: end(*how),
        }),
        EventKind::TransferAsked { .. } | EventKind::TransferCancelled { .. } => {
            transfer_event(state, kind)
        }
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
        | EventKind::Instance { .. } => events::EventKind::Unrecognised,
    }
}

fn transfer_event(state: &State, kind: &EventKind) -> events::EventKind {
    if let EventKind::TransferAsked {
        election,
        leader,
        session,
        to,
        within_ms,
        reason,
    } = kind
    {
        return events::EventKind::ElectionTransfer {
            candidate: events::CandidateEvent {
                election: election.to_string(),
                candidate: leader.to_string(),
                session: session::label(state, *session),
            },
            to: to.to_string(),
            within_ms: *within_ms,
            reason: reason.clone(),
        };
    }
    if let EventKind::TransferCancelled { election, to } = kind {
        return events::EventKind::ElectionTransferCancelled {
            election: election.to_string(),
            to: to.to_string(),
        };
    }
    events::EventKind::Unrecognised
}
