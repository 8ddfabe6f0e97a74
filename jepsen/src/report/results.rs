//! `results.json`: everything about a run that is not its history.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use checker::{History, Report, Verdict};
use serde::{Deserialize, Serialize};

use super::faults::{Interval, intervals};
use super::stats::{self, Operations};
use super::versions::Versions;
use crate::nemesis::swarm;
use crate::plan::{CONCURRENCY, Plan, RATE};

/// The verdict of a run and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Name of the run: that of its directory.
    pub name: String,
    /// When it began: UTC, RFC 3339.
    pub started: String,
    /// All checkers together: one invalid makes it invalid, else one unknown makes it unknown.
    pub verdict: Verdict,
    /// Runs it again.
    pub command: String,
    /// Length of the history in seconds.
    pub seconds: f64,
    /// What clients did.
    pub operations: Operations,
    /// What was done to the cluster, by kind.
    pub faults: BTreeMap<String, FaultCount>,
    /// What each checker says.
    pub checkers: Vec<Report>,
    /// What was decided before.
    pub plan: Plan,
    /// What ran.
    pub versions: Versions,
    /// How the history came together.
    pub history: HistoryCount,
    /// Where to look further: what it is, and its path in the run's directory.
    pub files: BTreeMap<String, String>,
}

/// Faults of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCount {
    /// In the schedule.
    pub planned: u64,
    /// Begun.
    pub injected: u64,
    /// Of those: their effect was seen.
    pub observed: u64,
    /// Of those injected: ended.
    pub healed: u64,
}

/// Events, and what is missing of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryCount {
    /// All of them.
    pub events: u64,
    /// Operations that were never completed.
    pub open: u64,
    /// Last lines of killed workers that were dropped.
    pub torn_lines: u64,
}

/// What the glue knows when a run is over.
pub struct Facts {
    /// Name of the run: that of its directory.
    pub name: String,
    /// When it began: UTC, RFC 3339.
    pub started: String,
    /// What was decided before.
    pub plan: Plan,
    /// What ran.
    pub versions: Versions,
    /// What each checker says.
    pub checkers: Vec<Report>,
    /// Of [`crate::merge::Merged`].
    pub torn_lines: u64,
    /// What it is, and its path in the run's directory: `log of node 1`, `nodes/1/stderr.log`.
    pub files: BTreeMap<String, String>,
}

impl Results {
    /// Counts a history and puts it together with what is known of the run.
    #[must_use]
    pub fn new(facts: Facts, history: &History) -> Results {
        let length_ns = history.events.last().map_or(0, |event| event.time);
        let calls = stats::client_calls(history);
        let open = calls.iter().filter(|call| call.complete.is_none()).count();
        Results {
            verdict: together(&facts.checkers),
            command: command(&facts.plan),
            seconds: stats::ms(length_ns).round() / 1000.0,
            operations: stats::operations(&calls, length_ns),
            faults: count_faults(&facts.plan, &intervals(history)),
            history: HistoryCount {
                events: history.events.len() as u64,
                open: open as u64,
                torn_lines: facts.torn_lines,
            },
            name: facts.name,
            started: facts.started,
            checkers: facts.checkers,
            plan: facts.plan,
            versions: facts.versions,
            files: facts.files,
        }
    }

    /// Writes them to `results.json` in the run's directory.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, run_dir: &Path) -> Result<()> {
        let path = run_dir.join("results.json");
        let mut text = serde_json::to_string_pretty(self).context("put the results into JSON")?;
        text.push('\n');
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Reads them back.
    ///
    /// # Errors
    /// The file cannot be read, or is of another version of this program.
    pub fn read(run_dir: &Path) -> Result<Results> {
        let path = run_dir.join("results.json");
        let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("understand {}", path.display()))
    }

    /// Faults of all kinds.
    #[must_use]
    pub fn all_faults(&self) -> FaultCount {
        let mut all = FaultCount::default();
        for one in self.faults.values() {
            all.planned += one.planned;
            all.injected += one.injected;
            all.observed += one.observed;
            all.healed += one.healed;
        }
        all
    }
}

/// All checkers together. Nothing was judged: unknown.
#[must_use]
pub fn together(checkers: &[Report]) -> Verdict {
    let worst = checkers.iter().map(|report| report.verdict).max();
    worst.unwrap_or(Verdict::Unknown)
}

/// What `hf-jepsen` exits with; 3 is a failure of the harness itself.
#[must_use]
pub fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Valid => 0,
        Verdict::Invalid => 1,
        Verdict::Unknown => 2,
    }
}

/// The one command that runs a plan again.
#[must_use]
pub fn command(plan: &Plan) -> String {
    let mut words = vec![
        "make jepsen".to_owned(),
        format!("WORKLOAD={}", quoted(&plan.workload)),
    ];
    if !plan.nemesis.is_empty() {
        words.push(format!("NEMESIS={}", quoted(&plan.nemesis.join(","))));
    }
    words.push(format!("SECONDS={}", plan.seconds));
    words.push(format!("SEED={}", plan.seed));
    words.push(format!("NODES={}", plan.nodes));
    if plan.door != "http" {
        words.push(format!("DOOR={}", quoted(&plan.door)));
    }
    let more = arguments(plan);
    if !more.is_empty() {
        words.push(format!("ARGS='{}'", more.join(" ")));
    }
    words.join(" ")
}

/// What differs from what the seed draws and from the defaults of `hf-jepsen run`.
fn arguments(plan: &Plan) -> Vec<String> {
    let mut words = Vec::new();
    if plan.rate != RATE {
        words.push(format!("--rate={}", plan.rate));
    }
    if plan.concurrency != CONCURRENCY {
        words.push(format!("--concurrency={}", plan.concurrency));
    }
    let drawn = swarm::settings(plan.seed);
    let asked = plan.settings.iter();
    let asked = asked.filter(|(name, value)| drawn.get(*name) != Some(value));
    words.extend(asked.map(|(name, value)| format!("--set={name}={value}")));
    words
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn count_faults(plan: &Plan, intervals: &[Interval]) -> BTreeMap<String, FaultCount> {
    let mut counts: BTreeMap<String, FaultCount> = BTreeMap::new();
    for fault in &plan.schedule {
        counts.entry(fault.kind.clone()).or_default().planned += 1;
    }
    for fault in intervals {
        let count = counts.entry(fault.kind.clone()).or_default();
        count.injected += 1;
        count.observed += u64::from(fault.observed);
        count.healed += u64::from(fault.end.is_some());
    }
    counts
}
