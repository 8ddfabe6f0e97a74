//! The order of each list, and what is wrong with it before any circle is looked for.

use std::collections::{BTreeMap, BTreeSet};

use super::Findings;
use super::txn::{Element, Key, Txn, Txns};
use crate::history::Outcome;

/// Of each list, the longest that was read.
pub(super) struct Lists<'a> {
    pub(super) order: BTreeMap<Key, &'a [Element]>,
    reader: BTreeMap<Key, usize>,
}

impl<'a> Lists<'a> {
    pub(super) fn of(txns: &'a Txns<'_>) -> Lists<'a> {
        let mut lists = Lists {
            order: BTreeMap::new(),
            reader: BTreeMap::new(),
        };
        for (at, txn) in txns.all.iter().enumerate() {
            for (key, list) in txn.reads() {
                if lists
                    .order
                    .get(&key)
                    .is_none_or(|longest| longest.len() < list.len())
                {
                    lists.order.insert(key, list);
                    lists.reader.insert(key, at);
                }
            }
        }
        lists
    }

    pub(super) fn order(&self, key: Key) -> &'a [Element] {
        self.order.get(&key).copied().unwrap_or(&[])
    }

    pub(super) fn anomalies(&self, txns: &Txns<'_>) -> Findings {
        let mut findings = self.incompatible(txns);
        for txn in &txns.all {
            findings.extend(strange_elements(txns, txn));
            findings.extend(intermediate(txns, txn));
        }
        findings.extend(self.dirty_updates(txns));
        findings.extend(self.lost(txns));
        findings
    }

    fn incompatible(&self, txns: &Txns<'_>) -> Findings {
        let mut findings = Vec::new();
        for txn in &txns.all {
            for (key, list) in txn.reads() {
                let order = self.order(key);
                if order.starts_with(list) {
                    continue;
                }
                let at = list.iter().zip(order).take_while(|(a, b)| a == b).count();
                let reader = self
                    .reader
                    .get(&key)
                    .and_then(|reader| txns.all.get(*reader));
                let what = format!(
                    "incompatible order: {} was read as {} and as {}, which differ at place {at}",
                    txns.key(key),
                    show(list),
                    show(order)
                );
                findings.push((
                    what,
                    [Some(txn), reader]
                        .into_iter()
                        .flatten()
                        .map(Txn::event)
                        .collect(),
                ));
            }
        }
        findings
    }

    /// A transaction that was done built on one that failed.
    fn dirty_updates(&self, txns: &Txns<'_>) -> Findings {
        let mut findings = Vec::new();
        for (key, order) in &self.order {
            for pair in order.windows(2) {
                let [before, after] = pair else { continue };
                let of = |element: &Element| {
                    txns.writers
                        .get(&(*key, *element))
                        .and_then(|at| txns.all.get(*at))
                };
                let (Some(failed), Some(done)) = (of(before), of(after)) else {
                    continue;
                };
                if failed.outcome == Outcome::Fail && done.outcome == Outcome::Ok {
                    let what = format!(
                        "dirty update: {after} was appended to {} after {before}, whose transaction failed",
                        txns.key(*key)
                    );
                    findings.push((what, vec![done.event(), failed.event()]));
                }
            }
        }
        findings
    }

    /// Acknowledged appends that a read which began later does not show, and nobody else either.
    fn lost(&self, txns: &Txns<'_>) -> Findings {
        let mut last: BTreeMap<Key, &Txn<'_>> = BTreeMap::new();
        for txn in &txns.all {
            for (key, _) in txn.reads() {
                let known = last.entry(key).or_insert(txn);
                if txn.call.invoke.time > known.call.invoke.time {
                    *known = txn;
                }
            }
        }
        let mut findings = Vec::new();
        let mut shown: BTreeMap<Key, BTreeSet<Element>> = BTreeMap::new();
        for txn in txns.all.iter().filter(|txn| txn.outcome == Outcome::Ok) {
            for (key, element) in txn.appends() {
                let Some(reader) = last.get(&key) else {
                    continue;
                };
                let later = txn
                    .call
                    .complete
                    .is_some_and(|end| end.time < reader.call.invoke.time);
                let shown = shown
                    .entry(key)
                    .or_insert_with(|| self.all_shown(txns, key));
                if later && !shown.contains(&element) {
                    let what = format!(
                        "lost append: {element} was appended to {} and acknowledged; a transaction that began later does not show it, nor does any other",
                        txns.key(key)
                    );
                    findings.push((what, vec![txn.event(), reader.event()]));
                }
            }
        }
        findings
    }

    fn all_shown(&self, txns: &Txns<'_>, key: Key) -> BTreeSet<Element> {
        let order = self.order(key);
        let mut shown: BTreeSet<Element> = order.iter().copied().collect();
        // Reads that do not fit into the order show elements of their own.
        for (_, list) in txns
            .all
            .iter()
            .flat_map(Txn::reads)
            .filter(|(of, _)| *of == key)
        {
            if !order.starts_with(list) {
                shown.extend(list);
            }
        }
        shown
    }
}

/// Elements twice in a list, of nobody, or of a transaction that failed.
fn strange_elements(txns: &Txns<'_>, txn: &Txn<'_>) -> Findings {
    let mut findings = Vec::new();
    for (key, list) in txn.reads() {
        let mut seen = BTreeSet::new();
        for element in list {
            let name = txns.key(key);
            if !seen.insert(element) {
                findings.push((
                    format!("duplicate: {element} is twice in {name}: {}", show(list)),
                    vec![txn.event()],
                ));
            }
            let writer = txns
                .writers
                .get(&(key, *element))
                .and_then(|at| txns.all.get(*at));
            match writer {
                None => findings.push((
                    format!("phantom: {element} was read in {name} and never appended"),
                    vec![txn.event()],
                )),
                Some(writer) if writer.outcome == Outcome::Fail => {
                    let what =
                        format!("G1a: {element} was read in {name} though its transaction failed");
                    findings.push((what, vec![txn.event(), writer.event()]));
                }
                Some(_) => {}
            }
        }
    }
    findings
}

/// G1b: a list was seen as it was in the middle of another transaction.
fn intermediate(txns: &Txns<'_>, txn: &Txn<'_>) -> Findings {
    let mut findings = Vec::new();
    for (key, list) in txn.saw() {
        let Some(last) = list.last() else { continue };
        let writer = txns.writer(key, *last).and_then(|at| txns.all.get(at));
        let Some(writer) = writer.filter(|writer| !std::ptr::eq(*writer, txn)) else {
            continue;
        };
        let finally = writer.appends().filter(|(of, _)| *of == key).last();
        if let Some((_, finally)) = finally.filter(|(_, element)| element != last) {
            let what = format!(
                "G1b: {} was read up to {last}, though the same transaction then appended {finally}",
                txns.key(key)
            );
            findings.push((what, vec![txn.event(), writer.event()]));
        }
    }
    findings
}

/// Elements told of a list; the rest is left out at its front.
const SHOWN_MAX: usize = 12;

pub(super) fn show(list: &[Element]) -> String {
    let from = list.len().saturating_sub(SHOWN_MAX);
    let told: Vec<String> = list.iter().skip(from).map(Element::to_string).collect();
    let front = if from > 0 { "… " } else { "" };
    format!("[{front}{}]", told.join(" "))
}
