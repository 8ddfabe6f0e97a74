//! What was found, as `latest.json` keeps it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use load::Latency;
use serde::{Deserialize, Serialize};

use crate::contender::Contender;
use crate::machine::Machine;

/// Everything. A command replaces what it measures and leaves the rest.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    /// The machine, and when it was looked at.
    pub machine: Machine,
    /// What the disk and the loopback cost.
    pub costs: Costs,
    /// Who was compared.
    pub contenders: Vec<Who>,
    /// The matrix.
    pub matrix: Option<Matrix>,
    /// What happens when a leader goes.
    pub failovers: Option<Failovers>,
    /// A million znodes or keys.
    pub millions: Option<Millions>,
    /// Idle sessions.
    pub sessions: Option<Sessions>,
    /// How the cost of Holdfast grows.
    pub growth: Option<Growth>,
    /// Whether a leader stays.
    pub elections: Option<Elections>,
}

/// The least that anything durable and remote costs here.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Costs {
    /// Appending 300 bytes and `fdatasync`, the median in microseconds.
    pub fsync_p50_us: f64,
    /// The same, 99 of 100 are not longer.
    pub fsync_p99_us: f64,
    /// 64 bytes to another thread and back over TCP, the median in microseconds.
    pub loopback_p50_us: f64,
    /// The same, 99 of 100 are not longer.
    pub loopback_p99_us: f64,
}

/// A contender, and what was seen of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Who {
    /// Who.
    pub contender: Contender,
    /// Its name and version.
    pub version: String,
    /// Settings that matter, as `name: value`.
    pub settings: Vec<String>,
    /// Calls that sync, of each server, during the writes below.
    pub syncs: Vec<u64>,
    /// Writes, each seen to be synced on a majority of the servers before it was acknowledged.
    pub synced_writes: u64,
}

/// The same load on everybody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Matrix {
    /// What was typed.
    pub command: String,
    /// How often each cell was measured.
    pub repeats: usize,
    /// For how many seconds each time.
    pub seconds: f64,
    /// The cells.
    pub cells: Vec<Cell>,
}

/// A contender under one load: medians over the repeats.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// Who.
    pub contender: Contender,
    /// What the clients did.
    pub workload: String,
    /// How many there were.
    pub clients: usize,
    /// Medians.
    pub median: Sample,
    /// Each time.
    pub samples: Vec<Sample>,
}

/// One run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Operations acknowledged, a second.
    pub per_second: f64,
    /// Half took no longer, in microseconds.
    pub p50_us: f64,
    /// 99 of 100 took no longer, in microseconds.
    pub p99_us: f64,
    /// CPU seconds of all servers for 1,000 operations.
    pub cpu_s_per_1000: f64,
    /// Operations not acknowledged.
    pub errors: f64,
}

/// What was done to leaders.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failovers {
    /// What was typed.
    pub command: String,
    /// Each kind of harm to each contender.
    pub harms: Vec<Harmed>,
}

/// One kind of harm to the leader of one contender.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Harmed {
    /// Who.
    pub contender: Contender,
    /// `kill`, `stop` or `term`.
    pub harm: String,
    /// The longest time without an acknowledged write, for each round, in milliseconds.
    pub gaps_ms: Vec<f64>,
}

/// A million znodes or keys in everybody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Millions {
    /// What was typed.
    pub command: String,
    /// Each contender.
    pub loaded: Vec<Loaded>,
}

/// One contender with many znodes or keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Loaded {
    /// Who.
    pub contender: Contender,
    /// How many.
    pub znodes: u64,
    /// How long it took to put them there, in seconds.
    pub load_s: f64,
    /// Memory of each server before, in bytes.
    pub empty_bytes: Vec<u64>,
    /// Memory of each server after, in bytes.
    pub loaded_bytes: Vec<u64>,
    /// From starting a killed follower until it answers reads, in milliseconds.
    pub restart_ms: f64,
    /// Latencies of writes at a fixed rate.
    pub writes: Option<Latency>,
    /// The same while snapshots are taken one after the other; only of Holdfast.
    pub writes_in_snapshot: Option<Latency>,
    /// How long one snapshot took meanwhile, in milliseconds.
    pub snapshot_ms: Option<f64>,
}

/// Idle sessions with everybody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sessions {
    /// What was typed.
    pub command: String,
    /// Each contender.
    pub idle: Vec<Idle>,
}

/// One contender with many idle sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Idle {
    /// Who.
    pub contender: Contender,
    /// Sessions, each with a connection of its own.
    pub sessions: usize,
    /// Memory that one costs, all servers together, in bytes.
    pub bytes_per_session: f64,
    /// CPU of all servers, in percent of one core.
    pub cpu_percent: f64,
    /// Sessions whose sign of life was not answered.
    pub errors: u64,
}

/// Whether a leader stays under full load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Elections {
    /// What was typed.
    pub command: String,
    /// Each protocol.
    pub led: Vec<Led>,
}

/// A long run of writes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Led {
    /// Who.
    pub contender: Contender,
    /// Clients that write.
    pub clients: usize,
    /// For how long.
    pub seconds: f64,
    /// Elections meanwhile; nobody harmed the leader.
    pub elections: u64,
    /// Writes a second.
    pub per_second: f64,
    /// The longest write, in microseconds.
    pub longest_us: u64,
    /// CPU of all servers, in percent of one core.
    pub cpu_percent: f64,
    /// Writes that were not acknowledged.
    pub errors: u64,
}

/// How the cost of Holdfast grows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Growth {
    /// What was typed.
    pub command: String,
    /// For how many seconds each point.
    pub seconds: f64,
    /// More and more of each thing.
    pub points: Vec<Point>,
}

/// Holdfast with so much of something.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    /// Of what.
    pub what: String,
    /// How much.
    pub count: u64,
    /// What an operation is.
    pub operation: String,
    /// What was found.
    pub sample: Sample,
    /// Memory of the node that has most, in bytes.
    pub resident_bytes: u64,
}

/// What the file is called.
const FILE: &str = "latest.json";

impl Results {
    /// What an earlier command left in a directory, or nothing.
    ///
    /// # Errors
    /// There is something else.
    pub fn read(dir: &Path) -> Result<Results> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Ok(Results::default());
        }
        let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("read {}", path.display()))
    }

    /// Leaves everything in a directory.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        let path = dir.join(FILE);
        let text = serde_json::to_string_pretty(self).context("encode the results")?;
        fs::write(&path, text + "\n").with_context(|| format!("write {}", path.display()))
    }

    /// The medians of a cell.
    #[must_use]
    pub fn cell(&self, contender: Contender, workload: &str, clients: usize) -> Option<&Sample> {
        let cells = &self.matrix.as_ref()?.cells;
        let found = cells.iter().find(|cell| {
            cell.contender == contender && cell.workload == workload && cell.clients == clients
        })?;
        Some(&found.median)
    }

    /// Puts what was seen of a contender in the place of what was seen before.
    pub fn saw(&mut self, who: Who) {
        self.contenders.retain(|old| old.contender != who.contender);
        self.contenders.push(who);
        self.contenders.sort_by_key(|who| who.contender);
    }
}
