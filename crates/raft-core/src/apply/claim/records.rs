//! The records behind the queue of a lock. Every change of the tables of locks and live claims goes
//! through here and through `ending.rs`, so that counters and look-ups follow in one place.

use mutant::Mutant;

use crate::apply::Step;
use crate::ids::{Fence, LockName};
use crate::lock::{Claim, Lock};
use crate::state::State;

/// Key of a live claim.
pub(in crate::apply) type ClaimKey = (LockName, Fence);

impl Step<'_> {
    /// A claim that is known to be live.
    #[expect(
        clippy::expect_used,
        reason = "keys come from the index or the table itself"
    )]
    pub(in crate::apply) fn claim(&self, key: &ClaimKey) -> &Claim {
        self.state
            .claims
            .get(key)
            .expect("a key that was just looked up names a live claim")
    }

    /// Changes the record of a lock, which exists only while there is something to remember.
    pub(in crate::apply) fn update_lock(
        &mut self,
        name: &LockName,
        change: impl FnOnce(&mut Lock),
    ) {
        let mut lock = self.state.locks.get(name).cloned().unwrap_or_default();
        self.state.index.forget_lock(name, &lock);
        change(&mut lock);
        self.state.index.note_lock(name, &lock);
        if lock.is_vacant() {
            self.state.locks.remove(name);
        } else {
            self.state.locks.insert(name.clone(), lock);
        }
    }

    /// Changes a live claim, its ids and deadlines included.
    pub(in crate::apply) fn update_claim(
        &mut self,
        key: &ClaimKey,
        change: impl FnOnce(&mut Claim),
    ) {
        let State { claims, index, .. } = &mut *self.state;
        let found = claims.update(key, |claim| {
            index.forget_claim(claim);
            change(claim);
            index.note_claim(claim);
        });
        assert!(found.is_some(), "no live claim {key:?} to change");
    }

    /// Changes a live claim and those of other locks that it was made together with.
    pub(in crate::apply) fn update_together(
        &mut self,
        key: &ClaimKey,
        change: impl Fn(&mut Claim),
    ) {
        let locks: Vec<LockName> = self.claim(key).locks().cloned().collect();
        for lock in locks {
            self.update_claim(&(lock, key.1), &change);
        }
    }

    /// Adds a claim at the end of the queue. Its znode must exist. It waits, or holds already when
    /// the lock is free for it.
    pub(in crate::apply) fn insert_claim(&mut self, claim: Claim, agreed_limit: Option<u32>) {
        self.update_lock(&claim.lock, |lock| {
            assert!(
                lock.granted_up_to < claim.fence,
                "fence {} is not new",
                claim.fence
            );
            lock.waiters += 1;
            if agreed_limit.is_some() {
                lock.agreed_limit = agreed_limit;
            }
            if claim.is_held() {
                lock.count_grant(claim.fence, claim.permits());
            }
        });
        self.state.index.note_claim(&claim);
        let key = (claim.lock.clone(), claim.fence);
        let former = self.state.claims.insert(key, claim);
        assert!(former.is_none(), "two claims with one fence: {former:?}");
    }
}

impl Lock {
    /// Counts the first waiter, whose fence this is, among the holders.
    pub(in crate::apply) fn count_grant(&mut self, fence: Fence, permits: u32) {
        assert!(
            self.granted_up_to < fence || mutant::is(Mutant::ReadersPassWriters),
            "fence {fence} is granted out of order"
        );
        self.granted_up_to = self.granted_up_to.max(fence);
        self.waiters -= 1;
        self.holders += 1;
        self.permits_held += permits;
    }
}
