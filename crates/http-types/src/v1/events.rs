//! `/v1/events`: what changed, in order, as server-sent events.
//!
//! The id of an event is `index.ordinal`; a stream resumed with `Last-Event-ID` goes on after
//! exactly that event. The same JSON object is the `data` of the SSE frame and a line of NDJSON;
//! its `event` field repeats the name of the frame.

mod id;
mod kind;
mod subject;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use id::{EventId, InvalidEventId};
pub use kind::{CHANGE_NAMES, EventKind};
pub use subject::{
    CandidateEndEvent, CandidateEvent, ClaimEndEvent, ClaimEvent, InstanceEnd, InstanceEvent,
    SessionEvent, StateEvent,
};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::locks::ClaimEnd;

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
}
