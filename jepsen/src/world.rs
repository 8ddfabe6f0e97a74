//! The world of a run: real nodes, each a host of its own.
//!
//! Inside namespaces of its own (see [`isolation`]) the harness builds a bridge; every node runs in
//! a network namespace that hangs on it, with fixed ports, a data directory and a log of its own.
//! Elsewhere the nodes share loopback with ports of their own, and [`World::missing_faults`] says
//! what then cannot be done to them. All methods take `&self`: the nemesis, the observer and the
//! run look at the same world.

mod disk;
pub(crate) mod files;
pub mod http;
pub mod isolation;
pub mod network;
mod node;
pub mod ports;
mod processes;
mod remains;
mod setup;
mod tools;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

use crate::losefs::Control;
use crate::nemesis::kinds::Needs;
use crate::plan::{Endpoint, Plan};
use disk::LosingDisk;
use http::Http;
use network::Network;
use node::{Addresses, Node};

pub(crate) use node::signal_process;
pub use node::{Launch, NodeEnd, process_state};
pub use setup::{Missing, Setup, missing_faults};
pub(crate) use tools::{run, wait_for};

/// For a probe that may meet a dead or stopped node.
pub(crate) const PROBE: Duration = Duration::from_millis(1500);

/// Nanoseconds of `CLOCK_MONOTONIC`: the time of every event before the run's start is taken off.
#[must_use]
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds * 1_000_000_000 + nanos
}

/// What is laid below a node for the plan's faults.
#[derive(Clone, Copy, Debug)]
struct NodeNeeds {
    disk: bool,
    /// Names on the disk need a sync of their own.
    strict: bool,
    clock: bool,
}

/// Nodes, and everything around them. Gone when dropped.
#[derive(Debug)]
pub struct World {
    setup: Setup,
    /// Flags of every node.
    settings: Vec<String>,
    /// None: loopback.
    network: Option<Network>,
    missing: Vec<Missing>,
    nodes: Mutex<BTreeMap<u64, Node>>,
    /// After the nodes: they go first.
    disks: Mutex<BTreeMap<u64, LosingDisk>>,
    /// Which comforts the plan's faults need of every node.
    needs: NodeNeeds,
    ends: Mutex<Vec<NodeEnd>>,
}

impl World {
    /// Starts the plan's nodes and waits until all are ready.
    ///
    /// # Errors
    /// What could not be made or started, or a fault asked for by name that cannot be made here.
    /// Nothing is left behind.
    pub fn start(plan: &Plan, setup: Setup) -> Result<World> {
        remains::sweep();
        let missing = setup::missing_faults();
        setup::refuse_missing(plan, &missing)?;
        let network = isolation::is_inside().then(Network::build).transpose()?;
        let world = World {
            settings: setup::flags(plan),
            network,
            missing,
            nodes: Mutex::default(),
            disks: Mutex::default(),
            needs: NodeNeeds {
                disk: setup::asks(plan, Needs::Losefs),
                strict: plan.seed % 2 == 1,
                clock: setup::asks(plan, Needs::Faketime),
            },
            ends: Mutex::default(),
            setup,
        };
        for id in 1..=plan.nodes {
            world.prepare(id)?;
        }
        world.found_cluster(plan);
        for id in 1..=plan.nodes {
            world.start_node(id)?;
        }
        for id in 1..=plan.nodes {
            world.wait_ready(id)?;
        }
        Ok(world)
    }

    /// Makes the place of a node.
    fn prepare(&self, id: u64) -> Result<()> {
        let at = match &self.network {
            Some(network) => {
                network.add(id)?;
                let ip = IpAddr::V4(network::node_address(id)?);
                let at = |port| SocketAddr::new(ip, port);
                Addresses {
                    api: at(ports::API),
                    peer: at(ports::PEER),
                    zookeeper: at(ports::ZOOKEEPER),
                }
            }
            None => loopback()?,
        };
        let directory = self.setup.node_directory(id);
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("make {}", directory.display()))?;
        let data_dir = directory.join("data");
        if self.needs.disk {
            let harness = &self.setup.harness;
            let disk = LosingDisk::mount(id, harness, &data_dir, self.needs.strict)?;
            self.disks().insert(id, disk);
        }
        let node = Node {
            id,
            at,
            data_dir,
            log: directory.join("server.log"),
            entry: Vec::new(),
            launch: self.setup.launch(id, self.needs.clock)?,
            isolated: self.network.is_some(),
            may_end: false,
            retired: false,
            process: None,
        };
        self.lock().insert(id, node);
        Ok(())
    }

    /// Tells all nodes made so far that they are the founders.
    fn found_cluster(&self, plan: &Plan) {
        let mut nodes = self.lock();
        let founder = |node: &Node| format!("{}={}@{}", node.id, node.at.peer, node.url());
        let founders: Vec<String> = nodes.values().map(founder).collect();
        let token = format!("jepsen-{}-{}", plan.seed, self.setup.run_dir.display());
        for node in nodes.values_mut() {
            node.entry = vec![
                "--bootstrap".to_owned(),
                format!("--initial-cluster={}", founders.join(",")),
                format!("--cluster-token={token}"),
            ];
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disks(&self) -> MutexGuard<'_, BTreeMap<u64, LosingDisk>> {
        self.disks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the losing disk of a node takes commands, where it has one.
    #[must_use]
    pub fn disk(&self, id: u64) -> Option<Control> {
        self.disks().get(&id).map(|disk| disk.control.clone())
    }

    fn with<T>(&self, id: u64, use_node: impl FnOnce(&mut Node) -> Result<T>) -> Result<T> {
        let mut nodes = self.lock();
        let node = nodes
            .get_mut(&id)
            .with_context(|| format!("there is no node {id}"))?;
        use_node(node)
    }

    /// What cannot be done to this world, and why.
    #[must_use]
    pub fn missing_faults(&self) -> &[Missing] {
        &self.missing
    }

    /// Rules on packets; none on loopback.
    #[must_use]
    pub fn network(&self) -> Option<&Network> {
        self.network.as_ref()
    }

    /// What the world was started with.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Numbers of all nodes, running or not.
    #[must_use]
    pub fn nodes(&self) -> Vec<u64> {
        self.lock().keys().copied().collect()
    }

    /// Numbers of the nodes whose process runs (a stopped process runs).
    #[must_use]
    pub fn running(&self) -> Vec<u64> {
        self.look();
        let nodes = self.lock();
        let running = nodes.values().filter(|node| node.process.is_some());
        running.map(|node| node.id).collect()
    }

    /// Where clients reach all nodes, running or not.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let endpoint = |node: &Node| Endpoint {
            node: node.id,
            api: node.at.api.to_string(),
            zookeeper: node.at.zookeeper.to_string(),
        };
        self.lock().values().map(endpoint).collect()
    }

    /// Process id of a node, while it runs.
    #[must_use]
    pub fn pid(&self, id: u64) -> Option<u32> {
        self.lock().get(&id).and_then(Node::pid)
    }

    /// `host:port` of a node's peer port.
    #[must_use]
    pub fn peer_address(&self, id: u64) -> Option<SocketAddr> {
        self.lock().get(&id).map(|node| node.at.peer)
    }

    /// Log files by node: `server.log` is what it said; beside it its standard output.
    #[must_use]
    pub fn logs(&self) -> BTreeMap<u64, PathBuf> {
        let nodes = self.lock();
        nodes
            .values()
            .map(|node| (node.id, node.log.clone()))
            .collect()
    }

    /// Data directories by node, while this world is there.
    #[must_use]
    pub fn data_dirs(&self) -> BTreeMap<u64, PathBuf> {
        let nodes = self.lock();
        nodes
            .values()
            .map(|node| (node.id, node.data_dir.clone()))
            .collect()
    }

    /// HTTP to a node, past every fault of the network.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn http(&self, id: u64) -> Result<Http> {
        let to = self.with(id, |node| Ok(node.at.api))?;
        Ok(Http {
            to,
            from: self.network.as_ref().map(|_| network::keeper()),
            timeout: PROBE,
        })
    }

    /// HTTP to a node as the clients have it.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn http_as_client(&self, id: u64) -> Result<Http> {
        let from = None;
        self.http(id).map(|http| Http { from, ..http })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for node in self.lock().values_mut() {
            // What does not die dies with the namespaces.
            let _ = node.kill();
        }
        // Of a run that failed its data is the evidence.
        let _ = self.keep_data();
    }
}

fn loopback() -> Result<Addresses> {
    let at =
        || Ok::<_, anyhow::Error>(SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free_port()?)));
    Ok(Addresses {
        api: at()?,
        peer: at()?,
        zookeeper: at()?,
    })
}
