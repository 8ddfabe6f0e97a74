//! `failover-time`: a leader within the promised time, once a majority is healthy.
//!
//! What can be known. The nemesis tells what disturbed whom, the observer which node leads, clients
//! when a write was done. While no fault is on, or only faults that take whole nodes away
//! (killed, stopped, paused) and leave a majority of them, the rest must have a leader: from the
//! moment on at which that became so, and all the time while it stays so, no span longer than
//! `failover_ms_max` may pass without a sign of a leader: a healthy node that says to lead, or a
//! write that was sent and done within it.
//!
//! What would be a false alarm: the time during faults that slow the network, the disks or the
//! clocks down, or that cut nodes off in ways the targets do not tell: it is not judged, and
//! counted. Spans in which nobody looked (no answer of the observer and no write was tried) are
//! `unknown`, not broken. A span shorter than the bound cannot show a violation and is counted.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::calm::{Disturbance, Disturbances};
use crate::cluster::sightings::{is_observer, node_of, sightings};
use crate::facts::{RunFacts, nanos, shown};
use crate::history::{History, Outcome};
use crate::verdict::{Checker, Limits, Report};

/// Faults that take their targets away as wholes and touch nobody else.
const TAKE_NODES_AWAY: [&str; 7] = [
    "kill",
    "kill-all",
    "term",
    "pause",
    "restart-all",
    "lost-writes",
    "torn-tail",
];

/// Operations whose answer needs a leader.
const WRITES: [&str; 12] = [
    "write", "cas", "add", "next", "put", "take", "txn", "create", "delete", "session", "acquire",
    "release",
];

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct FailoverTime {
    /// What is known of the run; the bound is in it.
    pub facts: RunFacts,
}

/// A sign that somebody led, between two moments.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sign {
    /// Not before.
    from: u64,
    /// Not after.
    until: u64,
    /// The event.
    event: u64,
}

/// A span in which a majority was healthy.
struct Healthy {
    from: u64,
    until: u64,
}

impl Checker for FailoverTime {
    fn name(&self) -> &'static str {
        "failover-time"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let nodes = self.nodes(history);
        let faults = Disturbances::of(history);
        // Digests are asked for when the observer has gone home, and take as long as they like.
        let mut attended = history.events.iter().rev().filter(|e| e.f != "digest");
        let end = attended.next().map_or(0, |event| event.time);
        let signs = signs(history, &faults);
        let looks = looks(history);
        let bound = nanos(self.facts.failover_ms_max);
        let mut longest = 0u64;
        for span in healthy(&faults, nodes.len(), end) {
            if span.until.saturating_sub(span.from) < bound {
                report.count("healthy spans too short to judge", 1);
                continue;
            }
            report.count("healthy spans judged", 1);
            let silence = longest_silence(&span, &signs);
            longest = longest.max(silence.until.saturating_sub(silence.from));
            if silence.until.saturating_sub(silence.from) <= bound {
                continue;
            }
            let looked = looks.partition_point(|(time, _)| *time < silence.from);
            let within = looks.get(looked..).into_iter().flatten();
            let within: Vec<&(u64, u64)> = within
                .take_while(|(time, _)| *time <= silence.until)
                .collect();
            let what = format!(
                "a majority was healthy from {}, and there was no sign of a leader between {} and {}",
                shown(span.from),
                shown(silence.from),
                shown(silence.until)
            );
            let events = within.iter().take(5).map(|(_, event)| *event).collect();
            if within.is_empty() {
                report.unknown(limits, format!("{what}, but nobody looked"), events);
            } else {
                report.broken(limits, what, events);
            }
        }
        report.count("longest time without a leader in ms", longest / 1_000_000);
        // Spans that are too short show nothing either way; that somebody led when all was over is
        // what every run must show.
        let calm_from = faults.all.iter().map(|fault| fault.until).max();
        let led_at_last = signs.last().map(|sign| sign.until);
        if led_at_last.is_none() || led_at_last < calm_from {
            let why = "no sign of a leader after the last fault";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

impl FailoverTime {
    fn nodes(&self, history: &History) -> BTreeSet<u64> {
        if !self.facts.nodes.is_empty() {
            return self.facts.nodes.clone();
        }
        let asked = history.events.iter().filter(|event| is_observer(event));
        asked.filter_map(node_of).collect()
    }
}

/// Signs of a leader, in order of their end.
fn signs(history: &History, faults: &Disturbances) -> Vec<Sign> {
    let is_down = |node: u64, time: u64| {
        let on = |fault: &&Disturbance| fault.from <= time && time <= fault.until;
        faults
            .all
            .iter()
            .filter(on)
            .any(|fault| fault.targets.contains(&node))
    };
    let seen = sightings(history).into_iter();
    let leads = seen
        .filter(|seen| seen.leads && !is_down(seen.node, seen.time))
        .map(|seen| Sign {
            from: seen.time,
            until: seen.time,
            event: seen.event,
        });
    let calls = history.calls();
    let writes = calls.iter().filter_map(|call| {
        let done = call.complete.filter(|done| done.outcome == Outcome::Ok)?;
        WRITES.contains(&call.invoke.f.as_str()).then_some(Sign {
            from: call.invoke.time,
            until: done.time,
            event: done.index,
        })
    });
    let mut all: Vec<Sign> = leads.chain(writes).collect();
    all.sort_by_key(|sign| (sign.until, sign.from));
    all
}

/// When somebody looked whether there is a leader: the observer asked, or a client tried to write.
fn looks(history: &History) -> Vec<(u64, u64)> {
    let looked = history.events.iter().filter(|event| {
        let asked = is_observer(event) && event.f == "leader";
        let has_state = event.value.get("state").and_then(Value::as_str).is_some();
        let tried = WRITES.contains(&event.f.as_str()) && event.outcome == Outcome::Invoke;
        (asked && has_state) || tried
    });
    looked.map(|event| (event.time, event.index)).collect()
}

/// The spans in which a majority was healthy; each change of who is away begins a new one.
fn healthy(faults: &Disturbances, nodes: usize, end: u64) -> Vec<Healthy> {
    let mut edges: BTreeSet<u64> = BTreeSet::from([0, end]);
    for fault in &faults.all {
        edges.extend(
            [fault.from, fault.until]
                .iter()
                .filter(|edge| **edge <= end),
        );
    }
    let edges: Vec<u64> = edges.into_iter().collect();
    let mut spans = Vec::new();
    for pair in edges.windows(2) {
        let [from, until] = pair else { continue };
        let on = |fault: &&Disturbance| fault.from <= *from && *until <= fault.until;
        let on: Vec<&Disturbance> = faults.all.iter().filter(on).collect();
        let is_judged = on.iter().all(|fault| {
            TAKE_NODES_AWAY.contains(&fault.kind.as_str()) && !fault.targets.is_empty()
        });
        let away: BTreeSet<u64> = on.iter().flat_map(|f| f.targets.iter().copied()).collect();
        if is_judged && nodes.saturating_sub(away.len()) * 2 > nodes {
            spans.push(Healthy {
                from: *from,
                until: *until,
            });
        }
    }
    spans
}

/// The longest time within a span without a sign. Something that was done between two moments may
/// have been done at either.
fn longest_silence(span: &Healthy, signs: &[Sign]) -> Healthy {
    let mut last = span.from;
    let mut worst = Healthy {
        from: span.from,
        until: span.from,
    };
    let begin = signs.partition_point(|sign| sign.until < span.from);
    let within = signs.get(begin..).into_iter().flatten();
    for sign in within {
        if sign.from < span.from || sign.until > span.until {
            continue;
        }
        if sign.from.saturating_sub(last) > worst.until.saturating_sub(worst.from) {
            worst = Healthy {
                from: last,
                until: sign.from,
            };
        }
        last = last.max(sign.until);
    }
    if span.until.saturating_sub(last) > worst.until.saturating_sub(worst.from) {
        worst = Healthy {
            from: last,
            until: span.until,
        };
    }
    worst
}
