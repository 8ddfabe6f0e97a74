//! Waiting for conditions.

use std::time::{Duration, Instant};

/// How long a condition may take before a test gives up. Far more than it should: a test is not a
/// measurement, and machines that run tests are busy.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Looks until `look` gives something, and returns it.
///
/// # Panics
/// When it gives nothing for [`PATIENCE`].
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// As [`eventually`], with a bound of its own.
///
/// # Panics
/// When it gives nothing in time.
pub fn within<T>(time: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + time;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {time:?} in vain for: {what}"
        );
        // The one place where tests let time pass: between two looks at a condition.
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Looks until `holds` says yes.
///
/// # Panics
/// When it does not for [`PATIENCE`].
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, || holds().then_some(()));
}
