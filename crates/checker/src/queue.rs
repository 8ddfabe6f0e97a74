//! `queue`: nothing lost, nothing twice, in order.
//!
//! A put makes a sequential znode, a take deletes the first one. A take of unknown outcome may have
//! deleted an element that nobody saw; each explains at most one that is missing.
//! - *twice*: two takes were answered with the same element;
//! - *phantom*: an element was taken that nobody put, or before it was put, or whose put failed;
//! - *missed*: a take found the queue empty though an element had been put before it began and was
//!   taken only after it ended;
//! - *lost*: the same, of elements that were never taken: more than takes of unknown outcome explain;
//! - *order*: of two elements, one put after the other was acknowledged, the later was taken before
//!   a take of the earlier began. By position, where answers name it: a take removes the smallest name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::history::{Call, Event, History, Outcome};
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Debug, Default)]
pub struct Queue;

impl Checker for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let mut queues: BTreeMap<String, Seen<'_>> = BTreeMap::new();
        for call in history.calls() {
            if matches!(call.invoke.f.as_str(), "put" | "take") {
                let key = call.invoke.key.clone().unwrap_or_default();
                queues.entry(key).or_default().read(call);
            }
        }
        for (key, seen) in &mut queues {
            report.count("puts", seen.puts.len() as u64);
            report.count("takes", seen.takes.len() as u64);
            report.count("takes of unknown outcome", seen.unknown.len() as u64);
            report.count("takes that found nothing", seen.empty.len() as u64);
            let found = [
                seen.twice(),
                seen.phantoms(),
                seen.missed(),
                seen.lost(),
                seen.order(),
                seen.positions(),
            ];
            for (what, events) in found.into_iter().flatten() {
                report.broken(limits, format!("queue {key}: {what}"), events);
            }
            if seen.empty.is_empty() {
                let what = format!(
                    "queue {key}: it was never found empty; nobody can say that nothing is lost"
                );
                report.unknown(limits, what, vec![]);
            }
        }
        if report.counts.get("takes").copied().unwrap_or(0) == 0 {
            report.unknown(
                limits,
                "no answered take in this history".to_owned(),
                vec![],
            );
        }
        report
    }
}

type Findings = Vec<(String, Vec<u64>)>;

struct Take<'a> {
    element: String,
    call: Call<'a>,
    end: &'a Event,
}

#[derive(Default)]
struct Seen<'a> {
    puts: BTreeMap<String, Call<'a>>,
    takes: Vec<Take<'a>>,
    taken: BTreeMap<String, usize>,
    empty: Vec<(&'a Event, &'a Event)>,
    unknown: Vec<&'a Event>,
}

fn acknowledged<'a>(call: &Call<'a>) -> Option<&'a Event> {
    call.complete.filter(|event| event.outcome == Outcome::Ok)
}

impl<'a> Seen<'a> {
    fn read(&mut self, call: Call<'a>) {
        if call.invoke.f == "put" {
            self.puts.insert(call.invoke.value.to_string(), call);
            return;
        }
        match (call.outcome(), call.complete) {
            (Outcome::Ok, Some(end)) => match end.value.get("element") {
                Some(element) => {
                    let element = element.to_string();
                    self.taken
                        .entry(element.clone())
                        .or_insert(self.takes.len());
                    self.takes.push(Take { element, call, end });
                }
                None => self.empty.push((call.invoke, end)),
            },
            (Outcome::Fail, _) => {}
            _ => self.unknown.push(call.invoke),
        }
    }

    fn twice(&mut self) -> Findings {
        let second = |(at, take): (usize, &Take<'_>)| {
            let first = *self.taken.get(&take.element)?;
            let earlier = self.takes.get(first).filter(|_| first != at)?;
            let what = format!("{} was taken twice", take.element);
            Some((what, vec![take.end.index, earlier.end.index]))
        };
        self.takes.iter().enumerate().filter_map(second).collect()
    }

    fn phantoms(&self) -> Findings {
        let wrong = |take: &Take<'_>| {
            let element = &take.element;
            let Some(put) = self.puts.get(element) else {
                return Some((
                    format!("{element} was taken and never put"),
                    vec![take.end.index],
                ));
            };
            let events = vec![take.end.index, put.invoke.index];
            if put.outcome() == Outcome::Fail {
                return Some((
                    format!("{element} was taken though putting it failed"),
                    events,
                ));
            }
            let early = put.invoke.time > take.end.time;
            early.then(|| (format!("{element} was taken before it was put"), events))
        };
        self.takes.iter().filter_map(wrong).collect()
    }

    /// Elements put and acknowledged, with their take.
    fn certain(&self) -> impl Iterator<Item = (&String, &'a Event, &Call<'a>, Option<&Take<'a>>)> {
        self.puts.iter().filter_map(|(element, put)| {
            let take = self.taken.get(element).and_then(|at| self.takes.get(*at));
            Some((element, acknowledged(put)?, put, take))
        })
    }

    fn missed(&self) -> Findings {
        let mut empty = self.empty.clone();
        empty.sort_by_key(|(begin, _)| begin.time);
        let missed = |(element, put, _, take): (&String, &Event, &Call<'_>, Option<&Take<'_>>)| {
            let take = take?;
            // The first to find nothing after the put; a later one ends no earlier, or does not matter.
            let from = empty.partition_point(|(begin, _)| begin.time <= put.time);
            let found = empty
                .get(from..)?
                .iter()
                .take_while(|(begin, _)| begin.time < take.call.invoke.time);
            let (begin, end) = found
                .clone()
                .find(|(_, end)| end.time < take.call.invoke.time)?;
            let what = format!(
                "a take found nothing though {element} had been put before and was taken later"
            );
            Some((
                what,
                vec![end.index, begin.index, put.index, take.end.index],
            ))
        };
        self.certain().filter_map(missed).collect()
    }

    fn lost(&self) -> Findings {
        let Some((last, _)) = self.empty.iter().max_by_key(|(begin, _)| begin.time) else {
            return Vec::new();
        };
        let lost: Vec<_> = self
            .certain()
            .filter(|(_, put, _, take)| take.is_none() && put.time < last.time)
            .collect();
        let explained = self.unknown.len();
        if lost.len() <= explained {
            return Vec::new();
        }
        let names: Vec<_> = lost
            .iter()
            .take(5)
            .map(|(element, ..)| element.as_str())
            .collect();
        let what = format!(
            "{} acknowledged elements are lost ({}, …): they were never taken, the queue was found empty, and only {explained} takes are of unknown outcome",
            lost.len(),
            names.join(", ")
        );
        let events = lost.iter().take(5).map(|(_, put, ..)| put.index);
        vec![(what, [last.index].into_iter().chain(events).collect())]
    }

    /// A sweep over the beginnings of puts: among elements acknowledged before, the one taken last.
    fn order(&self) -> Findings {
        let mut begun: Vec<_> = self
            .certain()
            .filter_map(|(e, put, call, take)| Some((e, put, call, take?)))
            .collect();
        let mut acknowledged = begun.clone();
        acknowledged.sort_by_key(|(_, put, ..)| put.time);
        begun.sort_by_key(|(_, _, call, _)| call.invoke.time);
        let mut acknowledged = acknowledged.into_iter().peekable();
        let mut last: Option<(&String, &Event, &Take<'_>)> = None;
        let mut findings = Vec::new();
        for (element, put, call, take) in begun {
            while let Some((e, p, _, t)) =
                acknowledged.next_if(|(_, p, ..)| p.time < call.invoke.time)
            {
                if last.is_none_or(|(.., known)| t.call.invoke.time > known.call.invoke.time) {
                    last = Some((e, p, t));
                }
            }
            let Some((earlier, earlier_put, earlier_take)) = last else {
                continue;
            };
            if take.end.time < earlier_take.call.invoke.time {
                let what = format!("{element}, put after {earlier}, was taken before it");
                let events = [take.end, earlier_take.end, put, earlier_put];
                findings.push((what, events.map(|event| event.index).to_vec()));
            }
        }
        findings
    }

    /// By position: what is taken is the first by name, except for what an unknown take removed.
    fn positions(&self) -> Findings {
        let mut steps: Vec<(u64, u64, bool, &Event)> = Vec::new();
        for put in self.puts.values().filter_map(acknowledged) {
            let name = put.value.get("name").and_then(Value::as_u64);
            steps.extend(
                put.number("zxid")
                    .zip(name)
                    .map(|(zxid, name)| (zxid, name, true, put)),
            );
        }
        let mut takes = BTreeMap::new();
        for take in &self.takes {
            let name = take.end.value.get("name").and_then(Value::as_u64);
            if let Some((zxid, name)) = take.end.number("zxid").zip(name) {
                steps.push((zxid, name, false, take.end));
                takes.insert(name, take.end);
            }
        }
        steps.sort_by_key(|(zxid, ..)| *zxid);
        let mut waiting: BTreeSet<u64> = BTreeSet::new();
        let mut findings = Vec::new();
        for (zxid, name, put, event) in steps {
            if put {
                waiting.insert(name);
                continue;
            }
            waiting.remove(&name);
            let passed = waiting.range(..name).find_map(|passed| takes.get(passed));
            if let Some(later) = passed {
                let what = format!(
                    "position {zxid} took name {name} though a smaller name was there, which was taken later"
                );
                findings.push((what, vec![event.index, later.index]));
            }
            // Those passed and never taken were removed by takes of unknown outcome, or are lost.
            waiting.retain(|left| *left > name || takes.contains_key(left));
        }
        findings
    }
}
