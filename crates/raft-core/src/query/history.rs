//! Reads of the histories of locks.

use std::ops::Bound;

use crate::history::History;
use crate::ids::LockName;
use crate::state::State;

impl State {
    /// The last holds of a lock that ended. `None` when none is remembered.
    #[must_use]
    pub fn history(&self, lock: &LockName) -> Option<&History> {
        self.histories.get(lock)
    }

    /// Locks of which holds are remembered and whose name begins with `prefix` (any text), in order of name:
    /// at most `limit`, those after `after`.
    #[must_use]
    pub fn histories(
        &self,
        prefix: &str,
        after: Option<&LockName>,
        limit: usize,
    ) -> Vec<(LockName, &History)> {
        let start = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.clone()),
            Some(_) | None => Bound::Included(LockName::range_bound(prefix)),
        };
        self.histories
            .range((start, Bound::Unbounded))
            .take_while(|(name, _)| name.as_str().starts_with(prefix))
            .take(limit)
            .map(|(name, history)| (name.clone(), history))
            .collect()
    }
}
