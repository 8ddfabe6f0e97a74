//! Asking a holder to release, and its answer. Nothing is taken away: a hold ends as it would have.

use crate::acl::{self, Perms};
use crate::apply::Step;
use crate::apply::acquire::checks;
use crate::apply::claim::records::ClaimKey;
use crate::command::RequestRelease;
use crate::event::EventKind;
use crate::history::kept_of;
use crate::ids::{ClaimId, Fence, LockName};
use crate::lock::ReleaseRequest;
use crate::outcome::{Refusal, Reply};

impl Step<'_> {
    /// Records on a hold that somebody asks for its release, and tells its owner. Who may queue may
    /// ask. Asking again replaces what was asked before, its answer too.
    pub(crate) fn request_release(&mut self, ask: &RequestRelease) -> Result<Reply, Refusal> {
        checks::duration("deadline", Some(ask.within_ms))?;
        checks::text("reason", Some(&ask.reason))?;
        let key = (ask.lock.clone(), self.fence_asked(&ask.lock, ask.fence)?);
        let znode = ask.lock.znode();
        let list = &self.state.existing(&znode)?.acl;
        acl::require(&znode, list, self.identities, Perms::CREATE)?;
        let request = ReleaseRequest {
            by: self.session,
            who: self.who_asks(),
            reason: ask.reason.clone(),
            asked: self.now,
            until: self.now.log_time.after(ask.within_ms),
            needs_until: None,
        };
        let claim = self.claim(&key);
        self.events.push(EventKind::ReleaseRequested {
            lock: key.0.clone(),
            claim: claim.id.clone(),
            fence: key.1,
            session: claim.session,
            who: request.who.clone(),
            within_ms: ask.within_ms,
            reason: request.reason.clone(),
        });
        self.update_claim(&key, |claim| {
            claim.release_request = Some(Box::new(request));
        });
        Ok(self.claim_reply(&key, false))
    }

    /// The holder says how much longer it needs. Repeating it counts from then on.
    pub(crate) fn answer_release(
        &mut self,
        lock: &LockName,
        id: &ClaimId,
        needs_ms: u64,
    ) -> Result<Reply, Refusal> {
        checks::duration("needs", Some(needs_ms))?;
        let key = self.own_claim(lock, id)?;
        if self.claim(&key).release_request.is_none() {
            return Err(Refusal::NotAsked {
                lock: lock.clone(),
                claim: id.clone(),
            });
        }
        let needs_until = self.now.log_time.after(needs_ms);
        self.update_claim(&key, |claim| {
            if let Some(request) = &mut claim.release_request {
                request.needs_until = Some(needs_until);
            }
        });
        self.note_answer(&key, needs_ms);
        Ok(self.claim_reply(&key, false))
    }

    fn note_answer(&mut self, key: &ClaimKey, needs_ms: u64) {
        let claim = self.claim(key);
        let event = EventKind::ReleaseAnswered {
            lock: key.0.clone(),
            claim: claim.id.clone(),
            fence: key.1,
            session: claim.session,
            needs_ms,
        };
        self.events.push(event);
    }

    /// Fence of the hold that is meant: the one named, or that of the only holder.
    fn fence_asked(&self, lock: &LockName, fence: Option<Fence>) -> Result<Fence, Refusal> {
        if let Some(fence) = fence {
            return self.state.verify(lock, fence).map(|claim| claim.fence);
        }
        match self.state.holders(lock, 2).as_slice() {
            [] => Err(Refusal::BadArguments(format!("nobody holds lock {lock}"))),
            [holder] => Ok(holder.fence),
            [..] => Err(Refusal::BadArguments(format!(
                "lock {lock} has several holders: name the fence of the one that is asked"
            ))),
        }
    }

    /// Who asks, in one line: the owner or the name of the acting session, or else an identity.
    fn who_asks(&self) -> String {
        let session = self.session.and_then(|id| self.state.sessions.get(&id));
        let text = match session {
            Some(session) => session.described(),
            None => match self.identities.first() {
                Some(identity) => format!("{} {}", identity.scheme, identity.id),
                None => "somebody".to_owned(),
            },
        };
        (*kept_of(&text)).to_owned()
    }
}
