//! The records behind the queue of a lock: every change of the tables of locks, claims and ended
//! claims goes through here, so that counters and look-ups follow in one place.

use std::ops::Bound;

use crate::apply::Step;
use crate::event::EventKind;
use crate::ids::{ClaimId, Fence, LockName, SessionId, ZnodePath};
use crate::limits;
use crate::lock::{Claim, ClaimEnd, EndedClaim, Lock};
use crate::outcome::{ClaimReply, HolderSummary, Refusal, Reply};
use crate::session::{SessionEnd, SessionKind};
use crate::state::State;

/// Key of a live claim.
pub(in crate::apply) type ClaimKey = (LockName, Fence);

/// How a claim is to end.
#[derive(Clone, Copy, Debug)]
pub(in crate::apply) struct Ending<'a> {
    /// How.
    pub(in crate::apply) end: ClaimEnd,
    /// Why, where somebody said so.
    pub(in crate::apply) reason: Option<&'a str>,
    /// Whether its znode is gone already.
    pub(in crate::apply) znode_removed: bool,
}

impl From<ClaimEnd> for Ending<'_> {
    fn from(end: ClaimEnd) -> Self {
        Ending {
            end,
            reason: None,
            znode_removed: false,
        }
    }
}

impl State {
    /// The claim whose znode is `path`, given the znode's czxid.
    pub(crate) fn claim_of_znode(&self, path: &ZnodePath, czxid: Fence) -> Option<ClaimKey> {
        let key = (LockName::of_znode(&path.parent()?)?, czxid);
        let claim = self.claims.get(&key)?;
        (claim.znode_name == path.name()).then_some(key)
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
        self.claims_beyond(lock, granted)
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

    /// Adds a claim at the end of the queue. It must be waiting and its znode must exist.
    pub(in crate::apply) fn insert_claim(&mut self, claim: Claim, agreed_limit: Option<u32>) {
        assert!(
            !claim.is_held(),
            "claim {} enters the queue as a holder",
            claim.id
        );
        let key = (claim.lock.clone(), claim.fence);
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
        });
        self.state.index.note_claim(&claim);
        let former = self.state.claims.insert(key, claim);
        assert!(former.is_none(), "two claims with one fence: {former:?}");
    }

    /// Ends a claim and serves the queue behind it; its implicit session ends with it.
    pub(in crate::apply) fn end_claim(&mut self, key: &ClaimKey, ending: Ending<'_>) -> EndedClaim {
        let ended = self.detach_claim(key, ending);
        self.grant_waiters(&key.0);
        self.end_implicit_session(ended.session);
        ended
    }

    /// Ends a session that was made for one claim alone, after that claim ended.
    pub(in crate::apply) fn end_implicit_session(&mut self, session: SessionId) {
        let kind = self
            .state
            .sessions
            .get(&session)
            .map(|session| session.kind);
        if kind == Some(SessionKind::Implicit) {
            self.end_session(session, SessionEnd::Closed);
        }
    }

    /// Takes a claim out of the queue without serving who comes next: the caller does, once all
    /// claims that end together are out, so that none of them is granted on its way out.
    pub(in crate::apply) fn detach_claim(
        &mut self,
        key: &ClaimKey,
        ending: Ending<'_>,
    ) -> EndedClaim {
        let claim = self.claim(key).clone();
        let ended = self.ended(&claim, ending);
        if !ending.znode_removed {
            self.remove_znode(&znode_of(&claim));
        }
        self.state.index.forget_claim(&claim);
        self.state.claims.remove(key);
        let delay_ms = if ended.held {
            self.delay_ms_after(&claim, ending.end)
        } else {
            0
        };
        let delayed_until = (delay_ms > 0).then(|| self.now.log_time.after(delay_ms));
        self.update_lock(&key.0, |lock| {
            if claim.is_held() {
                lock.holders -= 1;
                lock.permits_held -= claim.permits();
            } else {
                lock.waiters -= 1;
            }
            if lock.claims() == 0 {
                lock.agreed_limit = None;
            }
            lock.delayed_until = lock.delayed_until.max(delayed_until);
        });
        self.remember_ids(&claim, &ended);
        self.events.push(EventKind::ClaimEnded {
            lock: ended.lock.clone(),
            claim: ended.id.clone(),
            fence: ended.fence,
            session: ended.session,
            held: ended.held,
            end: ended.end,
            reason: ended.reason.clone(),
        });
        ended
    }

    /// How long nobody may have the lock after a hold ended like this. Not after an abandoned
    /// hand-over, which nobody worked under, and not after a session deleted the znode of its own
    /// claim, which is how ZooKeeper clients release; somebody else who deletes it breaks the lock.
    fn delay_ms_after(&self, claim: &Claim, end: ClaimEnd) -> u64 {
        let of_lock = || {
            let settings = self
                .state
                .locks
                .get(&claim.lock)
                .and_then(|l| l.settings.as_ref());
            settings.map_or(0, |settings| settings.lock_delay_ms)
        };
        let of_session = || {
            self.state
                .sessions
                .get(&claim.session)
                .map_or(0, |session| session.lock_delay_ms)
        };
        match end {
            ClaimEnd::Released
            | ClaimEnd::Left
            | ClaimEnd::WaitElapsed
            | ClaimEnd::Abandoned
            | ClaimEnd::SessionClosed => 0,
            ClaimEnd::ZnodeDeleted if self.session == Some(claim.session) => 0,
            ClaimEnd::Expired | ClaimEnd::Broken | ClaimEnd::ZnodeDeleted => of_lock(),
            ClaimEnd::SessionExpired => of_lock().max(of_session()),
        }
    }

    /// What will be remembered of a claim that ends now.
    pub(in crate::apply) fn ended(&self, claim: &Claim, ending: Ending<'_>) -> EndedClaim {
        EndedClaim {
            lock: claim.lock.clone(),
            id: claim.id.clone(),
            session: claim.session,
            fence: claim.fence,
            held: claim.is_held(),
            end: ending.end,
            ended: self.now,
            reason: ending.reason.map(str::to_owned),
            fingerprint: claim.fingerprint,
            forget_at: self.now.log_time.after(limits::TOMBSTONE_MS),
        }
    }

    /// Remembers the end of a claim under each id it still had.
    fn remember_ids(&mut self, claim: &Claim, ended: &EndedClaim) {
        if !claim.first_released {
            self.remember_ended_claim(ended.clone());
        }
        for id in &claim.reentries {
            self.remember_ended_claim(EndedClaim {
                id: id.clone(),
                ..ended.clone()
            });
        }
    }

    /// Remembers an ended claim; when there are too many the oldest is forgotten.
    pub(in crate::apply) fn remember_ended_claim(&mut self, ended: EndedClaim) {
        let key = (ended.lock.clone(), ended.id.clone());
        self.forget_ended_claim(&key);
        while self.state.ended_claims.len() >= limits::ENDED_CLAIMS_MAX {
            let Some((_, lock, id)) = self.state.index.ended_claims_by_age.get_min().cloned()
            else {
                break;
            };
            self.forget_ended_claim(&(lock, id));
        }
        self.state.index.note_ended_claim(&ended);
        self.state.ended_claims.insert(key, ended);
    }

    /// Drops the memory of an ended claim, if there is one.
    pub(in crate::apply) fn forget_ended_claim(&mut self, key: &(LockName, ClaimId)) {
        if let Some(former) = self.state.ended_claims.remove(key) {
            self.state.index.forget_ended_claim(&former);
        }
    }
}

/// The znode of a claim.
#[expect(
    clippy::expect_used,
    reason = "the znode exists, so its path was valid"
)]
fn znode_of(claim: &Claim) -> ZnodePath {
    claim
        .lock
        .znode()
        .child(&claim.znode_name)
        .expect("the path of a claim's znode is valid")
}

#[cfg(test)]
mod tests {
    use crate::apply::Step;
    use crate::ids::{ClaimId, Fence, LockName, LogTime, SessionId};
    use crate::limits;
    use crate::lock::{ClaimEnd, EndedClaim};
    use crate::state::State;

    #[test]
    fn the_oldest_ended_claim_is_forgotten_when_there_are_too_many() {
        let mut state = State::new();
        let now = state.clock;
        let mut step = Step {
            state: &mut state,
            now,
            session: None,
            identities: &[],
            events: Vec::new(),
        };
        let lock = LockName::parse("a").unwrap();
        let id = |n: usize| ClaimId::parse(&format!("c{n}")).unwrap();
        for n in 0..=limits::ENDED_CLAIMS_MAX {
            step.remember_ended_claim(EndedClaim {
                lock: lock.clone(),
                id: id(n),
                session: SessionId(1),
                fence: Fence(n as u64),
                held: true,
                end: ClaimEnd::Released,
                ended: now,
                reason: None,
                fingerprint: 1,
                forget_at: LogTime(n as u64),
            });
        }
        assert_eq!(state.ended_claims.len(), limits::ENDED_CLAIMS_MAX);
        assert!(!state.ended_claims.contains_key(&(lock.clone(), id(0))));
        assert!(state.ended_claims.contains_key(&(lock, id(1))));
        state.check_invariants().unwrap();
    }
}
