//! The cluster's own clock, as the leader keeps it.
//!
//! Log time moves only while there is a leader, at the pace of the leader's monotonic clock. A new
//! leader goes on from the log time of the state it took over, so neither a failover nor a wrong
//! wall clock can make a deadline pass early; a gap without a leader does not count.

use std::time::Duration;

use mutant::Mutant;
use parking_lot::Mutex;
use raft_core::command::Stamp;
use raft_core::ids::{LogTime, WallTime};
use raft_types::seam::Clock;

#[derive(Clone, Copy, Debug)]
struct Seat {
    term: u64,
    base: LogTime,
    origin: Duration,
}

/// The time by which sessions and holds end.
pub(crate) fn session_time(clock: &dyn Clock) -> Duration {
    if mutant::is(Mutant::WallClockExpiry) {
        return Duration::from_millis(clock.wall_ms());
    }
    clock.monotonic()
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct LeaderClock {
    seat: Mutex<Option<Seat>>,
}

impl LeaderClock {
    /// Log time now, for the leader of `term`, which has applied everything of earlier terms;
    /// `taken_over` is the log time of its state.
    pub(crate) fn log_time(
        &self,
        term: u64,
        clock: &dyn Clock,
        taken_over: impl FnOnce() -> LogTime,
    ) -> LogTime {
        let now = session_time(clock);
        let mut seat = self.seat.lock();
        let current = match *seat {
            Some(current) if current.term == term => current,
            Some(_) | None => *seat.insert(Seat {
                term,
                base: taken_over(),
                origin: now,
            }),
        };
        let elapsed = now.saturating_sub(current.origin).as_millis();
        current
            .base
            .after(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    /// The stamp of an entry written now.
    pub(crate) fn stamp(
        &self,
        term: u64,
        clock: &dyn Clock,
        taken_over: impl FnOnce() -> LogTime,
    ) -> Stamp {
        Stamp {
            log_time: self.log_time(term, clock, taken_over),
            wall: WallTime(clock.wall_ms()),
        }
    }
}
