//! The course of a soak.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::court::Court;
use super::dice::Dice;
use super::employ::{THREADS, employ, plant, raise_descriptors};
use super::faults::Faults;
use super::memory::Samples;
use super::plan::Settings;
use super::report::Report;
use super::shared::{Holdings, Phase, Shared, lock};
use super::tree::LIVE;
use super::undertaker::{Outlook, Undertaker};
use crate::cluster::Cluster;
use crate::zookeeper::four_letters;

/// Between two looks at everything.
const STEP: Duration = Duration::from_millis(100);
/// For a node to have seen that a connection has ended.
const COUNTED_WITHIN: Duration = Duration::from_secs(5);
/// For all clients to have done what a phase asks for.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a node keeps to be quick for others: recent events, and the end of the log, in memory up to
/// 256 MiB. Bounded here to so much that it is all there long before the end, and memory tells something.
const KEPT_FLAGS: [&str; 3] = [
    "--event-commits-max=5000",
    "--snapshot-entries=10000",
    "--log-entries-kept=10000",
];

/// A soak under way.
struct Soak<'a> {
    settings: &'a Settings,
    cluster: Cluster,
    shared: Arc<Shared>,
    court: Court,
    faults: Faults,
    memory: Vec<Samples>,
    outlook: Arc<Outlook>,
    undertaker: Option<JoinHandle<()>>,
    workers: Vec<JoinHandle<()>>,
    actors: usize,
    leader: Option<u64>,
    report: Report,
}

/// Runs a soak; `say` is given a line of progress now and then.
///
/// # Panics
/// When the cluster does not start or stop, or clients do not come to rest.
pub fn run(settings: &Settings, mut say: impl FnMut(&str)) -> Report {
    let mut soak = Soak::start(settings);
    let began = Instant::now();
    soak.until_ready(
        Phase::Arrive,
        "every client to have its session and watches",
    );
    let arrived = began.elapsed();
    soak.report
        .row("until all had arrived, ms", arrived.as_millis());
    say(&format!(
        "{} clients have arrived after {arrived:?}",
        settings.connections
    ));
    let began = Instant::now();
    soak.storm(began, &mut say);
    soak.come_to_rest();
    soak.measure(began);
    soak.compare_holdings();
    soak.leave();
    soak.judge_logs();
    soak.finish()
}

impl<'a> Soak<'a> {
    fn start(settings: &'a Settings) -> Soak<'a> {
        raise_descriptors();
        let min = format!(
            "--zookeeper-session-min={}ms",
            settings.session_timeout.as_millis()
        );
        let [events, snapshots, log] = KEPT_FLAGS;
        let mut cluster = Cluster::start_with(3, &[&min, events, snapshots, log]);
        // Nodes that see their peers killed say so; what is wrong is looked for in the end.
        cluster.expect_log("");
        let ledger = plant(&cluster, settings);
        let addresses = cluster
            .ids()
            .iter()
            .map(|id| cluster.zookeeper_address(*id))
            .collect();
        let shared = Arc::new(Shared::new(addresses, ledger, THREADS));
        let outlook = Arc::new(Outlook::default());
        let undertaker = Undertaker::new(Arc::clone(&shared));
        let seen = Arc::clone(&outlook);
        let undertaker = std::thread::spawn(move || undertaker.run(&seen));
        let (workers, actors) = employ(settings, &shared);
        Soak {
            settings,
            shared,
            court: Court::default(),
            faults: Faults::new(
                settings.fault_every,
                settings.session_timeout,
                Dice::of(settings.seed, u64::MAX),
            ),
            memory: cluster.ids().iter().map(|_| Samples::default()).collect(),
            cluster,
            outlook,
            undertaker: Some(undertaker),
            workers,
            actors,
            leader: None,
            report: Report::default(),
        }
    }

    /// Looks at everything once.
    fn step(&mut self, calm: bool) {
        self.faults.step(&mut self.cluster, &self.shared, calm);
        for (at, id) in self.cluster.ids().into_iter().enumerate() {
            if self.cluster.is_running(id) {
                let pid = self.cluster.pid(id);
                self.memory[at].take(pid);
            }
        }
        let notes = std::mem::take(&mut *lock(&self.shared.notes));
        self.court.hear(notes, &lock(&self.shared.ledger));
    }

    fn look_for_leader(&mut self) {
        let named = self
            .cluster
            .running()
            .into_iter()
            .find_map(|id| self.cluster.leader_seen_by(id));
        if named.is_some() && named != self.leader {
            self.leader = named;
            *lock(&self.shared.leader_since) = Instant::now();
        }
    }

    /// Waits until all clients have done what a phase asks for.
    fn until_ready(&mut self, phase: Phase, what: &str) {
        self.shared.enter(phase);
        let deadline = Instant::now() + PATIENCE;
        while self.shared.ready() < self.actors {
            let ready = self.shared.ready();
            let (actors, wrong) = (self.actors, &self.court.notes.wrong);
            assert!(
                Instant::now() < deadline,
                "waited {PATIENCE:?} in vain for: {what} ({ready} of {actors}); wrong so far: {wrong:#?}"
            );
            self.step(true);
            std::thread::sleep(STEP);
        }
    }

    fn storm(&mut self, began: Instant, say: &mut impl FnMut(&str)) {
        self.shared.enter(Phase::Run);
        let mut told = began;
        let mut looked = began;
        while began.elapsed() < self.settings.time {
            self.step(false);
            if looked.elapsed() > STEP * 10 {
                looked = Instant::now();
                self.look_for_leader();
            }
            if told.elapsed() > self.settings.progress_every {
                told = Instant::now();
                say(&self.progress(began));
            }
            std::thread::sleep(STEP);
        }
    }

    fn progress(&self, began: Instant) -> String {
        let counts = self.court.notes.counts;
        format!(
            "{:>4} s  {:<16} changes {}  events {}  armed {}  taken up {}  lost {}  timed out {}  \
             judged {} (waiting {})  left behind {}  wrong {}",
            began.elapsed().as_secs(),
            self.faults.describe(),
            counts.writes,
            counts.events,
            counts.armed,
            counts.taken_up,
            counts.lost,
            counts.timed_out,
            self.court.judged,
            self.court.waiting(),
            self.outlook.open.load(Ordering::SeqCst),
            self.court.notes.wrong_count,
        )
    }

    /// No more faults; everything that was begun is brought to its end and judged.
    fn come_to_rest(&mut self) {
        self.shared.enter(Phase::Settle);
        self.patiently("nodes to be up", |soak| soak.faults.is_calm());
        self.until_ready(Phase::Settle, "every client to be at rest");
        self.patiently("sessions left behind to end", |soak| {
            soak.outlook.open.load(Ordering::SeqCst) == 0
        });
        self.outlook.stop.store(true, Ordering::SeqCst);
        if let Some(undertaker) = self.undertaker.take() {
            undertaker.join().expect("the undertaker");
        }
        self.until_ready(Phase::Sweep, "every client to have read everything");
        self.patiently("everything seen to be judged", |soak| {
            soak.court.waiting() == 0
        });
    }

    fn patiently(&mut self, what: &str, mut holds: impl FnMut(&Soak<'_>) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(
                Instant::now() < deadline,
                "waited {PATIENCE:?} in vain for: {what}; wrong so far: {:#?}",
                self.court.notes.wrong
            );
            self.step(true);
            std::thread::sleep(STEP);
            self.look_for_leader();
        }
    }

    fn measure(&mut self, began: Instant) {
        let (kills, stops) = (self.faults.kills, self.faults.stops);
        self.report.row("nodes killed", kills);
        self.report.row("nodes stopped for a while", stops);
        for (at, samples) in self.memory.iter().enumerate() {
            if let Some(growth) = samples.growth(began, self.settings.time) {
                self.report.memory(at + 1, growth);
            }
        }
    }

    /// What nodes count is what clients hold.
    fn compare_holdings(&mut self) {
        let holdings = std::mem::take(&mut *lock(&self.shared.holdings));
        for (at, id) in self.cluster.ids().into_iter().enumerate() {
            let held = holdings.get(&at).cloned().unwrap_or_default();
            self.expect_counts(id, &held);
        }
    }

    /// A connection that has ended is counted until its node has seen that.
    fn expect_counts(&mut self, id: u64, held: &Holdings) {
        let address = self.cluster.zookeeper_address(id);
        let watches = format!(
            "{} connections watching {} paths\nTotal watches:{}",
            held.watching,
            held.paths(),
            held.watches
        );
        // The question comes over a connection of its own.
        let connections = format!("Connections: {}", held.connections + 1);
        for (word, due) in [("wchs", watches), ("srvr", connections)] {
            let deadline = Instant::now() + COUNTED_WITHIN;
            loop {
                let told = four_letters(address, word).unwrap_or_else(|error| error.to_string());
                if told.contains(&due) {
                    break;
                }
                if Instant::now() > deadline {
                    let what = format!("{word} of node {id}: {told:?} where {due:?} was due");
                    self.report.wrong(what);
                    break;
                }
                std::thread::sleep(STEP);
            }
        }
        let row = format!("{} watches, {} connections", held.watches, held.connections);
        self.report.row(&format!("held at node {id}"), row);
    }

    /// Everybody goes; nothing may be left.
    fn leave(&mut self) {
        self.until_ready(Phase::Leave, "every client that watches to have gone");
        self.patiently("the last things seen to be judged", |soak| {
            soak.court.waiting() == 0
        });
        self.until_ready(Phase::Last, "every client that writes to have gone");
        self.shared.enter(Phase::End);
        for worker in self.workers.drain(..) {
            worker.join().expect("a thread of clients");
        }
        let notes = std::mem::take(&mut *lock(&self.shared.notes));
        self.court.hear(notes, &lock(&self.shared.ledger));
        for id in self.cluster.ids() {
            self.expect_counts(id, &Holdings::default());
        }
        self.cluster.wait_digests_agree();
        let mut witness = self.cluster.zookeeper(1);
        witness.sync();
        let left = witness.children(LIVE);
        if !left.is_empty() {
            self.report
                .wrong(format!("ephemerals of sessions that have ended: {left:?}"));
        }
    }

    /// A node may complain of its peers, not of itself.
    fn judge_logs(&mut self) {
        for id in self.cluster.ids() {
            let log = crate::log_gate::read(&self.cluster.log_file(id));
            let alarming = |line: &&str| {
                line.contains("panicked at") || line.split_whitespace().nth(1) == Some("ERROR")
            };
            for line in log.lines().filter(alarming).take(5) {
                self.report.wrong(format!("log of node {id}: {line}"));
            }
        }
    }

    fn finish(mut self) -> Report {
        let judged = self.court.judged;
        let changes = lock(&self.shared.ledger).len();
        self.report.row(
            "sessions left behind that ended everywhere",
            self.outlook.buried.load(Ordering::SeqCst),
        );
        self.report.notes(std::mem::take(&mut self.court.notes));
        self.report.row("changes in the ledger", changes);
        self.report.row("records judged", judged);
        self.report
    }
}
