//! The two tables of ZooKeeper's `DataTree`: watches on data, and watches on children.

mod listing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use node::{EventStream, Node};
use raft_core::acl::{self, AclEntry, Perms};
use raft_core::event::{Event, EventKind};
use raft_core::ids::{SessionId, ZnodePath, Zxid};
use raft_core::session::SessionEnd;
use raft_core::state::State;

pub(crate) use self::listing::{Counts, Watch};
use super::outbox::{Closing, Outbox};
use super::told::Told;
use crate::door::convert;
use crate::proto::event::{EventType, WatcherEvent};

/// Number of a connection on this node.
pub(super) type ConnectionId = u64;

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// Of `exists`, `getData` and `addWatch`.
    Data,
    /// Of `getChildren` and of a persistent `addWatch`.
    Children,
}

/// How a watch lives. Modes on one path are independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Fires once.
    Standard,
    /// Stays.
    Persistent,
    /// Stays, and also fires for everything below.
    Recursive,
}

type Watched = BTreeMap<String, BTreeMap<ConnectionId, BTreeSet<Mode>>>;

/// See the module.
#[derive(Debug)]
pub(super) struct Tables {
    data: Watched,
    children: Watched,
    connections: BTreeMap<ConnectionId, Connected>,
    by_session: BTreeMap<SessionId, ConnectionId>,
    last_id: ConnectionId,
    events: EventStream,
    /// How many paths are watched in either table.
    paths: usize,
    /// How many pairs of a path and a connection the tables have.
    watches: usize,
    told: Told,
}

#[derive(Debug)]
struct Connected {
    outbox: Arc<Outbox>,
    watching: BTreeSet<(Table, String)>,
}

impl Tables {
    pub(super) fn new(events: EventStream) -> Tables {
        Tables {
            data: Watched::new(),
            children: Watched::new(),
            connections: BTreeMap::new(),
            by_session: BTreeMap::new(),
            last_id: 0,
            events,
            paths: 0,
            watches: 0,
            told: Told::default(),
        }
    }

    pub(super) fn enter(&mut self, outbox: Arc<Outbox>) -> ConnectionId {
        self.last_id = self.last_id.wrapping_add(1);
        let id = self.last_id;
        let former = self.by_session.insert(outbox.session, id);
        if let Some(former) = former.and_then(|id| self.connections.get(&id)) {
            former.outbox.close(Closing::Moved);
        }
        let watching = BTreeSet::new();
        self.connections.insert(id, Connected { outbox, watching });
        id
    }

    pub(super) fn leave(&mut self, id: ConnectionId) {
        let Some(gone) = self.connections.remove(&id) else {
            return;
        };
        if self.by_session.get(&gone.outbox.session) == Some(&id) {
            self.by_session.remove(&gone.outbox.session);
        }
        self.watches = self.watches.saturating_sub(gone.watching.len());
        for (kind, path) in gone.watching {
            let table = self.table(kind);
            if let Some(watchers) = table.get_mut(&path) {
                watchers.remove(&id);
                if watchers.is_empty() {
                    table.remove(&path);
                    self.path_left(&path);
                }
            }
        }
    }

    /// A path is no longer in one of the tables.
    fn path_left(&mut self, path: &str) {
        if !self.is_watched(path) {
            self.paths = self.paths.saturating_sub(1);
        }
    }

    fn is_watched(&self, path: &str) -> bool {
        self.data.contains_key(path) || self.children.contains_key(path)
    }

    fn table(&mut self, kind: Table) -> &mut Watched {
        match kind {
            Table::Data => &mut self.data,
            Table::Children => &mut self.children,
        }
    }

    pub(super) fn add(&mut self, id: ConnectionId, kind: Table, path: &str, mode: Mode) {
        let is_new_path = !self.is_watched(path);
        let Some(connected) = self.connections.get_mut(&id) else {
            return;
        };
        if connected.watching.insert((kind, path.to_owned())) {
            self.watches += 1;
        }
        if is_new_path {
            self.paths += 1;
        }
        let watchers = self.table(kind).entry(path.to_owned()).or_default();
        watchers.entry(id).or_default().insert(mode);
    }

    pub(super) fn has(&self, id: ConnectionId, kind: Table, path: &str, mode: Mode) -> bool {
        let table = match kind {
            Table::Data => &self.data,
            Table::Children => &self.children,
        };
        let modes = table.get(path).and_then(|watchers| watchers.get(&id));
        modes.is_some_and(|modes| modes.contains(&mode))
    }

    pub(super) fn remove(&mut self, id: ConnectionId, kind: Table, path: &str, mode: Mode) -> bool {
        let table = self.table(kind);
        let Some(watchers) = table.get_mut(path) else {
            return false;
        };
        let Some(modes) = watchers.get_mut(&id) else {
            return false;
        };
        let was_there = modes.remove(&mode);
        if modes.is_empty() {
            watchers.remove(&id);
            if watchers.is_empty() {
                table.remove(path);
                self.path_left(path);
            }
            self.watches = self.watches.saturating_sub(1);
            if let Some(connected) = self.connections.get_mut(&id) {
                connected.watching.remove(&(kind, path.to_owned()));
            }
        }
        was_there
    }

    /// Serves what has happened.
    pub(super) fn serve(&mut self, node: &Node) {
        loop {
            match self.events.try_next() {
                Ok(Some(commit)) => {
                    let state = node.state();
                    for event in &commit.events {
                        self.tell(event, &state);
                    }
                }
                Ok(None) => return,
                Err(_) => return self.start_over(node.events_from_now()),
            }
        }
    }

    /// As [`Tables::serve`], by somebody who holds `state` still.
    pub(super) fn serve_with(&mut self, state: &State) {
        loop {
            match self.events.try_next() {
                Ok(Some(commit)) => {
                    for event in &commit.events {
                        self.tell(event, state);
                    }
                }
                Ok(None) => return,
                // The next `serve` finds the same and starts over.
                Err(_) => return self.close_all(),
            }
        }
    }

    /// Nobody can say any more what has happened: clients come back and compare for themselves.
    fn start_over(&mut self, events: EventStream) {
        self.events = events;
        self.close_all();
    }

    pub(super) fn close_all(&mut self) {
        self.close(|_| true);
    }

    pub(super) fn close(&mut self, is_meant: impl Fn(SessionId) -> bool) {
        for connected in self.connections.values() {
            if is_meant(connected.outbox.session) {
                connected.outbox.close(Closing::NotServing);
            }
        }
    }

    fn tell(&mut self, event: &Event, state: &State) {
        let zxid = event.moment.zxid;
        match &event.kind {
            EventKind::NodeCreated { path, acl, .. } => {
                self.data_event(zxid, EventType::NodeCreated, path, acl);
                self.parent_event(zxid, path, state);
            }
            EventKind::NodeChanged { path, acl, .. } => {
                self.data_event(zxid, EventType::NodeDataChanged, path, acl);
            }
            EventKind::NodeDeleted { path, acl, .. } => {
                let told = self.data_event(zxid, EventType::NodeDeleted, path, acl);
                self.fire(Fired {
                    zxid,
                    kind: EventType::NodeDeleted,
                    of: Table::Children,
                    path,
                    acl,
                    except: &told,
                });
                self.parent_event(zxid, path, state);
            }
            EventKind::SessionEnded { session, end, .. } => {
                if *end == SessionEnd::Expired {
                    self.told.sessions_expired += 1;
                }
                let connected = self.by_session.get(session);
                if let Some(connected) = connected.and_then(|id| self.connections.get(id)) {
                    connected.outbox.close(Closing::SessionEnded);
                }
            }
            EventKind::NodeAclChanged { .. }
            | EventKind::ClaimQueued { .. }
            | EventKind::ClaimGranted { .. }
            | EventKind::ClaimEnded { .. }
            | EventKind::ClaimExtended { .. }
            | EventKind::ReleaseRequested { .. }
            | EventKind::ReleaseAnswered { .. }
            | EventKind::LockConfigured { .. }
            | EventKind::SessionOpened { .. }
            | EventKind::CandidateJoined { .. }
            | EventKind::CandidateChanged { .. }
            | EventKind::CandidateLeft { .. }
            | EventKind::LeaderElected { .. }
            | EventKind::LeadershipEnded { .. }
            | EventKind::TransferAsked { .. }
            | EventKind::TransferCancelled { .. }
            | EventKind::Instance { .. } => {}
        }
    }

    /// Watches on the data of `path`, and recursive ones above it. Says who was told.
    fn data_event(
        &mut self,
        zxid: Zxid,
        kind: EventType,
        path: &ZnodePath,
        acl: &[AclEntry],
    ) -> BTreeSet<ConnectionId> {
        self.fire(Fired {
            zxid,
            kind,
            of: Table::Data,
            path,
            acl,
            except: &BTreeSet::new(),
        })
    }

    fn parent_event(&mut self, zxid: Zxid, path: &ZnodePath, state: &State) {
        let Some(parent) = path.parent() else {
            return;
        };
        let acl = state.znode(&parent).map(|znode| Arc::clone(&znode.acl));
        self.fire(Fired {
            zxid,
            kind: EventType::NodeChildrenChanged,
            of: Table::Children,
            path: &parent,
            acl: acl.as_deref().unwrap_or_default(),
            except: &BTreeSet::new(),
        });
    }

    fn fire(&mut self, fired: Fired<'_>) -> BTreeSet<ConnectionId> {
        let told = self.take_watchers(&fired);
        let mut events = 0;
        for id in &told {
            let Some(connected) = self.connections.get(id) else {
                continue;
            };
            let outbox = &connected.outbox;
            // The watch is used up all the same (CVE-2024-23944).
            if fired.except.contains(id)
                || !outbox.with_identities(|who| acl::allows(fired.acl, who, Perms::READ))
            {
                continue;
            }
            let event = WatcherEvent {
                zxid: convert::zxid(fired.zxid),
                kind: fired.kind,
                path: fired.path.to_string(),
            };
            outbox.push(fired.zxid, event);
            events += 1;
        }
        self.told.fired(fired.kind, events);
        told
    }

    /// Connections whose watches an event meets, the one-shot ones used up.
    fn take_watchers(&mut self, fired: &Fired<'_>) -> BTreeSet<ConnectionId> {
        let path = fired.path.as_str();
        let mut told = BTreeSet::new();
        let mut used_up = Vec::new();
        let table = match fired.of {
            Table::Data => &self.data,
            Table::Children => &self.children,
        };
        for (id, modes) in table.get(path).into_iter().flatten() {
            told.insert(*id);
            if modes.contains(&Mode::Standard) {
                used_up.push(*id);
            }
        }
        if fired.of == Table::Data {
            let above = std::iter::successors(fired.path.parent(), ZnodePath::parent);
            for watched in above {
                for (id, modes) in self.data.get(watched.as_str()).into_iter().flatten() {
                    if modes.contains(&Mode::Recursive) {
                        told.insert(*id);
                    }
                }
            }
        }
        for id in used_up {
            self.remove(id, fired.of, path, Mode::Standard);
        }
        told
    }
}

/// What is told to whom.
struct Fired<'a> {
    zxid: Zxid,
    kind: EventType,
    of: Table,
    path: &'a ZnodePath,
    acl: &'a [AclEntry],
    except: &'a BTreeSet<ConnectionId>,
}
