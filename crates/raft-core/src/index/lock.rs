//! Look-ups derived from sessions, locks, claims and their memories.
//!
//! Every change of these tables goes through a `note_…`/`forget_…` pair here, and a rebuild after
//! a restore is the same `note_…` for every entry, so the two cannot drift apart.

use crate::ids::{Fence, LockName, LogTime, SessionId};
use crate::lock::{Claim, ClaimState, EndedClaim, Lock};
use crate::session::{EndedSession, Session};
use crate::state::{Due, Index, State};

/// Adds to `index` everything that the tables of sessions, locks and claims (live and ended)
/// imply. Must give exactly what apply maintains step by step: `check_invariants` compares the
/// two. The tree's and the answers' part is in the parent module.
pub(super) fn rebuild(state: &State, index: &mut Index) {
    for (_, session) in state.sessions.iter() {
        index.note_session(session);
    }
    for (_, ended) in state.ended_sessions.iter() {
        index.note_ended_session(ended);
    }
    for (name, lock) in state.locks.iter() {
        index.note_lock(name, lock);
    }
    for (_, claim) in state.claims.iter() {
        index.note_claim(claim);
    }
    for (_, ended) in state.ended_claims.iter() {
        index.note_ended_claim(ended);
    }
}

/// The one deadline a claim has in each state, two for a hold that is not picked up.
fn deadlines(claim: &Claim) -> impl Iterator<Item = (LogTime, Due)> {
    let key = || (claim.lock.clone(), claim.fence);
    let due = |at: Option<LogTime>, make: fn(LockName, Fence) -> Due| {
        let (lock, fence) = key();
        at.map(|at| (at, make(lock, fence)))
    };
    let (first, second) = match &claim.state {
        ClaimState::Waiting { deadline } => (due(*deadline, Due::ClaimWait), None),
        ClaimState::Held {
            expires,
            acknowledge_by,
            ..
        } => (
            due(*expires, Due::ClaimHold),
            due(*acknowledge_by, Due::ClaimAcknowledge),
        ),
    };
    first.into_iter().chain(second)
}

impl Index {
    /// A session is open.
    pub(crate) fn note_session(&mut self, session: &Session) {
        if let Some(name) = &session.name {
            self.session_names.insert(name.clone(), session.id);
        }
    }

    /// A session is not open any more.
    pub(crate) fn forget_session(&mut self, session: &Session) {
        if let Some(name) = &session.name {
            self.session_names.remove(name);
        }
    }

    /// An ended session is remembered. Of several with one name the last one counts.
    pub(crate) fn note_ended_session(&mut self, ended: &EndedSession) {
        self.due
            .insert((ended.forget_at, Due::ForgetSession(ended.id)));
        self.ended_sessions_by_age
            .insert((ended.forget_at, ended.id));
        let Some(name) = &ended.name else { return };
        let latest = self
            .ended_session_names
            .get(name)
            .copied()
            .unwrap_or(SessionId(0));
        self.ended_session_names
            .insert(name.clone(), latest.max(ended.id));
    }

    /// An ended session is forgotten.
    pub(crate) fn forget_ended_session(&mut self, ended: &EndedSession) {
        self.due
            .remove(&(ended.forget_at, Due::ForgetSession(ended.id)));
        self.ended_sessions_by_age
            .remove(&(ended.forget_at, ended.id));
        let Some(name) = &ended.name else { return };
        if self.ended_session_names.get(name) == Some(&ended.id) {
            self.ended_session_names.remove(name);
        }
    }

    /// A lock has this record.
    pub(crate) fn note_lock(&mut self, name: &LockName, lock: &Lock) {
        if let Some(at) = lock.delayed_until {
            self.due.insert((at, Due::LockDelay(name.clone())));
        }
    }

    /// A lock has this record no more.
    pub(crate) fn forget_lock(&mut self, name: &LockName, lock: &Lock) {
        if let Some(at) = lock.delayed_until {
            self.due.remove(&(at, Due::LockDelay(name.clone())));
        }
    }

    /// A claim is live and stands like this. The id of a claim stays taken while re-entries keep
    /// its hold, also after the id itself was released.
    pub(crate) fn note_claim(&mut self, claim: &Claim) {
        for id in std::iter::once(&claim.id).chain(&claim.reentries) {
            self.claim_ids
                .insert((claim.lock.clone(), id.clone()), claim.fence);
        }
        if !claim.is_held() {
            let key = (claim.lock.clone(), claim.fence);
            self.waiting.entry(claim.session).or_default().insert(key);
        }
        self.note_deadlines(claim);
    }

    /// A claim is not live any more, or changes its ids.
    pub(crate) fn forget_claim(&mut self, claim: &Claim) {
        for id in std::iter::once(&claim.id).chain(&claim.reentries) {
            self.claim_ids.remove(&(claim.lock.clone(), id.clone()));
        }
        if !claim.is_held()
            && let Some(waiting) = self.waiting.get_mut(&claim.session)
        {
            waiting.remove(&(claim.lock.clone(), claim.fence));
            if waiting.is_empty() {
                self.waiting.remove(&claim.session);
            }
        }
        self.forget_deadlines(claim);
    }

    /// The deadlines of a claim.
    pub(crate) fn note_deadlines(&mut self, claim: &Claim) {
        for due in deadlines(claim) {
            self.due.insert(due);
        }
    }

    /// The deadlines of a claim do not stand any more.
    pub(crate) fn forget_deadlines(&mut self, claim: &Claim) {
        for due in deadlines(claim) {
            self.due.remove(&due);
        }
    }

    /// An ended claim is remembered.
    pub(crate) fn note_ended_claim(&mut self, ended: &EndedClaim) {
        let (lock, id) = (ended.lock.clone(), ended.id.clone());
        self.ended_claims_by_age
            .insert((ended.forget_at, lock.clone(), id.clone()));
        self.ended_claims_by_session
            .entry(ended.session)
            .or_default()
            .insert((ended.forget_at, lock.clone(), id.clone()));
        self.due
            .insert((ended.forget_at, Due::ForgetClaim(lock, id)));
    }

    /// An ended claim is forgotten.
    pub(crate) fn forget_ended_claim(&mut self, ended: &EndedClaim) {
        let (lock, id) = (ended.lock.clone(), ended.id.clone());
        self.ended_claims_by_age
            .remove(&(ended.forget_at, lock.clone(), id.clone()));
        if let Some(owned) = self.ended_claims_by_session.get_mut(&ended.session) {
            owned.remove(&(ended.forget_at, lock.clone(), id.clone()));
            if owned.is_empty() {
                self.ended_claims_by_session.remove(&ended.session);
            }
        }
        self.due
            .remove(&(ended.forget_at, Due::ForgetClaim(lock, id)));
    }
}
