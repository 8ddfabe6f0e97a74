//! A cluster for tests: nodes by id, killed and restarted at will.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use membership::peer::sim::SimNetwork;
use membership::{
    ChangeOptions, Consensus, Founded, PeerService, RaftSettings, StartOptions, Status, Timing,
};
use raft_types::seam::SystemEntropy;
use raft_types::{ClusterId, EntryBytes, NodeId, PeerAddress};

use crate::store::{Disk, SharedState, StateMachine};

/// Nothing that is meant to happen takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const OPTIONS: ChangeOptions = ChangeOptions {
    force: false,
    within: PATIENCE,
};

/// Quick, so that tests are; the relations of production hold.
pub(crate) fn timing() -> Timing {
    let ms = Duration::from_millis;
    Timing {
        heartbeat: ms(50),
        election_min: ms(300),
        election_max: ms(600),
        connect_timeout: ms(250),
        peer_idle_timeout: ms(600),
        append_timeout: ms(2000),
        install_snapshot_timeout: PATIENCE,
    }
}

pub(crate) struct Node {
    pub(crate) consensus: Consensus<StateMachine>,
    pub(crate) state: SharedState,
    pub(crate) calls: Arc<Recorder>,
}

pub(crate) struct Cluster {
    pub(crate) network: SimNetwork,
    pub(crate) id: ClusterId,
    pub(crate) timing: Timing,
    pub(crate) settings: RaftSettings,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) disks: BTreeMap<NodeId, Disk>,
    pub(crate) used: Arc<Mutex<BTreeSet<NodeId>>>,
}

pub(crate) fn address(id: NodeId) -> PeerAddress {
    PeerAddress {
        peer: format!("n{id}"),
        api: format!("http://n{id}"),
    }
}

impl Cluster {
    pub(crate) fn new() -> Self {
        Cluster {
            network: SimNetwork::new(),
            id: ClusterId(7),
            timing: timing(),
            settings: RaftSettings::default(),
            nodes: BTreeMap::new(),
            disks: BTreeMap::new(),
            used: Arc::default(),
        }
    }

    /// Voters 1..=count, founded by node 1, with a leader.
    pub(crate) async fn founded(count: NodeId) -> Self {
        let mut cluster = Cluster::new();
        cluster.found(count).await;
        cluster
    }

    pub(crate) async fn found(&mut self, count: NodeId) {
        for id in 1..=count {
            self.start(id).await;
        }
        let members = (1..=count).map(|id| (id, address(id))).collect();
        assert_eq!(self.node(1).found(members).await, Ok(Founded::Now));
        self.leader().await;
    }

    /// Starts a node on its disk, which is empty the first time.
    pub(crate) async fn start(&mut self, id: NodeId) {
        let disk = self.disks.entry(id).or_default().clone();
        let (state_machine, state) = StateMachine::new(disk.clone());
        let calls = Arc::new(Recorder::default());
        let used = self.used.clone();
        let consensus = Consensus::start(StartOptions {
            node_id: id,
            cluster_id: self.id,
            listen: address(id).peer,
            timing: self.timing,
            settings: self.settings.clone(),
            log_store: disk.log_store(),
            state_machine,
            snapshots: Arc::new(disk),
            network: Arc::new(self.network.endpoint(id)),
            service: calls.clone(),
            entropy: Arc::new(SystemEntropy),
            member_history: Arc::new(move |id| used.lock().unwrap().contains(&id)),
        })
        .await
        .unwrap();
        self.used.lock().unwrap().insert(id);
        self.nodes.insert(
            id,
            Node {
                consensus,
                state,
                calls,
            },
        );
    }

    /// Ends a node as `kill -9` would: its connections end, nothing is handed over.
    pub(crate) async fn kill(&mut self, id: NodeId) {
        self.network.kill(id);
        self.nodes.remove(&id).unwrap().consensus.halt().await;
    }

    /// Starts a process of `id` before the remains of its dead one are cleared away.
    pub(crate) async fn start_beside(&mut self, id: NodeId, old: Node) {
        self.start(id).await;
        old.consensus.halt().await;
    }

    pub(crate) fn node(&self, id: NodeId) -> &Consensus<StateMachine> {
        &self.nodes[&id].consensus
    }

    pub(crate) fn others(&self, id: NodeId) -> Vec<NodeId> {
        self.nodes
            .keys()
            .copied()
            .filter(|other| *other != id)
            .collect()
    }

    /// The node that leads with a quorum, once there is one.
    pub(crate) async fn leader(&self) -> NodeId {
        let ids: Vec<_> = self.nodes.keys().copied().collect();
        self.leader_among(&ids).await
    }

    pub(crate) async fn leader_among(&self, ids: &[NodeId]) -> NodeId {
        eventually("a leader with a quorum", || {
            ids.iter().copied().find(|id| self.node(*id).has_quorum())
        })
        .await
    }

    /// Writes through `id` and waits until it is applied there.
    pub(crate) async fn write(&self, id: NodeId, value: &str) {
        let payload = EntryBytes(Bytes::copy_from_slice(value.as_bytes()));
        let write = self.node(id).raft().client_write(payload);
        tokio::time::timeout(PATIENCE, write)
            .await
            .unwrap()
            .unwrap();
    }

    /// Waits until `ids` applied exactly `values`.
    pub(crate) async fn converged(&self, ids: &[NodeId], values: &[&str]) {
        for id in ids {
            let wanted: Vec<Vec<u8>> = values.iter().map(|v| v.as_bytes().to_vec()).collect();
            let state = &self.nodes[id].state;
            eventually(&format!("node {id} has {values:?}"), || {
                (state.lock().unwrap().values == wanted).then_some(())
            })
            .await;
        }
    }

    /// Waits for a condition on the status of `id`.
    pub(crate) async fn status(
        &self,
        id: NodeId,
        what: &str,
        holds: impl Fn(&Status) -> bool,
    ) -> Status {
        eventually(what, || {
            Some(self.node(id).status()).filter(|status| holds(status))
        })
        .await
    }

    pub(crate) async fn end(self) {
        for (id, node) in self.nodes {
            self.network.kill(id);
            node.consensus.halt().await;
        }
    }
}

/// Polls a condition; fails the test when it does not hold in time.
pub(crate) async fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Answers `kind` 0 with the body, `kind` 1 never; records the order of arrival.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) arrived: Mutex<Vec<(NodeId, Bytes)>>,
}

impl PeerService for Recorder {
    fn call(&self, from: NodeId, kind: u8, body: Bytes) -> BoxFuture<'static, Bytes> {
        self.arrived.lock().unwrap().push((from, body.clone()));
        Box::pin(async move {
            if kind == 1 {
                std::future::pending::<()>().await;
            }
            body
        })
    }
}
