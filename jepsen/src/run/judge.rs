//! The checkers of a run, and what they say.

use std::collections::BTreeMap;

use checker::availability::Availability;
use checker::faults::FaultsObserved;
use checker::oracle::Oracle;
use checker::oracle::log::NodeLog;
use checker::{Checker, History, Limits, Report, Verdict, checkers_for};

use super::Lived;
use crate::plan::{Fault, Plan};

/// Operations a second that must succeed, over the whole run, faults included: below that it shows
/// too little. Far below what is asked for: clients of locks wait and pause, and for a part of a run there
/// may be no quorum.
const OK_PER_SECOND_MIN: u64 = 10;
/// Kinds of faults that damage files on purpose.
const DAMAGE: &[&str] = &["bit-flip", "torn-tail", "lost-writes", "disk-full"];

/// All verdicts, the workload's own first.
pub(super) fn judge(plan: &Plan, lived: &Lived) -> Vec<Report> {
    let limits = Limits::default();
    let history = &lived.merged.history;
    let mut reports = of_history(plan, history, &limits);
    reports.extend(of_logs(plan, history, lived.logs.clone(), &limits));
    reports.push(lived.server_logs.judge(&limits));
    reports
}

/// What the nodes' logs tell of the history.
pub(super) fn of_logs(
    plan: &Plan,
    history: &History,
    logs: Vec<NodeLog>,
    limits: &Limits,
) -> Vec<Report> {
    let damage = |fault: &Fault| DAMAGE.contains(&fault.kind.as_str());
    let oracle = Oracle {
        logs,
        damage_expected: plan.schedule.iter().any(damage),
    };
    let judged = oracle.judge(history, limits);
    let mut reports = Vec::new();
    // Of a log that was purged on purpose there may be nothing left to judge; what there is counts.
    if !(plan.purges() && judged.report.verdict == Verdict::Unknown) {
        reports.push(judged.report);
    }
    // Again, with what the logs know of operations nobody got an answer to.
    for checker in checkers_for(&plan.workload) {
        if AGAIN.contains(&checker.name()) {
            let mut report = checker.check(&judged.resolved, limits);
            report.checker = format!("{} (resolved by the logs)", report.checker);
            reports.push(report);
        }
    }
    reports
}

/// What the history alone tells.
pub(super) fn of_history(plan: &Plan, history: &History, limits: &Limits) -> Vec<Report> {
    let enough = Availability {
        ok_min: OK_PER_SECOND_MIN * plan.seconds,
    };
    let faults = FaultsObserved {
        schedule: Some(schedule(plan)),
    };
    let judge = |checker: Box<dyn Checker>| match checker.name() {
        "availability" => enough.check(history, limits),
        "faults-observed" => faults.check(history, limits),
        _ => checker.check(history, limits),
    };
    let asked = checkers_for(&plan.workload).into_iter();
    let can = |name| plan.door != "zookeeper" || !NOT_OF_ZOOKEEPER.contains(&name);
    asked.filter(|c| can(c.name())).map(judge).collect()
}

/// What clients of the ZooKeeper door cannot do: write under a fence, or be told of a grant they must
/// pick up.
const NOT_OF_ZOOKEEPER: &[&str] = &["fenced-writes", "ghosts"];
/// Checkers that say more when fewer outcomes are unknown.
const AGAIN: &[&str] = &["linearizable", "set-full", "cycles"];

/// How many times each kind of fault is to be injected.
fn schedule(plan: &Plan) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for fault in &plan.schedule {
        *kinds.entry(fault.kind.clone()).or_default() += 1;
    }
    kinds
}
