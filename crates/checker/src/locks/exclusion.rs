//! `exclusion` (P-LOCK): *an exclusive claim holds alone; shared claims hold together; a semaphore
//! gives out at most its permits.*
//!
//! What a client can know, by time: [`holds`](super::holds) says when a claim held for certain, and
//! such spans of claims that exclude each other never overlap; at no instant are more permits held
//! for certain than there are. By position, where clocks play no part: a claim holds from `granted`
//! to `ended`, or, while its end is unknown, at least up to the last position at which an answer or
//! an accepted fenced write showed it to hold.
//!
//! What would be a false alarm: spans from the answer to the release as the *client* sees them. A
//! client that is paused believes to hold long after its claim ended, and no service can prevent
//! it: such overlaps are counted as `hazards` (only the fence stops them) and are no violation. One
//! claim that ends and another that is granted at the same position do not overlap: the command
//! that frees a lock grants it.

use crate::facts::RunFacts;
use crate::history::History;
use crate::locks::claims::{Claim, Lock, Locks, Mode};
use crate::locks::holds::Promise;
use crate::locks::read::report_unreadable;
use crate::sessions::lives::Lives;
use crate::verdict::{Checker, Limits, Report};

/// Pairs of one lock that are looked at after its first violations; the rest adds nothing.
const VIOLATIONS_PER_LOCK_MAX: usize = 1_000;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Exclusion {
    /// What is known of the run.
    pub facts: RunFacts,
}

impl Checker for Exclusion {
    fn name(&self) -> &'static str {
        "exclusion"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let locks = Locks::of(history, &self.facts);
        let mut report = Report::new(self.name());
        for (name, lock) in &locks.by_name {
            let by_time = spans_by_time(lock, &locks.lives, &self.facts);
            let by_position = spans_by_position(lock);
            report.count("holds by time", by_time.len() as u64);
            report.count("holds by position", by_position.len() as u64);
            for clash in clashes(by_time) {
                report.broken(limits, clash.told(name, "at one time"), clash.events());
            }
            for clash in clashes(by_position) {
                report.broken(limits, clash.told(name, "at one position"), clash.events());
            }
            let hazards = clashes(spans_as_believed(lock));
            report.count("hazards", hazards.len() as u64);
        }
        report.count("grants", locks.granted());
        report_unreadable(&locks, limits, &mut report);
        if locks.granted() == 0 {
            report.unknown(limits, "no grants in this history".to_owned(), Vec::new());
        }
        report
    }
}

/// A span in which a claim holds; the end is not in it.
#[derive(Clone, Copy)]
struct Span<'c> {
    from: u64,
    until: u64,
    claim: &'c Claim<'c>,
}

fn spans_by_time<'c>(lock: &'c Lock<'_>, lives: &Lives<'_>, facts: &RunFacts) -> Vec<Span<'c>> {
    let span = |claim: &'c Claim<'_>| {
        let promise = Promise::of(claim, lives, facts)?;
        Some(Span {
            from: promise.from,
            until: promise.certain_until(),
            claim,
        })
    };
    lock.claims.iter().filter_map(span).collect()
}

fn spans_by_position<'c>(lock: &'c Lock<'_>) -> Vec<Span<'c>> {
    let span = |claim: &'c Claim<'_>| {
        let from = claim.granted?;
        let ended = claim.ended().filter(|(_, end, _)| end.held);
        let shown = claim.held_last().map(|last| last.saturating_add(1));
        let until = ended.map(|(position, _, _)| position).max(shown)?;
        Some(Span { from, until, claim })
    };
    lock.claims.iter().filter_map(span).collect()
}

/// From the answer to the release, as a client that looks at no clock believes.
fn spans_as_believed<'c>(lock: &'c Lock<'_>) -> Vec<Span<'c>> {
    let mut used = std::collections::BTreeMap::new();
    for write in &lock.writes {
        used.insert(write.fence, write.at.time);
    }
    let span = |claim: &'c Claim<'_>| {
        let from = claim.first_held()?.at.time;
        let last_use = claim.fence().and_then(|fence| used.get(&fence).copied());
        let until = claim.released.or(last_use)?;
        Some(Span { from, until, claim })
    };
    lock.claims.iter().filter_map(span).collect()
}

/// Claims that held together and must not have.
struct Clash<'c> {
    newer: &'c Claim<'c>,
    others: Vec<&'c Claim<'c>>,
    /// Permits held together, and how many there are.
    permits: Option<(u64, u64)>,
}

impl Clash<'_> {
    fn told(&self, lock: &str, when: &str) -> String {
        let others: Vec<String> = self.others.iter().map(|claim| claim.shown()).collect();
        let others = others.join(" and ");
        let newer = self.newer.shown();
        match self.permits {
            Some((held, limit)) => {
                format!("{newer} and {others} of {lock} held {held} permits of {limit} {when}")
            }
            None => format!("{newer} and {others} of {lock} held the lock {when}"),
        }
    }

    fn events(&self) -> Vec<u64> {
        let all = std::iter::once(self.newer).chain(self.others.iter().copied());
        all.flat_map(|claim| {
            let last = claim.answers.last().map(|answer| answer.at.event);
            std::iter::once(claim.held_event()).chain(last)
        })
        .collect()
    }
}

/// Goes along the spans in order of their begin, with those that are not over yet at hand.
fn clashes(mut spans: Vec<Span<'_>>) -> Vec<Clash<'_>> {
    spans.retain(|span| span.from < span.until);
    spans.sort_by_key(|span| (span.from, span.until));
    let mut open: Vec<Span<'_>> = Vec::new();
    let mut found = Vec::new();
    for span in spans {
        open.retain(|other| span.from < other.until);
        let excluded = |other: &&Span<'_>| other.claim.mode.excludes(span.claim.mode);
        let others: Vec<&Claim<'_>> = open.iter().filter(excluded).map(|o| o.claim).collect();
        if !others.is_empty() {
            found.push(Clash {
                newer: span.claim,
                others,
                permits: None,
            });
        } else if let Some(permits) = too_many(&span, &open) {
            found.push(Clash {
                newer: span.claim,
                others: open.iter().map(|other| other.claim).collect(),
                permits: Some(permits),
            });
        }
        if found.len() >= VIOLATIONS_PER_LOCK_MAX {
            break;
        }
        open.push(span);
    }
    found
}

/// Permits held and how many there are, if they are too many. Clients that name different limits
/// are judged by the largest.
fn too_many(span: &Span<'_>, open: &[Span<'_>]) -> Option<(u64, u64)> {
    let all = open.iter().chain(std::iter::once(span));
    let permits = all.filter_map(|span| match span.claim.mode {
        Mode::Permits { wanted, limit } => Some((wanted, limit)),
        Mode::Exclusive | Mode::Shared => None,
    });
    let (held, limit) = permits.fold((0u64, 0u64), |(held, limit), (wanted, of)| {
        (held.saturating_add(wanted), limit.max(of))
    });
    (held > limit).then_some((held, limit))
}
