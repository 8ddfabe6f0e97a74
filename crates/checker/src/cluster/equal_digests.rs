//! `equal-digests` (P-EQUAL): all nodes have the same state at the same position.
//!
//! What an observer can know: the digests it was told. Two that differ at one position are two
//! states, whoever told them and whenever. At the end every node must have told one at the position
//! the others told one at; a node that did not answer, or only at another position, was not
//! compared, which is `unknown` and not equal.
//!
//! What would be a false alarm: nodes that were removed on the way need not answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cluster::sightings::{is_observer, node_of};
use crate::facts::RunFacts;
use crate::history::{History, Outcome};
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct EqualDigests {
    /// What is known of the run: which nodes there must be at the end.
    pub facts: RunFacts,
}

impl Checker for EqualDigests {
    fn name(&self) -> &'static str {
        "equal-digests"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let mut told: BTreeMap<u64, BTreeMap<u64, (&Value, u64)>> = BTreeMap::new();
        let digests = history.events.iter().filter(|event| {
            event.f == "digest" && event.outcome == Outcome::Ok && is_observer(event)
        });
        for event in digests {
            let zxid = event.value.get("zxid").and_then(Value::as_u64);
            let (Some(node), Some(zxid), Some(digest)) =
                (node_of(event), zxid, event.value.get("digest"))
            else {
                let what = format!("event {} tells no digest", event.index);
                report.unknown(limits, what, vec![event.index]);
                continue;
            };
            report.count("digests", 1);
            let at = told.entry(zxid).or_default();
            if let Some((other, (known, known_event))) =
                at.iter().find(|(_, (known, _))| *known != digest)
            {
                let what = format!(
                    "at position {zxid} the digest of node {other} is {known}, that of node {node} \
                     is {digest}"
                );
                report.broken(limits, what, vec![event.index, *known_event]);
            }
            at.insert(node, (digest, event.index));
        }
        let expected = self.expected(history);
        // The position at which most nodes were compared; of equals the last.
        let best = told
            .iter()
            .max_by_key(|(zxid, nodes)| (nodes.len(), **zxid));
        let compared = best.map(|(_, nodes)| nodes.keys().copied().collect::<BTreeSet<u64>>());
        let compared = compared.unwrap_or_default();
        report.count("nodes compared", compared.len() as u64);
        for node in expected.difference(&compared) {
            let what = format!("node {node} told no digest at the position of the others");
            report.unknown(limits, what, Vec::new());
        }
        if compared.len() < 2 {
            let why = "no two digests of one position in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

impl EqualDigests {
    fn expected(&self, history: &History) -> BTreeSet<u64> {
        if !self.facts.nodes.is_empty() {
            return self.facts.nodes.clone();
        }
        // The observer asks every node that is a member at the end, and tells of those that are
        // silent, too.
        let asked = history.events.iter().filter(|event| event.f == "digest");
        let asked: BTreeSet<u64> = asked.filter_map(node_of).collect();
        if !asked.is_empty() {
            return asked;
        }
        let mut nodes: BTreeSet<u64> = history
            .events
            .iter()
            .filter(|event| is_observer(event))
            .filter_map(node_of)
            .collect();
        for event in history.events.iter().filter(|event| event.f == "member") {
            let action = event.value.get("action").and_then(Value::as_str);
            let leaves = matches!(action, Some("remove" | "replace"));
            if event.outcome != Outcome::Invoke && event.outcome != Outcome::Fail && leaves {
                let node = event.value.get("node").and_then(Value::as_u64);
                nodes.retain(|known| Some(*known) != node);
            }
        }
        nodes
    }
}
