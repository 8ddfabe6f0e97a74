//! The queue of a lock as it stands: who holds, who waits, who is asked for.

use std::ops::Bound;

use mutant::Mutant;

use crate::apply::Step;
use crate::apply::claim::records::ClaimKey;
use crate::ids::{ClaimId, Fence, LockName, ZnodePath};
use crate::limits;
use crate::lock::Claim;
use crate::outcome::{ClaimReply, HolderSummary, Refusal, Reply};
use crate::state::State;

impl State {
    /// The claim whose znode is `path`, given the znode's czxid.
    pub(crate) fn claim_of_znode(&self, path: &ZnodePath, czxid: Fence) -> Option<ClaimKey> {
        let key = (LockName::of_znode(&path.parent()?)?, czxid);
        let is_its = |claim: &&Claim| claim.znode_name == path.name();
        if self.claims.get(&key).as_ref().is_some_and(is_its) {
            return Some(key);
        }
        // A hold that went on reading was alone when it got its fence: nobody stands before it.
        let first = self.claims_of_lock(&key.0).next().filter(is_its)?;
        Some((first.lock.clone(), first.fence))
    }

    /// The hold whose client would go on reading by the znode at `path`.
    pub(crate) fn hold_to_downgrade(&self, path: &ZnodePath) -> Option<ClaimKey> {
        let lock = LockName::of_znode(&path.parent()?)?;
        let first = self.claims_of_lock(&lock).next()?;
        (first.downgrade.as_deref() == Some(path.name())).then_some((lock, first.fence))
    }

    /// The live claim that answers to `id`.
    pub(crate) fn live_claim(&self, lock: &LockName, id: &ClaimId) -> Option<&Claim> {
        let fence = self.index.claim_ids.get(&(lock.clone(), id.clone()))?;
        self.claims
            .get(&(lock.clone(), *fence))
            .filter(|claim| claim.answers_to(id))
    }

    /// All live claims of a lock, in order of fences: holders, then waiters.
    pub(crate) fn claims_of_lock(&self, lock: &LockName) -> impl Iterator<Item = &Claim> {
        self.claims_beyond(lock, Fence(0))
    }

    /// The waiters of a lock, first to be served first.
    pub(crate) fn waiters_of_lock(&self, lock: &LockName) -> impl Iterator<Item = &Claim> {
        let granted = self
            .locks
            .get(lock)
            .map_or(Fence(0), |record| record.granted_up_to);
        // Who was passed stands before those who passed.
        let passed = mutant::is(Mutant::ReadersPassWriters);
        let from = if passed { Fence(0) } else { granted };
        let waits = move |claim: &&Claim| !passed || !claim.is_held();
        self.claims_beyond(lock, from).filter(waits)
    }

    fn claims_beyond(&self, lock: &LockName, fence: Fence) -> impl Iterator<Item = &Claim> {
        let from = Bound::Excluded((lock.clone(), fence));
        let to = Bound::Included((lock.clone(), Fence(u64::MAX)));
        self.claims.range((from, to)).map(|(_, claim)| claim)
    }

    /// The first few holders, for refusals.
    pub(crate) fn holders_shown(&self, lock: &LockName) -> Vec<HolderSummary> {
        let summary = |claim: &Claim| HolderSummary {
            claim: claim.id.clone(),
            session: claim.session,
            fence: claim.fence,
            mode: claim.mode,
        };
        let holders = self
            .claims_of_lock(lock)
            .take_while(|claim| claim.is_held());
        holders
            .take(limits::HOLDERS_SHOWN_MAX)
            .map(summary)
            .collect()
    }

    /// Why a claim cannot have the lock now.
    pub(crate) fn lock_held(&self, lock: &LockName) -> Refusal {
        Refusal::LockHeld {
            lock: lock.clone(),
            holders: self.holders_shown(lock),
            waiters: self.locks.get(lock).map_or(0, |record| record.waiters),
            delayed_ms: self.delayed_ms(lock),
        }
    }

    /// Waiters up to and including this claim; 0 for a holder. O(position).
    pub(crate) fn position(&self, claim: &Claim) -> u32 {
        if claim.is_held() {
            return 0;
        }
        let ahead = self
            .waiters_of_lock(&claim.lock)
            .take_while(|c| c.fence <= claim.fence);
        u32::try_from(ahead.count()).unwrap_or(u32::MAX)
    }
}

impl Step<'_> {
    /// How the claim stands now, as a reply.
    pub(in crate::apply) fn claim_reply(&self, key: &ClaimKey, created: bool) -> Reply {
        let claim = self.claim(key).clone();
        let position = self.state.position(&claim);
        let (holders, waiters) = self
            .state
            .locks
            .get(&key.0)
            .map_or((0, 0), |lock| (lock.holders, lock.waiters));
        Reply::Claim(Box::new(ClaimReply {
            claim,
            created,
            position,
            holders,
            waiters,
        }))
    }
}
