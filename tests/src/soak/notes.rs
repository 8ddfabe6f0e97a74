//! What the actors of one thread write down, until it is handed over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::judge::Record;

/// Wrong things listed at most; the rest are counted.
const WRONG_LISTED_MAX: usize = 200;

/// How often things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sessions opened.
    pub opened: u64,
    /// Sessions taken up again by another connection.
    pub taken_up: u64,
    /// Sessions closed by their client.
    pub closed: u64,
    /// Sessions left to themselves.
    pub abandoned: u64,
    /// Sessions that ended because nobody could be reached within their timeout.
    pub timed_out: u64,
    /// Connections that ended without their client's doing.
    pub lost: u64,
    /// Attempts to connect that came to nothing.
    pub turned_away: u64,
    /// One-shot watches armed, by a read or by `setWatches`.
    pub armed: u64,
    /// Watch events received.
    pub events: u64,
    /// Replies received.
    pub replies: u64,
    /// Changes acknowledged.
    pub writes: u64,
    /// Changes whose outcome was looked up after a lost connection.
    pub looked_up: u64,
}

impl Counts {
    fn add(&mut self, more: &Counts) {
        self.opened += more.opened;
        self.taken_up += more.taken_up;
        self.closed += more.closed;
        self.abandoned += more.abandoned;
        self.timed_out += more.timed_out;
        self.lost += more.lost;
        self.turned_away += more.turned_away;
        self.armed += more.armed;
        self.events += more.events;
        self.replies += more.replies;
        self.writes += more.writes;
        self.looked_up += more.looked_up;
    }
}

/// A record, and who saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What.
    pub record: Record,
    /// Number of the client.
    pub client: usize,
    /// Its session.
    pub session: i64,
    /// Index of the node it was connected to.
    pub node: usize,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// To be judged.
    pub records: Vec<Seen>,
    /// What was wrong at first sight, and what judging found.
    pub wrong: Vec<String>,
    /// All of it, with what is not listed.
    pub wrong_count: u64,
    /// See there.
    pub counts: Counts,
    /// From losing a connection to having the session again.
    pub outages: Vec<Duration>,
    /// From beginning to connect to an answer, a refusal, or giving up.
    pub attempts: Vec<Duration>,
    /// Changes of the znode that everybody watches: when each was sent.
    pub called: BTreeMap<i64, Instant>,
    /// How many were told of each, and the last of them when.
    pub heard: BTreeMap<i64, (usize, Instant)>,
}

impl Notes {
    /// Something must not be.
    pub fn wrong(&mut self, what: String) {
        self.wrong_count += 1;
        if self.wrong.len() < WRONG_LISTED_MAX {
            self.wrong.push(what);
        }
    }

    /// Takes over what another has written down.
    pub fn absorb(&mut self, mut other: Notes) {
        self.records.append(&mut other.records);
        self.wrong_count += other.wrong_count;
        let room = WRONG_LISTED_MAX.saturating_sub(self.wrong.len());
        self.wrong.extend(other.wrong.into_iter().take(room));
        self.counts.add(&other.counts);
        self.outages.append(&mut other.outages);
        self.attempts.append(&mut other.attempts);
        self.called.append(&mut other.called);
        for (zxid, (clients, at)) in other.heard {
            let (all, last) = self.heard.entry(zxid).or_insert((0, at));
            *all += clients;
            *last = at.max(*last);
        }
    }

    /// Somebody was told of a change of the znode that everybody watches.
    pub fn heard(&mut self, zxid: i64, now: Instant) {
        let (clients, last) = self.heard.entry(zxid).or_insert((0, now));
        *clients += 1;
        *last = now;
    }

    /// For each of those changes: how many were told, and how long it took to the last of them.
    #[must_use]
    pub fn calls(&self) -> Vec<(usize, Duration)> {
        let told = |(zxid, sent): (&i64, &Instant)| {
            let (clients, last) = self.heard.get(zxid)?;
            Some((*clients, last.saturating_duration_since(*sent)))
        };
        self.called.iter().filter_map(told).collect()
    }
}
