//! The faults of a run as the nemesis told them: from when to when, whom, and what was seen of it.

use std::collections::BTreeMap;

use checker::{Event, History, Process};
use serde_json::Value;

/// Most faults shown of a run; the rest is counted.
pub const INTERVALS_MAX: usize = 2_000;

/// A fault between its start and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// As in the catalogue of nemeses.
    pub kind: String,
    /// Nodes as `n1`, or names.
    pub targets: Vec<String>,
    /// Time of its start.
    pub start: u64,
    /// Time of its end; `None`: it was never ended.
    pub end: Option<u64>,
    /// Its effect was seen, and that it was gone again was not denied.
    pub observed: bool,
    /// How, in the nemesis's words.
    pub evidence: Vec<String>,
}

impl Interval {
    /// Its kind and targets in a few words: `kill n1 n3`.
    #[must_use]
    pub fn label(&self) -> String {
        let mut words = vec![self.kind.clone()];
        words.extend(self.targets.iter().cloned());
        words.join(" ")
    }
}

/// Who is named by the nemesis in this event.
#[must_use]
pub fn targets(event: &Event) -> Vec<String> {
    let targets = event.value.get("targets").and_then(Value::as_array);
    let name = |target: &Value| match (target.as_u64(), target.as_str()) {
        (Some(node), _) => format!("n{node}"),
        (None, Some(name)) => name.to_owned(),
        (None, None) => target.to_string(),
    };
    targets.into_iter().flatten().map(name).collect()
}

/// Which half of a fault an event of the nemesis is.
#[must_use]
pub fn phase(event: &Event) -> Option<&str> {
    match &event.process {
        Process::Named(name) if name == "nemesis" => event.value.get("phase")?.as_str(),
        Process::Named(_) | Process::Client(_) => None,
    }
}

/// All faults in order of their start. An end belongs to the earliest open fault of the same kind
/// and targets, or else of the same kind.
#[must_use]
pub fn intervals(history: &History) -> Vec<Interval> {
    let mut all: Vec<Interval> = Vec::new();
    let mut open: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for event in &history.events {
        match phase(event) {
            Some("start") if all.len() < INTERVALS_MAX => {
                open.entry(event.f.clone()).or_default().push(all.len());
                all.push(begun(event));
            }
            Some("end") => {
                let waiting = open.entry(event.f.clone()).or_default();
                let whom = targets(event);
                let same = |at: &usize| all.get(*at).is_some_and(|one| one.targets == whom);
                let place = waiting.iter().position(same).unwrap_or(0);
                if place < waiting.len() {
                    let at = waiting.remove(place);
                    if let Some(fault) = all.get_mut(at) {
                        ended(fault, event);
                    }
                }
            }
            _ => {}
        }
    }
    all
}

fn begun(event: &Event) -> Interval {
    Interval {
        kind: event.f.clone(),
        targets: targets(event),
        start: event.time,
        end: None,
        observed: event.value.get("observed") == Some(&Value::Bool(true)),
        evidence: evidence(event).into_iter().collect(),
    }
}

fn ended(fault: &mut Interval, event: &Event) {
    fault.end = Some(event.time);
    fault.observed &= event.value.get("observed") != Some(&Value::Bool(false));
    fault.evidence.extend(evidence(event));
}

fn evidence(event: &Event) -> Option<String> {
    let words = event.value.get("evidence")?;
    let words = words
        .as_str()
        .map_or_else(|| words.to_string(), str::to_owned);
    (!words.is_empty()).then_some(words)
}
