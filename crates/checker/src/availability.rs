//! `availability`: enough was done for the other verdicts to mean something, and after healing every
//! object can be written and read again.
//!
//! Too little work is `unknown`: nothing was broken, nothing was shown. After the last fault ended, an
//! object at which writes (or reads) were tried and none succeeded is `invalid`; one that was not
//! tried is `unknown`. Only objects that were used before healing are asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Call, History, Outcome, Process};
use crate::verdict::{Checker, Limits, Report};

/// Operations that must have succeeded, if nothing else is said.
pub const OK_MIN: u64 = 100;

/// Of an operation that was tried less often it says nothing that it never succeeded: a claim that is
/// to be broken may have ended each time.
const TRIED_MIN: u64 = 10;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Availability {
    /// Operations that must have succeeded.
    pub ok_min: u64,
}

impl Default for Availability {
    fn default() -> Self {
        Availability { ok_min: OK_MIN }
    }
}

#[derive(Default)]
struct Tried {
    ok: u64,
    events: Vec<u64>,
}

impl Checker for Availability {
    fn name(&self) -> &'static str {
        "availability"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let calls: Vec<_> = history.calls().into_iter().filter(is_clients).collect();
        for call in &calls {
            let outcome = match call.outcome() {
                Outcome::Ok => "ok",
                Outcome::Fail => "fail",
                Outcome::Info | Outcome::Invoke => "info",
            };
            report.count(outcome, 1);
            report.count(&format!("{} {outcome}", call.invoke.f), 1);
        }
        let ok = report.counts.get("ok").copied().unwrap_or(0);
        if ok < self.ok_min {
            let what = format!(
                "too little work: {ok} operations succeeded, at least {} must",
                self.ok_min
            );
            report.unknown(limits, what, vec![]);
        }
        for (f, count) in never_ok(&report) {
            let what = format!("too little work: none of {count} operations {f} succeeded");
            report.unknown(limits, what, vec![]);
        }
        if let Some(healed) = healed(history) {
            after_healing(&calls, healed, limits, &mut report);
        }
        report
    }
}

fn is_clients(call: &Call<'_>) -> bool {
    matches!(call.invoke.process, Process::Client(_))
}

/// Kinds of operations of which none succeeded.
fn never_ok(report: &Report) -> Vec<(String, u64)> {
    let mut kinds: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (name, count) in &report.counts {
        if let Some((f, outcome)) = name.rsplit_once(' ') {
            let kind = kinds.entry(f).or_default();
            kind.0 += count;
            kind.1 += if outcome == "ok" { *count } else { 0 };
        }
    }
    let never = kinds
        .into_iter()
        .filter(|(_, (tried, ok))| *ok == 0 && *tried >= TRIED_MIN);
    never.map(|(f, (count, _))| (f.to_owned(), count)).collect()
}

/// When the last fault ended.
fn healed(history: &History) -> Option<u64> {
    let nemesis = Process::Named("nemesis".to_owned());
    let ends = history.events.iter().filter(|event| {
        event.process == nemesis && event.value.get("phase").is_some_and(|phase| phase == "end")
    });
    ends.map(|event| event.time).max()
}

/// Whether the operation reads, writes, or both, as far as this checker cares.
fn kinds(f: &str) -> &'static [&'static str] {
    match f {
        "read" => &["read"],
        "write" | "cas" | "add" => &["written"],
        "txn" => &["read", "written"],
        _ => &[],
    }
}

fn after_healing(calls: &[Call<'_>], healed: u64, limits: &Limits, report: &mut Report) {
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut tried: BTreeMap<(&str, &str), Tried> = BTreeMap::new();
    for call in calls {
        for kind in kinds(&call.invoke.f) {
            let object = (call.invoke.key.as_deref().unwrap_or(""), *kind);
            if call.invoke.time <= healed {
                used.insert(object);
                continue;
            }
            let tried = tried.entry(object).or_default();
            tried.ok += u64::from(call.outcome() == Outcome::Ok);
            tried.events.push(call.invoke.index);
        }
    }
    for (key, kind) in used {
        report.count(&format!("{kind} after healing"), 0);
        match tried.get(&(key, kind)) {
            None => {
                let what = format!("{key} was not {kind} after the last fault ended: nobody tried");
                report.unknown(limits, what, vec![]);
            }
            Some(Tried { ok: 0, events }) => {
                let what = format!(
                    "{key} could not be {kind} after the last fault ended: none of {} attempts succeeded",
                    events.len()
                );
                report.broken(limits, what, events.iter().take(5).copied().collect());
            }
            Some(_) => report.count(&format!("{kind} after healing"), 1),
        }
    }
}
