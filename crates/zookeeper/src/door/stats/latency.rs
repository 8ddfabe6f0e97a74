//! How long answers took: shortest, longest, average, without locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Nothing was measured yet.
const NONE: u64 = u64::MAX;

/// Durations measured since the last reset.
#[derive(Debug)]
pub(crate) struct Latency {
    count: AtomicU64,
    sum_ms: AtomicU64,
    min_ms_or_none: AtomicU64,
    max_ms: AtomicU64,
    last_ms: AtomicU64,
}

/// A reading of [`Latency`], in whole milliseconds as ZooKeeper measures. Zeros when nothing was
/// measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LatencyReading {
    pub(crate) min_ms: u64,
    pub(crate) max_ms: u64,
    pub(crate) last_ms: u64,
    /// Of whole milliseconds, with four places.
    pub(crate) avg_ms: f64,
}

impl Default for Latency {
    fn default() -> Latency {
        Latency {
            count: AtomicU64::new(0),
            sum_ms: AtomicU64::new(0),
            min_ms_or_none: AtomicU64::new(NONE),
            max_ms: AtomicU64::new(0),
            last_ms: AtomicU64::new(0),
        }
    }
}

impl Latency {
    pub(crate) fn record(&self, took: Duration) {
        // Cut off before it is added, so that the average lies between the shortest and the longest.
        let millis = u64::try_from(took.as_millis()).unwrap_or(NONE);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_ms.fetch_add(millis, Ordering::Relaxed);
        self.last_ms.store(millis, Ordering::Relaxed);
        // Mostly neither changes, and a look costs less than a change.
        if millis < self.min_ms_or_none.load(Ordering::Relaxed) {
            self.min_ms_or_none.fetch_min(millis, Ordering::Relaxed);
        }
        if millis > self.max_ms.load(Ordering::Relaxed) {
            self.max_ms.fetch_max(millis, Ordering::Relaxed);
        }
    }

    pub(crate) fn reset(&self) {
        self.count.store(0, Ordering::Relaxed);
        self.sum_ms.store(0, Ordering::Relaxed);
        self.min_ms_or_none.store(NONE, Ordering::Relaxed);
        self.max_ms.store(0, Ordering::Relaxed);
        self.last_ms.store(0, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> LatencyReading {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let count = of(&self.count);
        let min = of(&self.min_ms_or_none);
        LatencyReading {
            min_ms: if min == NONE { 0 } else { min },
            max_ms: of(&self.max_ms),
            last_ms: of(&self.last_ms),
            avg_ms: four_places(average(of(&self.sum_ms), count)),
        }
    }
}

/// `sum / count`; 0 of nothing: parsers of `mntr` choke on NaN.
#[expect(
    clippy::cast_precision_loss,
    reason = "shown to people with four places"
)]
pub(crate) fn average(sum: u64, count: u64) -> f64 {
    if count == 0 {
        0.0
    } else {
        sum as f64 / count as f64
    }
}

/// As ZooKeeper shows averages.
pub(crate) fn four_places(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_measured_reads_as_zeros() {
        assert_eq!(Latency::default().read(), LatencyReading::default());
    }

    #[test]
    fn averages_have_four_places_and_no_more() {
        let latency = Latency::default();
        for micros in [8_999, 1_000, 1_700] {
            latency.record(Duration::from_micros(micros));
        }
        let expected = LatencyReading {
            min_ms: 1,
            max_ms: 8,
            last_ms: 1,
            avg_ms: 3.3333,
        };
        assert_eq!(latency.read(), expected);
        latency.reset();
        assert_eq!(latency.read(), LatencyReading::default());
    }
}
