//! `watch-before-reply` (P-WATCH): *an event comes before any answer from the same node that shows its
//! effect.*
//!
//! What a client can know. On one connection of the ZooKeeper door answers and events have one
//! order, the one in which the client reads them. So a client that watches a znode must not be
//! shown another state of it (in the answer to arming the watch again, or to a change of its own)
//! before the watch fired.
//!
//! What would be a false alarm: an HTTP stream and an HTTP answer come on two connections, and the
//! kernel may hand the client the answer first although the node wrote the event first. There the
//! order proves nothing. How long events came after an answer of their node that shows their
//! position is measured and counted; only what exceeds `delivery_ms_max` in an undisturbed cluster
//! makes the verdict `unknown`.

use std::collections::BTreeMap;

use crate::calm::Disturbances;
use crate::facts::{RunFacts, nanos};
use crate::history::{Event, History, Outcome, Process};
use crate::verdict::{Checker, Limits, Report};
use crate::watches::order::shown;
use crate::watches::shots::Shots;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct WatchBeforeReply {
    /// What is known of the run.
    pub facts: RunFacts,
}

impl Checker for WatchBeforeReply {
    fn name(&self) -> &'static str {
        "watch-before-reply"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let shots = Shots::of(history);
        report.count("one-shot watches", shots.all.len() as u64);
        for shot in &shots.all {
            let Some(overtaken) = shot.overtaken.first() else {
                continue;
            };
            let what = format!(
                "process {} was shown a new state of {} ({}) before its watch told of the change",
                shown(shot.watcher),
                shot.path,
                shot.kind
            );
            let armed = shot.armed.first().map(|armed| armed.at.event);
            let fired = shot.fired.map(|fired| fired.event);
            let events = [Some(*overtaken), fired, armed];
            report.broken(limits, what, events.into_iter().flatten().collect());
        }
        self.lags(history, (limits, &mut report));
        let compared = |what: &str| report.counts.get(what).copied().unwrap_or(0);
        if compared("one-shot watches") + compared("stream events compared") == 0 {
            let why = "no event and answer of one node to compare in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

impl WatchBeforeReply {
    fn lags(&self, history: &History, (limits, report): (&Limits, &mut Report)) {
        let faults = Disturbances::of(history);
        // For each node, the positions its answers showed, and when first; both grow.
        let mut shown_by: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
        let mut listening: BTreeMap<&Process, u64> = BTreeMap::new();
        let mut worst = 0u64;
        for event in &history.events {
            if event.f == "watch" && event.outcome == Outcome::Invoke {
                listening.insert(&event.process, event.time);
            }
            let Some((node, zxid)) = event.number("node").zip(event.number("zxid")) else {
                continue;
            };
            let answers = shown_by.entry(node).or_default();
            if event.f != "event" {
                let is_newer = answers.last().is_none_or(|(known, _)| *known < zxid);
                if is_answer(event) && is_newer {
                    answers.push((zxid, event.time));
                }
                continue;
            }
            report.count("stream events compared", 1);
            let at = answers.partition_point(|(known, _)| *known < zxid);
            let Some((_, answered)) = answers.get(at) else {
                continue;
            };
            report.count("stream events behind an answer", 1);
            let lag = event.time.saturating_sub(*answered);
            // What a connection tells of the time before it began cannot be late.
            let begun = listening.get(&event.process).copied().unwrap_or(u64::MAX);
            let settle = nanos(self.facts.settle_ms);
            if begun >= *answered || faults.touch(*answered, event.time, settle) {
                continue;
            }
            worst = worst.max(lag);
            if lag > nanos(self.facts.delivery_ms_max) {
                let what = format!(
                    "node {node} answered with position {zxid} {} ms before its stream to process \
                     {} told of it",
                    lag / 1_000_000,
                    shown(&event.process)
                );
                report.unknown(limits, what, vec![event.index]);
            }
        }
        report.count("longest lag of a stream event in ms", worst / 1_000_000);
    }
}

fn is_answer(event: &Event) -> bool {
    event.outcome == Outcome::Ok && matches!(event.process, Process::Client(_))
}
