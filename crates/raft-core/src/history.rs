//! What is remembered of the holds of a lock that ended: who had it, how long, and how it ended.
//!
//! It explains a lock and lets waits be estimated; nothing is decided by it. It is bounded for each
//! lock, over all locks and by age ([`limits`]), so that names used once leave nothing
//! for ever.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::command::{LockMode, Moment};
use crate::digest;
use crate::ids::{ClaimId, Fence, LogTime, SessionId, SessionName};
use crate::limits;
use crate::lock::ClaimEnd;

/// A hold that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastHold {
    /// Its claim.
    pub claim: ClaimId,
    /// The session that owned it.
    pub session: SessionId,
    /// Name of that session, where it had one.
    pub session_name: Option<SessionName>,
    /// Who was behind it, `service@host pid 7`: as much of it as is kept
    /// ([`HISTORY_TEXT_BYTES_MAX`](crate::limits::HISTORY_TEXT_BYTES_MAX)).
    pub owner: Option<Arc<str>>,
    /// How it had the lock in the end.
    pub mode: LockMode,
    /// Its fence.
    pub fence: Fence,
    /// When it queued.
    pub queued: Moment,
    /// When it was granted.
    pub granted: Moment,
    /// When it ended.
    pub ended: Moment,
    /// How it ended.
    pub end: ClaimEnd,
    /// Why it wanted the lock, as much as is kept.
    pub reason: Option<Arc<str>>,
    /// Why it ended, where somebody said so (break), as much as is kept.
    pub end_reason: Option<Arc<str>>,
}

impl PastHold {
    /// How long it held, log-time milliseconds.
    #[must_use]
    pub fn held_ms(&self) -> u64 {
        let (from, to) = (self.granted.log_time.0, self.ended.log_time.0);
        to.saturating_sub(from)
    }

    /// How long it had stood in the queue before, log-time milliseconds.
    #[must_use]
    pub fn waited_ms(&self) -> u64 {
        let (from, to) = (self.queued.log_time.0, self.granted.log_time.0);
        to.saturating_sub(from)
    }
}

/// The last holds of one lock that ended, at most
/// [`HISTORY_PER_LOCK_MAX`](crate::limits::HISTORY_PER_LOCK_MAX).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct History {
    /// In the order in which they ended.
    holds: VecDeque<Arc<PastHold>>,
    /// How many were ever put in.
    count: u64,
    /// When all of it may be dropped.
    pub(crate) forget_at: LogTime,
    /// Sum of the hashes of `holds`: so a change costs the hash of a hold or two, not of all.
    #[serde(skip)]
    sum: u128,
}

/// As it is encoded.
#[derive(Deserialize)]
struct Stored {
    holds: VecDeque<Arc<PastHold>>,
    count: u64,
    forget_at: LogTime,
}

impl From<Stored> for History {
    fn from(stored: Stored) -> History {
        let Stored {
            holds,
            count,
            forget_at,
        } = stored;
        let sum = sum_of(&holds);
        History {
            holds,
            count,
            forget_at,
            sum,
        }
    }
}

fn sum_of(holds: &VecDeque<Arc<PastHold>>) -> u128 {
    let hashes = holds.iter().map(|hold| digest::hash(&**hold));
    hashes.fold(0, u128::wrapping_add)
}

/// Middle and upper end of observed times, log-time milliseconds: the least time that so many of a
/// hundred did not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// Half of them took no longer.
    pub p50: u64,
    /// Nineteen of twenty took no longer.
    pub p95: u64,
}

/// What the remembered holds of a lock have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldStatistics {
    /// How many it is from.
    pub holds: u32,
    /// How long they held.
    pub held: Quantiles,
    /// How long they had waited.
    pub waited: Quantiles,
    /// When the first of them was granted.
    pub since: Moment,
}

impl History {
    /// The holds, the one that ended last first.
    pub fn newest_first(&self) -> impl Iterator<Item = &PastHold> {
        self.holds.iter().rev().map(|hold| &**hold)
    }

    /// How many holds are remembered; at least one.
    #[must_use]
    pub fn remembered(&self) -> u32 {
        u32::try_from(self.holds.len()).unwrap_or(u32::MAX)
    }

    /// How many holds have ended since the lock was last forgotten.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Median and 95th percentile of the remembered holds. Every one counts, however it ended: it kept
    /// the lock from others. Takes time in proportion to them.
    #[must_use]
    pub fn statistics(&self) -> Option<HoldStatistics> {
        let held = self.holds.iter().map(|hold| hold.held_ms()).collect();
        let waited = self.holds.iter().map(|hold| hold.waited_ms()).collect();
        let granted = self.holds.iter().map(|hold| hold.granted);
        Some(HoldStatistics {
            holds: self.remembered(),
            held: quantiles(held)?,
            waited: quantiles(waited)?,
            since: granted.min_by_key(|granted| granted.zxid)?,
        })
    }

    /// Hash of all of it.
    pub(crate) fn fingerprint(&self) -> (usize, u64, LogTime, u128) {
        (self.holds.len(), self.count, self.forget_at, self.sum)
    }

    pub(crate) fn last(&self) -> Option<&PastHold> {
        self.holds.back().map(|hold| &**hold)
    }

    /// Puts in the hold that ended last. Says whether it is one more: otherwise the oldest went.
    pub(crate) fn push(&mut self, hold: Arc<PastHold>) -> bool {
        let full = self.holds.len() >= limits::HISTORY_PER_LOCK_MAX;
        if full && let Some(oldest) = self.holds.pop_front() {
            self.sum = self.sum.wrapping_sub(digest::hash(&*oldest));
        }
        self.sum = self.sum.wrapping_add(digest::hash(&*hold));
        self.holds.push_back(hold);
        self.count = self.count.saturating_add(1);
        !full
    }

    /// Whether the sum is that of the holds (I-10).
    pub(crate) fn is_summed(&self) -> bool {
        self.sum == sum_of(&self.holds)
    }
}

/// `None` for none. The least value that is at least as large as so many of a hundred.
fn quantiles(mut values: Vec<u64>) -> Option<Quantiles> {
    values.sort_unstable();
    let at = |percent: usize| {
        let rank = values.len().saturating_mul(percent).div_ceil(100);
        values.get(rank.saturating_sub(1)).copied()
    };
    Some(Quantiles {
        p50: at(50)?,
        p95: at(95)?,
    })
}

/// As much of a text as is kept in a history.
pub(crate) fn kept_of(text: &str) -> Arc<str> {
    let mut end = text.len().min(limits::HISTORY_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    Arc::from(text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_observed() {
        let of = |values: &[u64]| quantiles(values.to_vec());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]), Some(Quantiles { p50: 7, p95: 7 }));
        assert_eq!(of(&[9, 1]), Some(Quantiles { p50: 1, p95: 9 }));
        assert_eq!(of(&[3, 1, 2]), Some(Quantiles { p50: 2, p95: 3 }));
        let twenty: Vec<u64> = (1..=20).collect();
        assert_eq!(of(&twenty), Some(Quantiles { p50: 10, p95: 19 }));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(&*kept_of("short"), "short");
        let long = "x".repeat(limits::HISTORY_TEXT_BYTES_MAX - 1) + "ü";
        assert_eq!(kept_of(&long).len(), limits::HISTORY_TEXT_BYTES_MAX - 1);
    }
}
