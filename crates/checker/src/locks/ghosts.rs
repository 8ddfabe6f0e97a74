//! `ghosts` (P-LOCK): a claim that was granted while nobody listens any more blocks the queue no
//! longer than its `ack_within`, where it has one: a claim that lives with its session has one only if
//! its client says so.
//!
//! What a client can know. A lock was free by the time an answer to anybody proves that the
//! position was reached at which its hold ended. From then on, if somebody waits, some client must
//! be told that it holds within the time of every possible ghost in the queue, plus a slack for the
//! handling. Somebody waits if his claim queued before and is still answered `waiting` to a request
//! sent after that time, if his request was open all the while, or if he left the queue without a
//! grant after that time: his time to wait was not over before, or he had not asked to leave. A
//! possible ghost is a claim in the queue whose client had no request open that was answered with
//! the grant: it costs its `ack_within`. None is who is known to have left the queue unserved, who
//! queued behind the one who waits, and he himself. A request that another one was answered
//! `waiting` makes him no less a ghost: the answer may have been on its way when the lock became free.
//!
//! What would be a false alarm, and is not judged: spans that a fault touches (a cluster without a
//! majority grants nothing); spans in which a claim of unknown outcome may *hold* the lock, since a
//! grant without waiting needs no pick-up and lasts as long as its session; locks with readers or
//! permits.

use crate::calm::Disturbances;
use crate::facts::{RunFacts, nanos, shown};
use crate::history::{Call, History, Outcome};
use crate::locks::claims::{Answer, Claim, End, Lock, Locks, Mode, Said};
use crate::locks::read::report_unreadable;
use crate::positions::{Arrival, Positions};
use crate::verdict::{Checker, Limits, Report};

/// What a claim without a session has where its client names no time, as documented.
const ACK_WITHIN_MS_DEFAULT: u64 = 10_000;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Ghosts {
    /// What is known of the run.
    pub facts: RunFacts,
}

impl Checker for Ghosts {
    fn name(&self) -> &'static str {
        "ghosts"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let locks = Locks::of(history, &self.facts);
        let positions = Positions::of(history);
        let faults = Disturbances::of(history);
        let end_of_run = history.events.last().map_or(0, |event| event.time);
        let mut report = Report::new(self.name());
        for (name, lock) in &locks.by_name {
            let exclusive = |claim: &Claim<'_>| claim.mode == Mode::Exclusive;
            if !lock.claims.iter().all(exclusive) {
                continue;
            }
            let mut judge = Judge {
                name,
                lock,
                faults: &faults,
                facts: &self.facts,
                end_of_run,
                limits,
                report: &mut report,
            };
            judge.frees(&positions);
        }
        report_unreadable(&locks, limits, &mut report);
        if report.counts.get("frees").copied().unwrap_or(0) == 0 {
            let why = "no lock became free while somebody waited in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

struct Judge<'r> {
    name: &'r str,
    lock: &'r Lock<'r>,
    faults: &'r Disturbances,
    facts: &'r RunFacts,
    end_of_run: u64,
    limits: &'r Limits,
    report: &'r mut Report,
}

impl Judge<'_> {
    fn frees(&mut self, positions: &Positions) {
        let next = NextGrants::of(self.lock);
        let lock = self.lock;
        for claim in &lock.claims {
            let Some((position, end, answer)) = claim.ended() else {
                continue;
            };
            if !end.held {
                continue;
            }
            let free = positions.reached(position).unwrap_or(answer.at);
            self.free(claim, (position, free), next.from(position));
        }
    }

    fn free(&mut self, ended: &Claim<'_>, (at, free): (u64, Arrival), next: Option<Told>) {
        let in_time = |by: u64| next.is_some_and(|granted| granted.at.time <= by);
        let waited = next.is_some_and(|granted| granted.asked <= free.time);
        let at_once = free.time.saturating_add(nanos(self.facts.ack_slack_ms));
        if in_time(at_once) {
            return self.report.count("frees", u64::from(waited));
        }
        let lock = self.lock;
        let (mut is_in_doubt, mut is_in_time) = (false, false);
        for waiter in lock.claims.iter().filter(|claim| claim.id != ended.id) {
            if !self.waits_through(waiter, (at, free.time), at_once) {
                continue;
            }
            let Some(ghosts_ms) = self.ghosts_before(waiter, ended, (at, free.time)) else {
                is_in_doubt = true;
                continue;
            };
            let by = at_once.saturating_add(nanos(ghosts_ms));
            is_in_time |= in_time(by);
            if !in_time(by) && self.waits_through(waiter, (at, free.time), by) {
                return self.blocked(waiter, (at, free), (by, ghosts_ms), next);
            }
        }
        if is_in_time {
            self.report.count("frees", u64::from(waited));
        } else if is_in_doubt {
            self.report.count("not judged: a hold in doubt", 1);
        }
    }

    /// How long ghosts may have had the lock while a claim waited; `None`: nobody can say. Who waits
    /// is no ghost himself, and whoever queued behind him is not granted the lock before him.
    fn ghosts_before(
        &self,
        waiter: &Claim<'_>,
        ended: &Claim<'_>,
        (at, free): (u64, u64),
    ) -> Option<u64> {
        let mut ghosts_ms = 0u64;
        for claim in &self.lock.claims {
            let is_behind = claim
                .queued
                .zip(waiter.queued)
                .is_some_and(|(queued, of_waiter)| queued > of_waiter);
            if claim.id == ended.id || claim.id == waiter.id || is_behind {
                continue;
            }
            match part_of(claim, at, free) {
                Part::None => {}
                Part::Ghost(ms) => ghosts_ms = ghosts_ms.saturating_add(ms),
                Part::MayHold => return None,
            }
        }
        Some(ghosts_ms)
    }

    /// Nobody was granted the lock in time, and somebody waited for it.
    fn blocked(
        &mut self,
        waiter: &Claim<'_>,
        (at, free): (u64, Arrival),
        (by, ghosts_ms): (u64, u64),
        next: Option<Told>,
    ) {
        let settle = nanos(self.facts.settle_ms);
        if self.faults.touch(free.time, by, settle) || by > self.end_of_run {
            let why = "not judged: a fault, or the end of the run";
            return self.report.count(why, 1);
        }
        self.report.count("frees", 1);
        let what = format!(
            "{} became free at {} (position {at}), {} waited, and nobody was told that he holds by \
             {}, although ghosts may have taken {ghosts_ms} ms at most",
            self.name,
            shown(free.time),
            waiter.shown(),
            shown(by)
        );
        let events = [
            Some(free.event),
            Some(waiter.invoke_event()),
            next.map(|told| told.at.event),
        ];
        let events = events.into_iter().flatten().collect();
        self.report.broken(self.limits, what, events);
    }

    /// Whether a claim stood in the queue from before the lock became free up to some moment.
    fn waits_through(&self, claim: &Claim<'_>, (at, free): (u64, u64), until: u64) -> bool {
        // Told late, but it had the lock before.
        if claim.granted.is_some_and(|granted| granted < at) {
            return false;
        }
        let is_open = |call: &Call<'_>| {
            let answered = call.complete.filter(|_| stood_in_the_queue(call));
            call.invoke.time <= free && answered.is_some_and(|done| done.time >= until)
        };
        let waits_still = |answer: &Answer| match &answer.said {
            Said::Waiting => answer.invoked >= until,
            Said::Ended(end) if !end.held => self.left(claim, end) >= Some(until),
            Said::Ended(_) | Said::Held { .. } | Said::Stale => false,
        };
        let queued_before = claim.queued.map(|queued| queued < at);
        match queued_before {
            Some(true) => {
                claim.attempts.iter().any(is_open) || claim.answers.iter().any(waits_still)
            }
            Some(false) => false,
            None => claim.attempts.iter().any(is_open),
        }
    }

    /// When a claim that was never granted the lock left the queue, at the earliest.
    fn left(&self, claim: &Claim<'_>, end: &End) -> Option<u64> {
        match end.how.as_deref() {
            Some("wait_elapsed") => {
                let wait_ms = claim.wait_ms?;
                Some(self.facts.safe_until(claim.invoked(), wait_ms))
            }
            Some("left" | "released") => claim.released,
            _ => None,
        }
    }
}

/// Whether a request that was answered stood in the queue meanwhile: not if it was refused for any
/// other reason than that others had the lock for all of its time, and perhaps not for long if it
/// was sent several times.
fn stood_in_the_queue(call: &Call<'_>) -> bool {
    let attempts = call.complete.and_then(|done| done.number("attempts"));
    if attempts.is_some_and(|times| times > 1) {
        return false;
    }
    match call.outcome() {
        Outcome::Ok => true,
        Outcome::Fail => {
            let refused = call.complete.and_then(|done| done.text("error"));
            matches!(refused, Some("lock_held"))
        }
        Outcome::Info | Outcome::Invoke => false,
    }
}

/// What a claim may do to a lock that became free.
enum Part {
    /// Nothing: it had ended, came later, never got the lock, or takes it and says so.
    None,
    /// It may be granted the lock unheard, for so many milliseconds.
    Ghost(u64),
    /// It may hold the lock, and nobody can say how long.
    MayHold,
}

fn part_of(claim: &Claim<'_>, at: u64, free: u64) -> Part {
    let had_ended = claim.ended().is_some_and(|(ended, _, _)| ended <= at);
    // Another one held up to here: whoever was granted the lock before had ended before.
    let was_before = claim.granted.is_some_and(|granted| granted < at);
    let left_unserved = claim.ended().is_some_and(|(_, end, _)| !end.held);
    if claim.invoked() > free || had_ended || was_before || left_unserved {
        return Part::None;
    }
    let is_refused = |call: &Call<'_>| call.outcome() == Outcome::Fail;
    if claim.answers.is_empty() && claim.attempts.iter().all(is_refused) {
        return Part::None;
    }
    if let Some(held) = claim.first_held() {
        let had_asked = held.invoked <= free;
        return if had_asked { Part::None } else { ghost(claim) };
    }
    if claim.is_in_doubt() {
        return Part::MayHold;
    }
    ghost(claim)
}

fn ghost(claim: &Claim<'_>) -> Part {
    match (claim.ack_within_ms, claim.session) {
        (Some(within), _) => Part::Ghost(within),
        (None, None) => Part::Ghost(ACK_WITHIN_MS_DEFAULT),
        // It needs no pick-up: it is held as long as its session lives.
        (None, Some(_)) => Part::MayHold,
    }
}

/// A grant that somebody was told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    at: Arrival,
    /// When the claim was first asked for.
    asked: u64,
}

/// For a position, the earliest answer that tells of a grant there or later.
struct NextGrants {
    all: Vec<(u64, Told)>,
}

impl NextGrants {
    fn of(lock: &Lock<'_>) -> NextGrants {
        let grant = |claim: &Claim<'_>| {
            let told = Told {
                at: claim.first_held()?.at,
                asked: claim.invoked(),
            };
            Some((claim.granted?, told))
        };
        let mut all: Vec<(u64, Told)> = lock.claims.iter().filter_map(grant).collect();
        all.sort_unstable();
        let mut first: Option<Told> = None;
        for (_, told) in all.iter_mut().rev() {
            let best = first.map_or(*told, |known| known.min(*told));
            *told = best;
            first = Some(best);
        }
        NextGrants { all }
    }

    fn from(&self, position: u64) -> Option<Told> {
        let at = self.all.partition_point(|(granted, _)| *granted < position);
        self.all.get(at).map(|(_, told)| *told)
    }
}
