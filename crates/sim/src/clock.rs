//! The clocks of a simulated machine.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use raft_types::seam::Clock;

/// Wall time at which every simulation begins.
const WALL_START_MS: i64 = 1_700_000_000_000;

/// One machine's clocks, moved by the simulation before the machine runs. They read the same
/// wherever they are asked from, unlike tokio's, which are those of the current runtime.
#[derive(Debug, Default)]
pub struct MachineClock {
    monotonic_us: AtomicU64,
    wall_offset_ms: AtomicI64,
}

impl MachineClock {
    /// Moves the monotonic clock, and the wall clock with it.
    pub fn set(&self, monotonic_us: u64) {
        self.monotonic_us.store(monotonic_us, Ordering::SeqCst);
    }

    /// Steps the wall clock alone.
    pub fn jump_wall(&self, by_ms: i64) {
        self.wall_offset_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for MachineClock {
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.monotonic_us.load(Ordering::SeqCst))
    }

    fn wall_ms(&self) -> u64 {
        let elapsed = self.monotonic_us.load(Ordering::SeqCst) / 1000;
        let elapsed = i64::try_from(elapsed).unwrap_or(i64::MAX);
        let offset = self.wall_offset_ms.load(Ordering::SeqCst);
        let wall = WALL_START_MS.saturating_add(elapsed).saturating_add(offset);
        u64::try_from(wall).unwrap_or(0)
    }
}
