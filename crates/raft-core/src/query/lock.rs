//! Reads of locks and claims.

use std::ops::Bound;

use crate::ids::{ClaimId, Fence, LockName};
use crate::limits;
use crate::lock::{Claim, EndedClaim, Lock};
use crate::outcome::Refusal;
use crate::state::State;
use crate::znode::Stat;

/// What is known of a claim.
#[derive(Clone, Copy, Debug)]
pub enum ClaimStatus<'a> {
    /// It holds or waits.
    Live(ClaimView<'a>),
    /// It has ended and is remembered.
    Ended(&'a EndedClaim),
    /// It never was, or is forgotten.
    Unknown,
}

/// A live claim and what is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimView<'a> {
    /// The claim. For a re-entry it is the hold it shares, whose id is another.
    pub claim: &'a Claim,
    /// Waiters up to and including it; 0 when it holds.
    pub position: u32,
    /// Claims that hold the lock.
    pub holders: u32,
    /// Claims in the queue.
    pub waiters: u32,
}

/// A lock with the first of those who hold it and wait for it.
#[derive(Clone, Debug)]
pub struct LockView<'a> {
    /// Settings and counters; the default for a lock that has neither settings nor claims.
    pub lock: Lock,
    /// Stat of its znode: its version is what settings are changed against.
    pub stat: Option<Stat>,
    /// How long a lock delay still runs, log-time milliseconds.
    pub delayed_ms: Option<u64>,
    /// Holders in order of fences, at most
    /// [`HOLDERS_SHOWN_MAX`](crate::limits::HOLDERS_SHOWN_MAX).
    pub holders: Vec<&'a Claim>,
    /// Waiters, first to be served first; at most
    /// [`HOLDERS_SHOWN_MAX`](crate::limits::HOLDERS_SHOWN_MAX). [`State::queue`] gives more.
    pub waiters: Vec<&'a Claim>,
}

impl State {
    /// How the claim of this id stands. Takes time in proportion to its position in the queue.
    #[must_use]
    pub fn claim(&self, lock: &LockName, id: &ClaimId) -> ClaimStatus<'_> {
        if let Some(claim) = self.live_claim(lock, id) {
            let (holders, waiters) = self
                .locks
                .get(lock)
                .map_or((0, 0), |record| (record.holders, record.waiters));
            let position = self.position(claim);
            return ClaimStatus::Live(ClaimView {
                claim,
                position,
                holders,
                waiters,
            });
        }
        match self.ended_claims.get(&(lock.clone(), id.clone())) {
            Some(ended) => ClaimStatus::Ended(ended),
            None => ClaimStatus::Unknown,
        }
    }

    /// The live claim with this fence, holding or waiting.
    #[must_use]
    pub fn claim_by_fence(&self, lock: &LockName, fence: Fence) -> Option<&Claim> {
        self.claims.get(&(lock.clone(), fence))
    }

    /// The lock of this name. `None` when there is neither a claim nor a setting nor a znode.
    #[must_use]
    pub fn lock(&self, name: &LockName) -> Option<LockView<'_>> {
        let record = self.locks.get(name);
        let stat = self.stat(&name.znode());
        if record.is_none() && stat.is_none() {
            return None;
        }
        Some(LockView {
            lock: record.cloned().unwrap_or_default(),
            stat,
            delayed_ms: self.delayed_ms(name),
            holders: self.holders(name, limits::HOLDERS_SHOWN_MAX),
            waiters: self.queue(name, limits::HOLDERS_SHOWN_MAX),
        })
    }

    /// Holders of a lock in order of fences, at most `limit`.
    #[must_use]
    pub fn holders(&self, lock: &LockName, limit: usize) -> Vec<&Claim> {
        self.claims_of_lock(lock)
            .take_while(|claim| claim.is_held())
            .take(limit)
            .collect()
    }

    /// Waiters of a lock, first to be served first, at most `limit`.
    #[must_use]
    pub fn queue(&self, lock: &LockName, limit: usize) -> Vec<&Claim> {
        self.waiters_of_lock(lock).take(limit).collect()
    }

    /// Locks with claims, settings or a running delay whose name begins with `prefix` (any text),
    /// in order of name: at most `limit`, those after `after`.
    #[must_use]
    pub fn locks(
        &self,
        prefix: &str,
        after: Option<&LockName>,
        limit: usize,
    ) -> Vec<(LockName, &Lock)> {
        let start = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.clone()),
            Some(_) | None => Bound::Included(LockName::range_bound(prefix)),
        };
        self.locks
            .range((start, Bound::Unbounded))
            .take_while(|(name, _)| name.as_str().starts_with(prefix))
            .take(limit)
            .map(|(name, lock)| (name.clone(), lock))
            .collect()
    }

    /// The holder of a lock that has this fence.
    ///
    /// # Errors
    /// [`Refusal::FenceStale`] when there is none.
    pub fn verify(&self, lock: &LockName, fence: Fence) -> Result<&Claim, Refusal> {
        match self.claim_by_fence(lock, fence) {
            Some(claim) if claim.is_held() => Ok(claim),
            Some(_) | None => Err(Refusal::FenceStale {
                lock: lock.clone(),
                fence,
                holders: self.holders_shown(lock),
            }),
        }
    }
}
