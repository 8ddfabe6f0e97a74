//! The last, the smallest and the greatest of what was sent.

use std::sync::atomic::{AtomicI64, Ordering};

/// As ZooKeeper says that there was none.
const NONE: i64 = -1;

/// Sizes in bytes since the last reset.
#[derive(Debug)]
pub(crate) struct Sizes {
    last: AtomicI64,
    min: AtomicI64,
    max: AtomicI64,
}

/// A reading of [`Sizes`]; −1 where there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizesReading {
    pub(crate) last: i64,
    pub(crate) min: i64,
    pub(crate) max: i64,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes {
            last: AtomicI64::new(NONE),
            min: AtomicI64::new(NONE),
            max: AtomicI64::new(NONE),
        }
    }
}

impl Sizes {
    pub(crate) fn record(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.last.store(bytes, Ordering::Relaxed);
        let min = self.min.load(Ordering::Relaxed);
        if min == NONE || bytes < min {
            self.min.store(bytes, Ordering::Relaxed);
        }
        if bytes > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(bytes, Ordering::Relaxed);
        }
    }

    pub(crate) fn reset(&self) {
        for field in [&self.last, &self.min, &self.max] {
            field.store(NONE, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> SizesReading {
        let of = |field: &AtomicI64| field.load(Ordering::Relaxed);
        SizesReading {
            last: of(&self.last),
            min: of(&self.min),
            max: of(&self.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_least_and_greatest() {
        let sizes = Sizes::default();
        let none = SizesReading {
            last: -1,
            min: -1,
            max: -1,
        };
        assert_eq!(sizes.read(), none);
        for bytes in [20, 300, 16, 40] {
            sizes.record(bytes);
        }
        let expected = SizesReading {
            last: 40,
            min: 16,
            max: 300,
        };
        assert_eq!(sizes.read(), expected);
        sizes.reset();
        assert_eq!(sizes.read(), none);
    }
}
