//! What is remembered of claims that ended, so that a delayed duplicate learns of it.

use crate::apply::Step;
use crate::apply::claim::ending::Ending;
use crate::command::Command;
use crate::ids::{ClaimId, LockName};
use crate::limits;
use crate::lock::{Claim, ClaimEnd, EndedClaim};
use crate::outcome::{Refusal, Reply};

impl Step<'_> {
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

    /// What a request is told whose session cannot act, for the reason `refusal`. Changes nothing.
    ///
    /// A repeat of an acquire or a release is told how the claim stands, as it would be without
    /// naming the session or while the session lived (P-RETRY): that the session has ended does not
    /// say whether the first release came before.
    pub(in crate::apply) fn of_ended_session(
        &self,
        command: &Command,
        refusal: Refusal,
    ) -> Result<Reply, Refusal> {
        let Refusal::SessionEnded(session) = &refusal else {
            return Err(refusal);
        };
        let (lock, claim, releases) = if let Some((lock, claim)) = command.claim_asked_for() {
            (lock, claim, false)
        } else if let Command::ReleaseClaim { lock, claim } = command {
            (lock, claim, true)
        } else {
            return Err(refusal);
        };
        let ended = self.state.ended_claims.get(&(lock.clone(), claim.clone()));
        let Some(ended) = ended.filter(|ended| ended.session == session.id) else {
            return Err(refusal);
        };
        let ended = Box::new(ended.clone());
        let by_its_owner = matches!(ended.end, ClaimEnd::Released | ClaimEnd::Left);
        if releases && by_its_owner {
            Ok(Reply::ClaimEnded(ended))
        } else {
            Err(Refusal::ClaimEnded(ended))
        }
    }

    /// Remembers the end of a claim under each id it still had.
    pub(super) fn remember_ids(&mut self, claim: &Claim, ended: &EndedClaim) {
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
        let mut step = Step::new(&mut state, now, &[]);
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
