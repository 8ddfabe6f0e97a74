//! What one run, or many, came to: one line of JSON from a child, a table for people.

use std::collections::BTreeMap;

use checker::{History, Outcome, Process};
use serde::{Deserialize, Serialize};

/// Figures of one seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The seed.
    pub seed: u64,
    /// The plan, in words.
    pub plan: String,
    /// Virtual time that passed, microseconds.
    pub simulated_us: u64,
    /// Times the invariants were looked at.
    pub steps: u64,
    /// Deliveries of the network.
    pub delivered: u64,
    /// Of them held back by a cut.
    pub held: u64,
    /// Operations by workload-independent outcome: ok, fail, info.
    pub outcomes: BTreeMap<String, u64>,
    /// Operations that succeeded, by kind.
    pub operations: BTreeMap<String, u64>,
    /// Faults that took effect, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Checkers that found nothing wrong.
    pub valid: BTreeMap<String, u64>,
    /// Checkers that could not say.
    pub unknown: BTreeMap<String, u64>,
    /// Length of the trace.
    pub trace_lines: u64,
    /// Hash of the trace.
    pub trace_hash: u64,
    /// The invariant or checker that fired, and what it saw.
    pub broken: Option<(String, String)>,
}

impl Summary {
    /// Counts what clients saw.
    pub fn count_history(&mut self, history: &History) {
        for event in &history.events {
            if !matches!(event.process, Process::Client(_)) {
                continue;
            }
            let outcome = match event.outcome {
                Outcome::Invoke => continue,
                Outcome::Ok => "ok",
                Outcome::Fail => "fail",
                Outcome::Info => "info",
            };
            *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
            if event.outcome == Outcome::Ok {
                *self.operations.entry(event.f.clone()).or_default() += 1;
            }
        }
    }

    /// Adds the figures of another run.
    pub fn add(&mut self, other: &Summary) {
        self.simulated_us += other.simulated_us;
        self.steps += other.steps;
        self.delivered += other.delivered;
        self.held += other.held;
        let both = [
            (&mut self.outcomes, &other.outcomes),
            (&mut self.operations, &other.operations),
            (&mut self.faults, &other.faults),
            (&mut self.valid, &other.valid),
            (&mut self.unknown, &other.unknown),
        ];
        for (sums, more) in both {
            for (name, count) in more {
                *sums.entry(name.clone()).or_default() += count;
            }
        }
    }
}

/// Counts in one line.
pub fn counts(of: &BTreeMap<String, u64>) -> String {
    let words: Vec<_> = of
        .iter()
        .map(|(name, count)| format!("{name}={count}"))
        .collect();
    words.join(" ")
}
