//! `unique-ids`: numbers given out are unique, and what was given out later is larger.
//!
//! "Later" is real time: a number asked for after another had arrived; and position: of two answers
//! the one with the greater zxid has the greater number. A `reset` deletes the parent and makes it
//! anew, so that numbers begin again: the history of a parent is cut there, by position. A reset of
//! unknown outcome may have happened at any position after it began: numbers that came back after it
//! prove nothing, and are reported as unknown.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::{Call, History, Outcome};
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Debug, Default)]
pub struct UniqueIds;

/// A number that was given out.
#[derive(Clone, Copy)]
struct Given<'a> {
    number: u64,
    name: Option<&'a str>,
    start: u64,
    end: u64,
    zxid: Option<u64>,
    events: [u64; 2],
}

#[derive(Default)]
struct Parent<'a> {
    given: Vec<Given<'a>>,
    /// Positions of resets.
    resets: Vec<u64>,
    /// When the first reset began of which the position is not known.
    unsure: Option<u64>,
}

impl Checker for UniqueIds {
    fn name(&self) -> &'static str {
        "unique-ids"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let mut parents: BTreeMap<(String, String), Parent<'_>> = BTreeMap::new();
        let calls = history.calls();
        for call in calls.iter().filter(|call| call.invoke.f == "next") {
            let kind = call
                .invoke
                .value
                .get("kind")
                .and_then(Value::as_str)
                .unwrap_or("sequential");
            let key = call.invoke.key.clone().unwrap_or_default();
            if let Some(given) = given(call) {
                parents
                    .entry((key, kind.to_owned()))
                    .or_default()
                    .given
                    .push(given);
            }
        }
        for call in calls.iter().filter(|call| call.invoke.f == "reset") {
            let key = call.invoke.key.clone().unwrap_or_default();
            report.count("resets", 1);
            for (_, parent) in parents.iter_mut().filter(|((of, _), _)| *of == key) {
                parent.reset(call);
            }
        }
        let mut numbers = 0;
        for ((key, kind), parent) in &mut parents {
            numbers += parent.given.len() as u64;
            parent.judge(&format!("{key} ({kind})"), limits, &mut report);
        }
        report.count("numbers", numbers);
        if numbers < 2 {
            let what = "fewer than two numbers were given out in this history".to_owned();
            report.unknown(limits, what, vec![]);
        }
        report
    }
}

fn given<'a>(call: &Call<'a>) -> Option<Given<'a>> {
    let end = call.complete.filter(|event| event.outcome == Outcome::Ok)?;
    Some(Given {
        number: end.value.as_u64()?,
        name: end.text("name"),
        start: call.invoke.time,
        end: end.time,
        zxid: end.number("zxid"),
        events: [call.invoke.index, end.index],
    })
}

impl Parent<'_> {
    fn reset(&mut self, call: &Call<'_>) {
        let zxid = call.complete.and_then(|event| event.number("zxid"));
        match (call.outcome(), zxid) {
            (Outcome::Fail, _) => {}
            (Outcome::Ok, Some(zxid)) => self.resets.push(zxid),
            (Outcome::Ok | Outcome::Info | Outcome::Invoke, _) => {
                let first = self.unsure.unwrap_or(u64::MAX);
                self.unsure = Some(first.min(call.invoke.time));
            }
        }
    }

    fn judge(&mut self, name: &str, limits: &Limits, report: &mut Report) {
        self.resets.sort_unstable();
        let mut epochs: BTreeMap<usize, Vec<Given<'_>>> = BTreeMap::new();
        for given in &self.given {
            // Without a position it can be placed only where there was no reset.
            let epoch = match given.zxid {
                Some(zxid) => self.resets.partition_point(|reset| *reset < zxid),
                None if self.resets.is_empty() => 0,
                None => {
                    report.count("numbers without a position beside resets", 1);
                    continue;
                }
            };
            epochs.entry(epoch).or_default().push(*given);
        }
        for mut epoch in epochs.into_values() {
            let found = [
                doubled(&mut epoch),
                by_time(&mut epoch),
                by_position(&mut epoch),
            ];
            for (what, events, end) in found.into_iter().flatten() {
                let what = format!("{name}: {what}");
                if self.unsure.is_some_and(|reset| reset <= end) {
                    let what = format!("{what}; a reset of unknown outcome may explain it");
                    report.unknown(limits, what, events);
                } else {
                    report.broken(limits, what, events);
                }
            }
        }
    }
}

type Found = (String, Vec<u64>, u64);

fn found(what: String, a: &Given<'_>, b: &Given<'_>) -> Found {
    (what, [b.events, a.events].concat(), a.end.max(b.end))
}

fn doubled(epoch: &mut [Given<'_>]) -> Vec<Found> {
    epoch.sort_by_key(|given| (given.number, given.start));
    let same = |pair: &[Given<'_>]| match pair {
        [a, b] if a.number == b.number => {
            let name = b
                .name
                .map(|name| format!(" (named {name})"))
                .unwrap_or_default();
            Some(found(
                format!("number {}{name} was given out twice", a.number),
                a,
                b,
            ))
        }
        _ => None,
    };
    epoch.windows(2).filter_map(same).collect()
}

fn by_time(epoch: &mut [Given<'_>]) -> Vec<Found> {
    let mut ended = epoch.to_vec();
    ended.sort_by_key(|given| given.end);
    epoch.sort_by_key(|given| given.start);
    let mut ended = ended.into_iter().peekable();
    let mut largest: Option<Given<'_>> = None;
    let mut all = Vec::new();
    for given in epoch.iter() {
        while let Some(earlier) = ended.next_if(|earlier| earlier.end < given.start) {
            if largest.is_none_or(|largest| earlier.number > largest.number) {
                largest = Some(earlier);
            }
        }
        if let Some(earlier) = largest.filter(|earlier| earlier.number > given.number) {
            let what = format!(
                "number {} was asked for after number {} had been given out",
                given.number, earlier.number
            );
            all.push(found(what, &earlier, given));
        }
    }
    all
}

fn by_position(epoch: &mut [Given<'_>]) -> Vec<Found> {
    let mut placed: Vec<_> = epoch.iter().filter(|given| given.zxid.is_some()).collect();
    placed.sort_by_key(|given| given.zxid);
    let wrong = |pair: &[&Given<'_>]| match pair {
        [a, b] if a.number > b.number => {
            let (before, after) = (a.zxid.unwrap_or(0), b.zxid.unwrap_or(0));
            let what = format!(
                "number {} is at position {before}, the smaller {} at position {after}",
                a.number, b.number
            );
            Some(found(what, a, b))
        }
        _ => None,
    };
    placed.windows(2).filter_map(wrong).collect()
}
