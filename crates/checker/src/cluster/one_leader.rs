//! `one-leader`: at most one leader per term, and terms only grow.
//!
//! What an observer can know. A node says its term, whether it leads, and whom it takes for the
//! leader of that term. Two nodes that say to lead in one term, or two names for the leader of one
//! term, are two leaders. The term a node reports never falls: it is on its disk before it counts,
//! so no restart may bring an older one back.
//!
//! What would be a false alarm: two leaders at one *time*: an old one that is cut off goes on
//! saying so in its old term, until it hears of the new one. A node that is replaced comes back
//! under another number.

use std::collections::BTreeMap;

use crate::cluster::sightings::{Sighting, sightings};
use crate::history::History;
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct OneLeader;

impl Checker for OneLeader {
    fn name(&self) -> &'static str {
        "one-leader"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let mut leaders: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        let mut terms: BTreeMap<u64, Sighting> = BTreeMap::new();
        for seen in sightings(history) {
            report.count("answers of nodes", 1);
            let named = if seen.leads {
                Some(seen.node)
            } else {
                seen.leader
            };
            if let Some(leader) = named {
                let (known, event) = *leaders.entry(seen.term).or_insert((leader, seen.event));
                if known != leader {
                    let what = format!("term {} has two leaders: {known} and {leader}", seen.term);
                    report.broken(limits, what, vec![seen.event, event]);
                }
            }
            let before = terms.insert(seen.node, seen);
            if let Some(before) = before.filter(|before| before.term > seen.term) {
                let what = format!(
                    "node {} was in term {} and later in term {}",
                    seen.node, before.term, seen.term
                );
                report.broken(limits, what, vec![seen.event, before.event]);
            }
        }
        report.count("terms with a leader", leaders.len() as u64);
        if leaders.is_empty() {
            let why = "the observer saw no leader in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}
