//! Times as this API writes them.

use std::time::Duration;

use jiff::Timestamp;
use raft_core::command::Moment;
use raft_core::ids::{LogTime, WallTime};

/// Milliseconds, saturating.
pub(crate) fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(wall: WallTime) -> String {
    let ms = i64::try_from(wall.0).unwrap_or(i64::MAX);
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    format!("{time:.3}")
}

/// Milliseconds of wall time since `moment`, for people; 0 when the clocks disagree.
pub(crate) fn since(moment: &Moment, wall_ms: u64) -> u64 {
    wall_ms.saturating_sub(moment.wall.0)
}

/// About how many milliseconds are left until `deadline`, for people. Log time does not move
/// between commands; the wall clock tells how much has passed since `moment`.
pub(crate) fn left(deadline: LogTime, moment: &Moment, wall_ms: u64) -> u64 {
    let span = deadline.0.saturating_sub(moment.log_time.0);
    span.saturating_sub(since(moment, wall_ms))
}

#[cfg(test)]
mod tests {
    use raft_core::ids::Zxid;

    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        assert_eq!(
            rfc3339(WallTime(1_791_105_121_120)),
            "2026-10-04T09:12:01.120Z"
        );
        assert_eq!(rfc3339(WallTime(0)), "1970-01-01T00:00:00.000Z");
        assert!(rfc3339(WallTime(u64::MAX)).starts_with("9999-12-3"));
    }

    #[test]
    fn what_is_left_shrinks_with_the_wall_clock_and_never_below_nothing() {
        let moment = Moment {
            zxid: Zxid(1),
            log_time: LogTime(1_000),
            wall: WallTime(50_000),
        };
        assert_eq!(left(LogTime(6_000), &moment, 50_000), 5_000);
        assert_eq!(left(LogTime(6_000), &moment, 52_000), 3_000);
        assert_eq!(left(LogTime(6_000), &moment, 99_000), 0);
        assert_eq!(
            left(LogTime(6_000), &moment, 1),
            5_000,
            "a clock that is behind"
        );
    }
}
