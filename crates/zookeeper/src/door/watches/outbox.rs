//! What waits to be told to one connection.

use std::collections::VecDeque;

use parking_lot::Mutex;
use raft_core::acl::Identity;
use raft_core::ids::{SessionId, Zxid};
use tokio::sync::Notify;

use crate::proto::event::WatcherEvent;

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
        if content.events.len() >= self.waiting_max {
            content.closing.get_or_insert(Closing::TooSlow);
        } else {
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
        content.events.pop_front().map(|(_, event)| event)
    }

    /// Whether the connection is to be closed, and why.
    pub(crate) fn closing(&self) -> Option<Closing> {
        self.content.lock().closing
    }
}
