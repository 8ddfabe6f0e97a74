//! `starvation` (P-LOCK): a writer that waits is not overtaken by readers that queued later.
//!
//! What a client can know: the same as for [`fifo`](super::fifo), of pairs of a waiting writer and
//! a reader behind it. And one thing more, for a writer that waits once and gives up: it is
//! answered `lock_held` when its time in the queue was over. So it had queued at the latest that
//! time before the answer came, and left at the earliest that time after it asked. A reader that
//! asked for the first time and was told that it holds within that span overtook it.
//!
//! What would be a false alarm: a writer that did not wait at all (`wait_ms` 0 is refused at once);
//! readers that had asked before, of whom nobody knows where they stood.

use crate::facts::{RunFacts, nanos, shown};
use crate::history::{Call, History, Outcome};
use crate::locks::claims::{Claim, Lock, Locks, Mode};
use crate::locks::fifo::{overtakings, queue_of, told};
use crate::locks::read::report_unreadable;
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Starvation {
    /// What is known of the run.
    pub facts: RunFacts,
}

impl Checker for Starvation {
    fn name(&self) -> &'static str {
        "starvation"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let locks = Locks::of(history, &self.facts);
        let mut report = Report::new(self.name());
        for (name, lock) in &locks.by_name {
            let queue = queue_of(lock);
            let is_waiting_writer = |c: &Claim<'_>| c.mode == Mode::Exclusive;
            let waited = queue
                .iter()
                .filter(|p| is_waiting_writer(p.claim) && p.waited());
            report.count("writers that waited", waited.count() as u64);
            for (writer, reader) in overtakings(&queue, is_pair) {
                let (what, events) = told(name, writer, reader);
                report.broken(limits, what, events);
            }
            self.gave_up(name, lock, (limits, &mut report));
            let readers = lock.claims.iter().filter(|c| c.mode == Mode::Shared);
            let let_in = readers.filter(|reader| reader.first_held().is_some());
            report.count("readers let in", let_in.count() as u64);
        }
        report_unreadable(&locks, limits, &mut report);
        let counted = |what: &str| report.counts.get(what).copied().unwrap_or(0);
        let waited = counted("writers that waited") + counted("writers that gave up");
        if waited == 0 || counted("readers let in") == 0 {
            let why = "no writer waited beside readers in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

fn is_pair(passed: &Claim<'_>, passer: &Claim<'_>) -> bool {
    passed.mode == Mode::Exclusive && passer.mode == Mode::Shared
}

impl Starvation {
    fn gave_up(&self, name: &str, lock: &Lock<'_>, (limits, report): (&Limits, &mut Report)) {
        let mut readers: Vec<&Claim<'_>> = lock
            .claims
            .iter()
            .filter(|claim| claim.mode == Mode::Shared && claim.first_held().is_some())
            .collect();
        readers.sort_by_key(|reader| reader.invoked());
        for writer in lock.claims.iter().filter(|c| c.mode == Mode::Exclusive) {
            let Some((queued, left, event)) = self.surely_queued(writer) else {
                continue;
            };
            report.count("writers that gave up", 1);
            let from = readers.partition_point(|reader| reader.invoked() < queued);
            let behind = readers.get(from..).into_iter().flatten();
            let mut behind = behind.take_while(|reader| reader.invoked() < left);
            let told_in_time = |reader: &&&Claim<'_>| {
                reader
                    .first_held()
                    .is_some_and(|answer| answer.at.time < left)
            };
            if let Some(reader) = behind.find(told_in_time) {
                let what = format!(
                    "{} of {name} waited from {} at the latest until {} at the earliest; {} asked \
                     later and was let in before it",
                    writer.shown(),
                    shown(queued),
                    shown(left),
                    reader.shown()
                );
                report.broken(limits, what, vec![reader.held_event(), event]);
            }
        }
    }

    /// The span in which a writer that gave up stood in the queue for certain, and the answer.
    fn surely_queued(&self, writer: &Claim<'_>) -> Option<(u64, u64, u64)> {
        let wait_ms = writer.wait_ms.filter(|ms| *ms > 0)?;
        // Repeats make it unclear which of them came into the queue.
        let [call] = writer.attempts.as_slice() else {
            return None;
        };
        let answer = call.complete.filter(|_| is_held_by_others(call))?;
        let least = self.facts.safe_until(0, wait_ms);
        let queued = answer.time.checked_sub(least)?.max(call.invoke.time);
        let left = call.invoke.time.saturating_add(least);
        debug_assert!(least <= nanos(wait_ms), "clock errors only shorten");
        (queued < left).then_some((queued, left, answer.index))
    }
}

fn is_held_by_others(call: &Call<'_>) -> bool {
    let refused = |answer: &&crate::history::Event| answer.text("error") == Some("lock_held");
    call.outcome() == Outcome::Fail && call.complete.filter(refused).is_some()
}
