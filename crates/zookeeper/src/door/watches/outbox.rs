//! What waits to be told to one connection.

use std::collections::VecDeque;

use parking_lot::Mutex;
use raft_core::acl::Identity;
use raft_core::ids::{SessionId, Zxid};
use tokio::sync::Notify;

use crate::proto::event::WatcherEvent;

/// Bytes of events that wait for one connection, beside the limit of their number: paths may be long.
const WAITING_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Events for which an empty queue keeps room.
const KEPT_EVENTS_MAX: usize = 64;
/// What an event weighs beside its path.
const EVENT_BYTES: usize = 64;

/// Why a connection is to be closed from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Its session has ended.
    SessionEnded,
    /// Its session was taken up by another connection.
    Moved,
    /// It does not read the events it asked for.
    TooSlow,
    /// This node can no longer tell what has happened, or lost its cluster.
    NotServing,
}

#[derive(Debug, Default)]
struct Content {
    events: VecDeque<(Zxid, WatcherEvent)>,
    bytes: usize,
    closing: Option<Closing>,
}

/// Watch events of one connection in the order they happened.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) session: SessionId,
    content: Mutex<Content>,
    identities: Mutex<Vec<Identity>>,
    waiting_max: usize,
    pub(crate) arrived: Notify,
}

impl Outbox {
    pub(crate) fn new(session: SessionId, waiting_max: usize) -> Outbox {
        Outbox {
            session,
            content: Mutex::default(),
            identities: Mutex::default(),
            waiting_max,
            arrived: Notify::new(),
        }
    }

    /// Who the client is from now on: decides which events it may see.
    pub(crate) fn set_identities(&self, identities: Vec<Identity>) {
        *self.identities.lock() = identities;
    }

    pub(super) fn with_identities<T>(&self, look: impl FnOnce(&[Identity]) -> T) -> T {
        look(&self.identities.lock())
    }

    pub(super) fn push(&self, zxid: Zxid, event: WatcherEvent) {
        let mut content = self.content.lock();
        if content.events.len() >= self.waiting_max || content.bytes >= WAITING_BYTES_MAX {
            content.closing.get_or_insert(Closing::TooSlow);
        } else {
            content.bytes = content.bytes.saturating_add(weight(&event));
            content.events.push_back((zxid, event));
        }
        drop(content);
        self.arrived.notify_one();
    }

    pub(super) fn close(&self, why: Closing) {
        self.content.lock().closing.get_or_insert(why);
        self.arrived.notify_one();
    }

    /// The next event that happened at or before `upto`.
    pub(crate) fn take(&self, upto: Zxid) -> Option<WatcherEvent> {
        let mut content = self.content.lock();
        let (zxid, _) = content.events.front()?;
        if *zxid > upto {
            return None;
        }
        let (_, event) = content.events.pop_front()?;
        content.bytes = content.bytes.saturating_sub(weight(&event));
        if content.events.is_empty() && content.events.capacity() > KEPT_EVENTS_MAX {
            // A crowd of events came and went: its memory shall not stay.
            content.events = VecDeque::new();
        }
        Some(event)
    }

    /// Whether the connection is to be closed, and why.
    pub(crate) fn closing(&self) -> Option<Closing> {
        self.content.lock().closing
    }
}

fn weight(event: &WatcherEvent) -> usize {
    event.path.len().saturating_add(EVENT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::event::EventType;

    fn event(path_bytes: usize) -> WatcherEvent {
        WatcherEvent {
            zxid: 1,
            kind: EventType::NodeCreated,
            path: "x".repeat(path_bytes),
        }
    }

    fn pushed_until_too_slow(outbox: &Outbox, path_bytes: usize) -> usize {
        for pushed in 0..1_000_000 {
            if outbox.closing() == Some(Closing::TooSlow) {
                return pushed - 1;
            }
            outbox.push(Zxid(1), event(path_bytes));
        }
        panic!("nothing limits what waits");
    }

    #[test]
    fn what_waits_is_bounded_by_number_and_by_bytes() {
        let few = Outbox::new(SessionId(1), 10);
        assert_eq!(pushed_until_too_slow(&few, 1), 10);
        let long = Outbox::new(SessionId(1), 1_000_000);
        let pushed = pushed_until_too_slow(&long, 4_000);
        assert_eq!(pushed, WAITING_BYTES_MAX.div_ceil(4_000 + EVENT_BYTES));
    }

    #[test]
    fn what_was_taken_no_longer_counts() {
        let outbox = Outbox::new(SessionId(1), 10);
        for _ in 0..100 {
            for _ in 0..10 {
                outbox.push(Zxid(1), event(4_000));
            }
            while outbox.take(Zxid(1)).is_some() {}
        }
        assert_eq!(outbox.closing(), None);
        assert_eq!(outbox.content.lock().bytes, 0);
    }
}
