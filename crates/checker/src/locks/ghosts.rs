//! `ghosts` (P-LOCK): a claim that was granted while nobody listens any more blocks the queue no
//! longer than its `ack_within`.
//!
//! What a client can know. A lock was free by the time an answer to anybody proves that the
//! position was reached at which its hold ended. From then on, if somebody waits, some client must
//! be told that it holds within the time of every possible ghost in the queue, plus a slack for the
//! handling. Somebody waits if his claim queued before and is still answered `waiting` to a request
//! sent after that time, or if his request was open all the while. A possible ghost is a claim in
//! the queue whose client had no request open that was answered with the grant: it costs its
//! `ack_within`. A request answered `waiting` is no better: its answer may have been on its way when
//! the lock became free.
//!
//! What would be a false alarm, and is not judged: spans that a fault touches (a cluster without a
//! majority grants nothing); spans in which a claim of unknown outcome may *hold* the lock, since a
//! grant without waiting needs no pick-up and lasts as long as its session; locks with readers or
//! permits.

use crate::calm::Disturbances;
use crate::facts::{RunFacts, nanos, shown};
use crate::history::{Call, History, Outcome};
use crate::locks::claims::{Answer, Claim, Lock, Locks, Mode, Said};
use crate::locks::read::report_unreadable;
use crate::positions::{Arrival, Positions};
use crate::verdict::{Checker, Limits, Report};

/// What a claim has where its client names no time, as documented.
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
        let slack = nanos(self.facts.ack_slack_ms);
        let in_time = |by: u64| next.is_some_and(|granted| granted.at.time <= by);
        if in_time(free.time.saturating_add(slack)) {
            let waited = next.is_some_and(|granted| granted.asked <= free.time);
            self.report.count("frees", u64::from(waited));
            return;
        }
        let lock = self.lock;
        let mut ghosts_ms = 0u64;
        for claim in lock.claims.iter().filter(|claim| claim.id != ended.id) {
            match part_of(claim, at, free.time) {
                Part::None => {}
                Part::Ghost(ms) => ghosts_ms = ghosts_ms.saturating_add(ms),
                Part::MayHold => return self.report.count("not judged: a hold in doubt", 1),
            }
        }
        let by = free
            .time
            .saturating_add(slack)
            .saturating_add(nanos(ghosts_ms));
        if in_time(by) {
            let waited = next.is_some_and(|granted| granted.asked <= free.time);
            return self.report.count("frees", u64::from(waited));
        }
        let waits = |claim: &&Claim<'_>| waits_through(claim, (at, free.time), by);
        let Some(waiter) = lock.claims.iter().find(waits) else {
            return;
        };
        if self
            .faults
            .touch(free.time, by, nanos(self.facts.settle_ms))
            || by > self.end_of_run
        {
            return self
                .report
                .count("not judged: a fault, or the end of the run", 1);
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
}

/// What a claim may do to a lock that became free.
enum Part {
    /// Nothing: it had ended, came later, or takes the lock and says so.
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
    if claim.invoked() > free || had_ended || was_before {
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
    Part::Ghost(claim.ack_within_ms.unwrap_or(ACK_WITHIN_MS_DEFAULT))
}

/// Whether a claim stood in the queue from before the lock became free up to some moment.
fn waits_through(claim: &Claim<'_>, (at, free): (u64, u64), until: u64) -> bool {
    let is_open = |call: &Call<'_>| {
        let answered = call.complete.filter(|done| done.outcome != Outcome::Info);
        call.invoke.time <= free && answered.is_some_and(|done| done.time >= until)
    };
    let waits_still = |answer: &Answer| answer.said == Said::Waiting && answer.invoked >= until;
    let queued_before = claim.queued.is_some_and(|queued| queued < at);
    claim.attempts.iter().any(is_open) || (queued_before && claim.answers.iter().any(waits_still))
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
