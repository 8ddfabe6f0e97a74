//! What a seed stands for: the cluster, its speed, and what happens to it.

use std::time::Duration;

use membership::{RaftSettings, Timing};
use node::NodeSettings;

use crate::machine::Setup;
use crate::rng::Rng;

/// What can happen to a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A process is killed; what it wrote survives.
    Kill,
    /// A machine loses power; what was not synced is lost, or the newest part of it.
    PowerCut,
    /// All machines lose power at once.
    PowerCutAll,
    /// A process is stopped and goes on later.
    Pause,
    /// The leader is cut off.
    IsolateLeader,
    /// Two halves that do not hear each other.
    Halves,
    /// Two halves that share one machine.
    Bridge,
    /// One machine is not heard, or does not hear.
    OneWay,
    /// Connections are reset.
    Reset,
    /// Latency and loss everywhere.
    BadNetwork,
    /// A machine's clock runs fast or slow.
    ClockRate,
    /// A wall clock jumps.
    WallJump,
    /// A write fails.
    WriteError,
    /// Syncs take long.
    SlowDisk,
    /// A bit of the log of a machine that is down flips.
    BitFlip,
    /// Leadership is handed over on demand.
    Transfer,
    /// Snapshots are taken on demand.
    Snapshot,
    /// Members come, change and go.
    Membership,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [FaultKind; 18] = [
        FaultKind::Kill,
        FaultKind::PowerCut,
        FaultKind::PowerCutAll,
        FaultKind::Pause,
        FaultKind::IsolateLeader,
        FaultKind::Halves,
        FaultKind::Bridge,
        FaultKind::OneWay,
        FaultKind::Reset,
        FaultKind::BadNetwork,
        FaultKind::ClockRate,
        FaultKind::WallJump,
        FaultKind::WriteError,
        FaultKind::SlowDisk,
        FaultKind::BitFlip,
        FaultKind::Transfer,
        FaultKind::Snapshot,
        FaultKind::Membership,
    ];

    /// Its name in traces, histories and summaries.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Kill => "kill",
            FaultKind::PowerCut => "power-cut",
            FaultKind::PowerCutAll => "power-cut-all",
            FaultKind::Pause => "pause",
            FaultKind::IsolateLeader => "isolate-leader",
            FaultKind::Halves => "halves",
            FaultKind::Bridge => "bridge",
            FaultKind::OneWay => "one-way",
            FaultKind::Reset => "reset",
            FaultKind::BadNetwork => "bad-network",
            FaultKind::ClockRate => "clock-rate",
            FaultKind::WallJump => "wall-jump",
            FaultKind::WriteError => "write-error",
            FaultKind::SlowDisk => "slow-disk",
            FaultKind::BitFlip => "bit-flip",
            FaultKind::Transfer => "transfer",
            FaultKind::Snapshot => "snapshot",
            FaultKind::Membership => "membership",
        }
    }
}

/// Plans of a hundred with queues.
const QUEUES_PERCENT: u64 = 15;

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// Reads, writes and compare-and-set of znodes.
    Register,
    /// A growing set.
    Set,
    /// Exclusive locks with sessions.
    Lock,
    /// Shared and exclusive locks.
    RwLock,
    /// Permits.
    Semaphore,
    /// Sequential znodes.
    Ids,
    /// Transactions on lists.
    Append,
    /// Event streams.
    Watch,
    /// Sessions and their ephemerals.
    Session,
    /// Queues of sequential znodes.
    Queue,
}

impl Workload {
    /// Those that plans mix. [`Workload::Queue`] came later and takes the place of one of them in some
    /// plans, so that the seeds of before kept theirs.
    pub const MIXED: [Workload; 9] = [
        Workload::Register,
        Workload::Set,
        Workload::Lock,
        Workload::RwLock,
        Workload::Semaphore,
        Workload::Ids,
        Workload::Append,
        Workload::Watch,
        Workload::Session,
    ];

    /// Every workload.
    pub fn all() -> Vec<Workload> {
        let mut all = Workload::MIXED.to_vec();
        all.push(Workload::Queue);
        all
    }

    /// Its name in histories and summaries.
    pub fn name(self) -> &'static str {
        match self {
            Workload::Register => "register",
            Workload::Set => "set",
            Workload::Lock => "lock",
            Workload::RwLock => "rwlock",
            Workload::Semaphore => "semaphore",
            Workload::Ids => "unique-ids",
            Workload::Append => "append",
            Workload::Watch => "watch",
            Workload::Session => "session",
            Workload::Queue => "queue",
        }
    }
}

/// Everything a seed decides before the run begins.
#[derive(Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Voters at the beginning.
    pub nodes: u64,
    /// What may happen.
    pub faults: Vec<FaultKind>,
    /// What the clients do.
    pub workloads: Vec<Workload>,
    /// Clients of each workload.
    pub clients: u64,
    /// Bounds of the pause between two faults, microseconds.
    pub calm_us: (u64, u64),
    /// Bounds of the latency of a healthy link.
    pub latency_us: (u64, u64),
    /// Bounds of a healthy sync.
    pub sync_us: (u64, u64),
    /// Length of the phase with faults.
    pub safety_us: u64,
    /// How the processes are started.
    pub setup: Setup,
}

impl Plan {
    /// Draws the plan of `seed`.
    pub fn of(seed: u64, safety_us: u64) -> Plan {
        let mut rng = Rng::of(seed, "plan");
        let nodes = if rng.percent(60) { 3 } else { 5 };
        let count = rng.range(2, 7);
        let faults = rng.shuffled(FaultKind::ALL.to_vec());
        let mut workloads = rng.shuffled(Workload::MIXED.to_vec());
        let mixed = rng.range(1, 3);
        if Rng::of(seed, "queued").percent(QUEUES_PERCENT)
            && let Some(first) = workloads.first_mut()
        {
            *first = Workload::Queue;
        }
        let latency_low = rng.range(100, 3000);
        let sync_low = rng.range(50, 5000);
        Plan {
            seed,
            nodes,
            faults: faults
                .into_iter()
                .take(usize::try_from(count).unwrap_or(2))
                .collect(),
            workloads: workloads
                .into_iter()
                .take(usize::try_from(mixed).unwrap_or(1))
                .collect(),
            clients: rng.range(2, 4),
            calm_us: (50_000, rng.range(300_000, 2_000_000)),
            latency_us: (latency_low, latency_low + rng.range(100, 5000)),
            sync_us: (sync_low, sync_low + rng.range(50, 5000)),
            safety_us,
            setup: setup(nodes, &mut rng),
        }
    }

    /// The plan in one line.
    pub fn describe(&self) -> String {
        let faults: Vec<_> = self.faults.iter().map(|kind| kind.name()).collect();
        let workloads: Vec<_> = self.workloads.iter().map(|w| w.name()).collect();
        format!(
            "nodes={} workloads={} clients={} faults={} latency={:?}us sync={:?}us election={:?}..{:?} snapshot_every={} kept={}",
            self.nodes,
            workloads.join("+"),
            self.clients,
            faults.join("+"),
            self.latency_us,
            self.sync_us,
            self.setup.timing.election_min,
            self.setup.timing.election_max,
            self.setup.raft.snapshot_entries,
            self.setup.raft.entries_kept,
        )
    }
}

fn setup(nodes: u64, rng: &mut Rng) -> Setup {
    let ms = Duration::from_millis;
    // The defaults of the product, or shorter: more elections in the same time.
    let heartbeat = rng.pick(&[20, 50, 100]).unwrap_or(100);
    let timing = Timing {
        heartbeat: ms(heartbeat),
        election_min: ms(heartbeat * 5),
        election_max: ms(heartbeat * 10),
        connect_timeout: ms(heartbeat * 4),
        peer_idle_timeout: ms(heartbeat * 15),
        ..Timing::default()
    };
    let raft = RaftSettings {
        snapshot_entries: rng.range(20, 200),
        entries_kept: rng.range(0, 100),
        purge_batch: rng.range(1, 20),
        payload_entries_max: rng.range(1, 64),
        snapshot_chunk_bytes: 4096,
        expected_voters: usize::try_from(nodes).unwrap_or(3),
        caught_up_entries: rng.range(1, 20),
    };
    let node = NodeSettings {
        event_commits_max: usize::try_from(rng.range(50, 2000)).unwrap_or(2000),
        audit_interval: ms(rng.range(200, 2000)),
        // Outside of the simulation.
        service_checks: false,
        ..NodeSettings::default()
    };
    let tail_cache_bytes_max = if rng.percent(50) { 64 << 10 } else { 64 << 20 };
    Setup {
        timing,
        raft,
        node,
        tail_cache_bytes_max,
    }
}
