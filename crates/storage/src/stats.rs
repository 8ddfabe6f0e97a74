//! Counters of the writer, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of sync durations, in microseconds. The last bucket is open.
pub const SYNC_BUCKETS_MICROS: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000,
];

/// How long synced writes took, and how much each carried. Updated without locks.
#[derive(Debug, Default)]
pub struct SyncStats {
    syncs: AtomicU64,
    total_micros: AtomicU64,
    last_micros: AtomicU64,
    max_micros: AtomicU64,
    buckets: [AtomicU64; SYNC_BUCKETS_MICROS.len() + 1],
    entries: AtomicU64,
    last_batch_entries: AtomicU64,
    max_batch_entries: AtomicU64,
    failures: AtomicU64,
}

/// A reading of [`SyncStats`]; its fields may be a few updates apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncReading {
    /// Synced writes that succeeded.
    pub syncs: u64,
    /// Their durations added up, microseconds.
    pub total_micros: u64,
    /// Duration of the last one, microseconds.
    pub last_micros: u64,
    /// Longest duration, microseconds.
    pub max_micros: u64,
    /// Syncs per bucket of [`SYNC_BUCKETS_MICROS`] (not cumulative), and one more for slower ones.
    pub buckets: Vec<u64>,
    /// Log entries written by them.
    pub entries: u64,
    /// Log entries in the last one.
    pub last_batch_entries: u64,
    /// Most log entries in one.
    pub max_batch_entries: u64,
    /// Writes that failed; the first one stops the store.
    pub failures: u64,
}

impl SyncStats {
    pub(crate) fn record(&self, took: Duration, entries: u64) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.total_micros.fetch_add(micros, Ordering::Relaxed);
        self.last_micros.store(micros, Ordering::Relaxed);
        self.max_micros.fetch_max(micros, Ordering::Relaxed);
        self.entries.fetch_add(entries, Ordering::Relaxed);
        self.last_batch_entries.store(entries, Ordering::Relaxed);
        self.max_batch_entries.fetch_max(entries, Ordering::Relaxed);
        let bucket = SYNC_BUCKETS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn record_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads all counters.
    pub fn read(&self) -> SyncReading {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SyncReading {
            syncs: of(&self.syncs),
            total_micros: of(&self.total_micros),
            last_micros: of(&self.last_micros),
            max_micros: of(&self.max_micros),
            buckets: self.buckets.iter().map(of).collect(),
            entries: of(&self.entries),
            last_batch_entries: of(&self.last_batch_entries),
            max_batch_entries: of(&self.max_batch_entries),
            failures: of(&self.failures),
        }
    }
}
