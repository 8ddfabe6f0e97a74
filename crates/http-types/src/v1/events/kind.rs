//! What an event can tell.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::subject::{
    CandidateEndEvent, CandidateEvent, ClaimEndEvent, ClaimEvent, InstanceEnd, InstanceEvent,
    SessionEvent, StateEvent,
};
use crate::v1::Encoding;
use crate::v1::locks::Mode;
use crate::v1::nodes::Stat;

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event")]
pub enum EventKind {
    /// A znode was made.
    #[serde(rename = "node.created")]
    NodeCreated {
        /// Which.
        path: String,
        /// Its data, where asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// How the data is written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoding: Option<Encoding>,
        /// Media type of the data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
        /// Its stat.
        stat: Stat,
    },
    /// The data of a znode was replaced.
    #[serde(rename = "node.changed")]
    NodeChanged {
        /// Which.
        path: String,
        /// Version of its data now.
        version: i32,
        /// Its data now, where asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// How `value` is written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoding: Option<Encoding>,
        /// Its data before, where asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prev: Option<String>,
        /// How `prev` is written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prev_encoding: Option<Encoding>,
        /// Media type of the data now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
        /// Its stat now.
        stat: Stat,
    },
    /// The access list of a znode was replaced.
    #[serde(rename = "node.acl_changed")]
    NodeAclChanged {
        /// Which.
        path: String,
        /// Its stat now.
        stat: Stat,
    },
    /// A znode was removed.
    #[serde(rename = "node.deleted")]
    NodeDeleted {
        /// Which.
        path: String,
        /// Its data before, where asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prev: Option<String>,
        /// How `prev` is written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prev_encoding: Option<Encoding>,
        /// Its stat before.
        stat: Stat,
    },
    /// A claim joined the queue.
    #[serde(rename = "lock.queued")]
    LockQueued {
        /// Which claim.
        #[serde(flatten)]
        claim: ClaimEvent,
        /// How it wants the lock.
        mode: Mode,
        /// Permits, for mode `permits`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permits: Option<u32>,
        /// Waiters up to and including it.
        position: u32,
    },
    /// A claim got the lock.
    #[serde(rename = "lock.granted")]
    LockGranted {
        /// Which claim.
        #[serde(flatten)]
        claim: ClaimEvent,
        /// How it has the lock.
        mode: Mode,
        /// Permits, for mode `permits`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permits: Option<u32>,
        /// Whether it waited: then its owner must pick the hand-over up.
        handed_over: bool,
    },
    /// A hold ended.
    #[serde(rename = "lock.released")]
    LockReleased(ClaimEndEvent),
    /// A wait ended without the lock.
    #[serde(rename = "lock.left")]
    LockLeft(ClaimEndEvent),
    /// A hold was given more time.
    #[serde(rename = "lock.extended")]
    LockExtended(ClaimEvent),
    /// A holder is asked to release. Nothing happens when the time is up.
    #[serde(rename = "lock.release_requested")]
    LockReleaseRequested {
        /// Which hold.
        #[serde(flatten)]
        claim: ClaimEvent,
        /// Who asks, in one line.
        who: String,
        /// By when it is wanted.
        within_ms: u64,
        /// Why.
        reason: String,
    },
    /// A holder that was asked says how much longer it needs.
    #[serde(rename = "lock.release_answered")]
    LockReleaseAnswered {
        /// Which hold.
        #[serde(flatten)]
        claim: ClaimEvent,
        /// How long from then.
        needs_ms: u64,
    },
    /// A lock was configured.
    #[serde(rename = "lock.configured")]
    LockConfigured {
        /// Which.
        lock: String,
    },
    /// A candidate stands.
    #[serde(rename = "election.joined")]
    ElectionJoined {
        /// Which.
        #[serde(flatten)]
        candidate: CandidateEvent,
        /// Its weight.
        weight: u32,
    },
    /// Value or weight of a candidate changed.
    #[serde(rename = "election.changed")]
    ElectionChanged {
        /// Which.
        #[serde(flatten)]
        candidate: CandidateEvent,
        /// Its weight now.
        weight: u32,
    },
    /// A candidate stands no more.
    #[serde(rename = "election.left")]
    ElectionLeft(CandidateEndEvent),
    /// A candidate leads.
    #[serde(rename = "election.elected")]
    ElectionElected {
        /// Which.
        #[serde(flatten)]
        candidate: CandidateEvent,
        /// The fencing token of the leadership.
        term: u64,
        /// Whether the leadership was handed over to it.
        handed_over: bool,
    },
    /// A leadership is over.
    #[serde(rename = "election.ended")]
    ElectionEnded(CandidateEndEvent),
    /// The leader is asked to hand over.
    #[serde(rename = "election.transfer")]
    ElectionTransfer {
        /// Who leads.
        #[serde(flatten)]
        candidate: CandidateEvent,
        /// Who is to lead.
        to: String,
        /// After so long it happens without the leader.
        within_ms: u64,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Who was to lead stands no more: nothing is handed over.
    #[serde(rename = "election.transfer_cancelled")]
    ElectionTransferCancelled {
        /// The election.
        election: String,
        /// Who was to lead.
        to: String,
    },
    /// An instance of a service was registered.
    #[serde(rename = "service.registered")]
    ServiceRegistered(InstanceEvent),
    /// What an instance says of itself changed.
    #[serde(rename = "service.changed")]
    ServiceChanged(InstanceEvent),
    /// No new work is sent to an instance.
    #[serde(rename = "service.draining")]
    ServiceDraining(InstanceEvent),
    /// New work is sent to an instance again that was draining.
    #[serde(rename = "service.up")]
    ServiceUp(InstanceEvent),
    /// The checks of an instance pass.
    #[serde(rename = "service.passing")]
    ServicePassing(InstanceEvent),
    /// The checks of an instance fail.
    #[serde(rename = "service.failing")]
    ServiceFailing(InstanceEvent),
    /// Too many calls of an instance failed in a row: it is not picked for a time.
    #[serde(rename = "service.set_aside")]
    ServiceSetAside(InstanceEvent),
    /// An instance is set aside no more.
    #[serde(rename = "service.back")]
    ServiceBack(InstanceEvent),
    /// An instance is registered no more.
    #[serde(rename = "service.left")]
    ServiceLeft {
        /// Which.
        #[serde(flatten)]
        instance: InstanceEvent,
        /// How it ended.
        state: InstanceEnd,
    },
    /// A session was opened.
    #[serde(rename = "session.opened")]
    SessionOpened(SessionEvent),
    /// A session was closed by its client.
    #[serde(rename = "session.closed")]
    SessionClosed(SessionEvent),
    /// A session was silent for longer than its timeout.
    #[serde(rename = "session.expired")]
    SessionExpired(SessionEvent),
    /// The stream renewed the session it was opened for. Told on that stream only, without an id.
    #[serde(rename = "session.renewed")]
    SessionRenewed {
        /// Its name or number.
        session: String,
        /// For so long it is certainly alive, counted from the moment the request that opened the
        /// stream was sent; it grows from event to event.
        safe_ms: u64,
    },
    /// Nothing of interest happened up to here; resume after this id. Sent from time to time, and
    /// at once when a stream begins without `Last-Event-ID`: whoever is cut off before the first
    /// change knows where to go on. Its id is the position of the last event before the stream.
    #[serde(rename = "bookmark")]
    Bookmark {
        /// Position.
        index: u64,
    },
    /// Events after the last one are gone: read the state again. The stream ends.
    #[serde(rename = "gap")]
    Gap {
        /// The oldest event there is.
        oldest_index: u64,
    },
    /// This node stops: go on at another with the last id. The stream ends.
    #[serde(rename = "reconnect")]
    Reconnect {
        /// Base URLs of other nodes.
        endpoints: Vec<String>,
    },
    /// What was there when the stream began; one thing each.
    #[serde(rename = "state")]
    State(Box<StateEvent>),
    /// All `state` events were sent; from here on changes.
    #[serde(rename = "synced")]
    Synced {
        /// Position of the state.
        index: u64,
    },
    /// An event this version does not know; never sent.
    #[serde(other)]
    Unrecognised,
}

impl EventKind {
    /// The name: the `event` of the SSE frame and of the JSON object.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            EventKind::NodeCreated { .. } => "node.created",
            EventKind::NodeChanged { .. } => "node.changed",
            EventKind::NodeAclChanged { .. } => "node.acl_changed",
            EventKind::NodeDeleted { .. } => "node.deleted",
            EventKind::LockQueued { .. } => "lock.queued",
            EventKind::LockGranted { .. } => "lock.granted",
            EventKind::LockReleased(_) => "lock.released",
            EventKind::LockLeft(_) => "lock.left",
            EventKind::LockExtended(_) => "lock.extended",
            EventKind::LockReleaseRequested { .. } => "lock.release_requested",
            EventKind::LockReleaseAnswered { .. } => "lock.release_answered",
            EventKind::LockConfigured { .. } => "lock.configured",
            EventKind::ElectionJoined { .. } => "election.joined",
            EventKind::ElectionChanged { .. } => "election.changed",
            EventKind::ElectionLeft(_) => "election.left",
            EventKind::ElectionElected { .. } => "election.elected",
            EventKind::ElectionEnded(_) => "election.ended",
            EventKind::ElectionTransfer { .. } => "election.transfer",
            EventKind::ElectionTransferCancelled { .. } => "election.transfer_cancelled",
            EventKind::ServiceRegistered(_) => "service.registered",
            EventKind::ServiceChanged(_) => "service.changed",
            EventKind::ServiceDraining(_) => "service.draining",
            EventKind::ServiceUp(_) => "service.up",
            EventKind::ServicePassing(_) => "service.passing",
            EventKind::ServiceFailing(_) => "service.failing",
            EventKind::ServiceSetAside(_) => "service.set_aside",
            EventKind::ServiceBack(_) => "service.back",
            EventKind::ServiceLeft { .. } => "service.left",
            EventKind::SessionOpened(_) => "session.opened",
            EventKind::SessionClosed(_) => "session.closed",
            EventKind::SessionExpired(_) => "session.expired",
            EventKind::SessionRenewed { .. } => "session.renewed",
            EventKind::Bookmark { .. } => "bookmark",
            EventKind::Gap { .. } => "gap",
            EventKind::Reconnect { .. } => "reconnect",
            EventKind::State(_) => "state",
            EventKind::Synced { .. } => "synced",
            EventKind::Unrecognised => "unrecognised",
        }
    }
}

/// Names of the events that tell of changes, for filters and documentation.
pub const CHANGE_NAMES: [&str; 31] = [
    "node.created",
    "node.changed",
    "node.acl_changed",
    "node.deleted",
    "lock.queued",
    "lock.granted",
    "lock.released",
    "lock.left",
    "lock.extended",
    "lock.release_requested",
    "lock.release_answered",
    "lock.configured",
    "election.joined",
    "election.changed",
    "election.left",
    "election.elected",
    "election.ended",
    "election.transfer",
    "election.transfer_cancelled",
    "service.registered",
    "service.changed",
    "service.draining",
    "service.up",
    "service.passing",
    "service.failing",
    "service.set_aside",
    "service.back",
    "service.left",
    "session.opened",
    "session.closed",
    "session.expired",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_with_the_json() {
        for name in CHANGE_NAMES {
            let family = name.split('.').next();
            assert!(
                matches!(
                    family,
                    Some("node" | "lock" | "election" | "service" | "session")
                ),
                "{name}"
            );
        }
        let kind = EventKind::LockConfigured { lock: "a".into() };
        let json = serde_json::to_value(&kind).unwrap();
        assert_eq!(json["event"], kind.name());
    }
}
