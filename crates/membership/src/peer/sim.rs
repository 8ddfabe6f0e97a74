//! A network inside one process whose links can be cut, for tests and simulations.
//!
//! A cut link behaves like a cable pulled out: bytes wait and nobody is told, exactly what TCP
//! shows until it gives up; after healing they arrive. A killed node behaves like a killed process:
//! its connections end, and connecting to it is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use raft_types::NodeId;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::network::{BoxStream, PeerListener, PeerNetwork};

/// What one direction of a connection buffers, in bytes.
const PIPE_BYTES: usize = 64 << 10;
/// Connections that may wait to be accepted.
const BACKLOG: usize = 64;

/// The network. Cheap to clone; all clones are the same network.
#[derive(Clone, Default)]
pub struct SimNetwork {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Bumped at every change of links, listeners or processes.
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    listeners: BTreeMap<String, mpsc::Sender<(BoxStream, String)>>,
    /// Who owns an address; remembered after a kill, since the link to a dead node can be cut too.
    owners: BTreeMap<String, NodeId>,
    cuts: BTreeSet<(NodeId, NodeId)>,
    /// Ends everything the current process of a node holds open.
    processes: BTreeMap<NodeId, CancellationToken>,
    /// How often one node has tried to connect to another.
    dials: BTreeMap<(NodeId, NodeId), u64>,
    /// The connections between two nodes, the smaller id first.
    links: BTreeMap<(NodeId, NodeId), Link>,
}

/// What can happen to all present connections of a link.
#[derive(Clone, Default)]
struct Link {
    /// They end.
    reset: CancellationToken,
    /// They stay open and carry nothing any more.
    swallow: CancellationToken,
}

impl SimNetwork {
    /// A network without nodes, every link intact.
    pub fn new() -> Self {
        Self::default()
    }

    /// The network as seen by a (new) process of `node`.
    pub fn endpoint(&self, node: NodeId) -> SimEndpoint {
        let alive = self.lock().processes.entry(node).or_default().clone();
        SimEndpoint {
            shared: self.shared.clone(),
            node,
            alive,
        }
    }

    /// Cuts the link between two nodes in both directions.
    pub fn cut(&self, a: NodeId, b: NodeId) {
        self.change(|state| {
            state.cuts.insert((a, b));
            state.cuts.insert((b, a));
        });
    }

    /// Bytes sent by `from` no longer reach `to`; the other direction works.
    pub fn cut_one_way(&self, from: NodeId, to: NodeId) {
        self.change(|state| {
            state.cuts.insert((from, to));
        });
    }

    /// Cuts every link of `node` to `others`.
    pub fn isolate(&self, node: NodeId, others: impl IntoIterator<Item = NodeId>) {
        for other in others {
            if other != node {
                self.cut(node, other);
            }
        }
    }

    /// Repairs the link between two nodes in both directions.
    pub fn heal(&self, a: NodeId, b: NodeId) {
        self.change(|state| {
            state.cuts.remove(&(a, b));
            state.cuts.remove(&(b, a));
        });
    }

    /// Repairs every link.
    pub fn heal_all(&self) {
        self.change(|state| state.cuts.clear());
    }

    /// Resets the connections between two living nodes, as a router in between might. New ones can
    /// be made at once.
    pub fn reset(&self, a: NodeId, b: NodeId) {
        self.change(|state| {
            if let Some(link) = state.links.remove(&(a.min(b), a.max(b))) {
                link.reset.cancel();
            }
        });
    }

    /// Makes the present connections between two nodes half open for ever: nothing arrives and
    /// nobody is told, as when a firewall forgot them. New ones work.
    pub fn swallow(&self, a: NodeId, b: NodeId) {
        self.change(|state| {
            if let Some(link) = state.links.remove(&(a.min(b), a.max(b))) {
                link.swallow.cancel();
            }
        });
    }

    /// Ends every connection of `node`, as the end of its process would, and stops it from making
    /// new ones. A later [`endpoint`](SimNetwork::endpoint) is a new process.
    pub fn kill(&self, node: NodeId) {
        self.change(|state| {
            if let Some(process) = state.processes.remove(&node) {
                process.cancel();
            }
            let State {
                listeners, owners, ..
            } = state;
            listeners.retain(|address, _| owners.get(address) != Some(&node));
        });
    }

    /// How often `from` has tried to connect to `to` so far.
    pub fn dials(&self, from: NodeId, to: NodeId) -> u64 {
        self.lock().dials.get(&(from, to)).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    fn change(&self, apply: impl FnOnce(&mut State)) {
        apply(&mut self.lock());
        self.shared
            .changed
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn link_open(&self, from: NodeId, to: NodeId) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if !self.lock().cuts.contains(&(from, to)) {
                return;
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

/// One process's access to a [`SimNetwork`].
#[derive(Clone)]
pub struct SimEndpoint {
    shared: Arc<Shared>,
    node: NodeId,
    alive: CancellationToken,
}

impl SimEndpoint {
    fn open(&self, to: NodeId) -> (BoxStream, BoxStream) {
        let (ours, our_relay) = tokio::io::duplex(PIPE_BYTES);
        let (theirs, their_relay) = tokio::io::duplex(PIPE_BYTES);
        let (our_reads, our_writes) = tokio::io::split(our_relay);
        let (their_reads, their_writes) = tokio::io::split(their_relay);
        let (ended, swallow) = self.fate(to);
        let (shared, from) = (self.shared.clone(), self.node);
        let forth = Pipe {
            shared: shared.clone(),
            from,
            to,
            swallow: swallow.clone(),
        };
        let back = Pipe {
            shared,
            from: to,
            to: from,
            swallow,
        };
        tokio::spawn(forth.carry(our_reads, their_writes, ended.clone()));
        tokio::spawn(back.carry(their_reads, our_writes, ended));
        (Box::new(ours), Box::new(theirs))
    }

    /// Of a new connection: what ends it (the process at either end is killed, the link is reset)
    /// and what makes it half open.
    fn fate(&self, to: NodeId) -> (CancellationToken, CancellationToken) {
        let ended = self.alive.child_token();
        let (other, link) = {
            let mut state = self.shared.lock();
            let pair = (self.node.min(to), self.node.max(to));
            let other = state.processes.entry(to).or_default().clone();
            (other, state.links.entry(pair).or_default().clone())
        };
        let all = ended.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = other.cancelled() => all.cancel(),
                () = link.reset.cancelled() => all.cancel(),
                () = all.cancelled() => {}
            }
        });
        (ended, link.swallow)
    }
}

struct Pipe {
    shared: Arc<Shared>,
    from: NodeId,
    to: NodeId,
    swallow: CancellationToken,
}

impl Pipe {
    async fn carry(
        self,
        mut reads: ReadHalf<DuplexStream>,
        mut writes: WriteHalf<DuplexStream>,
        ended: CancellationToken,
    ) {
        let swallowed = tokio::select! {
            () = self.copy(&mut reads, &mut writes) => false,
            () = ended.cancelled() => false,
            () = self.swallow.cancelled() => true,
        };
        if swallowed {
            // Until the sender gives up; the other end is not told.
            let mut nowhere = tokio::io::sink();
            let _ = tokio::io::copy(&mut reads, &mut nowhere).await;
            return;
        }
        // The news of the end travels over the same link.
        self.shared.link_open(self.from, self.to).await;
    }

    async fn copy(&self, reads: &mut ReadHalf<DuplexStream>, writes: &mut WriteHalf<DuplexStream>) {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let Ok(count) = reads.read(&mut buffer).await else {
                return;
            };
            self.shared.link_open(self.from, self.to).await;
            let bytes = buffer.get(..count).unwrap_or_default();
            if count == 0 || writes.write_all(bytes).await.is_err() {
                let _ = writes.shutdown().await;
                return;
            }
        }
    }
}

impl PeerNetwork for SimEndpoint {
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxStream>> {
        Box::pin(async move {
            if self.alive.is_cancelled() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            let owner = self.shared.lock().owners.get(address).copied();
            let Some(owner) = owner else {
                return Err(io::ErrorKind::ConnectionRefused.into());
            };
            let link = (self.node, owner);
            *self.shared.lock().dials.entry(link).or_default() += 1;
            self.shared.link_open(self.node, owner).await;
            self.shared.link_open(owner, self.node).await;
            let listener = self.shared.lock().listeners.get(address).cloned();
            let Some(listener) = listener else {
                return Err(io::ErrorKind::ConnectionRefused.into());
            };
            let (ours, theirs) = self.open(owner);
            match listener
                .send((theirs, format!("sim node {}", self.node)))
                .await
            {
                Ok(()) => Ok(ours),
                Err(_) => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }

    fn listen<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn PeerListener>>> {
        Box::pin(async move {
            let (sender, connections) = mpsc::channel(BACKLOG);
            let mut state = self.shared.lock();
            if self.alive.is_cancelled() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            if state
                .listeners
                .get(address)
                .is_some_and(|old| !old.is_closed())
            {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            state.listeners.insert(address.to_owned(), sender);
            state.owners.insert(address.to_owned(), self.node);
            let address = address.to_owned();
            Ok(Box::new(SimListener {
                connections,
                address,
            }) as Box<dyn PeerListener>)
        })
    }
}

struct SimListener {
    connections: mpsc::Receiver<(BoxStream, String)>,
    address: String,
}

impl PeerListener for SimListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, String)>> {
        Box::pin(async move {
            match self.connections.recv().await {
                Some(connection) => Ok(connection),
                // Killed: nothing will ever come.
                None => std::future::pending().await,
            }
        })
    }

    fn local_address(&self) -> String {
        self.address.clone()
    }
}
