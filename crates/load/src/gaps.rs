//! How long nothing was acknowledged.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Gaps reported at most; the longest.
const KEPT: usize = 10;
/// A gap is told from the ordinary pace when it is this many times longer.
const TIMES_THE_PACE: u32 = 3;

/// Times without an acknowledged operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gaps {
    /// The longest, in milliseconds.
    pub longest_ms: f64,
    /// The longest ones, longest first.
    pub gaps: Vec<Gap>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// When it began, milliseconds after the measurement did.
    pub at_ms: f64,
    /// How long it was.
    pub ms: f64,
}

/// Notes when operations are acknowledged, and keeps the gaps between.
#[derive(Debug)]
pub(crate) struct GapRecorder {
    begun: Instant,
    usual: Duration,
    state: Mutex<(Instant, Vec<Gap>)>,
}

impl GapRecorder {
    /// `usual`: how far apart operations are when all is well.
    pub(crate) fn new(usual: Duration) -> GapRecorder {
        let begun = Instant::now();
        GapRecorder {
            begun,
            usual,
            state: Mutex::new((begun, Vec::new())),
        }
    }

    /// Something was acknowledged.
    pub(crate) fn acknowledged(&self) {
        let now = Instant::now();
        let mut state = self.state.lock();
        let last = std::mem::replace(&mut state.0, now);
        let gap = now.duration_since(last);
        if gap > self.usual * TIMES_THE_PACE {
            let at = last.duration_since(self.begun);
            state.1.push(Gap {
                at_ms: millis(at),
                ms: millis(gap),
            });
            state.1.sort_by(|a, b| b.ms.total_cmp(&a.ms));
            state.1.truncate(KEPT);
        }
    }

    /// Ends it; what is still going on counts.
    pub(crate) fn finish(&self) -> Gaps {
        self.acknowledged();
        let gaps = self.state.lock().1.clone();
        Gaps {
            longest_ms: gaps.first().map_or(0.0, |gap| gap.ms),
            gaps,
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_ended_counts() {
        let gaps = GapRecorder::new(Duration::ZERO);
        gaps.acknowledged();
        while gaps.state.lock().0.elapsed() < Duration::from_millis(3) {
            std::hint::spin_loop();
        }
        let found = gaps.finish();
        assert!(found.longest_ms >= 3.0, "{found:?}");
        assert!(found.gaps.len() <= KEPT);
    }
}
