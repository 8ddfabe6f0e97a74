//! Who watches what on this node, and what waits to be told to whom.
//!
//! One lock guards the tables and the position in the event log up to which they were served
//! ([`Tables::serve`]). Whoever reads the state for a client first serves the tables up to that very
//! state, and registers its watch under the same lock. So a watch gets every event after the state
//! its client was shown and none before, and all events up to that state are in the client's
//! outbox before the reply is written.

mod outbox;
mod tables;
mod told;

use std::sync::Arc;

use node::Node;
use parking_lot::Mutex;
use raft_core::ids::SessionId;
use raft_core::state::State;
use tokio_util::sync::CancellationToken;

pub(crate) use self::outbox::{Closing, Outbox};
use self::tables::{ConnectionId, Tables};
pub(crate) use self::tables::{Counts, Mode, Table, Watch};
pub(crate) use self::told::{Fires, Told};
use super::Door;
use super::local_session::is_local;

/// Watches copied at a time for somebody who lists them.
const LISTED_AT_ONCE: usize = 1000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Watches {
    tables: Mutex<Tables>,
    waiting_max: usize,
}

/// A connection's place in the tables; dropping it removes everything the connection watches.
#[derive(Debug)]
pub(crate) struct Watcher {
    watches: Arc<Watches>,
    id: ConnectionId,
    pub(crate) outbox: Arc<Outbox>,
}

impl Watches {
    pub(crate) fn new(node: &Node, waiting_max: usize) -> Arc<Watches> {
        Arc::new(Watches {
            tables: Mutex::new(Tables::new(node.events_from_now())),
            waiting_max,
        })
    }

    /// A place for a connection of `session`. An earlier connection of the same session on this
    /// node is told to close.
    pub(crate) fn enter(self: &Arc<Self>, session: SessionId) -> Watcher {
        let outbox = Arc::new(Outbox::new(session, self.waiting_max));
        let id = self.tables.lock().enter(Arc::clone(&outbox));
        Watcher {
            watches: Arc::clone(self),
            id,
            outbox,
        }
    }

    /// Puts everything that has happened into the outboxes.
    pub(crate) fn serve(&self, node: &Node) {
        self.tables.lock().serve(node);
    }

    /// The present state, with the tables served up to it, and a chance to change them.
    fn with_current<T>(
        &self,
        node: &Node,
        act: impl FnOnce(&State, &mut Tables) -> T,
    ) -> (T, State) {
        let mut tables = self.tables.lock();
        // Most of it before apply has to wait, the rest while it does.
        tables.serve(node);
        let state = node.peek(|state| {
            tables.serve_with(state);
            state.clone()
        });
        let value = act(&state, &mut tables);
        (value, state)
    }

    /// How many watches there are.
    pub(crate) fn counts(&self) -> Counts {
        self.tables.lock().counts()
    }

    /// How many were told what.
    pub(crate) fn told(&self) -> Told {
        self.tables.lock().told()
    }

    /// At most `limit` watches. They are copied in pieces, between which events go their way: the
    /// list is no view of one moment.
    pub(crate) fn list(&self, limit: usize) -> Vec<Watch> {
        let mut all: Vec<Watch> = Vec::new();
        loop {
            let room = LISTED_AT_ONCE.min(limit.saturating_sub(all.len()));
            let page = self.tables.lock().page(all.last(), room);
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// Closes the connections of the cluster's sessions.
    pub(crate) fn close_attached(&self) {
        self.tables.lock().close(|session| !is_local(session));
    }

    /// Closes the connections of sessions that only this node knows.
    pub(crate) fn close_local(&self) {
        self.tables.lock().close(is_local);
    }
}

impl Watcher {
    /// The present state; `register` says which watches to leave, having seen it.
    pub(crate) fn read<I>(&self, node: &Node, register: impl FnOnce(&State) -> I) -> State
    where
        I: IntoIterator<Item = (Table, String, Mode)>,
    {
        let ((), state) = self.watches.with_current(node, |state, tables| {
            for (kind, path, mode) in register(state) {
                tables.add(self.id, kind, &path, mode);
            }
        });
        state
    }

    /// Brings this connection's outbox up to everything that has happened.
    pub(crate) fn serve(&self, node: &Node) {
        self.watches.serve(node);
    }

    /// Whether there is a watch of this kind and mode.
    pub(crate) fn has(&self, kind: Table, path: &str, mode: Mode) -> bool {
        self.watches.tables.lock().has(self.id, kind, path, mode)
    }

    /// Removes a watch; says whether there was one.
    pub(crate) fn remove(&self, kind: Table, path: &str, mode: Mode) -> bool {
        self.watches.tables.lock().remove(self.id, kind, path, mode)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.watches.tables.lock().leave(self.id);
    }
}

/// Serves the tables as things happen.
pub(crate) async fn run(door: Arc<Door>, shutdown: CancellationToken) {
    let mut events = door.node.events_from_now();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = events.changed() => door.watches.serve(&door.node),
        }
    }
}
