//! Serving the queue of a lock (decision 8).
//!
//! Strictly first in, first out by fence: the first waiter that cannot have the lock blocks all
//! behind it, so nobody starves. What may hold together: one exclusive claim alone; any number of
//! shared claims; permits up to the limit. Locks that are claimed together are granted together, when the
//! claim is the first in all their queues and may have all; until then it blocks those behind it in each.
//! [`Step::grant_waiters`] is called wherever a lock may
//! have become free, in the command that freed it; a caller that forgets it leaves a waiter behind
//! for ever, which `check_invariants` reports as a lost wake-up.

use mutant::Mutant;

use crate::apply::Step;
use crate::apply::claim::earlier;
use crate::apply::claim::records::ClaimKey;
use crate::command::LockMode;
use crate::event::EventKind;
use crate::ids::LockName;
use crate::limits;
use crate::lock::{Claim, ClaimState, Lock};
use crate::state::State;

impl State {
    /// Mode of those who hold the lock; they all have the same kind of mode.
    pub(crate) fn held_mode(&self, lock: &LockName) -> Option<LockMode> {
        if mutant::is(Mutant::ReadersPassWriters) {
            let mut claims = self.claims_of_lock(lock);
            return claims.find(|claim| claim.is_held()).map(|claim| claim.mode);
        }
        self.claims_of_lock(lock)
            .next()
            .filter(|claim| claim.is_held())
            .map(|claim| claim.mode)
    }

    /// Whether a claim of this mode that queued now would have the lock at once.
    pub(crate) fn is_free_for(&self, lock: &LockName, mode: LockMode) -> bool {
        let Some(record) = self.locks.get(lock) else {
            return true;
        };
        let passes = mutant::is(Mutant::ReadersPassWriters) && mode == LockMode::Shared;
        (record.waiters == 0 || passes)
            && self.delayed_ms(lock).is_none()
            && fits(record, self.held_mode(lock), mode)
    }

    /// How long a lock delay still runs, milliseconds.
    pub(crate) fn delayed_ms(&self, lock: &LockName) -> Option<u64> {
        let until = self.locks.get(lock)?.delayed_until?;
        until
            .0
            .checked_sub(self.clock.log_time.0)
            .filter(|ms| *ms > 0)
    }

    /// The first waiter, if it may have the lock now, and with it all that it claims together.
    pub(crate) fn grantable(&self, lock: &LockName) -> Option<&Claim> {
        let first = self.first_that_fits(lock)?;
        let its_turn = |other| {
            let there = self.first_that_fits(other);
            there.is_some_and(|claim| claim.fence == first.fence)
        };
        first.others().all(its_turn).then_some(first)
    }

    /// The first waiter, if this lock lets it in.
    fn first_that_fits(&self, lock: &LockName) -> Option<&Claim> {
        let record = self.locks.get(lock)?;
        if record.waiters == 0 || record.delayed_until.is_some() {
            return None;
        }
        let first = self.waiters_of_lock(lock).next()?;
        fits(record, self.held_mode(lock), first.mode).then_some(first)
    }
}

/// Whether a claim of mode `mode` may hold beside those who hold now.
fn fits(record: &Lock, held: Option<LockMode>, mode: LockMode) -> bool {
    match (held, mode) {
        (None, LockMode::Exclusive | LockMode::Shared)
        | (Some(LockMode::Shared), LockMode::Shared) => true,
        (None | Some(LockMode::Permits(_)), LockMode::Permits(permits)) => {
            // Without a limit only claims of ZooKeeper clients are there, who count themselves.
            let limit = record.permit_limit().unwrap_or(limits::PERMITS_MAX);
            record.permits_held.saturating_add(permits) <= limit
        }
        (Some(_), LockMode::Exclusive)
        | (Some(LockMode::Exclusive | LockMode::Permits(_)), LockMode::Shared)
        | (Some(LockMode::Exclusive | LockMode::Shared), LockMode::Permits(_)) => false,
    }
}

/// What is told of a grant.
pub(in crate::apply) fn granted(claim: &Claim, handed_over: bool) -> EventKind {
    EventKind::ClaimGranted {
        lock: claim.lock.clone(),
        claim: claim.id.clone(),
        fence: claim.fence,
        session: claim.session,
        mode: claim.mode,
        handed_over,
    }
}

impl Step<'_> {
    /// Grants the lock to every waiter whose turn it is. Where that grants other locks too, it may be the
    /// turn of who comes next there.
    pub(in crate::apply) fn grant_waiters(&mut self, lock: &LockName) {
        let mut elsewhere = self.grant_those_of(lock);
        while let Some(lock) = elsewhere.pop() {
            elsewhere.extend(self.grant_those_of(&lock));
        }
    }

    /// Gives back the other locks that were granted with this one.
    fn grant_those_of(&mut self, lock: &LockName) -> Vec<LockName> {
        let mut elsewhere = Vec::new();
        while let Some(next) = self.state.grantable(lock) {
            let fence = next.fence;
            let others: Vec<LockName> = next.others().cloned().collect();
            self.grant(&(lock.clone(), fence));
            for other in others {
                self.grant(&(other.clone(), fence));
                elsewhere.push(other);
            }
        }
        elsewhere
    }

    fn grant(&mut self, key: &ClaimKey) {
        let claim = self.claim(key);
        let permits = claim.permits();
        let held = self.held_from_now(claim, true);
        let event = granted(claim, true);
        self.update_claim(key, |claim| claim.state = held);
        self.update_lock(&key.0, |record| record.count_grant(key.1, permits));
        self.events.push(event);
    }

    /// How a claim stands that gets the lock in this command. Where the claim says so, a hand-over must be
    /// picked up in time; claims of ZooKeeper clients, who could not say that they did, never say so.
    pub(in crate::apply) fn held_from_now(&self, claim: &Claim, handed_over: bool) -> ClaimState {
        let granted = self.now;
        let hold_ms = earlier(claim.ttl_ms, self.state.max_hold_ms(claim));
        let unasked = mutant::is(Mutant::GrantToDeadSession)
            && !self.state.sessions.contains_key(&claim.session);
        let ack_within_ms = claim.ack_within_ms.filter(|_| handed_over && !unasked);
        ClaimState::Held {
            granted,
            expires: hold_ms.map(|ms| granted.log_time.after(ms)),
            acknowledge_by: ack_within_ms.map(|ms| granted.log_time.after(ms)),
        }
    }

    /// Drops a lock delay that is over by the clock although its deadline was not handled yet, so
    /// that an acquire which comes first is not refused for it.
    pub(in crate::apply) fn settle_delay(&mut self, lock: &LockName) {
        let delayed_until = self
            .state
            .locks
            .get(lock)
            .and_then(|record| record.delayed_until);
        if delayed_until.is_some_and(|until| until <= self.now.log_time) {
            self.end_delay(lock);
        }
    }

    /// Ends a lock delay and serves the queue.
    pub(in crate::apply) fn end_delay(&mut self, lock: &LockName) {
        self.update_lock(lock, |record| record.delayed_until = None);
        self.grant_waiters(lock);
    }
}

impl State {
    /// How long a hold of this claim may last at most by the settings of its locks, milliseconds.
    pub(crate) fn max_hold_ms(&self, claim: &Claim) -> Option<u64> {
        let of_lock = |lock| self.locks.get(lock)?.settings.as_ref()?.max_hold_ms;
        claim.locks().filter_map(of_lock).min()
    }
}
