//! Who must come before whom.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Kind};
use super::lists::Lists;
use super::txn::{Element, Key, Txns};
use crate::history::{Outcome, Process};

/// Acknowledged appends of one list that nobody read, which are put behind all that was read.
const UNREAD_MAX: usize = 16;

pub(super) fn graph(txns: &Txns<'_>, lists: &Lists<'_>) -> Graph {
    let mut graph = Graph::new(txns.all.len());
    let unread = unread(txns, lists);
    for (key, order) in &lists.order {
        let rest = unread.get(key).map_or(&[][..], Vec::as_slice);
        writes_follow_writes(txns, *key, order, rest, &mut graph);
    }
    for (reader, txn) in txns.all.iter().enumerate() {
        for (key, saw) in txn.saw() {
            let order = lists.order(key);
            if !order.starts_with(saw) {
                continue; // told as incompatible; its place in the order is not known
            }
            if let Some(last) = saw.last()
                && let Some(writer) = txns.writer(key, *last)
            {
                graph.add(writer, reader, Kind::Wr(key, *last));
            }
            let rest = unread.get(&key).map_or(&[][..], Vec::as_slice);
            let next = order.get(saw.len()..).unwrap_or(&[]);
            // Behind its own appends, if those come next.
            let others = next.iter().find(|e| txns.writer(key, **e) != Some(reader));
            let nexts = others.map_or(rest, std::slice::from_ref);
            for element in nexts {
                if let Some(writer) = txns.writer(key, *element) {
                    graph.add(reader, writer, Kind::Rw(key, *element));
                }
            }
        }
    }
    process_order(txns, &mut graph);
    real_time(txns, lists, &mut graph);
    graph
}

/// Of each list, acknowledged appends that no read shows.
fn unread(txns: &Txns<'_>, lists: &Lists<'_>) -> BTreeMap<Key, Vec<Element>> {
    let shown: BTreeSet<(Key, Element)> = lists
        .order
        .iter()
        .flat_map(|(key, order)| order.iter().map(|e| (*key, *e)))
        .collect();
    let mut unread: BTreeMap<Key, Vec<Element>> = BTreeMap::new();
    for txn in txns.all.iter().filter(|txn| txn.outcome == Outcome::Ok) {
        for (key, element) in txn.appends().filter(|append| !shown.contains(append)) {
            let of = unread.entry(key).or_default();
            if of.len() < UNREAD_MAX {
                of.push(element);
            }
        }
    }
    unread
}

fn writes_follow_writes(
    txns: &Txns<'_>,
    key: Key,
    order: &[Element],
    rest: &[Element],
    graph: &mut Graph,
) {
    let mut add = |before: Element, after: Element| {
        if let (Some(from), Some(to)) = (txns.writer(key, before), txns.writer(key, after)) {
            graph.add(from, to, Kind::Ww(key, before, after));
        }
    };
    for pair in order.windows(2) {
        if let [before, after] = pair {
            add(*before, *after);
        }
    }
    if let Some(last) = order.last() {
        rest.iter().for_each(|after| add(*last, *after));
    }
}

fn process_order(txns: &Txns<'_>, graph: &mut Graph) {
    let mut last: BTreeMap<&Process, usize> = BTreeMap::new();
    for (at, txn) in txns.all.iter().enumerate() {
        if txn.outcome == Outcome::Ok
            && let Some(before) = last.insert(&txn.call.invoke.process, at)
        {
            graph.add(before, at, Kind::Process);
        }
    }
}

/// Edges from what had ended to what begins; only from the last to have ended, the rest follows.
fn real_time(txns: &Txns<'_>, lists: &Lists<'_>, graph: &mut Graph) {
    let done = |at: &usize| match txns.all.get(*at) {
        Some(txn) if txn.outcome == Outcome::Ok => true,
        // Of unknown outcome: only if it was seen, and then it has a beginning only.
        Some(txn) if txn.outcome == Outcome::Info => txn
            .appends()
            .any(|(key, element)| lists.order(key).contains(&element)),
        _ => false,
    };
    let mut moments = Vec::new();
    for at in (0..txns.all.len()).filter(done) {
        let Some(txn) = txns.all.get(at) else {
            continue;
        };
        moments.push((txn.call.invoke.time, false, at));
        if let Some(end) = txn.call.complete.filter(|end| end.outcome == Outcome::Ok) {
            moments.push((end.time, true, at));
        }
    }
    // What begins at the moment at which another ends is not after it.
    moments.sort_unstable();
    let mut ended: BTreeSet<usize> = BTreeSet::new();
    let mut before: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (_, is_end, at) in moments {
        if is_end {
            for earlier in before.remove(&at).unwrap_or_default() {
                ended.remove(&earlier);
            }
            ended.insert(at);
        } else {
            ended
                .iter()
                .for_each(|earlier| graph.add(*earlier, at, Kind::Realtime));
            before.insert(at, ended.iter().copied().collect());
        }
    }
}
