//! One run, from its plan to its verdict.

mod judge;
mod offline;
mod server_logs;
mod workers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use checker::oracle::log::NodeLog;
use checker::{Event, History, Limits, Report};

use crate::merge::{Merged, Source, merge};
use crate::nemesis::Nemesis;
use crate::observer::{self, Observer};
use crate::plan::Plan;
use crate::report;
use crate::report::progress::{Live, Progress};
use crate::report::results::{Facts, Results};
use crate::report::versions::Versions;
use crate::world::isolation::on_interrupt;
use crate::world::{self, NodeEnd, Setup, World};
use server_logs::ServerLogs;
use workers::Workers;

/// For the last reads: a little more than a worker gives itself.
const LAST_READS: Duration = Duration::from_secs(45);
/// Events of the nemesis and the observer that may wait to be kept.
const EVENTS_WAITING_MAX: usize = 10_000;
/// How often killed workers are looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Where and with what, besides the plan.
#[derive(Clone, Debug)]
pub struct Place {
    /// The run's directory; made, and kept whatever comes of the run.
    pub run_dir: PathBuf,
    /// The `holdfast` binary.
    pub binary: PathBuf,
    /// A planted bug, where the binary has them.
    pub mutant: Option<String>,
}

/// Carries a plan out and judges it.
///
/// # Errors
/// The harness failed: there is no verdict. What there is of the run is in its directory.
pub fn run(plan: &Plan, place: &Place) -> Result<Results> {
    let run_dir = &place.run_dir;
    if run_dir.join("nodes").exists() {
        bail!(
            "{} holds another run: nodes would go on with its data",
            run_dir.display()
        );
    }
    std::fs::create_dir_all(run_dir).with_context(|| format!("make {}", run_dir.display()))?;
    plan.write(run_dir)?;
    let versions = Versions::probe(&place.binary, place.mutant.clone())?;
    let started = jiff::Timestamp::now().to_string();
    let live = Arc::new(Live::default());
    let progress = Progress::start(Arc::clone(&live));
    let lived = live_through(plan, place, &live)?;
    live.phase("check");
    let checkers = judge::judge(plan, &lived);
    let facts = Facts {
        name: name_of(run_dir),
        started,
        plan: plan.clone(),
        versions,
        checkers,
        torn_lines: lived.merged.torn_lines,
        files: lived.files,
    };
    let results = Results::new(facts, &lived.merged.history);
    report::write(run_dir, &results, &lived.merged.history)?;
    drop(progress);
    Ok(results)
}

fn name_of(run_dir: &Path) -> String {
    let name = run_dir.file_name().unwrap_or(run_dir.as_os_str());
    name.to_string_lossy().into_owned()
}

/// What is left when the nodes are down.
struct Lived {
    merged: Merged,
    /// The log of each node, read offline.
    logs: Vec<NodeLog>,
    /// What the nodes themselves said, and how they ended.
    server_logs: ServerLogs,
    /// Where to look further.
    files: std::collections::BTreeMap<String, String>,
}

/// The checkers once more, on what is stored of a run: its history, and the logs of its nodes where
/// they were kept.
///
/// # Errors
/// A log is there and makes no sense.
pub fn check_again(plan: &Plan, history: &History, run_dir: &Path) -> Result<Vec<Report>> {
    let limits = Limits::default();
    let mut reports = judge::of_history(plan, history, &limits);
    let logs = offline::kept(run_dir)?;
    if !logs.is_empty() {
        reports.extend(judge::of_logs(plan, history, logs, &limits));
    }
    Ok(reports)
}

/// The part of a run in which there are nodes.
fn live_through(plan: &Plan, place: &Place, live: &Arc<Live>) -> Result<Lived> {
    live.phase("start");
    let mut setup = Setup::new(place.run_dir.clone(), place.binary.clone())?;
    if let Some(mutant) = &place.mutant {
        let mutant = ("HOLDFAST_MUTANT".to_owned(), mutant.clone());
        setup.environment.push(mutant);
    }
    let harness = setup.harness.clone();
    let world = Arc::new(World::start(plan, setup)?);
    let start = world::now();
    let (events, heard) = sync_channel(EVENTS_WAITING_MAX);
    let keeper = keep(heard, Arc::clone(live))?;
    let observer = Observer::start(Arc::clone(&world), events.clone());
    let nemesis = Nemesis::new(Arc::clone(&world), plan.seed, events.clone());
    let workers = Workers::start(plan, &world.endpoints(), place, &harness, live)?;
    let mut ends = Vec::new();
    let mut sources = load((plan, live), &world, &nemesis, workers, &mut ends)?;
    observer.stop();
    for digest in observer::digests(&world) {
        events
            .send(digest)
            .context("keep the digests of the nodes")?;
    }
    let by_itself = world.take_ends();
    let surprises = by_itself.iter().filter(|end| !end.expected);
    let words = |end: &NodeEnd| format!("node {} ended by itself: {}", end.node, end.how);
    ends.extend(surprises.map(words));
    let stopped = world.shutdown();
    drop((nemesis, events));
    let Ok(events) = keeper.join() else {
        bail!("the keeper of events panicked");
    };
    sources.push(Source::of("nemesis and observer", events));
    Ok(Lived {
        merged: merge(sources, start)?,
        logs: offline::read(&world, &place.binary, &place.run_dir)?,
        server_logs: ServerLogs::read(&world.logs(), ends, stopped, plan)?,
        files: files(&world, &place.run_dir),
    })
}

/// Load and faults, healing, last reads; what the workers said. What did not come up again goes to
/// `ends`: that is the cluster's doing, not the harness's.
fn load(
    (plan, live): (&Plan, &Live),
    world: &World,
    nemesis: &Nemesis,
    mut workers: Workers,
    ends: &mut Vec<String>,
) -> Result<Vec<Source>> {
    live.phase("faults");
    nemesis.set_clients(workers.pids());
    // A run that is interrupted ends its faults early; what it has is judged, and is no pass.
    let interrupted = on_interrupt()?;
    let stop = AtomicBool::new(false);
    let until = Instant::now() + Duration::from_secs(plan.seconds);
    std::thread::scope(|scope| -> Result<()> {
        let faults = scope.spawn(|| nemesis.run(&plan.schedule, &stop));
        let looked = attend(&mut workers, world, nemesis, (until, &interrupted));
        stop.store(true, Ordering::SeqCst);
        if faults.join().is_err() {
            bail!("the nemesis panicked");
        }
        looked
    })?;
    live.phase("heal");
    workers.tell("stop");
    if let Err(error) = nemesis.recover() {
        ends.push(format!("after all faults had ended: {error:#}"));
    }
    workers.replace_killed(&world.endpoints())?;
    live.phase("last reads");
    workers.tell("stop");
    workers.tell("final");
    workers.finish(LAST_READS)
}

/// Replaces killed workers until the time is over, or somebody has had enough.
fn attend(
    workers: &mut Workers,
    world: &World,
    nemesis: &Nemesis,
    (until, interrupted): (Instant, &AtomicBool),
) -> Result<()> {
    while Instant::now() < until && !interrupted.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
        if workers.replace_killed(&world.endpoints())? {
            nemesis.set_clients(workers.pids());
        }
    }
    Ok(())
}

/// Keeps what the nemesis and the observer say, and shows it to the line of progress.
fn keep(heard: Receiver<Event>, live: Arc<Live>) -> Result<JoinHandle<Vec<Event>>> {
    let keeper = std::thread::Builder::new().name("events".to_owned());
    let kept = keeper.spawn(move || {
        let show = |event: Event| {
            live.hear(&event);
            event
        };
        heard.into_iter().map(show).collect()
    });
    kept.context("start the keeper of events")
}

/// Files of a run, by what they are, relative to its directory.
fn files(world: &World, run_dir: &Path) -> std::collections::BTreeMap<String, String> {
    let mut files = std::collections::BTreeMap::new();
    for (node, path) in world.logs() {
        let path = path.strip_prefix(run_dir).unwrap_or(&path);
        files.insert(format!("log of node {node}"), path.display().to_string());
        let entries = offline::entries_file(node);
        files.insert(format!("entries of node {node}"), entries);
    }
    files
}
