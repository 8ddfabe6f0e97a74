//! A run as a process of its own: one that fails takes nothing with it, and the kernel cleans up
//! after it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use checker::Verdict;

use crate::report::results::Results;

/// The harness failed; see `main.rs`.
const NO_VERDICT: i32 = 3;

/// What a run is told.
#[derive(Clone, Copy, Debug)]
pub struct Child<'a> {
    /// As in the plan.
    pub workload: &'a str,
    /// As in the plan.
    pub door: &'a str,
    /// Comma-separated.
    pub nemesis: &'a str,
    /// As in the plan.
    pub seconds: u64,
    /// As in the plan.
    pub seed: u64,
    /// As in the plan.
    pub nodes: u64,
    /// The `holdfast` binary.
    pub binary: &'a Path,
    /// Where runs are kept.
    pub runs: &'a Path,
    /// A planted bug.
    pub mutant: Option<&'a str>,
    /// Flags of every node, `NAME=VALUE`.
    pub settings: &'a [&'a str],
}

impl Child<'_> {
    /// Its directory.
    #[must_use]
    pub fn run_dir(&self) -> PathBuf {
        let mutant = self.mutant.map(|id| format!("{id}-")).unwrap_or_default();
        let nemesis = crate::plan::file_name(self.nemesis);
        let name = format!(
            "{mutant}{}-{}-{nemesis}-n{}-{}",
            self.workload, self.door, self.nodes, self.seed
        );
        self.runs.join(name)
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It has no verdict.
    pub fn run(&self) -> Result<Results> {
        let run_dir = self.run_dir();
        if run_dir.exists() {
            std::fs::remove_dir_all(&run_dir)
                .with_context(|| format!("remove an earlier {}", run_dir.display()))?;
        }
        let harness = std::env::current_exe().context("find the path of this program")?;
        let mut command = Command::new(harness);
        command
            .arg("run")
            .args(["--workload", self.workload, "--door", self.door])
            .args(["--nemesis", self.nemesis])
            .arg(format!("--seconds={}", self.seconds))
            .arg(format!("--seed={}", self.seed))
            .arg(format!("--nodes={}", self.nodes))
            .arg("--binary")
            .arg(self.binary)
            .arg("--run-dir")
            .arg(&run_dir)
            .stdout(Stdio::null());
        for setting in self.settings {
            command.args(["--set", setting]);
        }
        if let Some(mutant) = self.mutant {
            command.args(["--mutant", mutant]);
        }
        let status = command.status().context("start a run")?;
        if status.code().is_none_or(|code| code == NO_VERDICT) {
            bail!("the run ended with {status}; see {}", run_dir.display());
        }
        Results::read(&run_dir)
    }

    /// Removes the large files of a run that passed: its nodes' data.
    pub fn tidy(&self, results: &Results, keep: bool) {
        if results.verdict == Verdict::Valid && !keep {
            // What cannot be removed only takes room.
            let _ = std::fs::remove_dir_all(self.run_dir().join("nodes"));
            let _ = std::fs::remove_dir_all(self.run_dir().join("clients"));
        }
    }
}
