//! Look-ups derived from the histories of locks.

use crate::history::History;
use crate::ids::{LockName, LogTime};
use crate::state::{Due, Index, State};

/// Adds to `index` everything that the histories imply.
pub(super) fn rebuild(state: &State, index: &mut Index) {
    for (lock, history) in state.histories.iter() {
        index.note_history(lock, history);
    }
}

impl Index {
    /// A lock has this history.
    pub(crate) fn note_history(&mut self, lock: &LockName, history: &History) {
        let holds = history.remembered() as usize;
        self.past_holds = self.past_holds.saturating_add(holds);
        self.note_history_deadline(lock, history.forget_at);
    }

    /// A lock has this history no more.
    pub(crate) fn forget_history(&mut self, lock: &LockName, history: &History) {
        let holds = history.remembered() as usize;
        self.past_holds = self.past_holds.saturating_sub(holds);
        self.forget_history_deadline(lock, history.forget_at);
    }

    /// The history of a lock is to be forgotten then.
    pub(crate) fn note_history_deadline(&mut self, lock: &LockName, at: LogTime) {
        self.due.insert((at, Due::ForgetHistory(lock.clone())));
        self.histories_by_age.insert((at, lock.clone()));
    }

    /// It is not to be forgotten then.
    pub(crate) fn forget_history_deadline(&mut self, lock: &LockName, at: LogTime) {
        self.due.remove(&(at, Due::ForgetHistory(lock.clone())));
        self.histories_by_age.remove(&(at, lock.clone()));
    }
}
