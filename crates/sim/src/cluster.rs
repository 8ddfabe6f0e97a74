//! Starting, crashing and cutting nodes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use membership::peer::sim::SimNetwork;
use membership::{RaftSettings, Timing};
use node::{KeyStore, Node, NodeSettings, Signing, StartOptions};
use raft_types::seam::{SimClock, SimEntropy};
use raft_types::{ClusterId, NodeId, PeerAddress};
use storage::{LogStore, MemoryBackend, MemorySnapshotStore};

use crate::keys::SimKeys;

/// Wall time at which simulated clocks begin.
const WALL_START_MS: u64 = 1_700_000_000_000;
/// How long a node signs with one key.
const KEY_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// How often such a node looks after its key.
const KEY_LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long tests wait for what must come about.
const PATIENCE: Duration = Duration::from_secs(20);

/// One node, and what survives it.
pub struct SimNode {
    /// The running node; `None` while it is down.
    pub node: Option<Node>,
    /// Its clocks.
    pub clock: Arc<SimClock>,
    disk: MemoryBackend,
    snapshots: Arc<MemorySnapshotStore>,
    keys: Arc<SimKeys>,
    starts: u64,
}

/// Several nodes and the network between them.
pub struct Cluster {
    nodes: BTreeMap<NodeId, SimNode>,
    /// Cut and heal it here.
    pub network: SimNetwork,
    raft: RaftSettings,
    settings: NodeSettings,
    has_doors: bool,
    signs: bool,
}

fn address(id: NodeId) -> PeerAddress {
    PeerAddress {
        peer: format!("node-{id}"),
        api: format!("http://node-{id}"),
    }
}

impl Cluster {
    /// Founds a cluster of `size` nodes, numbered from 1, and waits for a leader.
    pub async fn found(size: u64) -> Cluster {
        Cluster::found_with(size, RaftSettings::default(), NodeSettings::default()).await
    }

    /// The same with other settings.
    pub async fn found_with(size: u64, raft: RaftSettings, settings: NodeSettings) -> Cluster {
        let mut cluster = Cluster {
            nodes: BTreeMap::new(),
            network: SimNetwork::new(),
            raft,
            settings,
            has_doors: false,
            signs: false,
        };
        cluster.found_all(size).await;
        cluster
    }

    /// A cluster whose nodes say that ZooKeeper clients reach them.
    pub async fn found_with_doors(size: u64) -> Cluster {
        let mut cluster = Cluster {
            nodes: BTreeMap::new(),
            network: SimNetwork::new(),
            raft: RaftSettings::default(),
            settings: NodeSettings::default(),
            has_doors: true,
            signs: false,
        };
        cluster.found_all(size).await;
        cluster
    }

    /// A cluster whose nodes sign fence tokens.
    pub async fn found_with_keys(size: u64) -> Cluster {
        let settings = NodeSettings {
            audit_interval: KEY_LOOK_INTERVAL,
            ..NodeSettings::default()
        };
        let mut cluster = Cluster {
            nodes: BTreeMap::new(),
            network: SimNetwork::new(),
            raft: RaftSettings::default(),
            settings,
            has_doors: false,
            signs: true,
        };
        cluster.found_all(size).await;
        cluster
    }

    async fn found_all(&mut self, size: u64) {
        for id in 1..=size {
            self.add(id).await;
        }
        let members = (1..=size).map(|id| (id, address(id))).collect();
        self.node(1)
            .found(members)
            .await
            .expect("founding a fresh cluster");
        self.leader().await;
    }

    /// Starts a node that belongs to no cluster yet.
    pub async fn add(&mut self, id: NodeId) {
        let fresh = SimNode {
            node: None,
            clock: Arc::new(SimClock::starting_at(WALL_START_MS)),
            disk: MemoryBackend::new(),
            snapshots: Arc::new(MemorySnapshotStore::default()),
            keys: Arc::new(SimKeys::of(id)),
            starts: 0,
        };
        self.nodes.insert(id, fresh);
        self.start(id).await;
    }

    /// Starts a node that is down, on what its disk kept.
    pub async fn start(&mut self, id: NodeId) {
        let endpoint = self.network.endpoint(id);
        let (raft, settings) = (self.raft.clone(), self.settings.clone());
        let sim = self.nodes.get_mut(&id).expect("a node of this cluster");
        sim.starts += 1;
        let options = StartOptions {
            id,
            cluster: ClusterId(0xC0FFEE),
            peer_listen: address(id).peer,
            clients: self.has_doors.then(|| format!("node-{id}:2181")),
            timing: Timing::default(),
            raft,
            settings,
            log_store: LogStore::in_memory(sim.disk.clone()).expect("open the simulated disk"),
            snapshots: sim.snapshots.clone(),
            network: Arc::new(endpoint),
            clock: sim.clock.clone(),
            entropy: Arc::new(SimEntropy::seeded(id * 1000 + sim.starts)),
            signing: self.signs.then(|| Signing {
                keys: Arc::clone(&sim.keys) as Arc<dyn KeyStore>,
                key_lifetime: KEY_LIFETIME,
            }),
        };
        sim.node = Some(Node::start(options).await.expect("start a node"));
    }

    /// A running node.
    ///
    /// # Panics
    /// When it is down.
    pub fn node(&self, id: NodeId) -> &Node {
        self.nodes[&id].node.as_ref().expect("this node is running")
    }

    /// The node and its clock and disk.
    pub fn sim(&self, id: NodeId) -> &SimNode {
        &self.nodes[&id]
    }

    /// Ids of the nodes that run.
    pub fn running(&self) -> Vec<NodeId> {
        self.nodes
            .iter()
            .filter(|(_, sim)| sim.node.is_some())
            .map(|(id, _)| *id)
            .collect()
    }

    /// Crashes a node: its connections reset, its disk loses what was not synced.
    pub async fn crash(&mut self, id: NodeId) {
        self.network.kill(id);
        let sim = self.nodes.get_mut(&id).expect("a node of this cluster");
        let disk = sim.disk.crash();
        if let Some(node) = sim.node.take() {
            node.stop(Duration::ZERO).await;
        }
        sim.disk = disk;
    }

    /// Stops a node in good order.
    pub async fn stop(&mut self, id: NodeId) {
        let sim = self.nodes.get_mut(&id).expect("a node of this cluster");
        if let Some(node) = sim.node.take() {
            node.stop(Duration::from_secs(2)).await;
        }
        sim.disk = sim.disk.restart();
    }

    /// Moves the clocks of all nodes.
    pub fn advance(&self, by: Duration) {
        for sim in self.nodes.values() {
            sim.clock.advance(by);
        }
    }

    /// Waits until all running nodes agree on a leader among them that has applied an entry of its
    /// term.
    pub async fn leader(&self) -> NodeId {
        self.leader_among(&self.running()).await
    }

    /// The same, of a part of the cluster.
    pub async fn leader_among(&self, ids: &[NodeId]) -> NodeId {
        self.until("a leader", || {
            let status: Vec<_> = ids.iter().map(|id| self.node(*id).status()).collect();
            let first = status.first()?;
            let leader = first.leader.filter(|leader| ids.contains(leader))?;
            let agreed = status
                .iter()
                .all(|s| s.leader == Some(leader) && s.term == first.term);
            let ready = status
                .iter()
                .all(|s| s.checks.iter().all(|c| c.ok || c.name == "replicas_equal"));
            (agreed && ready).then_some(leader)
        })
        .await
    }

    /// Polls until `look` finds something.
    ///
    /// # Panics
    /// When it does not within twenty seconds.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(found) = look() {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not come about within {PATIENCE:?}"),
        }
    }

    /// Waits until all running nodes have applied the same, and checks that they are equal.
    pub async fn converge(&self) {
        let ids = self.running();
        self.until("equal replicas", || {
            let states: Vec<_> = ids.iter().map(|id| self.node(*id).state()).collect();
            let first = states.first()?;
            let level = states.iter().all(|s| s.last_zxid() == first.last_zxid());
            if level {
                for state in &states {
                    assert_eq!(
                        state.digest(),
                        first.digest(),
                        "replicas differ at {}",
                        first.last_zxid()
                    );
                    state.check_invariants().expect("invariants hold");
                }
            }
            level.then_some(())
        })
        .await;
    }
}
