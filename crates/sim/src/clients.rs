//! Clients of the cluster: they live outside of it, speak to nodes as the doors do, and write down
//! what they saw.

mod append;
mod door;
mod drafts;
mod follow;
mod ids;
mod lock;
mod queue;
mod record;
mod register;
mod session;
mod set;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use checker::History;
use membership::Leadership;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::invariants::Seen;
use crate::plan::{Plan, Workload};
use crate::rng::Rng;
use crate::trace::Trace;

use self::door::Client;
pub use self::door::Doors;
use self::record::Recorder;

/// All clients of a run.
pub struct Clients {
    doors: Doors,
    recorder: Recorder,
    running: Arc<AtomicU64>,
    winding_down: Arc<AtomicBool>,
    plan: Option<Plan>,
    next_process: u64,
}

impl Clients {
    /// None yet.
    pub fn new(doors: Doors, trace: Trace, origin: Instant) -> Clients {
        Clients {
            doors,
            recorder: Recorder::new(trace, origin),
            running: Arc::default(),
            winding_down: Arc::default(),
            plan: None,
            next_process: 0,
        }
    }

    /// Starts the clients of a plan.
    pub fn start(&mut self, outside: &Runtime, plan: &Plan) {
        self.plan = Some(plan.clone());
        let concurrency = plan.clients * plan.workloads.len() as u64;
        for workload in &plan.workloads {
            for number in 0..plan.clients {
                let client = self.client(plan, *workload, number, concurrency);
                self.spawn(outside, run(client, *workload, number));
            }
        }
    }

    /// A last read and write of what the clients worked on.
    pub fn finish(&mut self, outside: &Runtime) {
        let Some(plan) = self.plan.clone() else {
            return;
        };
        for workload in &plan.workloads {
            let client = self.client(&plan, *workload, u64::MAX, 1);
            self.spawn(outside, last_words(client, *workload));
        }
    }

    fn client(&mut self, plan: &Plan, workload: Workload, number: u64, concurrency: u64) -> Client {
        let process = self.next_process;
        // Room for the names a client takes after unknown outcomes.
        self.next_process += if concurrency == 1 { 100_000 } else { 1 };
        Client::new(door::ClientParts {
            rng: Rng::of(plan.seed, &format!("{} {number}", workload.name())),
            process,
            concurrency: concurrency.max(1),
            nodes: plan.nodes,
            doors: self.doors.clone(),
            recorder: self.recorder.of(workload),
            winding_down: Arc::clone(&self.winding_down),
        })
    }

    fn spawn(&self, outside: &Runtime, work: impl Future<Output = ()> + Send + 'static) {
        self.running.fetch_add(1, Ordering::SeqCst);
        let running = Arc::clone(&self.running);
        outside.spawn(async move {
            work.await;
            running.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Clients begin nothing new.
    pub fn wind_down(&mut self) {
        self.winding_down.store(true, Ordering::SeqCst);
        // Last words are spoken by processes that nobody else was.
        self.next_process = self.next_process.saturating_add(100_000);
    }

    /// Whether all have ended.
    pub fn are_done(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }

    /// What the observer notes of a node.
    pub fn observe(&self, seen: &Seen, leadership: &Leadership) {
        self.recorder.observe(seen, leadership);
    }

    /// What the clients of one workload saw; of all without one.
    pub fn history(&self, workload: Option<Workload>) -> History {
        self.recorder.history(workload)
    }
}

async fn run(client: Client, workload: Workload, place: u64) {
    match workload {
        Workload::Register => register::run(client).await,
        Workload::Set => set::run(client).await,
        Workload::Lock | Workload::RwLock | Workload::Semaphore => {
            lock::run(client, workload).await;
        }
        Workload::Ids => ids::run(client).await,
        Workload::Queue => queue::run(client).await,
        Workload::Append => append::run(client).await,
        Workload::Watch => watch::run(client, place).await,
        Workload::Session => session::run(client, place).await,
    }
}

async fn last_words(client: Client, workload: Workload) {
    match workload {
        Workload::Register => register::last_words(client).await,
        Workload::Set => set::last_words(client).await,
        Workload::Lock | Workload::RwLock | Workload::Semaphore => {
            lock::last_words(client, workload).await;
        }
        Workload::Ids => ids::last_words(client).await,
        Workload::Queue => queue::last_words(client).await,
        Workload::Append => append::last_words(client).await,
        Workload::Watch => watch::last_words(client).await,
        Workload::Session => session::last_words(client).await,
    }
}
