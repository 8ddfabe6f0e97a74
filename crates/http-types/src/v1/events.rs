//! `/v1/events`: what changed, in order, as server-sent events.
//!
//! The id of an event is `index.ordinal`; a stream resumed with `Last-Event-ID` goes on after
//! exactly that event. The same JSON object is the `data` of the SSE frame and a line of NDJSON;
//! its `event` field repeats the name of the frame.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Encoding;
use super::locks::{Claim, ClaimEnd, Lock, Mode};
use super::nodes::{Node, Stat};
use super::sessions::Session;

/// Position of an event: the commit, and the place within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// Position of the commit.
    pub index: u64,
    /// Place within it, from 0.
    pub ordinal: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.ordinal)
    }
}

/// A text is not an event id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidEventId(String);

impl fmt::Display for InvalidEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an event id: write index.ordinal, for example 18261.0",
            self.0
        )
    }
}

impl std::error::Error for InvalidEventId {}

impl std::str::FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<EventId, InvalidEventId> {
        let read = || {
            let (index, ordinal) = text.split_once('.')?;
            Some(EventId {
                index: index.parse().ok()?,
                ordinal: ordinal.parse().ok()?,
            })
        };
        read().ok_or_else(|| InvalidEventId(text.to_owned()))
    }
}

/// Query of `GET /v1/events`, `GET …/-/events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Znodes and locks whose path or name is this or lies below it. Starts with `/` for znodes;
    /// without it for locks. Left out: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Names of events, comma-separated; `node.*` means all of the family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<String>,
    /// `value`, `prev`, comma-separated: data to carry in node events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<String>,
    /// `state`: first what is there, as `state` events, then `synced`, then the changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial: Option<String>,
    /// For browsers, which cannot set the header `Last-Event-ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event_id: Option<String>,
}

/// One event with what is common to all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
    /// The session that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When, for changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Events of this commit before any filter, told with the first event of a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_size: Option<u32>,
    /// Whether it is the last of its commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub commit_end: bool,
}

impl From<EventKind> for Event {
    /// An event of the stream itself, without time and commit.
    fn from(kind: EventKind) -> Event {
        Event {
            kind,
            by: None,
            time: None,
            commit_size: None,
            commit_end: false,
        }
    }
}

/// A claim named by an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimEvent {
    /// The lock.
    pub lock: String,
    /// The claim.
    pub claim: String,
    /// Its fence.
    pub fence: u64,
    /// Its session.
    pub session: String,
}

/// The end of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimEndEvent {
    /// Which claim.
    #[serde(flatten)]
    pub claim: ClaimEvent,
    /// How it ended.
    pub state: ClaimEnd,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A session named by an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionEvent {
    /// Its name or number.
    pub session: String,
    /// Its number.
    pub number: u64,
}

/// One thing that was there when a stream with `initial=state` began; one field is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StateEvent {
    /// A znode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Node>,
    /// A lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// A claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// A session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

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
    /// A lock was configured.
    #[serde(rename = "lock.configured")]
    LockConfigured {
        /// Which.
        lock: String,
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
            EventKind::LockConfigured { .. } => "lock.configured",
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
pub const CHANGE_NAMES: [&str; 13] = [
    "node.created",
    "node.changed",
    "node.acl_changed",
    "node.deleted",
    "lock.queued",
    "lock.granted",
    "lock.released",
    "lock.left",
    "lock.extended",
    "lock.configured",
    "session.opened",
    "session.closed",
    "session.expired",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_and_survive_the_way() {
        let id = EventId {
            index: 18_261,
            ordinal: 1,
        };
        assert_eq!("18261.1".parse(), Ok(id));
        assert_eq!(id.to_string(), "18261.1");
        assert!(id < "18261.10".parse().unwrap());
        for bad in ["", "1", "1.", ".1", "1.x", "1.1.1", "-1.0"] {
            assert!(bad.parse::<EventId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_is_one_flat_object_with_its_name() {
        let event = Event {
            kind: EventKind::LockReleased(ClaimEndEvent {
                claim: ClaimEvent {
                    lock: "orders/42".into(),
                    claim: "c1".into(),
                    fence: 7,
                    session: "s_1".into(),
                },
                state: ClaimEnd::Released,
                reason: None,
            }),
            by: Some("s_1".into()),
            time: None,
            commit_size: None,
            commit_end: true,
        };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(
            text,
            r#"{"event":"lock.released","lock":"orders/42","claim":"c1","fence":7,"session":"s_1","state":"released","by":"s_1","commit_end":true}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }

    #[test]
    fn an_event_of_a_newer_server_is_no_error() {
        let event: Event = serde_json::from_str(r#"{"event":"moon.rose","phase":3}"#).unwrap();
        assert_eq!(event.kind, EventKind::Unrecognised);
    }

    #[test]
    fn names_agree_with_the_json() {
        for name in CHANGE_NAMES {
            let family = name.split('.').next();
            assert!(
                matches!(family, Some("node" | "lock" | "session")),
                "{name}"
            );
        }
        let kind = EventKind::LockConfigured { lock: "a".into() };
        let json = serde_json::to_value(&kind).unwrap();
        assert_eq!(json["event"], kind.name());
    }
}
