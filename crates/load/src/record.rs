//! What came of the operations, counted by all clients while they run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use crate::target::{Outcome, Trouble};

/// Longest latency told apart, in microseconds: an hour.
const LONGEST_US: u64 = 3_600_000_000;
/// Digits of a latency that are kept.
const DIGITS: u8 = 3;

/// Where clients write down what happened. Before [`begin`](Recorder::begin) and after
/// [`end`](Recorder::end) nothing is kept.
#[derive(Debug)]
pub struct Recorder {
    measures: AtomicBool,
    done: AtomicU64,
    failed: AtomicU64,
    latencies: Mutex<Histogram<u64>>,
    troubles: Mutex<BTreeMap<(String, Outcome), u64>>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Operations acknowledged.
    pub done: u64,
    /// Operations not acknowledged.
    pub failed: u64,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder::new()
    }
}

impl Recorder {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new() -> Recorder {
        #[expect(clippy::expect_used, reason = "the bounds are constants")]
        let latencies =
            Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect("bounds of a histogram");
        Recorder {
            measures: AtomicBool::new(false),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            latencies: Mutex::new(latencies),
            troubles: Mutex::new(BTreeMap::new()),
        }
    }

    /// From now on everything counts.
    pub fn begin(&self) {
        self.measures.store(true, Ordering::Relaxed);
    }

    /// From now on nothing counts.
    pub fn end(&self) {
        self.measures.store(false, Ordering::Relaxed);
    }

    /// An operation was acknowledged.
    pub fn success(&self, latency: Duration) {
        if self.measures.load(Ordering::Relaxed) {
            self.done.fetch_add(1, Ordering::Relaxed);
            let us = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US);
            self.latencies
                .lock()
                .saturating_record(us.clamp(1, LONGEST_US));
        }
    }

    /// An operation was not acknowledged.
    pub fn trouble(&self, trouble: Trouble) {
        if self.measures.load(Ordering::Relaxed) {
            self.failed.fetch_add(1, Ordering::Relaxed);
            let mut troubles = self.troubles.lock();
            *troubles.entry((trouble.kind, trouble.outcome)).or_default() += 1;
        }
    }

    /// How far it is.
    #[must_use]
    pub fn count(&self) -> Count {
        Count {
            done: self.done.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    /// The latencies, and how often which trouble came.
    pub(crate) fn take(&self) -> (Histogram<u64>, BTreeMap<(String, Outcome), u64>) {
        (
            self.latencies.lock().clone(),
            std::mem::take(&mut *self.troubles.lock()),
        )
    }
}
