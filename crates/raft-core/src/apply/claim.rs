//! What may be done with a live claim.

pub(in crate::apply) mod records;

mod asking;
pub(in crate::apply) mod ending;
mod foreign;
mod history;
mod memory;
mod queue;

use crate::acl::{self, Perms};
use crate::apply::Step;
use crate::apply::acquire::checks;
use crate::apply::claim::ending::Ending;
use crate::apply::claim::records::ClaimKey;
use crate::event::EventKind;
use crate::ids::{ClaimId, Fence, LockName};
use crate::lock::{Claim, ClaimEnd, ClaimState, EndedClaim};
use crate::outcome::{Refusal, Reply};
use crate::session::SessionKind;

impl Step<'_> {
    /// The client has learnt that it has the lock. Repeating it changes nothing.
    pub(crate) fn acknowledge_grant(
        &mut self,
        lock: &LockName,
        id: &ClaimId,
    ) -> Result<Reply, Refusal> {
        let key = self.own_claim(lock, id)?;
        if !self.claim(&key).is_held() {
            return Err(Refusal::NotHolder {
                lock: lock.clone(),
                claim: id.clone(),
            });
        }
        self.acknowledge(&key);
        Ok(self.claim_reply(&key, false))
    }

    /// Picks a hand-over up, if there is one to pick up.
    pub(in crate::apply) fn acknowledge(&mut self, key: &ClaimKey) {
        let pending = matches!(
            self.claim(key).state,
            ClaimState::Held {
                acknowledge_by: Some(_),
                ..
            }
        );
        if pending {
            self.update_together(key, |claim| {
                if let ClaimState::Held { acknowledge_by, .. } = &mut claim.state {
                    *acknowledge_by = None;
                }
            });
        }
    }

    /// Gives a hold its time anew, from now on and up to the lock's longest hold; of a waiting
    /// claim changes what it will get. `ttl_ms`: a new time to hold instead of the stored one.
    pub(crate) fn extend_claim(
        &mut self,
        lock: &LockName,
        id: &ClaimId,
        ttl_ms: Option<u64>,
        reason: Option<&str>,
    ) -> Result<Reply, Refusal> {
        checks::positive_duration("ttl", ttl_ms)?;
        checks::text("reason", reason)?;
        let key = self.own_claim(lock, id)?;
        let ttl_ms = ttl_ms.or(self.claim(&key).ttl_ms);
        let now = self.now.log_time;
        let max_hold_ms = self.state.max_hold_ms(self.claim(&key));
        self.update_together(&key, |claim| {
            claim.ttl_ms = ttl_ms;
            if let Some(reason) = reason {
                claim.reason = Some(reason.to_owned());
            }
            if let ClaimState::Held {
                granted,
                expires,
                acknowledge_by,
            } = &mut claim.state
            {
                let own = ttl_ms.map(|ms| now.after(ms));
                let longest = max_hold_ms.map(|ms| granted.log_time.after(ms));
                *expires = earlier(own, longest);
                *acknowledge_by = None;
            }
        });
        if self.claim(&key).is_held() {
            let claim = self.claim(&key);
            let extended = |lock: &LockName| EventKind::ClaimExtended {
                lock: lock.clone(),
                claim: claim.id.clone(),
                fence: key.1,
            };
            let events: Vec<EventKind> = claim.locks().map(extended).collect();
            events.into_iter().for_each(|event| self.events.push(event));
        }
        Ok(self.claim_reply(&key, false))
    }

    /// Releases a hold or leaves the queue; also a step of a transaction. Checks before it changes
    /// anything. Repeating it gives the same answer; after another end it is refused, so that the
    /// caller learns that it worked unprotected.
    pub(crate) fn release_claim(
        &mut self,
        lock: &LockName,
        id: &ClaimId,
    ) -> Result<EndedClaim, Refusal> {
        let key = match self.own_claim(lock, id) {
            Ok(key) => key,
            Err(Refusal::ClaimEnded(ended))
                if matches!(ended.end, ClaimEnd::Released | ClaimEnd::Left) =>
            {
                return Ok(*ended);
            }
            Err(refusal) => return Err(refusal),
        };
        let claim = self.claim(&key);
        let end = if claim.is_held() {
            ClaimEnd::Released
        } else {
            ClaimEnd::Left
        };
        if live_ids(claim) > 1 {
            return Ok(self.release_one_id(&key, id));
        }
        let ended = self.end_claim(&key, Ending::from(end));
        Ok(EndedClaim {
            id: id.clone(),
            ..ended
        })
    }

    /// Releases one of several ids of a re-entered hold, which goes on. No event: nobody else can
    /// see a difference.
    fn release_one_id(&mut self, key: &ClaimKey, id: &ClaimId) -> EndedClaim {
        let ended = self.ended(self.claim(key), Ending::from(ClaimEnd::Released));
        let ended = EndedClaim {
            id: id.clone(),
            ..ended
        };
        self.update_claim(key, |claim| {
            if !claim.reentries.remove(id) {
                claim.first_released = true;
            }
        });
        self.remember_ended_claim(ended.clone());
        ended
    }

    /// Takes a lock from the holder with this fence.
    pub(crate) fn break_claim(
        &mut self,
        lock: &LockName,
        fence: Fence,
        reason: &str,
    ) -> Result<Reply, Refusal> {
        checks::text("reason", Some(reason))?;
        self.state.verify(lock, fence)?;
        let znode = lock.znode();
        let acl = &self.state.existing(&znode)?.acl;
        acl::require(&znode, acl, self.identities, Perms::DELETE)?;
        let ending = Ending {
            reason: Some(reason),
            ..Ending::from(ClaimEnd::Broken)
        };
        let ended = self.end_claim(&(lock.clone(), fence), ending);
        Ok(Reply::ClaimEnded(Box::new(ended)))
    }

    /// The live claim of this id, if the one who asks may dispose of it: its session acts, or it
    /// has no session of its own and knowing its id is enough.
    fn own_claim(&self, lock: &LockName, id: &ClaimId) -> Result<ClaimKey, Refusal> {
        let Some(claim) = self.state.live_claim(lock, id) else {
            let ended = self.state.ended_claims.get(&(lock.clone(), id.clone()));
            return Err(match ended {
                Some(ended) => Refusal::ClaimEnded(Box::new(ended.clone())),
                None => Refusal::NoClaim {
                    lock: lock.clone(),
                    claim: id.clone(),
                },
            });
        };
        let kind = self
            .state
            .sessions
            .get(&claim.session)
            .map(|session| session.kind);
        if self.session == Some(claim.session) || kind == Some(SessionKind::Implicit) {
            Ok((lock.clone(), claim.fence))
        } else {
            Err(Refusal::NotOwner {
                lock: lock.clone(),
                claim: id.clone(),
            })
        }
    }
}

/// Ids of a claim that are not released yet.
fn live_ids(claim: &Claim) -> usize {
    claim.reentries.len() + usize::from(!claim.first_released)
}

/// The earlier of two deadlines, where `None` is never.
pub(in crate::apply) fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
