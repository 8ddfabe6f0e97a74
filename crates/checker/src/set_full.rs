//! `set-full`: nothing acknowledged is lost, no stale read, no phantom, no duplicate (P-DUR, P-LIN).
//!
//! Elements are added once and never removed. From the moment at which an addition was acknowledged,
//! or at which an answered read had shown the element, every read that begins later must show it. An
//! element that no such read ever shows again is *lost*, one that comes back was missed by a *stale*
//! read. A *phantom* was never added, not yet, or by an addition that failed. Where answers name
//! positions, a read at position z shows exactly the acknowledged additions up to z.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::history::{Call, History, Outcome};
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Debug, Default)]
pub struct SetFull;

impl Checker for SetFull {
    fn name(&self) -> &'static str {
        "set-full"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let mut sets: BTreeMap<String, Set<'_>> = BTreeMap::new();
        for call in history.calls() {
            let set = || call.invoke.key.clone().unwrap_or_default();
            match call.invoke.f.as_str() {
                "add" => sets.entry(set()).or_default().add(call),
                "read" => sets
                    .entry(set())
                    .or_default()
                    .read(call, limits, &mut report),
                _ => {}
            }
        }
        for (key, set) in &sets {
            set.judge(key, limits, &mut report);
        }
        let nothing = |what: &str| report.counts.get(what).copied().unwrap_or(0) == 0;
        if nothing("reads") || nothing("added") {
            let what = "no acknowledged addition, or no answered read, in this history".to_owned();
            report.unknown(limits, what, vec![]);
        }
        report
    }
}

struct Add<'a> {
    call: Call<'a>,
    /// From when on it must be shown, and by which event that is known.
    known: Option<(u64, u64)>,
    zxid: Option<u64>,
}

struct Read<'a> {
    call: Call<'a>,
    end: u64,
    end_index: u64,
    zxid: Option<u64>,
    elements: BTreeSet<String>,
    twice: Vec<String>,
}

#[derive(Default)]
struct Set<'a> {
    adds: BTreeMap<String, Add<'a>>,
    reads: Vec<Read<'a>>,
}

impl<'a> Set<'a> {
    fn add(&mut self, call: Call<'a>) {
        let ok = call.complete.filter(|event| event.outcome == Outcome::Ok);
        let add = Add {
            call,
            known: ok.map(|event| (event.time, event.index)),
            zxid: ok.and_then(|event| event.number("zxid")),
        };
        // One that was tried again after a failure counts as the attempt that was not refused.
        let known = self.adds.get(&call.invoke.value.to_string());
        if known.is_none_or(|known| known.call.outcome() == Outcome::Fail) {
            self.adds.insert(call.invoke.value.to_string(), add);
        }
    }

    fn read(&mut self, call: Call<'a>, limits: &Limits, report: &mut Report) {
        let Some(end) = call.complete.filter(|event| event.outcome == Outcome::Ok) else {
            return;
        };
        let Some(list) = end.value.as_array() else {
            report.unknown(limits, "a read that is no list".to_owned(), vec![end.index]);
            return;
        };
        let mut elements = BTreeSet::new();
        let shown = list.iter().map(Value::to_string);
        let twice = shown
            .filter(|element| !elements.insert(element.clone()))
            .collect();
        let (zxid, end_index) = (end.number("zxid"), end.index);
        self.reads.push(Read {
            call,
            end: end.time,
            end_index,
            zxid,
            elements,
            twice,
        });
    }

    fn judge(&self, key: &str, limits: &Limits, report: &mut Report) {
        let acknowledged = self.adds.values().filter(|add| add.known.is_some()).count();
        report.count("added", acknowledged as u64);
        report.count("of unknown outcome", self.unknown());
        report.count("reads", self.reads.len() as u64);
        for (what, events) in self.phantoms() {
            report.broken(limits, format!("set {key}: {what}"), events);
        }
        let known = self.known();
        report.count("never read after they were added", self.never_read(&known));
        for (what, events) in self.missing(&known).into_iter().chain(self.positions()) {
            report.broken(limits, format!("set {key}: {what}"), events);
        }
    }

    fn unknown(&self) -> u64 {
        self.adds
            .values()
            .filter(|add| add.call.outcome() == Outcome::Info)
            .count() as u64
    }

    fn phantoms(&self) -> Vec<(String, Vec<u64>)> {
        let mut findings = Vec::new();
        let mut told = BTreeSet::new();
        for read in &self.reads {
            let at = read.end_index;
            for element in &read.twice {
                findings.push((format!("a read shows {element} twice"), vec![at]));
            }
            for element in &read.elements {
                let finding = match self.adds.get(element) {
                    None => (format!("{element} was read and never added"), vec![at]),
                    Some(add) => {
                        let invoke = add.call.invoke;
                        let events = vec![at, invoke.index];
                        if add.call.outcome() == Outcome::Fail {
                            (
                                format!("{element} was read though adding it failed"),
                                events,
                            )
                        } else if invoke.time > read.end {
                            (format!("{element} was read before it was added"), events)
                        } else {
                            continue;
                        }
                    }
                };
                if told.insert(element) {
                    findings.push(finding);
                }
            }
        }
        findings
    }

    /// Elements in the order in which they became certain: when, by which event.
    fn known(&self) -> Vec<(u64, u64, &str)> {
        let mut known: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (element, add) in &self.adds {
            if let Some(at) = add.known {
                known.insert(element, at);
            }
        }
        for read in &self.reads {
            for element in &read.elements {
                let at = known.entry(element).or_insert((read.end, read.end_index));
                *at = (*at).min((read.end, read.end_index));
            }
        }
        let mut known: Vec<_> = known.into_iter().map(|(e, (at, by))| (at, by, e)).collect();
        known.sort_unstable();
        known
    }

    fn never_read(&self, known: &[(u64, u64, &str)]) -> u64 {
        let last = self
            .reads
            .iter()
            .map(|read| read.call.invoke.time)
            .max()
            .unwrap_or(0);
        known.iter().filter(|(at, ..)| *at >= last).count() as u64
    }

    /// Reads that do not show what they must; one finding per element.
    fn missing(&self, known: &[(u64, u64, &str)]) -> Vec<(String, Vec<u64>)> {
        let mut missed: BTreeMap<&str, (u64, Vec<&Read<'_>>)> = BTreeMap::new();
        for read in &self.reads {
            let until = known.partition_point(|(at, ..)| *at < read.call.invoke.time);
            for (_, by, element) in known.get(..until).unwrap_or(&[]) {
                if !read.elements.contains(*element) {
                    missed
                        .entry(element)
                        .or_insert((*by, Vec::new()))
                        .1
                        .push(read);
                }
            }
        }
        let tell = |(element, (by, reads)): (&str, (u64, Vec<&Read<'_>>))| {
            let first = reads
                .iter()
                .map(|read| read.call.invoke.time)
                .min()
                .unwrap_or(0);
            let again =
                |read: &&Read<'_>| read.call.invoke.time > first && read.elements.contains(element);
            let back = self.reads.iter().find(again);
            let (kind, rest) = match back {
                None => ("lost", "no read that began later shows it".to_owned()),
                Some(read) => (
                    "missed by a stale read",
                    format!("event {} shows it again", read.end_index),
                ),
            };
            let mut events = vec![by];
            events.extend(
                reads
                    .iter()
                    .take(3)
                    .flat_map(|r| [r.call.invoke.index, r.end_index]),
            );
            events.extend(back.map(|read| read.end_index));
            let what = format!(
                "{element} is {kind}: it was certain by event {by}, {} reads that began after that do not show it; {rest}",
                reads.len()
            );
            (what, events)
        };
        missed.into_iter().map(tell).collect()
    }

    fn positions(&self) -> Vec<(String, Vec<u64>)> {
        let mut findings = Vec::new();
        for (element, add) in &self.adds {
            let Some(made) = add.zxid else { continue };
            let wrong = |read: &&Read<'_>| {
                read.zxid
                    .is_some_and(|zxid| (made <= zxid) != read.elements.contains(element))
            };
            if let Some(read) = self.reads.iter().find(wrong) {
                let zxid = read.zxid.unwrap_or(0);
                let not = if made <= zxid {
                    "does not show"
                } else {
                    "shows"
                };
                let what =
                    format!("a read at position {zxid} {not} {element}, added at position {made}");
                findings.push((what, vec![read.end_index, add.call.invoke.index]));
            }
        }
        findings
    }
}
