//! `faults-observed`: every fault of the schedule was injected, seen in effect, and ended.
//!
//! A run whose faults did not happen shows nothing: that is `unknown`, never `valid`. Nothing here is
//! `invalid`, since a fault that failed to happen is not the service's doing.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::{Event, History, Process};
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct FaultsObserved {
    /// How many times each fault was to be injected; `None`: not known, at least one fault of any kind.
    pub schedule: Option<BTreeMap<String, u64>>,
}

#[derive(Default)]
struct Seen<'a> {
    starts: u64,
    open: Vec<&'a Event>,
}

impl Checker for FaultsObserved {
    fn name(&self) -> &'static str {
        "faults-observed"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let nemesis = Process::Named("nemesis".to_owned());
        let mut faults: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
        for event in history
            .events
            .iter()
            .filter(|event| event.process == nemesis)
        {
            let fault = faults.entry(event.f.as_str()).or_default();
            match event.value.get("phase").and_then(Value::as_str) {
                Some("start") => {
                    fault.starts += 1;
                    fault.open.push(event);
                    report.count(&event.f, 1);
                    see(event, limits, &mut report);
                }
                Some("end") if fault.open.is_empty() => {
                    let what = format!("fault {} ended without having begun", event.f);
                    report.unknown(limits, what, vec![event.index]);
                }
                Some("end") => close(&mut fault.open, event),
                _ => {
                    let what = format!(
                        "an event of the nemesis ({}) is neither start nor end",
                        event.f
                    );
                    report.unknown(limits, what, vec![event.index]);
                }
            }
        }
        for (name, fault) in &faults {
            for open in &fault.open {
                report.unknown(
                    limits,
                    format!("fault {name} never ended"),
                    vec![open.index],
                );
            }
        }
        self.compare(&faults, limits, &mut report);
        report
    }
}

impl FaultsObserved {
    fn compare(&self, faults: &BTreeMap<&str, Seen<'_>>, limits: &Limits, report: &mut Report) {
        let Some(schedule) = &self.schedule else {
            if faults.is_empty() {
                let what =
                    "no fault in this history, and no schedule that says there should be none";
                report.unknown(limits, what.to_owned(), vec![]);
            }
            return;
        };
        for (fault, planned) in schedule {
            let starts = faults.get(fault.as_str()).map_or(0, |seen| seen.starts);
            if starts < *planned {
                let what = format!(
                    "fault {fault} was to be injected {planned} times and was {starts} times"
                );
                report.unknown(limits, what, vec![]);
            }
        }
    }
}

fn see(event: &Event, limits: &Limits, report: &mut Report) {
    if event.value.get("observed").and_then(Value::as_bool) == Some(true) {
        report.count("observed", 1);
        return;
    }
    let evidence = event
        .value
        .get("evidence")
        .and_then(Value::as_str)
        .unwrap_or("no evidence");
    let targets = event
        .value
        .get("targets")
        .map(Value::to_string)
        .unwrap_or_default();
    let what = format!(
        "fault {} on {targets} was not seen in effect: {evidence}",
        event.f
    );
    report.unknown(limits, what, vec![event.index]);
}

/// Ends the open fault with the same targets, or the oldest.
fn close(open: &mut Vec<&Event>, end: &Event) {
    let same = open
        .iter()
        .position(|start| start.value.get("targets") == end.value.get("targets"));
    open.remove(same.unwrap_or(0));
}
