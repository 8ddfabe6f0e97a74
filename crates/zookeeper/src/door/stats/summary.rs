//! How often something of which size happened: buckets without locks, percentiles out of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, microseconds: 0.1 ms to 26 s, each double the one before. The last
/// bucket is open.
const BOUNDS_US: [u32; 19] = [
    100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 204_800, 409_600,
    819_200, 1_638_400, 3_276_800, 6_553_600, 13_107_200, 26_214_400,
];

/// Times by bucket.
#[derive(Debug, Default)]
pub(crate) struct Times {
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
    min_us_or_zero: AtomicU64,
    max_us: AtomicU64,
}

/// A reading of [`Times`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimesReading {
    /// Not cumulative; the last one is open.
    pub(crate) buckets: Vec<u64>,
    pub(crate) count: u64,
    pub(crate) sum_us: u64,
    pub(crate) min_us: u64,
    pub(crate) max_us: u64,
}

impl Times {
    pub(crate) fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| u64::from(*bound) < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(micros, Ordering::Relaxed);
        // Kept one too great, so that zero is free to mean that there is none.
        let shifted = micros.saturating_add(1);
        let least = self.min_us_or_zero.load(Ordering::Relaxed);
        if least == 0 || shifted < least {
            self.min_us_or_zero.store(shifted, Ordering::Relaxed);
        }
        if micros > self.max_us.load(Ordering::Relaxed) {
            self.max_us.fetch_max(micros, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> TimesReading {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let buckets: Vec<u64> = self.buckets.iter().map(of).collect();
        TimesReading {
            count: buckets.iter().sum(),
            buckets,
            sum_us: of(&self.sum_us),
            min_us: of(&self.min_us_or_zero).saturating_sub(1),
            max_us: of(&self.max_us),
        }
    }
}

impl TimesReading {
    /// Both together.
    pub(crate) fn and(mut self, other: &TimesReading) -> TimesReading {
        self.min_us = match (self.count, other.count) {
            (0, _) => other.min_us,
            (_, 0) => self.min_us,
            (_, _) => self.min_us.min(other.min_us),
        };
        if self.buckets.is_empty() {
            self.buckets = vec![0; other.buckets.len()];
        }
        for (one, two) in self.buckets.iter_mut().zip(&other.buckets) {
            *one = one.saturating_add(*two);
        }
        self.count = self.count.saturating_add(other.count);
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        self.max_us = self.max_us.max(other.max_us);
        self
    }

    /// The bound below which `per_mille` of all were, not above the greatest there was.
    pub(crate) fn percentile_us(&self, per_mille: u64) -> u64 {
        let wanted = self.count.saturating_mul(per_mille).div_ceil(1000);
        let mut seen = 0_u64;
        let bounds = BOUNDS_US.iter().map(|bound| u64::from(*bound));
        let bounds = bounds.chain([u64::MAX]);
        for (bucket, bound) in self.buckets.iter().zip(bounds) {
            seen = seen.saturating_add(*bucket);
            if seen >= wanted {
                return bound.min(self.max_us);
            }
        }
        self.max_us
    }

    /// Upper bounds in seconds with the number in each bucket, for a metric.
    pub(crate) fn seconds(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS_US.iter();
        let bounds = bounds.map(|bound| f64::from(*bound) / 1_000_000.0);
        let buckets = self.buckets.iter().copied();
        bounds.chain([f64::INFINITY]).zip(buckets).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_bounds_of_buckets_and_never_above_the_greatest() {
        let times = Times::default();
        for micros in [50, 90, 150, 150, 3_000] {
            times.record(Duration::from_micros(micros));
        }
        let read = times.read();
        assert_eq!((read.count, read.sum_us), (5, 3_440));
        assert_eq!((read.min_us, read.max_us), (50, 3_000));
        assert_eq!(read.percentile_us(400), 100);
        assert_eq!(read.percentile_us(500), 200);
        assert_eq!(read.percentile_us(999), 3_000);
        let twice = read.clone().and(&read);
        assert_eq!((twice.count, twice.min_us, twice.max_us), (10, 50, 3_000));
        assert_eq!(twice.percentile_us(400), 100);
        assert_eq!(TimesReading::default().and(&read), read);
        assert_eq!(TimesReading::default().percentile_us(999), 0);
    }

    #[test]
    fn what_is_slower_than_every_bound_is_counted_too() {
        let times = Times::default();
        times.record(Duration::from_hours(1));
        let read = times.read();
        assert_eq!(read.buckets.last(), Some(&1));
        assert_eq!(read.percentile_us(500), 3_600_000_000);
        let seconds = read.seconds();
        assert_eq!(seconds.len(), read.buckets.len());
        assert_eq!(seconds.last(), Some(&(f64::INFINITY, 1)));
        assert_eq!(seconds.first(), Some(&(0.0001, 0)));
    }
}
