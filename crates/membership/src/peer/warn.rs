//! A warning that cannot flood the log.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::limits::WARN_INTERVAL;

/// Lets one occurrence through per [`WARN_INTERVAL`] and counts the others.
#[derive(Debug, Default)]
pub(crate) struct WarnLimiter {
    state: Mutex<(Option<Instant>, u64)>,
}

impl WarnLimiter {
    /// `Some(suppressed)` when it is time to warn again, with how many were swallowed since.
    pub(crate) fn permit(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if state
            .0
            .is_some_and(|last| now.duration_since(last) < WARN_INTERVAL)
        {
            state.1 = state.1.saturating_add(1);
            return None;
        }
        state.0 = Some(now);
        Some(std::mem::take(&mut state.1))
    }
}
