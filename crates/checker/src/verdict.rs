//! What a checker says.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::history::History;

/// Whether a promise was kept. In the order in which they win over each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was.
    Valid,
    /// Nobody can say: too little happened, or the search ran out of time or memory. Never a pass.
    Unknown,
    /// It was broken.
    Invalid,
}

/// One broken promise, or one reason for not knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What happened, in a sentence with the names and numbers in it.
    pub what: String,
    /// Indices of the events that show it, the most telling first.
    pub events: Vec<u64>,
}

/// The answer of one checker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The checker, as in the table of `jepsen/histories.md`.
    pub checker: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// What it looked at, by name: operations, keys, grants, …
    pub counts: BTreeMap<String, u64>,
    /// Why, unless valid; at most [`Limits::findings_max`].
    pub findings: Vec<Finding>,
}

impl Report {
    /// A report without findings: valid so far.
    #[must_use]
    pub fn new(checker: &str) -> Report {
        Report {
            checker: checker.to_owned(),
            verdict: Verdict::Valid,
            counts: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// Adds to a count.
    pub fn count(&mut self, what: &str, by: u64) {
        *self.counts.entry(what.to_owned()).or_default() += by;
    }

    /// A promise was broken.
    pub fn broken(&mut self, limits: &Limits, what: String, events: Vec<u64>) {
        self.find(limits, Verdict::Invalid, what, events);
    }

    /// Nobody can say.
    pub fn unknown(&mut self, limits: &Limits, what: String, events: Vec<u64>) {
        self.find(limits, Verdict::Unknown, what, events);
    }

    fn find(&mut self, limits: &Limits, verdict: Verdict, what: String, events: Vec<u64>) {
        self.verdict = self.verdict.max(verdict);
        self.count(
            match verdict {
                Verdict::Invalid => "violations",
                Verdict::Unknown | Verdict::Valid => "unknowns",
            },
            1,
        );
        if self.findings.len() < limits.findings_max {
            self.findings.push(Finding { what, events });
        }
    }
}

/// How much a checker may spend, and say.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time of one search.
    pub time_max: Duration,
    /// Bytes of one search's memory of where it has been.
    pub memory_bytes_max: usize,
    /// Findings reported of one checker; the rest is counted.
    pub findings_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            time_max: Duration::from_secs(60),
            memory_bytes_max: 2 << 30,
            findings_max: 20,
        }
    }
}

/// Judges one promise.
pub trait Checker {
    /// Its name in the table of `jepsen/histories.md`.
    fn name(&self) -> &'static str;
    /// Judges a history. Never panics, whatever is in it: what it cannot read is `unknown`.
    fn check(&self, history: &History, limits: &Limits) -> Report;
}
