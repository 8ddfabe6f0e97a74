//! `fifo` (P-LOCK): *claims are granted in the order in which they queued*; the first that cannot
//! have the lock blocks all behind it, readers and small numbers of permits too.
//!
//! What a client can know. Answers tell when a claim came into the queue (`queued`), was granted,
//! or left the queue without a grant (`ended`, not `held`). If A queued before B, then B must not be
//! granted before A was granted or had left. Claims that share a grant's position were let in
//! together. Without the positions of A's end, there is one more proof by time: A is answered
//! `waiting` to a request that was *sent* after B had been told that it holds.
//!
//! What would be a false alarm: claims that timed out, were abandoned, broken or lost their session
//! while they waited are overtaken rightly, at the position where they left; of claims whose end
//! nobody was told, nothing is said. The order in which requests were *sent* or answered proves
//! nothing about the queue, and neither does the position of an answer `waiting`, which may be a
//! little newer than what it saw.

use crate::facts::RunFacts;
use crate::history::History;
use crate::locks::claims::{Claim, Lock, Locks, Said};
use crate::locks::read::report_unreadable;
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Fifo;

impl Checker for Fifo {
    fn name(&self) -> &'static str {
        "fifo"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let locks = Locks::of(history, &RunFacts::default());
        let mut report = Report::new(self.name());
        for (name, lock) in &locks.by_name {
            let queue = queue_of(lock);
            let waited = queue.iter().filter(|place| place.waited()).count();
            report.count("queued", queue.len() as u64);
            report.count("waited", waited as u64);
            for (passed, passer) in overtakings(&queue, |_, _| true) {
                let (what, events) = told(name, passed, passer);
                report.broken(limits, what, events);
            }
        }
        report_unreadable(&locks, limits, &mut report);
        if report.counts.get("waited").copied().unwrap_or(0) == 0 {
            let why = "nobody waited for a lock in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

/// A claim in the queue of a lock.
#[derive(Clone, Copy)]
pub(crate) struct Place<'c> {
    queued: u64,
    /// Up to where it waited for certain: its grant, or its leaving the queue.
    left: Option<u64>,
    /// The last request, by when it was sent, that was answered `waiting`.
    waiting_at: Option<u64>,
    pub(crate) claim: &'c Claim<'c>,
}

impl Place<'_> {
    /// Whether it waited.
    pub(crate) fn waited(&self) -> bool {
        self.left.is_some_and(|left| left > self.queued) || self.waiting_at.is_some()
    }
}

/// The claims of a lock in the order of its queue.
pub(crate) fn queue_of<'c>(lock: &'c Lock<'_>) -> Vec<Place<'c>> {
    let mut places: Vec<Place<'_>> = lock.claims.iter().filter_map(place).collect();
    places.sort_by_key(|place| place.queued);
    places
}

fn place<'c>(claim: &'c Claim<'_>) -> Option<Place<'c>> {
    let unserved = claim.ended().filter(|(_, end, _)| !end.held);
    let waiting = claim
        .answers
        .iter()
        .filter(|answer| answer.said == Said::Waiting);
    Some(Place {
        queued: claim.queued?,
        left: claim.granted.or(unserved.map(|(position, _, _)| position)),
        waiting_at: waiting.map(|answer| answer.invoked).max(),
        claim,
    })
}

/// Claims that were passed in the queue, each with one that passed it. `matters` says which pairs
/// are looked at: who was passed, and who passed.
pub(crate) fn overtakings<'c>(
    queue: &[Place<'c>],
    matters: impl Fn(&Claim<'_>, &Claim<'_>) -> bool,
) -> Vec<(&'c Claim<'c>, &'c Claim<'c>)> {
    let mut found = Vec::new();
    // From the end of the queue to its head: the best of those behind, by position and by time.
    let (mut first_granted, mut first_told) = (Vec::<Place<'_>>::new(), Vec::<Place<'_>>::new());
    for place in queue.iter().rev() {
        let behind = |kept: &[Place<'c>]| {
            let fits = |other: &&Place<'c>| matters(place.claim, other.claim);
            kept.iter().rev().find(fits).copied()
        };
        let by_position = behind(&first_granted).filter(|other| {
            other
                .claim
                .granted
                .zip(place.left)
                .is_some_and(|(g, l)| g < l)
        });
        let by_time = behind(&first_told).filter(|other| {
            let told = other.claim.first_held().map(|answer| answer.at.time);
            told.zip(place.waiting_at)
                .is_some_and(|(told, sent)| told < sent)
        });
        found.extend(
            by_position
                .or(by_time)
                .map(|other| (place.claim, other.claim)),
        );
        keep(&mut first_granted, *place, |place| place.claim.granted);
        keep(&mut first_told, *place, |place| {
            place.claim.first_held().map(|answer| answer.at.time)
        });
    }
    found.reverse();
    found
}

/// Keeps of each mode the place whose number is the smallest; the smallest of all last.
fn keep<'c>(
    kept: &mut Vec<Place<'c>>,
    place: Place<'c>,
    number: impl Fn(&Place<'c>) -> Option<u64>,
) {
    let Some(new) = number(&place) else { return };
    let same = |other: &Place<'_>| {
        std::mem::discriminant(&other.claim.mode) == std::mem::discriminant(&place.claim.mode)
    };
    let better = |other: &Place<'c>| number(other).is_some_and(|known| known <= new);
    if kept.iter().any(|other| same(other) && better(other)) {
        return;
    }
    kept.retain(|other| !same(other));
    kept.push(place);
    kept.sort_by_key(|place| std::cmp::Reverse(number(place)));
}

/// A claim that was passed, for people.
pub(crate) fn told(lock: &str, passed: &Claim<'_>, passer: &Claim<'_>) -> (String, Vec<u64>) {
    let queued = |claim: &Claim<'_>| claim.queued.unwrap_or(0);
    let what = format!(
        "{} of {lock} queued at {}, before {} at {}, and was passed by it",
        passed.shown(),
        queued(passed),
        passer.shown(),
        queued(passer)
    );
    let last = passed.answers.last().map(|answer| answer.at.event);
    let events = std::iter::once(passer.held_event()).chain(last);
    (what, events.collect())
}
