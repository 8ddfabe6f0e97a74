//! A run: clients on threads, a warm-up, a time that is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::gaps::GapRecorder;
use crate::plan::{Plan, Workload};
use crate::record::{Count, Recorder};
use crate::report::Report;
use crate::target::{Target, Trouble};
use crate::watch::Sent;
use crate::{contend, idle, steady, watch};

/// Between two looks at whether all clients are connected.
const LOOK: Duration = Duration::from_millis(1);
/// Pause before a client whose connection was lost connects again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(5);

/// What all clients of a run share.
pub(crate) struct Shared<T> {
    pub(crate) target: T,
    pub(crate) plan: Plan,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) value: Bytes,
    pub(crate) begun: Instant,
    pub(crate) gaps: Option<GapRecorder>,
    pub(crate) lock: contend::Lock,
    pub(crate) sent: Sent,
    stop: AtomicBool,
    /// Clients that are in their loop.
    ready: AtomicUsize,
}

impl<T: Target> Shared<T> {
    fn new(target: T, plan: Plan) -> Shared<T> {
        let usual = steady::usual_interval(&plan);
        Shared {
            target,
            recorder: Arc::new(Recorder::new()),
            value: Bytes::from(vec![b'x'; plan.value_bytes]),
            begun: Instant::now(),
            gaps: (plan.workload == Workload::Failover).then(|| GapRecorder::new(usual)),
            lock: contend::Lock::default(),
            sent: Sent::default(),
            stop: AtomicBool::new(false),
            ready: AtomicUsize::new(0),
            plan,
        }
    }

    /// Whether the run is over.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A client is in its loop.
    pub(crate) fn is_ready(&self) {
        self.ready.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether every client is.
    pub(crate) fn all_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) >= self.plan.clients
    }

    /// Writes trouble down, and connects again where the connection was lost. `None` when the run ends before
    /// that.
    pub(crate) async fn recover(
        &self,
        number: usize,
        client: T::Client,
        trouble: Trouble,
    ) -> Option<T::Client> {
        let connected = trouble.connected;
        self.recorder.trouble(trouble);
        if connected {
            return Some(client);
        }
        drop(client);
        let mut number = number;
        while !self.stopped() {
            // The next server: this one may be the one that died.
            number = number.wrapping_add(1);
            match self.target.connect(number).await {
                Ok(client) => return Some(client),
                Err(trouble) => self.recorder.trouble(trouble),
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
        None
    }
}

/// A run that goes on.
pub struct Running {
    recorder: Arc<Recorder>,
    thread: JoinHandle<Result<Report, Trouble>>,
}

impl Running {
    /// How far it is.
    #[must_use]
    pub fn count(&self) -> Count {
        self.recorder.count()
    }

    /// Whether [`wait`](Running::wait) would return at once.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// A client could not connect, or what the run needs could not be made.
    pub fn wait(self) -> Result<Report, Trouble> {
        match self.thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Starts a run on threads of its own.
#[must_use]
pub fn run<T: Target>(target: T, plan: Plan) -> Running {
    let shared = Arc::new(Shared::new(target, plan));
    let recorder = Arc::clone(&shared.recorder);
    let thread = std::thread::spawn(move || conduct(&shared));
    Running { recorder, thread }
}

fn conduct<T: Target>(shared: &Arc<Shared<T>>) -> Result<Report, Trouble> {
    runtime()?.block_on(prepare(shared))?;
    let threads = shared.plan.threads.max(1);
    let workers: Vec<_> = (0..threads)
        .map(|share| {
            let shared = Arc::clone(shared);
            std::thread::spawn(move || work(&shared, share, threads))
        })
        .collect();
    while !shared.all_ready() && !workers.iter().any(JoinHandle::is_finished) {
        std::thread::sleep(LOOK);
    }
    std::thread::sleep(shared.plan.warm_up);
    shared.recorder.begin();
    let begun = Instant::now();
    while begun.elapsed() < shared.plan.time && !workers.iter().any(JoinHandle::is_finished) {
        std::thread::sleep(
            shared
                .plan
                .time
                .saturating_sub(begun.elapsed())
                .min(LOOK * 50),
        );
    }
    let time = begun.elapsed();
    shared.recorder.end();
    let gaps = shared.gaps.as_ref().map(GapRecorder::finish);
    shared.stop.store(true, Ordering::Relaxed);
    for worker in workers {
        match worker.join() {
            Ok(result) => result?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    let door = shared.target.name();
    Ok(Report::new(
        &shared.plan,
        door,
        time,
        &shared.recorder,
        gaps,
    ))
}

/// Makes what the workload needs.
async fn prepare<T: Target>(shared: &Shared<T>) -> Result<(), Trouble> {
    match shared.plan.workload {
        Workload::Write | Workload::Read | Workload::Mixed | Workload::Failover => {
            steady::prepare_keys(shared).await
        }
        Workload::Create => steady::prepare_root(shared).await,
        Workload::Lock => steady::prepare_locks(shared).await,
        Workload::Contend => contend::prepare(shared).await,
        Workload::Watch => watch::prepare(shared).await,
        Workload::Sessions => Ok(()),
    }
}

/// The clients of one thread. They end at the latest one answer's time after the run has: what a server
/// never answers must not keep the run.
fn work<T: Target>(shared: &Arc<Shared<T>>, share: usize, threads: usize) -> Result<(), Trouble> {
    runtime()?.block_on(async {
        let mut clients = JoinSet::new();
        for number in (share..shared.plan.clients).step_by(threads) {
            // One after the other: a burst would overflow the queue of the listening socket.
            let client = shared.target.connect(number).await?;
            let shared = Arc::clone(shared);
            clients.spawn(async move { client_loop(shared, number, client).await });
        }
        let mut result = Ok(());
        while let Some(ended) = tokio::select! {
            ended = clients.join_next() => ended,
            () = over(shared) => None,
        } {
            result = result.and(ended.unwrap_or(Ok(())));
            if result.is_err() {
                break;
            }
        }
        result
    })
}

async fn client_loop<T: Target>(
    shared: Arc<Shared<T>>,
    number: usize,
    client: T::Client,
) -> Result<(), Trouble> {
    match shared.plan.workload {
        Workload::Contend => contend::run(&shared, number, client).await,
        Workload::Watch if number == 0 => watch::write(&shared, client).await,
        Workload::Watch => watch::watch(&shared, client).await,
        Workload::Sessions => idle::run(&shared, number, client).await,
        Workload::Write
        | Workload::Create
        | Workload::Read
        | Workload::Mixed
        | Workload::Lock
        | Workload::Failover => steady::run(&shared, number, client).await,
    }
}

/// Until the run is over.
async fn over<T: Target>(shared: &Shared<T>) {
    while !shared.stopped() {
        tokio::time::sleep(LOOK * 50).await;
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::unreachable(format_args!("no runtime: {error}")))
}
