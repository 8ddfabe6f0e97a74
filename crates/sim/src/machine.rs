//! A machine: its disk and clocks, and the process that runs on it.
//!
//! Each process has a tokio runtime of its own, on this thread, whose clock stands still unless the
//! machine is given time. So a process can be killed where it stands (its runtime is dropped, and no
//! code of it runs any more), stopped and continued as by SIGSTOP, and every timer of it follows the
//! rate of its machine's clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use membership::{RaftSettings, Timing};
use node::{Node, NodeSettings, StartOptions};
use raft_types::seam::{SimEntropy, simulate_on_this_thread};
use raft_types::snapshot::SnapshotStore;
use raft_types::{ClusterId, LogId, NodeId, PeerAddress};
use storage::{LogOptions, LogStore, MemorySnapshotStore};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::Instant;

use crate::clock::MachineClock;
use crate::disk::SimDisk;
use crate::net::{Endpoint, Net};

/// A million parts: the rate of a clock that is right.
pub const RIGHT_PPM: u64 = 1_000_000;

/// What all processes of a cluster are started with.
#[derive(Clone)]
pub struct Setup {
    /// Times of consensus.
    pub timing: Timing,
    /// Sizes of consensus.
    pub raft: RaftSettings,
    /// Limits and times of the runtime.
    pub node: NodeSettings,
    /// Entries behind the end of the log that are kept in memory, bytes.
    pub tail_cache_bytes_max: usize,
}

/// What became of a process.
#[derive(Clone, Debug, Default)]
enum Fate {
    #[default]
    Starting,
    Running,
    /// It would not start, or consensus ended: the process exits.
    Over(String),
}

/// Set from within the process.
#[derive(Default)]
struct Shared {
    node: Option<Node>,
    fate: Fate,
}

struct Process {
    runtime: Runtime,
    origin: Instant,
    elapsed_us: u64,
    is_paused: bool,
    shared: Arc<Mutex<Shared>>,
}

/// One machine.
pub struct Machine {
    /// The node that lives on it.
    pub id: NodeId,
    /// Its clocks.
    pub clock: Arc<MachineClock>,
    /// Its disk.
    pub disk: SimDisk,
    /// Its snapshots.
    pub snapshots: MemorySnapshotStore,
    /// Rate of its clock in parts of a million.
    pub rate_ppm: u64,
    /// Processes it has run.
    pub boots: u64,
    monotonic_us: u64,
    process: Option<Process>,
}

/// Where a node of a simulation is reached.
pub fn address(id: NodeId) -> PeerAddress {
    PeerAddress {
        peer: format!("m{id}:7401"),
        api: format!("http://m{id}:7400"),
    }
}

/// A runtime whose time stands still unless it is given some, for this thread: it is one of a simulation from now on.
///
/// # Errors
/// When the operating system refuses one.
pub fn still_runtime() -> std::io::Result<Runtime> {
    simulate_on_this_thread();
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
}

impl Machine {
    /// A machine without a process.
    pub fn new(id: NodeId, disk: SimDisk, monotonic_us: u64) -> Machine {
        let clock = Arc::new(MachineClock::default());
        clock.set(monotonic_us);
        Machine {
            id,
            clock,
            disk,
            snapshots: MemorySnapshotStore::default(),
            rate_ppm: RIGHT_PPM,
            boots: 0,
            monotonic_us,
            process: None,
        }
    }

    /// Starts a process on what the disk holds.
    ///
    /// # Errors
    /// When there is no runtime for it.
    pub fn boot(&mut self, net: &Net, setup: &Setup, seed: u64) -> std::io::Result<()> {
        self.boots += 1;
        let incarnation = self.id * 1000 + self.boots;
        let endpoint = net.boot(self.id, incarnation);
        let runtime = still_runtime()?;
        let origin = {
            let _inside = runtime.enter();
            Instant::now()
        };
        let shared = Arc::new(Mutex::new(Shared::default()));
        let start = Start {
            id: self.id,
            setup: setup.clone(),
            endpoint,
            clock: Arc::clone(&self.clock),
            disk: self.disk.clone(),
            snapshots: self.snapshots.clone(),
            entropy: SimEntropy::seeded(seed ^ incarnation),
            shared: Arc::clone(&shared),
        };
        runtime.spawn(start.run());
        self.process = Some(Process {
            runtime,
            origin,
            elapsed_us: 0,
            is_paused: false,
            shared,
        });
        Ok(())
    }

    /// Whether there is a process, stopped or not.
    pub fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// Whether the process is stopped.
    pub fn is_paused(&self) -> bool {
        self.process
            .as_ref()
            .is_some_and(|process| process.is_paused)
    }

    /// The node, once it has started.
    pub fn node(&self) -> Option<Node> {
        self.process.as_ref()?.shared().node.clone()
    }

    /// Last entry contained in the newest snapshot it keeps.
    pub fn snapshot_last(&self) -> Option<LogId> {
        let newest = self.snapshots.current().ok()??;
        newest.meta().last_log_id
    }

    /// Where tasks of its process run.
    pub fn handle(&self) -> Option<Handle> {
        Some(self.process.as_ref()?.runtime.handle().clone())
    }

    /// Why the process should exit, when it should.
    pub fn is_over(&self) -> Option<String> {
        match &self.process.as_ref()?.shared().fate {
            Fate::Over(why) => Some(why.clone()),
            Fate::Starting | Fate::Running => None,
        }
    }

    /// The process is stopped where it stands: SIGSTOP.
    pub fn pause(&mut self) {
        if let Some(process) = &mut self.process {
            process.is_paused = true;
        }
    }

    /// It goes on: SIGCONT. Of the time that passed it learns at once.
    pub fn resume(&mut self) {
        if let Some(process) = &mut self.process {
            process.is_paused = false;
            process.catch_up();
        }
    }

    /// The process is no more. What it had not handed to the disk is lost; what becomes of the rest
    /// is for the caller to say.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Gives the machine `us` of time.
    pub fn run(&mut self, us: u64) {
        let own = us.saturating_mul(self.rate_ppm) / RIGHT_PPM;
        self.monotonic_us += own;
        self.clock.set(self.monotonic_us);
        if let Some(process) = &mut self.process {
            process.elapsed_us += own;
            if !process.is_paused {
                process.run();
            }
        }
    }
}

impl Process {
    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        self.origin + Duration::from_micros(self.elapsed_us)
    }

    fn run(&self) {
        let until = self.now();
        self.runtime
            .block_on(async { tokio::time::sleep_until(until).await });
    }

    fn catch_up(&self) {
        let now = self.now();
        self.runtime.block_on(async {
            let behind = now.saturating_duration_since(Instant::now());
            tokio::time::advance(behind).await;
        });
    }
}

/// What a process needs to begin.
struct Start {
    id: NodeId,
    setup: Setup,
    endpoint: Endpoint,
    clock: Arc<MachineClock>,
    disk: SimDisk,
    snapshots: MemorySnapshotStore,
    entropy: SimEntropy,
    shared: Arc<Mutex<Shared>>,
}

impl Start {
    /// The main function of the process.
    async fn run(self) {
        let shared = Arc::clone(&self.shared);
        let set = |fate, node| {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.fate = fate;
            shared.node = node;
        };
        match self.start().await {
            Ok(node) => {
                set(Fate::Running, Some(node.clone()));
                let why = node.halted().await;
                set(Fate::Over(format!("consensus ended: {why}")), None);
            }
            Err(why) => set(Fate::Over(why), None),
        }
    }

    async fn start(self) -> Result<Node, String> {
        let options = LogOptions {
            tail_cache_bytes_max: self.setup.tail_cache_bytes_max,
            writer: &self.disk,
        };
        let log_store = LogStore::open(Arc::new(self.disk.clone()), options)
            .map_err(|error| format!("the log does not open: {error}"))?;
        let options = StartOptions {
            id: self.id,
            cluster: ClusterId(0xC0FFEE),
            peer_listen: address(self.id).peer,
            clients: None,
            timing: self.setup.timing,
            raft: self.setup.raft,
            settings: self.setup.node,
            log_store,
            snapshots: Arc::new(self.snapshots),
            network: Arc::new(self.endpoint),
            clock: self.clock,
            entropy: Arc::new(self.entropy),
            signing: None,
        };
        let started = Node::start(options).await;
        started.map_err(|error| format!("the node does not start: {error:?}"))
    }
}
