//! `server-logs`: what the nodes said of themselves. A panic, a broken invariant or a difference
//! between replicas is a violation whatever clients saw; so is an ERROR that no fault of the run
//! explains, and a node that ended by itself or did not come back.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use checker::{Limits, Report};

use crate::plan::Plan;

/// Words of a line that is a violation whatever was done to the node.
const NEVER: &[&str] = &[
    "panicked at",
    "this is a bug of holdfast",
    "replicas differ",
];
/// Kinds of faults after which a node may say that its disk failed it, and stop.
const OF_THE_DISK: &[&str] = &[
    "disk-full",
    "disk-slow",
    "lost-writes",
    "torn-tail",
    "bit-flip",
];
/// Lines kept of one run.
const LINES_MAX: usize = 1_000;

/// What there was to read.
pub(super) struct ServerLogs {
    lines: u64,
    /// Node and line.
    errors: Vec<(u64, String)>,
    /// Nodes that ended by themselves or did not come back.
    ends: Vec<String>,
    disk_was_hurt: bool,
}

impl ServerLogs {
    /// Reads the logs of all nodes; `ends` tells of those that ended by themselves, `stopped` how
    /// each ended when it was asked to.
    ///
    /// # Errors
    /// A log cannot be read.
    pub(super) fn read(
        logs: &BTreeMap<u64, PathBuf>,
        mut ends: Vec<String>,
        stopped: Vec<(u64, String)>,
        plan: &Plan,
    ) -> Result<ServerLogs> {
        let disorderly = |(node, how): (u64, String)| {
            let orderly = how == "exit code 0";
            (!orderly).then(|| format!("node {node} was asked to stop at the end: {how}"))
        };
        ends.extend(stopped.into_iter().filter_map(disorderly));
        let mut all = ServerLogs {
            lines: 0,
            errors: Vec::new(),
            ends,
            disk_was_hurt: plan
                .schedule
                .iter()
                .any(|f| OF_THE_DISK.contains(&f.kind.as_str())),
        };
        for (&node, path) in logs {
            let file =
                std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
            for line in BufReader::new(file).split(b'\n') {
                let line = line.with_context(|| format!("read {}", path.display()))?;
                all.hear(node, &String::from_utf8_lossy(&line));
            }
        }
        Ok(all)
    }

    fn hear(&mut self, node: u64, line: &str) {
        self.lines += 1;
        let is_error = line.split_whitespace().nth(1) == Some("ERROR");
        let counts = is_error || NEVER.iter().any(|words| line.contains(words));
        if counts && self.errors.len() < LINES_MAX {
            self.errors.push((node, line.to_owned()));
        }
    }

    /// Judges.
    pub(super) fn judge(&self, limits: &Limits) -> Report {
        let mut report = Report::new("server-logs");
        report.count("lines", self.lines);
        if self.lines == 0 {
            report.unknown(limits, "no node said anything".to_owned(), Vec::new());
        }
        for (node, line) in &self.errors {
            let never = NEVER.iter().any(|words| line.contains(words));
            if never || !self.disk_was_hurt {
                report.broken(limits, format!("node {node} said: {line}"), Vec::new());
            } else {
                report.count("errors explained by a fault of the disk", 1);
            }
        }
        for end in &self.ends {
            if self.disk_was_hurt {
                report.count("ends explained by a fault of the disk", 1);
            } else {
                report.broken(limits, end.clone(), Vec::new());
            }
        }
        report
    }
}
