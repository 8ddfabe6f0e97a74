//! `no-early-end` (P-SESS, P-LOCK): *a session does not expire early*, and a claim holds until it is
//! released, broken, its deadline or its session ends. `safe_ms` is the promise in numbers: counted
//! from the moment the client *sent* the request, it lives for that long.
//!
//! What a client can know. Every promise has an end ([`holds`](super::holds)). It is broken if there
//! is evidence that the claim or session had ended before that, without a release, break or close
//! on its way. Evidence is
//! - an answer that says so (`claim_ended`, `session_expired`, state `ended`), a fenced write that
//!   is refused as stale, or the session's end on an event stream;
//! - the end's *position*, if any answer to anybody proves that it was reached in time: a paused
//!   client learns of its loss too late to tell, others do not;
//! - the grant of a later claim that cannot hold beside it.
//!
//! An answer that says *how* it ended is taken at its word: `expired` is no consequence of a
//! release on its way, so only the promise counts; `released` is, so the release does.
//!
//! What would be a false alarm: counting from the answer's arrival instead of the sending; ends that
//! a client asked for in a request without an answer; a grant beside a hold that is *later still
//! shown to hold* (that is two holders, not an early end: `exclusion`); clocks that the run itself
//! bent (`RunFacts::clock_error_ppm`).

use crate::facts::{RunFacts, shown};
use crate::history::History;
use crate::locks::claims::{Claim, End, Lock, Locks, Mode, Said};
use crate::locks::holds::Promise;
use crate::locks::read::report_unreadable;
use crate::positions::{Arrival, Positions};
use crate::sessions::lives::{Death, Life};
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct NoEarlyEnd {
    /// What is known of the run.
    pub facts: RunFacts,
}

impl Checker for NoEarlyEnd {
    fn name(&self) -> &'static str {
        "no-early-end"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let locks = Locks::of(history, &self.facts);
        let mut judge = Judge {
            locks: &locks,
            positions: Positions::of(history),
            facts: &self.facts,
            limits,
            report: Report::new(self.name()),
        };
        for (name, lock) in &locks.by_name {
            judge.claims(name, lock);
        }
        for (name, life) in &locks.lives.by_name {
            judge.session(name, life);
        }
        let mut report = judge.report;
        report_unreadable(&locks, limits, &mut report);
        let judged = |what: &str| report.counts.get(what).copied().unwrap_or(0);
        if judged("promises of holds") + judged("promises of sessions") == 0 {
            let why = "no hold and no session was promised any time in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

struct Judge<'j> {
    locks: &'j Locks<'j>,
    positions: Positions,
    facts: &'j RunFacts,
    limits: &'j Limits,
    report: Report,
}

impl Judge<'_> {
    fn claims(&mut self, name: &str, lock: &Lock<'_>) {
        let next = Grants::of(lock);
        for claim in &lock.claims {
            let Some(promise) = Promise::of(claim, &self.locks.lives, self.facts) else {
                continue;
            };
            self.report.count("promises of holds", 1);
            if self.by_word(name, claim, &promise) {
                continue;
            }
            self.by_grant(name, claim, (&promise, &next));
        }
    }

    /// Looks at what was said of the claim's end.
    fn by_word(&mut self, name: &str, claim: &Claim<'_>, promise: &Promise) -> bool {
        let first_held = claim.first_held().map(|answer| answer.at);
        for answer in claim.answers.iter().filter(|a| Some(a.at) > first_held) {
            let (until, known) = match &answer.said {
                Said::Ended(end) if end.held => {
                    (promise.bounded_by(end), self.known(answer.at, end))
                }
                Said::Stale => (promise.certain_until(), answer.at),
                Said::Ended(_) | Said::Held { .. } | Said::Waiting => continue,
            };
            self.report.count("ends", 1);
            if known.time < until {
                let how = match &answer.said {
                    Said::Ended(End { how: Some(how), .. }) => format!("had ended ({how})"),
                    Said::Ended(_) | Said::Held { .. } | Said::Waiting | Said::Stale => {
                        "did not hold any more".to_owned()
                    }
                };
                let what = format!(
                    "{} of {name} {how} at {}, and was promised to hold until {}",
                    claim.shown(),
                    shown(known.time),
                    shown(until)
                );
                let events = vec![answer.at.event, known.event, promise.event];
                self.report.broken(self.limits, what, events);
                return true;
            }
        }
        false
    }

    /// When the end was known to somebody.
    fn known(&self, told: Arrival, end: &End) -> Arrival {
        let reached = end.position.and_then(|at| self.positions.reached(at));
        reached.map_or(told, |reached| reached.min(told))
    }

    /// Looks at who was granted the lock after the claim.
    fn by_grant(
        &mut self,
        name: &str,
        claim: &Claim<'_>,
        (promise, next): (&Promise, &Grants<'_>),
    ) {
        let Some(granted) = claim.granted else { return };
        let until = promise.certain_until();
        let Some((at, other)) = next.excluding(claim.mode, granted) else {
            return;
        };
        let Some(told) = other.first_held().map(|answer| answer.at) else {
            return;
        };
        let reached = self.positions.reached(at);
        let known = reached.map_or(told, |reached| reached.min(told));
        let holds_still = claim.held_last().is_some_and(|last| last > at);
        if known.time < until && !holds_still {
            let what = format!(
                "{} of {name} was promised to hold until {}, but {} was granted the lock by {}",
                claim.shown(),
                shown(until),
                other.shown(),
                shown(known.time)
            );
            let events = vec![told.event, known.event, promise.event];
            self.report.broken(self.limits, what, events);
        }
    }

    fn session(&mut self, name: &str, life: &Life<'_>) {
        let Some((promised, proof)) = life.promised else {
            return;
        };
        self.report.count("promises of sessions", 1);
        for death in &life.deaths {
            self.report.count("ends", 1);
            let until = match life.closed.filter(|_| !death.is_expiry) {
                Some(closed) => closed.min(promised),
                None => promised,
            };
            let known = self.known_death(death);
            if known.time < until {
                let what = format!(
                    "session {name} had ended by {}, and was promised to live until {}",
                    shown(known.time),
                    shown(until)
                );
                let events = vec![death.at.event, known.event, proof];
                self.report.broken(self.limits, what, events);
                return;
            }
        }
    }

    fn known_death(&self, death: &Death) -> Arrival {
        let reached = death.zxid.and_then(|at| self.positions.reached(at));
        reached.map_or(death.at, |reached| reached.min(death.at))
    }
}

impl Promise {
    /// Until when a claim must have held that is said to have ended like this.
    fn bounded_by(&self, end: &End) -> u64 {
        let asked = match end.how.as_deref() {
            Some("expired" | "abandoned" | "session_expired" | "wait_elapsed") => None,
            Some("released" | "left") => self.released,
            Some("broken") => self.broken,
            Some("session_closed") => self.closed,
            Some(_) | None => return self.certain_until(),
        };
        asked.map_or(self.until, |asked| asked.min(self.until))
    }
}

/// The grants of a lock in order of position.
struct Grants<'c> {
    all: Vec<(u64, &'c Claim<'c>)>,
    exclusive: Vec<(u64, &'c Claim<'c>)>,
}

impl<'c> Grants<'c> {
    fn of(lock: &'c Lock<'_>) -> Grants<'c> {
        let granted = |claim: &'c Claim<'_>| Some((claim.granted?, claim));
        let mut all: Vec<(u64, &Claim<'_>)> = lock.claims.iter().filter_map(granted).collect();
        all.sort_by_key(|(granted, _)| *granted);
        let is_exclusive = |(_, claim): &&(u64, &Claim<'_>)| claim.mode == Mode::Exclusive;
        let exclusive = all.iter().filter(is_exclusive).copied().collect();
        Grants { all, exclusive }
    }

    /// The first grant behind `position` that cannot hold beside a claim of this mode. Permits are
    /// not looked for: whether there is room for one more is no matter of two claims.
    fn excluding(&self, mode: Mode, position: u64) -> Option<(u64, &'c Claim<'c>)> {
        let grants = match mode {
            Mode::Exclusive => &self.all,
            Mode::Shared => &self.exclusive,
            Mode::Permits { .. } => return None,
        };
        let at = grants.partition_point(|(granted, _)| *granted <= position);
        grants.get(at).copied()
    }
}
