//! Whether the logs of all nodes agree, and the one log they agree on.

use std::collections::BTreeMap;

use super::log::{Entry, NodeLog};
use crate::verdict::{Limits, Report};

/// The log of the cluster: what the nodes' logs say together.
#[derive(Debug, Default)]
pub(crate) struct Agreed<'a> {
    /// Entries in order. Those that were not applied anew by any node lack outcomes.
    pub(crate) entries: Vec<&'a Entry>,
    /// The last entry that some node knew to be committed.
    pub(crate) committed: Option<u64>,
    /// First entry whose outcome is known; 0: all of them.
    pub(crate) known_from: u64,
    /// Position of the newest snapshot before that; `None`: nobody knows.
    pub(crate) base_zxid: Option<u64>,
}

impl Agreed<'_> {
    /// Whether everything that was ever committed is here, with what came of it.
    pub(crate) fn is_whole(&self) -> bool {
        self.known_from == 0 && self.entries.first().is_some_and(|entry| entry.index == 0)
    }
}

/// Compares the logs and puts them together.
pub(crate) fn agree<'a>(logs: &'a [NodeLog], limits: &Limits, report: &mut Report) -> Agreed<'a> {
    for log in logs {
        own(log, limits, report);
    }
    for (at, left) in logs.iter().enumerate() {
        for right in logs.iter().skip(at.saturating_add(1)) {
            pair(left, right, limits, report);
        }
    }
    let agreed = merged(logs);
    snapshots(logs, &agreed, limits, report);
    agreed
}

/// What a log says of itself.
fn own(log: &NodeLog, limits: &Limits, report: &mut Report) {
    report.count("entries read", log.entries.len() as u64);
    let mut former: Option<&Entry> = None;
    for entry in &log.entries {
        if let Some(former) = former {
            if entry.index != former.index.saturating_add(1) {
                let what = format!(
                    "node {}: entry {} follows entry {}",
                    log.node, entry.index, former.index
                );
                report.broken(limits, what, Vec::new());
            }
            if entry.term < former.term {
                let what = format!(
                    "node {}: entry {} has term {}, the one before it term {}",
                    log.node, entry.index, entry.term, former.term
                );
                report.broken(limits, what, Vec::new());
            }
        }
        former = Some(entry);
    }
}

/// Two logs at each index both have.
fn pair(left: &NodeLog, right: &NodeLog, limits: &Limits, report: &mut Report) {
    let others = right.by_index();
    // Digests can only be equal where everything before them was.
    let mut alike = true;
    for entry in &left.entries {
        let Some(other) = others.get(&entry.index) else {
            continue;
        };
        report.count("entries compared", 1);
        if entry.hash != other.hash {
            alike = false;
            if let Some(why) = conflict(entry, other) {
                let what = format!(
                    "entry {} is another on node {} (term {}) than on node {} (term {}): {why}",
                    entry.index, left.node, entry.term, right.node, other.term
                );
                report.broken(limits, what, Vec::new());
                return;
            }
        }
        if let (true, Some(one), Some(two)) = (alike, &entry.digest, &other.digest) {
            report.count("digests compared", 1);
            if one != two || entry.zxid != other.zxid {
                let what = format!(
                    "after entry {} node {} is at zxid {:?} with digest {one}, node {} at zxid {:?} with \
                     digest {two}",
                    entry.index, left.node, entry.zxid, right.node, other.zxid
                );
                report.broken(limits, what, Vec::new());
                return;
            }
        }
    }
}

/// Why two different entries at one index cannot be: a log that was not committed may be replaced, so
/// not every difference is wrong.
fn conflict(left: &Entry, right: &Entry) -> Option<&'static str> {
    if left.term == right.term {
        return Some("one leader wrote two entries to one place");
    }
    match (left.committed, right.committed) {
        (true, true) => Some("both were committed"),
        // Who leads a later term has every entry that was committed before.
        (true, false) if right.term > left.term => Some("a later leader lacked a committed entry"),
        (false, true) if left.term > right.term => Some("a later leader lacked a committed entry"),
        (true, false) | (false, true) | (false, false) => None,
    }
}

/// One log of all: at each index the entry of a node that knew it to be committed, else that of the
/// latest term; with its outcome where some node has it.
fn merged(logs: &[NodeLog]) -> Agreed<'_> {
    let mut best: BTreeMap<u64, &Entry> = BTreeMap::new();
    for entry in logs.iter().flat_map(|log| &log.entries) {
        let rank = |entry: &Entry| (entry.committed, entry.term, entry.digest.is_some());
        let chosen = best.entry(entry.index).or_insert(entry);
        if rank(entry) > rank(chosen) {
            *chosen = entry;
        }
    }
    // A node that knew less of what is committed may be the one that has the outcome.
    for entry in logs.iter().flat_map(|log| &log.entries) {
        if let Some(chosen) = best.get_mut(&entry.index)
            && chosen.digest.is_none()
            && entry.digest.is_some()
            && entry.hash == chosen.hash
        {
            *chosen = entry;
        }
    }
    let snapshots = || logs.iter().flat_map(|log| &log.snapshots);
    let newest = snapshots().filter_map(|snapshot| snapshot.index).max();
    let without = best.values().rev().find(|entry| entry.digest.is_none());
    let first = best.keys().next().copied();
    let behind = |index: u64| index.saturating_add(1);
    let known_from = match (without, first, newest) {
        (Some(entry), _, _) => behind(entry.index),
        (None, Some(first), _) => first,
        (None, None, newest) => newest.map_or(0, behind),
    };
    let before = snapshots().filter(|s| s.index.is_some_and(|index| index < known_from));
    Agreed {
        known_from,
        base_zxid: before.filter_map(|snapshot| snapshot.zxid).max(),
        committed: logs.iter().filter_map(|log| log.committed).max(),
        entries: best.into_values().collect(),
    }
}

/// Each snapshot is the state the log gives at its place, on whatever node it lies.
fn snapshots(logs: &[NodeLog], agreed: &Agreed<'_>, limits: &Limits, report: &mut Report) {
    let digests: BTreeMap<u64, &String> = agreed
        .entries
        .iter()
        .filter_map(|entry| Some((entry.index, entry.digest.as_ref()?)))
        .collect();
    let mut told: BTreeMap<u64, (&String, u64)> = BTreeMap::new();
    for log in logs {
        for snapshot in &log.snapshots {
            let (Some(index), Some(digest)) = (snapshot.index, &snapshot.digest) else {
                continue;
            };
            let (expected, who) = match (digests.get(&index), told.get(&index)) {
                (Some(expected), _) => (*expected, "the log".to_owned()),
                (None, Some((expected, node))) => {
                    (*expected, format!("the snapshot of node {node}"))
                }
                (None, None) => {
                    told.insert(index, (digest, log.node));
                    continue;
                }
            };
            report.count("snapshots compared", 1);
            if expected != digest {
                let what = format!(
                    "the snapshot of entry {index} on node {} has digest {digest}, {who} gives {expected}",
                    log.node
                );
                report.broken(limits, what, Vec::new());
            }
        }
    }
}
