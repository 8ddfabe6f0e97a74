//! What clients saw of claims.

use std::collections::BTreeMap;

use crate::history::{Call, Outcome};
use crate::positions::Arrival;
use crate::sessions::lives::Lives;

/// How a claim wants its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Alone.
    Exclusive,
    /// With other readers.
    Shared,
    /// A number of the permits of a semaphore.
    Permits {
        /// How many.
        wanted: u64,
        /// Of how many; what the client says.
        limit: u64,
    },
}

impl Mode {
    /// Whether a claim of this mode and one of the other may never hold together, whoever else
    /// holds. Permits are counted instead.
    pub(crate) fn excludes(self, other: Mode) -> bool {
        match (self, other) {
            (Mode::Shared, Mode::Shared) | (Mode::Permits { .. }, Mode::Permits { .. }) => false,
            (Mode::Exclusive | Mode::Shared | Mode::Permits { .. }, _) => true,
        }
    }
}

/// One answer about a claim.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// When its request began to be sent.
    pub(crate) invoked: u64,
    /// Its arrival.
    pub(crate) at: Arrival,
    /// The position it shows.
    pub(crate) zxid: Option<u64>,
    /// What it says.
    pub(crate) said: Said,
}

/// What an answer says of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It holds.
    Held {
        /// Since which position.
        granted: Option<u64>,
        /// For how long, from the sending of the request.
        safe_ms: Option<u64>,
    },
    /// It stands in the queue.
    Waiting,
    /// It has ended.
    Ended(End),
    /// A write under its fence was refused: it does not hold (any more).
    Stale,
}

/// How and where a claim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// `released`, `expired`, …
    pub(crate) how: Option<String>,
    /// Whether it held; else it left the queue.
    pub(crate) held: bool,
    /// Position.
    pub(crate) position: Option<u64>,
}

/// A claim as its clients know it.
#[derive(Clone, Debug)]
pub(crate) struct Claim<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// Its session, unless it lives by its own ttl.
    pub(crate) session: Option<&'a str>,
    /// How it wants the lock.
    pub(crate) mode: Mode,
    /// Its own time to hold.
    pub(crate) ttl_ms: Option<u64>,
    /// How long it may stand in the queue.
    pub(crate) wait_ms: Option<u64>,
    /// How long a grant waits to be picked up.
    pub(crate) ack_within_ms: Option<u64>,
    /// The attempts to acquire, repeats and checks included, in order.
    pub(crate) attempts: Vec<Call<'a>>,
    /// What was answered, in order of arrival.
    pub(crate) answers: Vec<Answer>,
    /// Attempts to give the hold another time, unless certainly refused.
    pub(crate) extends: Vec<Extend>,
    /// The first attempt to release it, unless certainly refused for another reason than its end.
    pub(crate) released: Option<u64>,
    /// The first attempt to break it, likewise.
    pub(crate) broken: Option<u64>,
    /// Every fence it was told, with the event that says so.
    pub(crate) fences: Vec<(u64, u64)>,
    /// Position at which it came into the queue.
    pub(crate) queued: Option<u64>,
    /// Position at which it was granted.
    pub(crate) granted: Option<u64>,
}

impl Claim<'_> {
    /// When it was first asked for.
    pub(crate) fn invoked(&self) -> u64 {
        self.attempts.first().map_or(0, |call| call.invoke.time)
    }

    /// Its fence.
    pub(crate) fn fence(&self) -> Option<u64> {
        self.fences.first().map(|(fence, _)| *fence)
    }

    /// The first answer that says it holds.
    pub(crate) fn first_held(&self) -> Option<&Answer> {
        self.answers
            .iter()
            .find(|answer| matches!(answer.said, Said::Held { .. }))
    }

    /// The first word of its end with a position.
    pub(crate) fn ended(&self) -> Option<(u64, &End, &Answer)> {
        self.answers.iter().find_map(|answer| match &answer.said {
            Said::Ended(end) => Some((end.position?, end, answer)),
            Said::Held { .. } | Said::Waiting | Said::Stale => None,
        })
    }

    /// The last position at which it held for certain. An answer to an attempt to acquire counts
    /// only from the second on that says so: one that waited for the grant may name a position
    /// that is a little newer than what it saw.
    pub(crate) fn held_last(&self) -> Option<u64> {
        let mut last = self.granted?;
        let first = self.first_held()?.at.time;
        for answer in &self.answers {
            let says_held = matches!(answer.said, Said::Held { .. });
            if says_held && answer.invoked >= first {
                last = last.max(answer.zxid.unwrap_or(0));
            }
        }
        Some(last)
    }

    /// Whether what became of an attempt to acquire it stayed unknown after the last answer.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.attempts
            .last()
            .is_some_and(|call| call.outcome() == Outcome::Info)
    }

    /// How it is named in findings.
    pub(crate) fn shown(&self) -> String {
        match (self.fence(), self.granted) {
            (Some(fence), Some(granted)) => {
                format!("claim {} (fence {fence}, granted at {granted})", self.id)
            }
            (Some(fence), None) => format!("claim {} (fence {fence})", self.id),
            (None, _) => format!("claim {}", self.id),
        }
    }

    /// The event that best shows that it held.
    pub(crate) fn held_event(&self) -> u64 {
        self.first_held()
            .map_or_else(|| self.invoke_event(), |answer| answer.at.event)
    }

    /// The event with which it was first asked for.
    pub(crate) fn invoke_event(&self) -> u64 {
        self.attempts.first().map_or(0, |call| call.invoke.index)
    }
}

/// An attempt to give a hold another time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extend {
    /// When it was sent.
    pub(crate) sent: u64,
    /// The time asked for; `None`: the one it has.
    pub(crate) ttl_ms: Option<u64>,
    /// Whether nobody knows what came of it: it may come about at any later time.
    pub(crate) is_in_doubt: bool,
}

/// A write under a fence.
#[derive(Clone, Debug)]
pub(crate) struct FencedWrite {
    /// When it was sent.
    pub(crate) invoked: u64,
    /// Its answer.
    pub(crate) at: Arrival,
    /// Its position.
    pub(crate) zxid: Option<u64>,
    /// The fence it named.
    pub(crate) fence: u64,
    /// Where it went.
    pub(crate) target: Target,
    /// Whether it was done.
    pub(crate) accepted: bool,
}

/// What a fenced write writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A znode.
    Znode,
    /// A resource outside, which compares fences itself.
    Outside,
}

/// One lock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lock<'a> {
    /// Its claims, in order of the first attempt.
    pub(crate) claims: Vec<Claim<'a>>,
    /// Writes under its fences, in order of arrival.
    pub(crate) writes: Vec<FencedWrite>,
}

/// All that clients saw of locks.
#[derive(Debug, Default)]
pub(crate) struct Locks<'a> {
    /// By name.
    pub(crate) by_name: BTreeMap<&'a str, Lock<'a>>,
    /// The sessions behind them.
    pub(crate) lives: Lives<'a>,
    /// Events that could not be read, and why.
    pub(crate) unreadable: Vec<(u64, String)>,
}

impl<'a> Locks<'a> {
    /// Every lock with every claim.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (&'a str, &Claim<'a>)> {
        self.by_name
            .iter()
            .flat_map(|(name, lock)| lock.claims.iter().map(move |claim| (*name, claim)))
    }

    /// Claims that were granted, as somebody was told.
    pub(crate) fn granted(&self) -> u64 {
        let granted = self.claims().filter(|(_, c)| c.first_held().is_some());
        granted.count() as u64
    }
}
