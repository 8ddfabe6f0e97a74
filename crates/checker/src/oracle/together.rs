//! Operations with several parts, of which all are done at one place, or none: transactions of
//! appends. (P-TXN)
//!
//! Where a part stands in a log from its beginning is known. In a purged log the first list of a key
//! only tells that its elements came there or before, and an element that is in no list came
//! before the log begins, if at all.

use super::Fate;
use super::done::{Place, position};
use super::mark::Mark;
use super::matching::Judge;
use crate::history::{Call, Outcome};

/// Positions between which something was done, both included.
#[derive(Clone, Copy)]
struct Span {
    from: u64,
    to: u64,
}

impl Judge<'_> {
    /// Judges one.
    pub(super) fn together(&mut self, call: &Call<'_>, marks: &[Mark]) {
        let found: Vec<Option<Place>> = marks
            .iter()
            .map(|mark| self.done.places(mark).first().copied())
            .collect();
        let Some(span) = self.common(&found) else {
            let parts: Vec<Option<u64>> = found.iter().map(|p| p.map(|p| p.zxid)).collect();
            let what = format!("a transaction was done in parts: its appends are at {parts:?}");
            return self.broken(call, what);
        };
        let Some(mark) = marks.first() else { return };
        let last = found.iter().flatten().copied().max();
        match (call.outcome(), last) {
            (Outcome::Ok, Some(_)) if position(call).is_none_or(|at| span.has(at)) => {
                self.report.count("acknowledged and found", 1);
            }
            (Outcome::Ok, _) => self.lost(call, mark),
            (Outcome::Fail, Some(place)) => {
                let what = format!(
                    "{} {mark} was reported as failed; the log has it at {}",
                    call.invoke.f, place.zxid
                );
                self.broken(call, what);
            }
            (Outcome::Fail, None) => self.report.count("failed and looked for", 1),
            (Outcome::Info | Outcome::Invoke, place) => {
                let fate = match place {
                    None if self.done.shows_all() => Fate::NotApplied,
                    Some(place) if place.certain => {
                        Fate::Applied((span.from == span.to).then_some(span.to))
                    }
                    None | Some(_) => Fate::Unknown,
                };
                self.resolve(call, fate);
            }
        }
    }

    /// Where all of its parts may have been done together; none where they cannot have been.
    fn common(&self, found: &[Option<Place>]) -> Option<Span> {
        if found.iter().all(Option::is_none) {
            let to = u64::MAX;
            return Some(Span { from: 0, to });
        }
        let mut common = Span {
            from: 0,
            to: u64::MAX,
        };
        for part in found {
            let span = match part {
                Some(place) if place.exact => Span {
                    from: place.zxid,
                    to: place.zxid,
                },
                Some(place) => Span {
                    from: 0,
                    to: place.zxid,
                },
                None if self.done.whole => return None,
                None => Span {
                    from: 0,
                    to: self.done.known_from.checked_sub(1)?,
                },
            };
            common.from = common.from.max(span.from);
            common.to = common.to.min(span.to);
        }
        (common.from <= common.to).then_some(common)
    }
}

impl Span {
    fn has(self, at: u64) -> bool {
        self.from <= at && at <= self.to
    }
}
