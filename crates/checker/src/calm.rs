//! When nothing disturbed the cluster, by what the nemesis says.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::history::{Event, History, Process};

/// One fault, from its start to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disturbance {
    /// Kind, as in the catalogue of nemeses.
    pub(crate) kind: String,
    /// Nodes it was meant for.
    pub(crate) targets: BTreeSet<u64>,
    /// When it began.
    pub(crate) from: u64,
    /// When it ended; the end of time for one that did not.
    pub(crate) until: u64,
    /// Index of its start.
    pub(crate) event: u64,
}

/// All faults of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disturbances {
    /// In order of their start.
    pub(crate) all: Vec<Disturbance>,
}

impl Disturbances {
    pub(crate) fn of(history: &History) -> Disturbances {
        let mut found = Disturbances::default();
        for event in history.events.iter().filter(|event| is_nemesis(event)) {
            match event.value.get("phase").and_then(Value::as_str) {
                Some("start") => found.all.push(Disturbance {
                    kind: event.f.clone(),
                    targets: targets(event),
                    from: event.time,
                    until: u64::MAX,
                    event: event.index,
                }),
                Some("end") => found.end(event),
                _ => {}
            }
        }
        found
    }

    /// The end belongs to the oldest open fault of its kind with the same targets, or else of its
    /// kind: a nemesis may not repeat the targets.
    fn end(&mut self, event: &Event) {
        let targets = targets(event);
        let open = |fault: &&mut Disturbance| fault.until == u64::MAX && fault.kind == event.f;
        let same = self
            .all
            .iter_mut()
            .filter(open)
            .find(|fault| fault.targets == targets);
        if let Some(fault) = same {
            fault.until = event.time;
        } else if let Some(fault) = self.all.iter_mut().find(open) {
            fault.until = event.time;
        }
    }

    /// Whether some fault, or the time after it, touches the span.
    pub(crate) fn touch(&self, from: u64, until: u64, settle: u64) -> bool {
        self.all
            .iter()
            .any(|fault| fault.from <= until && from <= fault.until.saturating_add(settle))
    }
}

fn is_nemesis(event: &Event) -> bool {
    matches!(&event.process, Process::Named(name) if name == "nemesis")
}

fn targets(event: &Event) -> BTreeSet<u64> {
    let listed = event.value.get("targets").and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lasts_from_its_start_to_its_own_end() {
        let line = |index: u64, time: u64, phase: &str, target: u64| {
            format!(
                r#"{{"index":{index},"time":{time},"process":"nemesis","type":"info","f":"kill","value":{{"phase":"{phase}","targets":[{target}]}}}}"#
            )
        };
        let text = [
            line(0, 10, "start", 1),
            line(1, 20, "start", 2),
            line(2, 30, "end", 2),
        ]
        .join("\n");
        let found = Disturbances::of(&History::parse(&text).unwrap());
        let spans: Vec<(u64, u64)> = found.all.iter().map(|f| (f.from, f.until)).collect();
        assert_eq!(spans, [(10, u64::MAX), (20, 30)]);
        assert!(
            found.touch(1_000, 2_000, 0),
            "a fault without an end never ends"
        );
        assert!(!found.touch(0, 9, 0));
    }
}
