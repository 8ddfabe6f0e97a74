//! What bounds the checks of a node. How many targets there are is the list's business.

use std::time::Duration;

/// Probes at a time; those that are due beyond that wait for their turn, the longest due first. Each takes a socket.
///
/// Slow targets delay others only when so many are slow at once.
pub const PROBES_IN_FLIGHT_MAX: usize = 512;
/// Verdicts that are being told at a time; the others wait.
pub const REPORTS_IN_FLIGHT_MAX: usize = 64;
/// A verdict that the list does not show so long after it was told is told again.
pub const REPORT_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Names looked up at a time. The system does that on threads, and gives them back late when a name server is silent.
pub const LOOKUPS_MAX: usize = 32;
/// Addresses of a name that are tried, one after the other.
pub const ADDRESSES_MAX: usize = 4;
/// Probes of a target are never closer together, whatever its interval says.
pub const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// Nor further apart; no probe takes longer.
pub const INTERVAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of an answer that are read in search of its status.
pub const ANSWER_BYTES_MAX: usize = 16 << 10;
/// Header fields of an interim (1xx) answer.
pub const INTERIM_FIELDS_MAX: usize = 64;
/// Bytes of a verdict's text about what was probed.
pub const SUBJECT_BYTES_MAX: usize = 160;
/// Bytes of a verdict's text about what came of it.
pub const FINDING_BYTES_MAX: usize = 94;
/// Bytes of a verdict's text: both, and a colon and a space in between.
pub const TEXT_BYTES_MAX: usize = SUBJECT_BYTES_MAX + FINDING_BYTES_MAX + 2;
