//! What hurts a world, by a plan's schedule.
//!
//! A fault begins, its effect is *seen* (a probe through the cut fails, the process stands still, a
//! counter moved), it ends, and the end is seen too. Both become events of the history; a fault
//! that was not seen makes the run unknown, never passed. One file per class; each class function
//! answers with [`Begun`]: what was seen, and how it ends.

mod admin;
mod asked;
mod clients;
mod clock;
mod corrupt;
mod disk;
pub mod kinds;
pub mod lot;
mod members;
mod partition;
mod process;
pub mod programs;
mod quality;
pub mod schedule;
pub mod swarm;
mod targets;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use checker::{Event, Outcome, Process};
use serde_json::{Value, json};

use crate::plan::Fault;
use crate::world::{self, World};
use lot::Lot;
pub(crate) use targets::view;

/// Between two looks at the clock while a fault lasts.
const TICK: Duration = Duration::from_millis(20);

/// What was seen of a fault's begin or end.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whether its effect was seen.
    pub observed: bool,
    /// What exactly, for people.
    pub evidence: String,
}

impl Seen {
    fn yes(evidence: impl Into<String>) -> Seen {
        Seen::when(true, evidence)
    }

    fn when(observed: bool, evidence: impl Into<String>) -> Seen {
        let evidence = evidence.into();
        Seen { observed, evidence }
    }
}

type End = Box<dyn FnOnce(&Stage) -> Result<Seen> + Send>;

/// A fault in force.
struct Begun {
    /// Whom it hit.
    targets: Vec<u64>,
    seen: Seen,
    end: End,
}

impl Begun {
    fn new(
        targets: &[u64],
        seen: Seen,
        end: impl FnOnce(&Stage) -> Result<Seen> + Send + 'static,
    ) -> Begun {
        Begun {
            targets: targets.to_vec(),
            seen,
            end: Box::new(end),
        }
    }
}

/// What one fault works with.
#[derive(Clone)]
struct Stage {
    world: Arc<World>,
    fault: Fault,
    /// Its name among the rules of the network.
    name: String,
    lot: Lot,
    /// Worker processes.
    clients: Arc<Mutex<Vec<u32>>>,
    /// The seed of the run: choices that must be the same for all faults of a run.
    seed: u64,
}

impl Stage {
    fn amount(&self, name: &str, default: i64) -> i64 {
        self.fault.amounts.get(name).copied().unwrap_or(default)
    }

    fn lasts(&self) -> Duration {
        Duration::from_millis(self.fault.lasts_ms)
    }

    /// Its targets, resolved now.
    fn targets(&self) -> Result<Vec<u64>> {
        targets::resolve(&self.world, &self.fault.target, &mut self.lot.clone())
    }
}

/// Runs faults, and tells of them.
pub struct Nemesis {
    world: Arc<World>,
    events: SyncSender<Event>,
    clients: Arc<Mutex<Vec<u32>>>,
    seed: u64,
    count: AtomicU64,
}

impl Nemesis {
    /// For a world; events go to `events`, their time in nanoseconds of `CLOCK_MONOTONIC`, their
    /// index 0: whoever merges the history sets both right.
    #[must_use]
    pub fn new(world: Arc<World>, seed: u64, events: SyncSender<Event>) -> Nemesis {
        Nemesis {
            world,
            events,
            clients: Arc::default(),
            seed,
            count: AtomicU64::new(0),
        }
    }

    /// The worker processes of now; a dead one is to be replaced here.
    pub fn set_clients(&self, pids: Vec<u32>) {
        *self.clients.lock().unwrap_or_else(PoisonError::into_inner) = pids;
    }

    /// Carries a schedule out, and returns when the last fault has ended. `stop` keeps further ones
    /// from beginning; those in force end at once.
    pub fn run(&self, schedule: &[Fault], stop: &AtomicBool) {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for fault in schedule {
                let at = start + Duration::from_millis(fault.at_ms);
                if !sleep_until(at, stop) {
                    break;
                }
                scope.spawn(move || self.one(fault, stop));
            }
        });
    }

    /// One fault from its begin to its end.
    pub fn one(&self, fault: &Fault, stop: &AtomicBool) {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let stage = Stage {
            world: Arc::clone(&self.world),
            fault: fault.clone(),
            name: format!("hf{number}"),
            lot: Lot::new(self.seed, &format!("fault {number}")),
            clients: Arc::clone(&self.clients),
            seed: self.seed,
        };
        let until = Instant::now() + stage.lasts();
        match begin(&stage) {
            Ok(begun) => {
                self.tell(&stage, "start", &begun.targets, &begun.seen);
                sleep_until(until, stop);
                let seen = (begun.end)(&stage).unwrap_or_else(|error| failed(&error));
                self.tell(&stage, "end", &begun.targets, &seen);
            }
            Err(error) => {
                self.tell(&stage, "start", &[], &failed(&error));
                let seen = self.clear(&stage).unwrap_or_else(|error| failed(&error));
                self.tell(&stage, "end", &[], &seen);
            }
        }
    }

    /// After a begin that failed half way.
    fn clear(&self, stage: &Stage) -> Result<Seen> {
        if let Some(network) = self.world.network() {
            network.heal(&stage.name)?;
        }
        process::bring_up(&self.world, &self.world.nodes())?;
        Ok(Seen::when(
            false,
            "the fault did not begin; what there was of it is gone",
        ))
    }

    /// Ends whatever is still in force, and waits until every member is ready.
    ///
    /// # Errors
    /// What could not be healed.
    pub fn recover(&self) -> Result<()> {
        if let Some(network) = self.world.network() {
            for fault in network.in_force() {
                network.heal(&fault)?;
            }
        }
        let all = self.world.nodes();
        let is_damaged = |id: &u64| corrupt::is_damaged(&self.world, *id);
        let damaged: Vec<u64> = all.iter().copied().filter(is_damaged).collect();
        for &id in &damaged {
            self.world.kill(id)?;
        }
        process::bring_up(&self.world, &all)?;
        damaged
            .iter()
            .try_for_each(|&id| self.world.allow_end(id, false))
    }

    fn tell(&self, stage: &Stage, phase: &str, targets: &[u64], seen: &Seen) {
        let value = json!({
            "phase": phase, "targets": targets, "target": stage.fault.target,
            "observed": seen.observed, "evidence": seen.evidence, "amounts": stage.fault.amounts,
            "fault": stage.name,
        });
        // Nobody listens any more: the run is over.
        let _ = self
            .events
            .send(event("nemesis", Outcome::Info, &stage.fault.kind, value));
    }
}

impl std::fmt::Debug for Nemesis {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Nemesis")
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// An event of now, by somebody who is no client.
pub(crate) fn event(who: &str, outcome: Outcome, f: &str, value: Value) -> Event {
    Event {
        index: 0,
        time: world::now(),
        process: Process::Named(who.to_owned()),
        outcome,
        f: f.to_owned(),
        key: None,
        value,
        facts: BTreeMap::new(),
    }
}

fn failed(error: &anyhow::Error) -> Seen {
    Seen::when(false, format!("{error:#}"))
}

/// Waits; false when it was stopped before.
fn sleep_until(at: Instant, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(TICK));
    }
}

fn begin(stage: &Stage) -> Result<Begun> {
    match stage.fault.kind.as_str() {
        "kill" | "kill-all" => process::kill(stage),
        "term" => process::term(stage),
        "pause" => process::pause(stage),
        "restart-all" => process::restart_all(stage),
        "flapping" => partition::flapping(stage),
        kind if kind.starts_with("partition-") => partition::begin(stage, kind),
        "loss" => quality::loss(stage),
        "delay" => quality::delay(stage),
        "big-packets" => quality::big_packets(stage),
        "reset" => quality::reset(stage),
        "clock-jump" => clock::jump(stage),
        "clock-drift" => clock::drift(stage),
        "monotonic-epoch" => clock::epoch(stage),
        "disk-full" => disk::full(stage),
        "disk-slow" => disk::slow(stage),
        "lost-writes" => disk::lost_writes(stage),
        "torn-tail" => disk::torn_tail(stage),
        "bit-flip" => corrupt::bit_flip(stage),
        "leader-transfer" => admin::leader_transfer(stage),
        "snapshot-storm" => admin::snapshot_storm(stage),
        "membership" => members::change(stage),
        "client-pause" => clients::pause(stage),
        "client-kill" => clients::kill(stage),
        other => bail!("there is no nemesis {other}"),
    }
}
