//! `watch-complete` (P-WATCH): *a stream of events tells every change it asked for; the events of one
//! write come together. Where the history no longer reaches back, it says so.*
//!
//! What a client can know. The canonical order of changes is the acknowledged ones by position,
//! and those of unknown outcome that some watcher was told of. A connection that went from one id
//! to another was told every change of its paths between them (*reliable*, *resumable*), nothing
//! that nobody did (*none is invented*: a change of unknown outcome explains one event, a failed
//! one none), with the value and version that were written, after it was asked for; all watchers
//! are told the same under one id. Versions of a znode grow by one from change to change, so a
//! change of unknown outcome that was left out is noticed as well. A commit has ended
//! (`commit_end`) before the next one begins (*atomic*).
//! A one-shot watch that is armed twice and saw different states was to fire in between; what fires
//! has a change to tell of.
//!
//! What would be a false alarm: changes before the first id of a connection that was not resumed,
//! or after the last one it was told, since nobody knows when it began and how far it would have
//! come. But an acknowledged change that an open stream of an undisturbed cluster does not tell for
//! `delivery_ms_max` makes the verdict `unknown`: late or lost, nobody can say. Events of paths that
//! no client of the run ever named are somebody else's.

mod one_shot;
mod truth;

use std::collections::{BTreeMap, BTreeSet};

use crate::calm::Disturbances;
use crate::facts::{RunFacts, nanos};
use crate::history::History;
use crate::verdict::{Checker, Limits, Report};
use crate::watches::changes::Changes;
use crate::watches::order::shown;
use crate::watches::shots::Shots;
use crate::watches::streams::{Deed, EventId, Stream, Streams, Told};

/// Holes of one connection that are told; the rest says nothing new.
const HOLES_PER_STREAM_MAX: usize = 100;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct WatchComplete {
    /// What is known of the run.
    pub facts: RunFacts,
}

impl Checker for WatchComplete {
    fn name(&self) -> &'static str {
        "watch-complete"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let streams = Streams::of(history);
        let changes = Changes::of(history);
        let union = truth::agreed(&streams, (limits, &mut report));
        truth::not_invented(&union, &changes, (limits, &mut report));
        let expected = expected(&union, &changes);
        for stream in &streams.all {
            no_holes(stream, &expected, (limits, &mut report));
            versions_follow(stream, (limits, &mut report));
            whole_commits(stream, (limits, &mut report));
        }
        let faults = Disturbances::of(history);
        self.not_late(&streams, &changes, &faults, (limits, &mut report));
        let shots = Shots::of(history);
        one_shot::judge(&shots, &changes, (limits, &mut report));
        let gaps = streams.all.iter().filter(|stream| stream.gap).count();
        report.count("connections", streams.all.len() as u64);
        report.count("events", streams.count());
        report.count("gaps told", gaps as u64);
        report.count("one-shot watches fired", shots.fired());
        streams.report_unreadable(limits, &mut report);
        if streams.count() + shots.fired() == 0 {
            report.unknown(limits, "no events in this history".to_owned(), Vec::new());
        }
        report
    }
}

/// A change that streams were to tell.
struct Expected<'a> {
    /// The place of it; of an acknowledged one that nobody was told, that of its commit's begin.
    id: EventId,
    path: &'a str,
    /// An event that shows that it happened.
    event: u64,
}

fn expected<'a>(union: &BTreeMap<EventId, &Told<'a>>, changes: &Changes<'a>) -> Vec<Expected<'a>> {
    let told = union.iter().map(|(id, told)| Expected {
        id: *id,
        path: told.path,
        event: told.event,
    });
    let known: BTreeSet<(u64, &str)> = union.iter().map(|(id, t)| (id.zxid, t.path)).collect();
    let untold = changes.acknowledged.iter().filter_map(|(zxid, change)| {
        let is_new = !known.contains(&(*zxid, change.path));
        is_new.then(|| Expected {
            id: EventId {
                zxid: *zxid,
                ordinal: 0,
            },
            path: change.path,
            event: change.answered.map_or(change.invoked.event, |a| a.event),
        })
    });
    let mut all: Vec<Expected<'a>> = told.chain(untold).collect();
    all.sort_by_key(|expected| expected.id);
    all
}

fn no_holes(stream: &Stream<'_>, expected: &[Expected<'_>], to: (&Limits, &mut Report)) {
    let (limits, report) = to;
    let first = stream.told.iter().find_map(|told| told.id);
    let (Some(from), Some(until)) = (stream.from.or(first), stream.last()) else {
        return;
    };
    let had: BTreeSet<(u64, &str)> = stream
        .told
        .iter()
        .filter(|told| !told.is_mark())
        .filter_map(|told| Some((told.id?.zxid, told.path)))
        .collect();
    let begin = expected.partition_point(|change| change.id <= from);
    let within = expected.get(begin..).into_iter().flatten();
    let within = within.take_while(|change| change.id <= until);
    let mut holes = 0;
    for change in within.filter(|change| stream.covers(change.path)) {
        report.count("changes expected on streams", 1);
        if had.contains(&(change.id.zxid, change.path)) || holes >= HOLES_PER_STREAM_MAX {
            continue;
        }
        holes += 1;
        let what = format!(
            "the change of {} at {} was not told to process {}, whose stream went from {from} to \
             {until}",
            change.path,
            change.id.zxid,
            shown(stream.watcher)
        );
        let after = stream
            .told
            .iter()
            .find(|t| t.id.is_some_and(|id| id > change.id));
        let events = [
            Some(change.event),
            Some(stream.event),
            after.map(|t| t.event),
        ];
        report.broken(limits, what, events.into_iter().flatten().collect());
    }
}

fn versions_follow(stream: &Stream<'_>, to: (&Limits, &mut Report)) {
    let (limits, report) = to;
    let mut last: BTreeMap<&str, &Told<'_>> = BTreeMap::new();
    for told in stream.told.iter().filter(|told| !told.is_mark()) {
        let before = last.insert(told.path, told);
        let Some(before) = before.filter(|before| before.id < told.id) else {
            continue;
        };
        let follows = match (before.deed, told.deed) {
            (Some(Deed::Deleted), Some(deed)) => deed == Deed::Created,
            (_, Some(Deed::Created)) => false,
            (_, Some(Deed::Changed)) => match (before.version, told.version) {
                (Some(before), Some(now)) => before.checked_add(1) == Some(now),
                _ => true,
            },
            (_, Some(Deed::Deleted) | None) => true,
        };
        if !follows {
            let what = format!(
                "process {} was told {} and then {}: something in between is missing",
                shown(stream.watcher),
                described(before),
                described(told)
            );
            report.broken(limits, what, vec![told.event, before.event]);
        }
    }
}

fn described(told: &Told<'_>) -> String {
    let deed = match told.deed {
        Some(Deed::Created) => "created",
        Some(Deed::Changed) => "changed",
        Some(Deed::Deleted) => "deleted",
        None => "nothing",
    };
    let id = told.id.map_or_else(String::new, |id| format!(" at {id}"));
    let version = told
        .version
        .map_or_else(String::new, |v| format!(", version {v}"));
    format!("{} {deed}{id}{version}", told.path)
}

fn whole_commits(stream: &Stream<'_>, to: (&Limits, &mut Report)) {
    let (limits, report) = to;
    let changes: Vec<&Told<'_>> = stream.told.iter().filter(|told| !told.is_mark()).collect();
    for pair in changes.windows(2) {
        let [one, next] = pair else { continue };
        let moved_on = one.id.map(|id| id.zxid) != next.id.map(|id| id.zxid);
        if moved_on && one.commit_end == Some(false) {
            let what = format!(
                "process {} was told {} and then {}, and never the end of the first one's commit",
                shown(stream.watcher),
                described(one),
                described(next)
            );
            report.broken(limits, what, vec![next.event, one.event]);
        }
    }
}

impl WatchComplete {
    /// Acknowledged changes that a stream had time to tell and did not.
    fn not_late(
        &self,
        streams: &Streams<'_>,
        changes: &Changes<'_>,
        faults: &Disturbances,
        (limits, report): (&Limits, &mut Report),
    ) {
        let patience = nanos(self.facts.delivery_ms_max);
        let settle = nanos(self.facts.settle_ms);
        for stream in streams.all.iter().filter(|stream| !stream.gap) {
            let Some(ended) = stream.ended else { continue };
            let last = stream.last().or(stream.from).map_or(0, |id| id.zxid);
            let begun = stream.invoked.saturating_add(settle);
            let untold = changes.acknowledged.range(last.saturating_add(1)..);
            let late = untold.map(|(_, change)| change).find(|change| {
                let answered = change.answered.map_or(u64::MAX, |answer| answer.time);
                let due = answered.saturating_add(patience);
                let quiet = || !faults.touch(answered, due, settle);
                let opened = change.invoked.time >= begun;
                opened && due <= ended && stream.covers(change.path) && quiet()
            });
            if let Some(change) = late {
                let what = format!(
                    "the change of {} at {} was not told to process {} although its stream was open \
                     for {} ms after it was acknowledged: late, or lost",
                    change.path,
                    change.zxid.unwrap_or(0),
                    shown(stream.watcher),
                    self.facts.delivery_ms_max
                );
                report.unknown(limits, what, vec![change.invoked.event, stream.event]);
            }
        }
    }
}
