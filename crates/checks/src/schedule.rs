//! Whose turn it is. No clock and no socket: the time, and what came of probes and reports, are told.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::time::Duration;

use rand::Rng;
use tokio::time::Instant;

use crate::limits::{INTERVAL_MAX, INTERVAL_MIN, REPORT_AGAIN_AFTER};
use crate::probe::Outcome;
use crate::tally::Tally;
use crate::target::{Spec, Target, Verdict};

/// Names one beginning of a check: what is under way for an earlier one says nothing about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket<K> {
    key: K,
    begun: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Schedule<K> {
    checks: BTreeMap<K, Check<K>>,
    /// Checks that wait for their next probe, by when it is due.
    probes: BTreeSet<(Instant, K)>,
    /// Checks whose verdict is to be told, by when.
    reports: BTreeSet<(Instant, K)>,
    /// Checks begun so far.
    begun: u64,
}

#[derive(Debug)]
struct Check<K> {
    target: Target<K>,
    begun: u64,
    tally: Tally,
    /// Of the probe that decided the verdict.
    text: String,
    /// When the next probe is due; of one that is under way, when it was due.
    due: Instant,
    report: Report,
}

/// How far the list is from showing the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Report {
    /// It does.
    None,
    /// To be told then: a member of `reports`.
    At(Instant),
    /// Being told.
    UnderWay,
}

impl<K> Default for Schedule<K> {
    fn default() -> Self {
        Schedule {
            checks: BTreeMap::new(),
            probes: BTreeSet::new(),
            reports: BTreeSet::new(),
            begun: 0,
        }
    }
}

impl<K: Ord + Clone> Schedule<K> {
    /// Takes the list as it is now.
    pub(crate) fn follow(&mut self, now: Instant, list: Vec<Target<K>>, rng: &mut impl Rng) {
        let mut before = mem::take(&mut self.checks);
        for target in list {
            match before.remove(&target.key) {
                Some(check) if check.target.is_checked_like(&target) => {
                    self.go_on(now, check, target.known);
                }
                Some(check) => {
                    self.forget(&check);
                    self.begin(now, target, rng);
                }
                None => self.begin(now, target, rng),
            }
        }
        for check in before.values() {
            self.forget(check);
        }
    }

    /// The first probe comes at some moment within the interval: a leader that takes over thousands of checks, or a
    /// deployment that brings a hundred instances, must not have them all due at once for ever after.
    fn begin(&mut self, now: Instant, target: Target<K>, rng: &mut impl Rng) {
        self.begun = self.begun.saturating_add(1);
        let due = now + rng.random_range(Duration::ZERO..interval(&target.spec));
        self.probes.insert((due, target.key.clone()));
        let check = Check {
            begun: self.begun,
            tally: Tally::from_verdict(target.known),
            text: String::new(),
            due,
            report: Report::None,
            target,
        };
        self.checks.insert(check.target.key.clone(), check);
    }

    fn go_on(&mut self, now: Instant, mut check: Check<K>, known: Option<bool>) {
        check.target.known = known;
        self.settle(now, &mut check);
        self.checks.insert(check.target.key.clone(), check);
    }

    fn forget(&mut self, check: &Check<K>) {
        let key = &check.target.key;
        self.probes.remove(&(check.due, key.clone()));
        if let Report::At(at) = check.report {
            self.reports.remove(&(at, key.clone()));
        }
    }

    /// Has the verdict told at that time if the list does not show it, and not told if it does.
    fn settle(&mut self, at: Instant, check: &mut Check<K>) {
        let key = check.target.key.clone();
        match check.report {
            Report::None if !check.is_shown() => {
                check.report = Report::At(at);
                self.reports.insert((at, key));
            }
            Report::At(at) if check.is_shown() => {
                check.report = Report::None;
                self.reports.remove(&(at, key));
            }
            // What is under way is looked at when it ends, also where it tells something old by now.
            Report::None | Report::At(_) | Report::UnderWay => {}
        }
    }

    /// When the next probe is due.
    pub(crate) fn next_probe(&self) -> Option<Instant> {
        self.probes.first().map(|(due, _)| *due)
    }

    /// When the next verdict is to be told.
    pub(crate) fn next_report(&self) -> Option<Instant> {
        self.reports.first().map(|(at, _)| *at)
    }

    /// A target that is due, the longest due first. What came of it is to be [`note`](Schedule::note)d.
    pub(crate) fn take_probe(&mut self, now: Instant) -> Option<(Ticket<K>, Target<K>)> {
        let (_, key) = take_due(&mut self.probes, now)?;
        let check = self.checks.get(&key)?;
        Some((check.ticket(), check.target.clone()))
    }

    /// Takes what a probe showed.
    pub(crate) fn note(&mut self, now: Instant, ticket: &Ticket<K>, outcome: Outcome) {
        let Some(mut check) = self.take(ticket) else {
            return;
        };
        // In step with the clock, so that the spread at the beginning stays; one that is late does not catch up.
        check.due = (check.due + interval(&check.target.spec)).max(now);
        self.probes.insert((check.due, check.target.key.clone()));
        let (passed, text) = match outcome {
            Outcome::Passed(text) => (true, text),
            Outcome::Failed(text) => (false, text),
            Outcome::NotProbed(why) => {
                tracing::warn!(why, "a health check could not be made");
                self.checks.insert(ticket.key.clone(), check);
                return;
            }
        };
        if check.tally.note(passed, &check.target.spec) {
            check.text = text;
            self.settle(now, &mut check);
        }
        self.checks.insert(ticket.key.clone(), check);
    }

    /// A verdict that is to be told. When that was tried it is to be said ([`reported`](Schedule::reported)).
    pub(crate) fn take_report(&mut self, now: Instant) -> Option<(Ticket<K>, Verdict<K>)> {
        let (_, key) = take_due(&mut self.reports, now)?;
        let check = self.checks.get_mut(&key)?;
        let passing = check.tally.verdict()?;
        check.report = Report::UnderWay;
        let text = check.text.clone();
        Some((check.ticket(), Verdict { key, passing, text }))
    }

    /// A verdict was told, or was not: the list will show.
    pub(crate) fn reported(&mut self, now: Instant, ticket: &Ticket<K>) {
        if let Some(mut check) = self.take(ticket) {
            check.report = Report::None;
            self.settle(now + REPORT_AGAIN_AFTER, &mut check);
            self.checks.insert(ticket.key.clone(), check);
        }
    }

    /// The check, unless it was begun anew since.
    fn take(&mut self, ticket: &Ticket<K>) -> Option<Check<K>> {
        let check = self.checks.get(&ticket.key)?;
        if check.begun != ticket.begun {
            return None;
        }
        self.checks.remove(&ticket.key)
    }
}

impl<K: Clone> Check<K> {
    fn ticket(&self) -> Ticket<K> {
        Ticket {
            key: self.target.key.clone(),
            begun: self.begun,
        }
    }

    fn is_shown(&self) -> bool {
        self.tally.verdict().is_none() || self.tally.verdict() == self.target.known
    }
}

fn take_due<K: Ord + Clone>(
    queue: &mut BTreeSet<(Instant, K)>,
    now: Instant,
) -> Option<(Instant, K)> {
    if queue.first()?.0 > now {
        return None;
    }
    queue.pop_first()
}

fn interval(spec: &Spec) -> Duration {
    spec.interval.clamp(INTERVAL_MIN, INTERVAL_MAX)
}

#[cfg(test)]
mod tests;
