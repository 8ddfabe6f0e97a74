//! `cycles`: transactions of reads and appends are strictly serializable (P-TXN).
//!
//! Every append has its own element, so a read of a list shows in which order the transactions before
//! it took effect. From that follow who must come before whom:
//! - *ww*: appended directly before the other's append;
//! - *wr*: appended the last element that the other read;
//! - *rw*: read a list that does not yet have the other's append, which comes next;
//! - *process*: the same client ran it before the other;
//! - *realtime*: it had ended before the other began.
//!
//! If these go round in a circle, there is no order. The kinds of circle have names: G0 (ww only), G1c
//! (ww and wr), G-single (one rw), G2 (more); with `-process` or `-realtime` if the circle needs such
//! an edge. What is wrong without a circle is named too: internal, G1a, G1b, dirty update, duplicate,
//! phantom, incompatible order, lost append.
//!
//! A transaction of unknown outcome counts as done if somebody saw one of its appends.

mod graph;
mod infer;
mod lists;
mod name;
mod txn;

use crate::history::History;
use crate::verdict::{Checker, Limits, Report};

/// What is wrong, and the events that show it.
type Findings = Vec<(String, Vec<u64>)>;

/// See the module.
#[derive(Debug, Default)]
pub struct Cycles;

impl Checker for Cycles {
    fn name(&self) -> &'static str {
        "cycles"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let txns = txn::Txns::of(history);
        report.count("transactions", txns.ok() as u64);
        report.count("of unknown outcome", txns.unknown() as u64);
        report.count("lists", txns.keys.len() as u64);
        for event in &txns.unreadable {
            report.unknown(
                limits,
                "a transaction that cannot be read".to_owned(),
                vec![*event],
            );
        }
        for (what, events) in &txns.ambiguous {
            report.unknown(limits, what.clone(), events.clone());
        }
        if txns.reads() == 0 || txns.ok() < 2 {
            let what =
                "fewer than two transactions, or none that reads, in this history".to_owned();
            report.unknown(limits, what, vec![]);
        }
        let lists = lists::Lists::of(&txns);
        let mut findings = txn::internal(&txns);
        findings.extend(lists.anomalies(&txns));
        let graph = infer::graph(&txns, &lists);
        report.count("edges", graph.len() as u64);
        findings.extend(name::cycles(&txns, &graph));
        for (what, events) in findings {
            report.broken(limits, what, events);
        }
        report
    }
}
