//! `watch-order` (P-WATCH): *a stream of events tells every change once, in order*; cut and resumed
//! with the last id, at any node, it goes on *without repetition*.
//!
//! What a client can know. Ids have the order of the changes. Along one connection they grow, each
//! is behind the id the connection was resumed from, and agrees with the position told beside it.
//! Within a commit nothing follows its end. A one-shot watch fires once for each time it is armed.
//!
//! What would be a false alarm: a watcher that resumes from an older id than its last one is told
//! the rest again, and rightly; so each connection is judged by the id it was asked to go on from.
//! A mark (`bookmark`, `synced`) may repeat the position of the event before it.

use crate::history::History;
use crate::verdict::{Checker, Limits, Report};
use crate::watches::shots::Shots;
use crate::watches::streams::{Stream, Streams, Told};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct WatchOrder;

impl Checker for WatchOrder {
    fn name(&self) -> &'static str {
        "watch-order"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let streams = Streams::of(history);
        for stream in &streams.all {
            in_order(stream, limits, &mut report);
            ends_of_commits(stream, limits, &mut report);
        }
        let shots = Shots::of(history);
        for fired in &shots.unarmed {
            let what = format!(
                "process {} was told of a change of {} although no watch of it was armed there",
                shown(fired.watcher),
                fired.path
            );
            report.broken(limits, what, vec![fired.event]);
        }
        report.count("connections", streams.all.len() as u64);
        report.count("events", streams.count());
        report.count("one-shot watches fired", shots.fired());
        streams.report_unreadable(limits, &mut report);
        if streams.count() + shots.fired() == 0 {
            report.unknown(limits, "no events in this history".to_owned(), Vec::new());
        }
        report
    }
}

fn in_order(stream: &Stream<'_>, limits: &Limits, report: &mut Report) {
    let mut last = stream.from;
    let mut last_event = stream.event;
    for told in &stream.told {
        let Some(id) = told.id else { continue };
        let follows = match last {
            Some(last) if told.is_mark() => last <= id,
            Some(last) => last < id,
            None => true,
        };
        if !follows && let Some(last) = last {
            let how = if last == id { "again" } else { "late" };
            let what = format!(
                "event {id} ({}) came {how} to process {}, after {last}",
                told.path,
                shown(stream.watcher)
            );
            report.broken(limits, what, vec![told.event, last_event]);
        }
        last = last.max(Some(id));
        last_event = told.event;
    }
}

fn ends_of_commits(stream: &Stream<'_>, limits: &Limits, report: &mut Report) {
    let changes = stream.told.iter().filter(|told| !told.is_mark());
    let mut ended: Option<&Told<'_>> = None;
    for told in changes {
        let same = ended.and_then(|end| end.id).zip(told.id);
        if let Some((end, id)) = same.filter(|(end, id)| end.zxid == id.zxid && end < id) {
            let what = format!(
                "event {id} came to process {} after {end} had ended their commit",
                shown(stream.watcher)
            );
            let events = ended.map(|end| end.event).into_iter().chain([told.event]);
            report.broken(limits, what, events.collect());
        }
        if told.commit_end == Some(true) {
            ended = Some(told);
        }
    }
}

/// A process for people.
pub(crate) fn shown(process: &crate::history::Process) -> String {
    match process {
        crate::history::Process::Client(number) => number.to_string(),
        crate::history::Process::Named(name) => name.clone(),
    }
}
