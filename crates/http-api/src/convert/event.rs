//! Events.

use ::node::EventId;
use http_types::v1::Encoding;
use http_types::v1::events as v1;
use raft_core::event::{Event, EventKind};
use raft_core::ids::{ElectionName, LockName, ServiceName, SessionId, SessionName, ZnodePath};
use raft_core::session::SessionEnd;
use raft_core::state::State;

use crate::convert::{election, lock_event, node, service, session};
use crate::extract::path::session_label;
use crate::millis::rfc3339;

/// Which data a stream asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Include {
    pub(crate) value: bool,
    pub(crate) prev: bool,
}

/// The id of an event.
pub(crate) fn id(event: &Event) -> v1::EventId {
    v1::EventId {
        index: event.moment.zxid.0,
        ordinal: event.ordinal,
    }
}

/// A position as an id.
pub(crate) fn id_of(position: EventId) -> v1::EventId {
    v1::EventId {
        index: position.zxid.0,
        ordinal: position.ordinal,
    }
}

/// The name of an event.
pub(crate) fn name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::NodeCreated { .. } => "node.created",
        EventKind::NodeChanged { .. } => "node.changed",
        EventKind::NodeAclChanged { .. } => "node.acl_changed",
        EventKind::NodeDeleted { .. } => "node.deleted",
        EventKind::ClaimQueued { .. } => "lock.queued",
        EventKind::ClaimGranted { .. } => "lock.granted",
        EventKind::ClaimEnded { held: true, .. } => "lock.released",
        EventKind::ClaimEnded { held: false, .. } => "lock.left",
        EventKind::ClaimExtended { .. } => "lock.extended",
        EventKind::ReleaseRequested { .. } => "lock.release_requested",
        EventKind::ReleaseAnswered { .. } => "lock.release_answered",
        EventKind::LockConfigured { .. } => "lock.configured",
        EventKind::CandidateJoined { .. } => "election.joined",
        EventKind::CandidateChanged { .. } => "election.changed",
        EventKind::CandidateLeft { .. } => "election.left",
        EventKind::LeaderElected { .. } => "election.elected",
        EventKind::LeadershipEnded { .. } => "election.ended",
        EventKind::TransferAsked { .. } => "election.transfer",
        EventKind::TransferCancelled { .. } => "election.transfer_cancelled",
        EventKind::Instance { change, .. } => service::name(*change),
        EventKind::SessionOpened { .. } => "session.opened",
        EventKind::SessionEnded {
            end: SessionEnd::Closed,
            ..
        } => "session.closed",
        EventKind::SessionEnded {
            end: SessionEnd::Expired,
            ..
        } => "session.expired",
    }
}

/// The znode an event is about.
pub(crate) fn znode(kind: &EventKind) -> Option<&ZnodePath> {
    match kind {
        EventKind::NodeCreated { path, .. }
        | EventKind::NodeChanged { path, .. }
        | EventKind::NodeAclChanged { path, .. }
        | EventKind::NodeDeleted { path, .. } => Some(path),
        EventKind::ClaimQueued { .. }
        | EventKind::ClaimGranted { .. }
        | EventKind::ClaimEnded { .. }
        | EventKind::ClaimExtended { .. }
        | EventKind::ReleaseRequested { .. }
        | EventKind::ReleaseAnswered { .. }
        | EventKind::LockConfigured { .. }
        | EventKind::SessionOpened { .. }
        | EventKind::SessionEnded { .. }
        | EventKind::CandidateJoined { .. }
        | EventKind::CandidateChanged { .. }
        | EventKind::CandidateLeft { .. }
        | EventKind::LeaderElected { .. }
        | EventKind::LeadershipEnded { .. }
        | EventKind::TransferAsked { .. }
        | EventKind::TransferCancelled { .. }
        | EventKind::Instance { .. } => None,
    }
}

/// The lock an event is about.
pub(crate) fn lock(kind: &EventKind) -> Option<&LockName> {
    match kind {
        EventKind::ClaimQueued { lock, .. }
        | EventKind::ClaimGranted { lock, .. }
        | EventKind::ClaimEnded { lock, .. }
        | EventKind::ClaimExtended { lock, .. }
        | EventKind::ReleaseRequested { lock, .. }
        | EventKind::ReleaseAnswered { lock, .. }
        | EventKind::LockConfigured { lock } => Some(lock),
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
        | EventKind::Instance { .. } => None,
    }
}

/// The session whose claim or end an event is about.
pub(crate) fn session(kind: &EventKind) -> Option<SessionId> {
    match kind {
        EventKind::ClaimQueued { session, .. }
        | EventKind::ClaimGranted { session, .. }
        | EventKind::ClaimEnded { session, .. }
        | EventKind::ReleaseRequested { session, .. }
        | EventKind::ReleaseAnswered { session, .. }
        | EventKind::SessionOpened { session, .. }
        | EventKind::SessionEnded { session, .. }
        | EventKind::CandidateJoined { session, .. }
        | EventKind::CandidateChanged { session, .. }
        | EventKind::CandidateLeft { session, .. }
        | EventKind::LeaderElected { session, .. }
        | EventKind::LeadershipEnded { session, .. }
        | EventKind::TransferAsked { session, .. } => Some(*session),
        EventKind::Instance { session, .. } => *session,
        EventKind::NodeCreated { .. }
        | EventKind::NodeChanged { .. }
        | EventKind::NodeAclChanged { .. }
        | EventKind::NodeDeleted { .. }
        | EventKind::ClaimExtended { .. }
        | EventKind::LockConfigured { .. }
        | EventKind::TransferCancelled { .. } => None,
    }
}

/// The election an event is about.
pub(crate) fn election(kind: &EventKind) -> Option<&ElectionName> {
    match kind {
        EventKind::CandidateJoined { election, .. }
        | EventKind::CandidateChanged { election, .. }
        | EventKind::CandidateLeft { election, .. }
        | EventKind::LeaderElected { election, .. }
        | EventKind::LeadershipEnded { election, .. }
        | EventKind::TransferAsked { election, .. }
        | EventKind::TransferCancelled { election, .. } => Some(election),
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
        | EventKind::Instance { .. } => None,
    }
}

/// The service an event is about.
pub(crate) fn service(kind: &EventKind) -> Option<&ServiceName> {
    if let EventKind::Instance { service, .. } = kind {
        return Some(service);
    }
    None
}

/// Where an event stands among those of its commit that a stream delivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Events of the whole commit, told with the first one delivered.
    pub(crate) commit_size: Option<u32>,
    /// Whether it is the last one delivered.
    pub(crate) is_last: bool,
}

/// An event with the data asked for. The state names sessions; it may be newer than the event.
pub(crate) fn event(state: &State, event: &Event, place: Place, include: Include) -> v1::Event {
    v1::Event {
        kind: kind(state, &event.kind, include),
        by: event.by.map(|id| session::label(state, id)),
        time: Some(rfc3339(event.moment.wall)),
        commit_size: place.commit_size,
        commit_end: place.is_last,
    }
}

fn kind(state: &State, kind: &EventKind, include: Include) -> v1::EventKind {
    match kind {
        EventKind::NodeCreated { .. }
        | EventKind::NodeChanged { .. }
        | EventKind::NodeAclChanged { .. }
        | EventKind::NodeDeleted { .. } => node_kind(kind, include),
        EventKind::ClaimQueued { .. }
        | EventKind::ClaimGranted { .. }
        | EventKind::ClaimEnded { .. }
        | EventKind::ClaimExtended { .. }
        | EventKind::ReleaseRequested { .. }
        | EventKind::ReleaseAnswered { .. }
        | EventKind::LockConfigured { .. } => lock_event::event(state, kind),
        EventKind::CandidateJoined { .. }
        | EventKind::CandidateChanged { .. }
        | EventKind::CandidateLeft { .. }
        | EventKind::LeaderElected { .. }
        | EventKind::LeadershipEnded { .. }
        | EventKind::TransferAsked { .. }
        | EventKind::TransferCancelled { .. } => election::event(state, kind),
        EventKind::Instance { .. } => service::event(state, kind),
        EventKind::SessionOpened { session, name } => {
            v1::EventKind::SessionOpened(session_event(*session, name.as_ref()))
        }
        EventKind::SessionEnded { session, name, end } => {
            let event = session_event(*session, name.as_ref());
            match end {
                SessionEnd::Closed => v1::EventKind::SessionClosed(event),
                SessionEnd::Expired => v1::EventKind::SessionExpired(event),
            }
        }
    }
}

fn session_event(id: SessionId, name: Option<&SessionName>) -> v1::SessionEvent {
    v1::SessionEvent {
        session: session_label(id, name),
        number: id.0,
    }
}

fn data(wanted: bool, data: Option<&[u8]>) -> (Option<String>, Option<Encoding>) {
    match data.filter(|_| wanted).map(node::text) {
        Some((text, encoding)) => (Some(text), Some(encoding)),
        None => (None, None),
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "a flat match, one arm for each event"
)]
fn node_kind(kind: &EventKind, include: Include) -> v1::EventKind {
    let owned = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
    match kind {
        EventKind::NodeCreated {
            path,
            value,
            content_type,
            stat,
            acl: _,
        } => {
            let (value, encoding) = data(include.value, value.as_deref());
            let (path, stat) = (path.to_string(), node::stat(stat));
            let content_type = owned(content_type);
            v1::EventKind::NodeCreated {
                path,
                value,
                encoding,
                content_type,
                stat,
            }
        }
        EventKind::NodeChanged {
            path,
            value,
            previous,
            content_type,
            stat,
            acl: _,
        } => {
            let (value, encoding) = data(include.value, value.as_deref());
            let (prev, prev_encoding) = data(include.prev, previous.as_deref());
            v1::EventKind::NodeChanged {
                path: path.to_string(),
                version: stat.version,
                value,
                encoding,
                prev,
                prev_encoding,
                content_type: owned(content_type),
                stat: node::stat(stat),
            }
        }
        EventKind::NodeAclChanged { path, stat } => v1::EventKind::NodeAclChanged {
            path: path.to_string(),
            stat: node::stat(stat),
        },
        EventKind::NodeDeleted {
            path,
            previous,
            stat,
            acl: _,
        } => {
            let (prev, prev_encoding) = data(include.prev, previous.as_deref());
            let (path, stat) = (path.to_string(), node::stat(stat));
            v1::EventKind::NodeDeleted {
                path,
                prev,
                prev_encoding,
                stat,
            }
        }
        EventKind::ClaimQueued { .. }
        | EventKind::ClaimGranted { .. }
        | EventKind::ClaimEnded { .. }
        | EventKind::ClaimExtended { .. }
        | EventKind::ReleaseRequested { .. }
        | EventKind::ReleaseAnswered { .. }
        | EventKind::LockConfigured { .. }
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
