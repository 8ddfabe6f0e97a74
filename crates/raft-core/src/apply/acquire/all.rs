//! Standing in the queues of several locks at once.
//!
//! A claim is made in each queue by one command, so all of them have one fence and stand before or behind
//! any other claim in every queue alike: two such claims never wait for each other. What a claim must be to
//! be granted is in `grant.rs`, how all of them end in `claim/ending.rs`.

use crate::apply::Step;
use crate::apply::acquire::checks;
use crate::apply::claim::records::ClaimKey;
use crate::command::{Acquire, AcquireAll, ClaimPart};
use crate::ids::{Fence, LockName, SessionId};
use crate::limits;
use crate::outcome::{Refusal, Reply};

/// What is asked.
struct Parts {
    /// Of each lock, in order of their names.
    acquires: Vec<Acquire>,
    /// Those that are claimed together; none where it is one alone, which is a claim like any other.
    all_of: Vec<LockName>,
}

impl Step<'_> {
    /// Queues a claim of several locks, or says how the claim of this id stands (see [`AcquireAll`]). The
    /// answer is that of the first lock in order of name.
    pub(crate) fn acquire_all(&mut self, ask: &AcquireAll) -> Result<Reply, Refusal> {
        let parts = parts_of(ask)?;
        let session = self.claimant(ask.session)?;
        if let Some(key) = self.repeated_all(&parts, session)? {
            self.acknowledge(&key);
            return Ok(self.claim_reply(&key, false));
        }
        let agreed = parts
            .acquires
            .iter()
            .map(|part| self.state.accepts(&part.lock, part.mode, Some(part.limit)))
            .collect::<Result<Vec<_>, _>>()?;
        self.check_queues(&parts, session)?;
        let key = self.all_or_nothing(|step| step.stand_in_all(&parts, &agreed, session))?;
        Ok(self.claim_reply(&key, true))
    }

    /// The first of the live claims this request is a repeat of.
    fn repeated_all(
        &self,
        parts: &Parts,
        session: Option<SessionId>,
    ) -> Result<Option<ClaimKey>, Refusal> {
        let mut first = None;
        for part in &parts.acquires {
            let found = self.repeated(part, &parts.all_of, session)?;
            first = first.or(found);
        }
        Ok(first)
    }

    /// Whether there is room in the queues, and whether a claim may stand in them.
    fn check_queues(&self, parts: &Parts, session: Option<SessionId>) -> Result<(), Refusal> {
        let taken = |part: &&Acquire| !self.state.is_free_for(&part.lock, part.mode);
        let taken = parts.acquires.iter().find(taken);
        if let Some(part) = taken.filter(|part| part.wait_ms == Some(0)) {
            return Err(self.state.lock_held(&part.lock));
        }
        for part in &parts.acquires {
            self.state
                .check_room_in_queue(&part.lock, taken.is_none())?;
        }
        match taken {
            Some(_) => self.check_deadlock(&parts.acquires, session),
            None => Ok(()),
        }
    }

    fn stand_in_all(
        &mut self,
        parts: &Parts,
        agreed: &[Option<u32>],
        session: Option<SessionId>,
    ) -> Result<ClaimKey, Refusal> {
        let session = match session {
            Some(session) => session,
            None => {
                self.state.check_room_for_session()?;
                self.open_implicit_session(parts.first()?)
            }
        };
        let mut claims = Vec::new();
        for part in &parts.acquires {
            let znode = self.check_place(part, Some(session))?;
            self.ensure_containers(&part.lock.znode())?;
            self.insert_claim_znode(znode.clone(), part, session);
            claims.push(self.new_claim(part, &parts.all_of, session, &znode));
        }
        // From here on nothing refuses.
        for part in &parts.acquires {
            self.settle_delay(&part.lock);
        }
        let is_free = |part: &Acquire| self.state.is_free_for(&part.lock, part.mode);
        let all_free = parts.acquires.iter().all(is_free);
        for (claim, agreed) in claims.into_iter().zip(agreed) {
            self.stand(claim, *agreed, all_free);
        }
        Ok((parts.first()?.lock.clone(), Fence(self.now.zxid.0)))
    }
}

impl Parts {
    fn first(&self) -> Result<&Acquire, Refusal> {
        self.acquires.first().ok_or_else(|| {
            Refusal::BadArguments("`all_of` names no lock: name at least one".to_owned())
        })
    }
}

fn parts_of(ask: &AcquireAll) -> Result<Parts, Refusal> {
    if ask.all_of.len() > limits::LOCKS_PER_CLAIM_MAX {
        return Err(Refusal::limit(
            "locks claimed together",
            limits::LOCKS_PER_CLAIM_MAX as u64,
        ));
    }
    let acquire = |part: &ClaimPart| Acquire {
        lock: part.lock.clone(),
        claim: ask.claim.clone(),
        mode: part.mode,
        limit: part.limit,
        session: ask.session,
        wait_ms: ask.wait_ms,
        ttl_ms: ask.ttl_ms,
        ack_within_ms: ask.ack_within_ms,
        reentrant: false,
        reason: ask.reason.clone(),
        labels: ask.labels.clone(),
    };
    let mut acquires: Vec<Acquire> = ask.all_of.iter().map(acquire).collect();
    acquires.sort_by(|one, other| one.lock.cmp(&other.lock));
    acquires.iter().try_for_each(checks::bounds)?;
    let twice = acquires.windows(2).find_map(|pair| match pair {
        [one, next] if one.lock == next.lock => Some(&one.lock),
        [..] => None,
    });
    if let Some(lock) = twice {
        let why = format!("`all_of` names lock {lock} twice");
        return Err(Refusal::BadArguments(why));
    }
    let locks = acquires.iter().map(|part| part.lock.clone());
    let all_of = locks.filter(|_| acquires.len() > 1).collect();
    let parts = Parts { acquires, all_of };
    parts.first()?;
    Ok(parts)
}
