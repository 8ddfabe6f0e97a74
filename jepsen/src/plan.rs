//! What a run does: everything that is decided before it begins. Printed, kept with the run, and
//! enough to run it again.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::nemesis::{schedule, swarm};
use crate::world::Missing;

/// Clients at a time, if nothing else is asked for.
pub const CONCURRENCY: u64 = 10;
/// Operations a second asked of all clients together, if nothing else is asked for.
pub const RATE: u64 = 300;

/// The setting that decides how much of a log is there to be read after a run.
const KEPT: &str = "log-entries-kept";
/// More entries than a run writes.
const WHOLE_LOG: u64 = 500_000;

/// A run, from its seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Where every random choice comes from; thread timing it does not fix.
    pub seed: u64,
    /// What clients do, by the names of `histories.md`.
    pub workload: String,
    /// How they speak: `http` or `zookeeper`.
    pub door: String,
    /// Voters at the start.
    pub nodes: u64,
    /// Length of the faulty phase.
    pub seconds: u64,
    /// Concurrent clients.
    pub concurrency: u64,
    /// Operations per second asked of all clients together.
    pub rate: u64,
    /// Flags of every node besides those the world needs: `{"snapshot-entries": "100"}`.
    pub settings: BTreeMap<String, String>,
    /// Sizes of the workload, where they are not its defaults.
    #[serde(default)]
    pub sizes: BTreeMap<String, u64>,
    /// Names of the nemeses asked for.
    pub nemesis: Vec<String>,
    /// What happens when, made from the seed.
    pub schedule: Vec<Fault>,
}

/// Faults as they were asked for, as a part of the name of a file.
pub(crate) fn file_name(nemesis: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    nemesis
        .replace(',', "+")
        .replace(|c| !fits(c) && c != '+', "_")
}

impl Plan {
    /// Draws everything that was not asked for from the seed: the settings of the nodes, and what
    /// happens when. What was asked for wins.
    ///
    /// # Errors
    /// A fault is asked for that does not exist, or that there is no time for.
    pub fn draw(mut asked: Plan, missing: &[Missing]) -> Result<Plan> {
        let was_asked = asked.settings.contains_key(KEPT);
        let mut settings = swarm::settings(asked.seed);
        settings.append(&mut asked.settings);
        asked.settings = settings;
        asked.schedule = schedule::make(&schedule::Wish {
            seed: asked.seed,
            seconds: asked.seconds,
            nodes: asked.nodes,
            nemesis: &asked.nemesis,
            missing,
        })?;
        let storms = asked.schedule.iter().any(|f| f.kind == "snapshot-storm");
        if !storms && !was_asked {
            // The oracle needs the whole log; only runs that are about snapshots purge it.
            asked
                .settings
                .insert(KEPT.to_owned(), WHOLE_LOG.to_string());
        }
        Ok(asked)
    }

    /// Whether nodes purge so much of their logs that these need not show what was acknowledged.
    #[must_use]
    pub fn purges(&self) -> bool {
        let kept = self.settings.get(KEPT).and_then(|kept| kept.parse().ok());
        kept.is_some_and(|kept: u64| kept < WHOLE_LOG)
    }

    /// Keeps it with the run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, run_dir: &Path) -> Result<()> {
        let path = run_dir.join("plan.json");
        let text = serde_json::to_string_pretty(self).context("put the plan into JSON")?;
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }
}

/// One fault of the schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Begins so long after the load.
    pub at_ms: u64,
    /// Lasts so long; 0: it is over at once (a kill without restart does not exist: the restart is
    /// the end).
    pub lasts_ms: u64,
    /// Kind, as in the catalogue of nemeses.
    pub kind: String,
    /// Whom: `leader`, `follower`, `one`, `minority`, `majority`, `all`, `client`, resolved when it
    /// begins; the history says who it was.
    pub target: String,
    /// Numbers of the kind: loss in per cent, delay in ms, …
    #[serde(default)]
    pub amounts: BTreeMap<String, i64>,
}

/// What a worker process is told, as JSON in a file: `hf-jepsen worker FILE`. It prints events
/// (without their index, `time` as absolute nanoseconds of `CLOCK_MONOTONIC`) to standard output,
/// stops its load at the line `stop` on standard input, does the workload's last reads at the line
/// `final`, and ends at the end of its input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerSpec {
    /// Seed of this worker alone.
    pub seed: u64,
    /// As in the plan.
    pub workload: String,
    /// As in the plan.
    pub door: String,
    /// First process number of this worker's clients.
    pub first_process: u64,
    /// Clients of this worker, one thread each.
    pub clients: u64,
    /// Step from the number of a dead process to the one that goes on: the clients of all workers.
    pub concurrency: u64,
    /// Operations per second asked of this worker's clients together.
    pub rate: u64,
    /// Where the nodes are.
    pub nodes: Vec<Endpoint>,
    /// Longest wait for one answer, in ms.
    pub timeout_ms: u64,
    /// Sizes of the workload: keys, sessions, permits, … with defaults where absent.
    #[serde(default)]
    pub sizes: BTreeMap<String, u64>,
}

/// A node, as clients reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its number.
    pub node: u64,
    /// `host:port` of the HTTP API.
    pub api: String,
    /// `host:port` of the ZooKeeper door.
    pub zookeeper: String,
}
