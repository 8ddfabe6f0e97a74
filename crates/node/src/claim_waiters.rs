//! Requests of this node that wait for their claim to be granted or to end.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use raft_core::event::EventKind;
use raft_core::ids::{ClaimId, LockName};
use std::sync::Arc;
use tokio::sync::Notify;

type Key = (LockName, ClaimId);

/// Who waits for what. Bounded by the requests the door admits.
#[derive(Debug, Default)]
pub(crate) struct ClaimWaiters {
    by_claim: Mutex<BTreeMap<Key, Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    wake: Arc<Notify>,
    count: usize,
}

/// A registration; dropping it removes it.
#[derive(Debug)]
pub(crate) struct ClaimWaiter<'a> {
    all: &'a ClaimWaiters,
    key: Key,
    wake: Arc<Notify>,
}

impl ClaimWaiters {
    /// Registers interest. Look at the state after registering: a change before is not signalled.
    pub(crate) fn register(&self, lock: &LockName, claim: &ClaimId) -> ClaimWaiter<'_> {
        let key = (lock.clone(), claim.clone());
        let mut by_claim = self.by_claim.lock();
        let waiting = by_claim.entry(key.clone()).or_default();
        waiting.count += 1;
        let wake = Arc::clone(&waiting.wake);
        ClaimWaiter {
            all: self,
            key,
            wake,
        }
    }

    /// Wakes those concerned by an event. Called by apply.
    pub(crate) fn signal(&self, event: &EventKind) {
        let (EventKind::ClaimGranted { lock, claim, .. }
        | EventKind::ClaimEnded { lock, claim, .. }) = event
        else {
            return;
        };
        let by_claim = self.by_claim.lock();
        if by_claim.is_empty() {
            return;
        }
        if let Some(waiting) = by_claim.get(&(lock.clone(), claim.clone())) {
            waiting.wake.notify_waiters();
        }
    }

    /// Wakes everybody: the state was replaced.
    pub(crate) fn signal_all(&self) {
        for waiting in self.by_claim.lock().values() {
            waiting.wake.notify_waiters();
        }
    }
}

impl ClaimWaiter<'_> {
    /// The wake-up. Create (and `enable`) the future before looking at the state.
    pub(crate) fn wake(&self) -> &Notify {
        &self.wake
    }
}

impl Drop for ClaimWaiter<'_> {
    fn drop(&mut self) {
        let mut by_claim = self.all.by_claim.lock();
        if let Some(waiting) = by_claim.get_mut(&self.key) {
            waiting.count -= 1;
            if waiting.count == 0 {
                by_claim.remove(&self.key);
            }
        }
    }
}
