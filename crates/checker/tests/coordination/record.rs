//! Writes histories down.

use checker::{Checker, Event, History, Limits, Outcome, Process, Report, Verdict};
use serde_json::{Map, Value};

/// Milliseconds as the nanoseconds of event times.
pub(crate) const MS: u64 = 1_000_000;

/// Events in the order in which they happen.
#[derive(Default)]
pub(crate) struct Record {
    events: Vec<Event>,
}

impl Record {
    /// Writes an event down; `facts` is an object.
    pub(crate) fn event(
        &mut self,
        at: u64,
        who: u64,
        what: (Outcome, &str),
        told: (Option<&str>, Value, Value),
    ) {
        self.by(at, Process::Client(who), what, told);
    }

    /// The same, for any speaker.
    pub(crate) fn by(
        &mut self,
        time: u64,
        process: Process,
        (outcome, f): (Outcome, &str),
        (key, value, facts): (Option<&str>, Value, Value),
    ) {
        let facts = match facts {
            Value::Object(facts) => facts,
            _ => Map::new(),
        };
        self.events.push(Event {
            index: 0,
            time,
            process,
            outcome,
            f: f.to_owned(),
            key: key.map(str::to_owned),
            value,
            facts: facts.into_iter().collect(),
        });
    }

    /// The history, ordered by time.
    pub(crate) fn finish(mut self) -> History {
        self.events.sort_by_key(|event| event.time);
        for (index, event) in self.events.iter_mut().enumerate() {
            event.index = index as u64;
        }
        History {
            events: self.events,
        }
    }
}

/// What each checker says of a history.
pub(crate) fn judge(checkers: &[&dyn Checker], history: &History) -> Vec<Report> {
    let limits = Limits::default();
    checkers
        .iter()
        .map(|one| one.check(history, &limits))
        .collect()
}

/// Names of the checkers that found a promise broken.
pub(crate) fn fired(reports: &[Report]) -> Vec<&str> {
    let invalid = reports
        .iter()
        .filter(|report| report.verdict == Verdict::Invalid);
    invalid.map(|report| report.checker.as_str()).collect()
}

/// Panics with the findings if any checker says that a promise was broken.
pub(crate) fn assert_none_broken(seed: u64, reports: &[Report]) {
    for report in reports {
        assert!(
            report.verdict != Verdict::Invalid,
            "seed {seed}: {} raised a false alarm: {:?}",
            report.checker,
            report.findings.first()
        );
    }
}
