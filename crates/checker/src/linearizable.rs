//! `linearizable`: every register, each for itself, has an order (P-LIN, P-ANSWER).
//!
//! The model is (value, version): a write makes the version one greater, a compare-and-set is done
//! only at the version it expects, a read shows both. A compare-and-set that was refused because of
//! the version is an answer too: at some moment of it the register was not as expected. Reads that
//! asked for less than linearizability are judged by `bounded-staleness`.

use std::time::Duration;

use crate::history::History;
use crate::register::{Register, RegisterCall, RegisterCalls, parts, registers};
use crate::verdict::{Checker, Limits, Report};
use crate::wgl::{Judged, Part, check_parts, shrink};

/// Operations of the core of a violation that are told one by one.
const TOLD_MAX: usize = 16;
/// Operations placed before the violation that are told.
const PLACED_TOLD_MAX: usize = 6;
/// The most time for cutting a violation to its core.
const SHRINK_TIME_MAX: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub struct Linearizable;

impl Checker for Linearizable {
    fn name(&self) -> &'static str {
        "linearizable"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let registers = registers(history);
        let parts = parts(&registers);
        let ops = parts.iter().map(|part| part.ops.len() as u64).sum();
        report.count("operations", ops);
        report.count("registers", parts.len() as u64);
        let unknown = parts
            .iter()
            .flat_map(|part| &part.ops)
            .filter(|op| op.ret.is_none());
        report.count("of unknown outcome", unknown.count() as u64);
        for (key, register) in registers.iter().filter(|(_, r)| !r.unreadable.is_empty()) {
            let what = format!("register {key}: operations that cannot be read");
            report.unknown(limits, what, register.unreadable.clone());
        }
        if parts
            .iter()
            .flat_map(|part| &part.ops)
            .all(|op| op.ret.is_none())
        {
            report.unknown(
                limits,
                "no answered operation on a register in this history".to_owned(),
                vec![],
            );
            return report;
        }
        let (judged, steps) = check_parts(&parts, limits);
        report.count("steps", steps);
        match judged {
            Judged::Linearizable => {}
            Judged::Unknown(unknown) => {
                for (key, why) in unknown {
                    let what = format!(
                        "register {key}: the search ran out of {}; nobody can say whether there is an order",
                        format!("{why:?}").to_lowercase()
                    );
                    report.unknown(limits, what, vec![]);
                }
            }
            Judged::Violation { part, stuck, .. } => {
                let time = limits.time_max.min(SHRINK_TIME_MAX);
                if let Some(register) = registers.get(&part.name) {
                    let (what, events) = tell(part, register, &stuck, time);
                    report.broken(limits, what, events);
                }
            }
        }
        report
    }
}

/// The violation for people: what cannot be placed, after what, and the least that shows it.
fn tell(
    part: &Part<Register>,
    register: &RegisterCalls<'_>,
    stuck: &[usize],
    time: Duration,
) -> (String, Vec<u64>) {
    let core = shrink(&part.model, &part.ops, time);
    let (ops, longest, stuck) = match &core {
        Some(core) => (
            core.ops.as_slice(),
            core.longest.as_slice(),
            core.stuck.as_slice(),
        ),
        None => (&[][..], &[][..], stuck),
    };
    let say = |at: &usize| {
        let event = part.ops.get(*at)?.event;
        let call = register
            .calls
            .iter()
            .find(|call| call.call.invoke.index == event)?;
        Some((describe(register, call), call.events()))
    };
    let list = |ats: &[usize]| -> Vec<String> {
        ats.iter().filter_map(say).map(|(text, _)| text).collect()
    };
    let after = longest
        .get(longest.len().saturating_sub(PLACED_TOLD_MAX)..)
        .unwrap_or(&[]);
    let mut what = format!("register {}: no order explains these answers. ", part.name);
    what += &format!("Cannot come next: {}.", list(stuck).join("; "));
    if !after.is_empty() {
        let last = list(after).join("; ");
        what += &format!(
            " The longest order that was found places {} and ends: {last}.",
            longest.len()
        );
    }
    let told = if ops.len() > TOLD_MAX { after } else { ops };
    if !ops.is_empty() && ops.len() <= TOLD_MAX {
        what += &format!(
            " All that is needed to see it ({}): {}.",
            ops.len(),
            list(ops).join("; ")
        );
    }
    let events = stuck
        .iter()
        .chain(told)
        .filter_map(say)
        .flat_map(|(_, events)| events);
    let mut seen = std::collections::BTreeSet::new();
    (what, events.filter(|event| seen.insert(*event)).collect())
}

/// One operation in words: process, what it did, when.
fn describe(register: &RegisterCalls<'_>, call: &RegisterCall<'_>) -> String {
    use crate::register::{Asked, Came};
    let did = match (call.asked, call.saw) {
        (Asked::Read, Some(saw)) => format!("read {}", register.show(saw)),
        (Asked::Read, None) => "read".to_owned(),
        (Asked::Write(value), _) => format!("write {}", register.show(value)),
        (Asked::Cas { old, expect, new }, _) => {
            let old = old.map_or_else(|| "anything".to_owned(), |old| register.show(old));
            let at = expect
                .map(|e| format!(" expecting version {e}"))
                .unwrap_or_default();
            format!("compare-and-set {old} to {}{at}", register.show(new))
        }
    };
    let version = call
        .version
        .map(|v| format!(" at version {v}"))
        .unwrap_or_default();
    let came = match call.came {
        Came::Done | Came::Failed => "",
        Came::Refused => " (refused)",
        Came::Unknown => " (unknown outcome)",
    };
    let end = call.end().map_or_else(|| "never".to_owned(), seconds);
    let process = match &call.call.invoke.process {
        crate::Process::Client(number) => number.to_string(),
        crate::Process::Named(name) => name.clone(),
    };
    format!(
        "process {process}: {did}{version}{came}, {} to {end}",
        seconds(call.start())
    )
}

/// Nanoseconds as seconds.
fn seconds(nanos: u64) -> String {
    format!(
        "{}.{:06} s",
        nanos / 1_000_000_000,
        nanos % 1_000_000_000 / 1000
    )
}
