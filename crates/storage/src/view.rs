//! The log as readers see it: its bounds, and its end in memory.
//!
//! Everything submitted is visible here at once; the disk follows. Reading order: [`LogView`].

use std::collections::VecDeque;

use openraft::EntryPayload;
use raft_types::{Entry, LogId, Vote};

use crate::error::StoreError;
use crate::limits::CACHED_ENTRY_OVERHEAD_BYTES;

/// Number of an append; the writer works them off in this order.
pub(crate) type Seq = u64;

#[derive(Debug)]
struct Cached {
    entry: Entry,
    bytes: usize,
    /// The append it came with; evictable once that one is flushed.
    seq: Seq,
}

/// Bounds of the log, its cached end, and the small records beside it.
///
/// Invariants: the log holds the indexes `first..next`; the cache holds the last of them, without
/// a gap; every entry not yet on disk is in the cache.
#[derive(Debug)]
pub(crate) struct LogView {
    tail: VecDeque<Cached>,
    tail_bytes: usize,
    tail_bytes_max: usize,
    first: u64,
    next: u64,
    last: Option<LogId>,
    pub(crate) purged: Option<LogId>,
    pub(crate) vote: Option<Vote>,
    committed: Option<LogId>,
    /// Whether the committed position has not been handed to the writer yet.
    committed_is_new: bool,
    /// Grows with each truncation: a reader that sees it change starts over, because the entries
    /// it collected may belong to two histories.
    truncations: u64,
    submitted: Seq,
    flushed: Seq,
}

/// What the cache can say about a range.
#[derive(Debug, PartialEq)]
pub(crate) enum Slice {
    /// The entries from the asked index on, at least one.
    Cached(Vec<Entry>),
    /// They are on disk only, up to this index (exclusive).
    OnDisk {
        /// First index the cache holds.
        until: u64,
    },
    /// The index is below the log: purged since the caller looked.
    Purged,
    /// A truncation happened since the caller looked.
    Truncated,
}

/// A range of existing entries at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) truncations: u64,
}

impl LogView {
    pub(crate) fn new(tail_bytes_max: usize, purged: Option<LogId>) -> Self {
        let first = purged.map_or(0, |id| id.index + 1);
        LogView {
            tail: VecDeque::new(),
            tail_bytes: 0,
            tail_bytes_max,
            first,
            next: first,
            last: purged,
            purged,
            vote: None,
            committed: None,
            committed_is_new: false,
            truncations: 0,
            submitted: 0,
            flushed: 0,
        }
    }

    /// How far the log was known to be committed.
    pub(crate) fn committed(&self) -> Option<LogId> {
        self.committed
    }

    /// Sets the committed position as it was read from disk.
    pub(crate) fn recovered_committed(&mut self, committed: Option<LogId>) {
        self.committed = committed;
    }

    /// Sets the committed position. It reaches the disk with whatever is submitted next.
    pub(crate) fn set_committed(&mut self, committed: Option<LogId>) {
        self.committed_is_new |= self.committed != committed;
        self.committed = committed;
    }

    /// The committed position, if the writer has not been told of it.
    pub(crate) fn take_new_committed(&mut self) -> Option<Option<LogId>> {
        std::mem::take(&mut self.committed_is_new).then_some(self.committed)
    }

    /// Id of the last entry, or of the last purged one.
    pub(crate) fn last(&self) -> Option<LogId> {
        self.last
    }

    /// Index the log continues with, or none if it may begin anywhere.
    pub(crate) fn expected_next(&self) -> Option<u64> {
        (self.last.is_some()).then_some(self.next)
    }

    fn tail_first(&self) -> u64 {
        // The cache is part of `first..next`, so its length fits.
        self.next - u64::try_from(self.tail.len()).unwrap_or(0)
    }

    /// Adds entries that continue the log, or the first ones of an empty log.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<Seq, StoreError> {
        self.check_contiguous(entries)?;
        self.submitted += 1;
        let seq = self.submitted;
        for entry in entries {
            self.push(entry.clone(), seq);
        }
        self.evict();
        Ok(seq)
    }

    /// Adds an entry read from disk at start.
    pub(crate) fn push_recovered(&mut self, entry: Entry) {
        self.push(entry, 0);
        self.evict();
    }

    fn push(&mut self, entry: Entry, seq: Seq) {
        if self.last.is_none() {
            self.first = entry.log_id.index;
        }
        self.next = entry.log_id.index + 1;
        self.last = Some(entry.log_id);
        let bytes = entry_bytes(&entry);
        self.tail_bytes += bytes;
        self.tail.push_back(Cached { entry, bytes, seq });
    }

    fn check_contiguous(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut expected = self.expected_next();
        for entry in entries {
            let found = entry.log_id.index;
            if let Some(expected) = expected
                && expected != found
            {
                return Err(StoreError::NotContiguous { expected, found });
            }
            expected = Some(found + 1);
        }
        Ok(())
    }

    /// Forgets the entries after `keep`. Returns the range to remove from disk, if any.
    pub(crate) fn truncate_after(&mut self, keep: Option<LogId>) -> Option<(u64, u64)> {
        let from = keep.map_or(0, |id| id.index + 1).max(self.first);
        if from >= self.next {
            return None;
        }
        let to = self.next;
        while self.tail_first() < self.next && self.next > from {
            let Some(cached) = self.tail.pop_back() else {
                break;
            };
            self.tail_bytes -= cached.bytes;
            self.next -= 1;
        }
        self.next = from;
        self.last = if from == self.first {
            self.purged
        } else {
            keep
        };
        self.truncations += 1;
        Some((from, to))
    }

    /// Forgets the entries up to and including `upto`. Returns the first index to remove from
    /// disk, or none if that was purged before.
    pub(crate) fn purge(&mut self, upto: LogId) -> Option<u64> {
        if self.purged >= Some(upto) {
            return None;
        }
        let from = self.first;
        let first = (upto.index + 1).max(self.first);
        while self.tail_first() < first {
            let Some(cached) = self.tail.pop_front() else {
                break;
            };
            self.tail_bytes -= cached.bytes;
        }
        self.first = first;
        if self.next <= first {
            self.next = first;
            self.last = Some(upto);
        }
        self.purged = Some(upto);
        Some(from)
    }

    /// Everything up to append `seq` is on disk.
    pub(crate) fn flushed(&mut self, seq: Seq) {
        self.flushed = self.flushed.max(seq);
        self.evict();
    }

    /// The existing part of `from..to`.
    pub(crate) fn window(&self, from: u64, to: u64) -> Window {
        let from = from.max(self.first);
        let to = to.min(self.next).max(from);
        Window {
            from,
            to,
            truncations: self.truncations,
        }
    }

    /// Entries of `window` from index `at` on, about `bytes_max` bytes of them.
    pub(crate) fn slice(&self, window: Window, at: u64, bytes_max: usize) -> Slice {
        if self.truncations != window.truncations {
            return Slice::Truncated;
        }
        if at < self.first {
            return Slice::Purged;
        }
        let tail_first = self.tail_first();
        if at < tail_first {
            return Slice::OnDisk {
                until: tail_first.min(window.to),
            };
        }
        let skip = usize::try_from(at - tail_first).unwrap_or(usize::MAX);
        let count = usize::try_from(window.to - at).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let entries = self
            .tail
            .iter()
            .skip(skip)
            .take(count)
            .take_while(|cached| {
                let room = bytes < bytes_max;
                bytes += cached.bytes;
                room
            })
            .map(|cached| cached.entry.clone())
            .collect();
        Slice::Cached(entries)
    }

    /// Whether reads that began with `window` still see one history, and from `at` on nothing was
    /// purged.
    pub(crate) fn still(&self, window: Window, at: u64) -> bool {
        self.truncations == window.truncations && self.first <= at
    }

    fn evict(&mut self) {
        while self.tail_bytes > self.tail_bytes_max {
            match self.tail.front() {
                Some(oldest) if oldest.seq <= self.flushed => {}
                Some(_) | None => return,
            }
            if let Some(cached) = self.tail.pop_front() {
                self.tail_bytes -= cached.bytes;
            }
        }
    }
}

/// What an entry costs in memory, in bytes.
pub(crate) fn entry_bytes(entry: &Entry) -> usize {
    let payload = match &entry.payload {
        EntryPayload::Blank => 0,
        EntryPayload::Normal(bytes) => bytes.0.len(),
        EntryPayload::Membership(m) => m.nodes().count() * CACHED_ENTRY_OVERHEAD_BYTES,
    };
    payload + CACHED_ENTRY_OVERHEAD_BYTES
}
