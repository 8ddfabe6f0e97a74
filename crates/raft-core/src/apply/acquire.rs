//! Standing in the queue of a lock.
//!
//! Everything that can refuse is checked before anything changes (I-7).

mod all;
pub(in crate::apply) mod checks;
mod deadlock;

use xxhash_rust::xxh3::xxh3_64;

use crate::acl::Perms;
use crate::apply::Step;
use crate::apply::claim::records::ClaimKey;
use crate::apply::grant::granted;
use crate::apply::tree::NewZnode;
use crate::command::{Acquire, ClaimSession, LockMode, Owner};
use crate::event::EventKind;
use crate::ids::{Fence, LockName, SessionId, ZnodePath};
use crate::limits;
use crate::lock::{Claim, ClaimState};
use crate::outcome::{Refusal, Reply};
use crate::recipe;
use crate::session::{Session, SessionKind};
use crate::znode::ZnodeKind;

impl Step<'_> {
    /// Queues a claim, or says how the claim of this id stands (see [`Acquire`]).
    pub(crate) fn acquire(&mut self, acquire: &Acquire) -> Result<Reply, Refusal> {
        checks::bounds(acquire)?;
        let session = self.claimant(acquire.session)?;
        if let Some(key) = self.repeated(acquire, &[], session)? {
            self.acknowledge(&key);
            return Ok(self.claim_reply(&key, false));
        }
        if let Some(key) = self.reentered(acquire, session)? {
            self.update_claim(&key, |claim| {
                claim.reentries.insert(acquire.claim.clone());
            });
            self.acknowledge(&key);
            return Ok(self.claim_reply(&key, true));
        }
        let agreed_limit = self
            .state
            .accepts(&acquire.lock, acquire.mode, Some(acquire.limit))?;
        self.check_queue(acquire, session)?;
        let znode = self.check_place(acquire, session)?;
        self.ensure_containers(&acquire.lock.znode())?;
        // From here on nothing refuses.
        self.settle_delay(&acquire.lock);
        let session = session.unwrap_or_else(|| self.open_implicit_session(acquire));
        self.insert_claim_znode(znode.clone(), acquire, session);
        let key = self.enqueue(self.new_claim(acquire, &[], session, &znode), agreed_limit);
        Ok(self.claim_reply(&key, true))
    }

    /// The session that is to own the claim; `None` when one is to be made for it.
    fn claimant(&self, session: ClaimSession) -> Result<Option<SessionId>, Refusal> {
        match (session, self.session) {
            (ClaimSession::Acting, None) => Err(Refusal::SessionRequired {
                what: "a claim that lives with its session".to_owned(),
            }),
            (ClaimSession::Acting, Some(session)) => Ok(Some(session)),
            (ClaimSession::Implicit, _) => Ok(None),
        }
    }

    /// The live claim this request is a repeat of. `all_of`: the locks that are claimed together.
    fn repeated(
        &self,
        acquire: &Acquire,
        all_of: &[LockName],
        session: Option<SessionId>,
    ) -> Result<Option<ClaimKey>, Refusal> {
        let (lock, id) = (&acquire.lock, &acquire.claim);
        let mismatch = || Refusal::ClaimMismatch {
            lock: lock.clone(),
            claim: id.clone(),
        };
        let Some(claim) = self.state.live_claim(lock, id) else {
            let key = (lock.clone(), id.clone());
            if let Some(ended) = self.state.ended_claims.get(&key) {
                return Err(Refusal::ClaimEnded(Box::new(ended.clone())));
            }
            // The first id of a re-entered hold, released so long ago that this is forgotten.
            let taken = self.state.index.claim_ids.contains_key(&key);
            return if taken { Err(mismatch()) } else { Ok(None) };
        };
        // A re-entry has no parameters of its own but that it is one.
        let same = if claim.id == *id {
            claim.fingerprint == fingerprint(acquire, all_of)
        } else {
            may_reenter(acquire) && session.is_some()
        };
        if !same {
            return Err(mismatch());
        }
        if session.is_some_and(|session| session != claim.session) {
            return Err(Refusal::NotOwner {
                lock: lock.clone(),
                claim: id.clone(),
            });
        }
        Ok(Some((lock.clone(), claim.fence)))
    }

    /// The hold this request joins: exclusive, of the same session, and made to be re-entered.
    ///
    /// A re-entry gets no znode of its own. Its znode would have a larger fence than claims that
    /// wait already, so the order of fences would not be the order of grants any more, and a
    /// Curator client behind the hold would see two znodes to wait for. It shares the hold's fence
    /// instead, and the hold ends when all its ids are released.
    fn reentered(
        &self,
        acquire: &Acquire,
        session: Option<SessionId>,
    ) -> Result<Option<ClaimKey>, Refusal> {
        let hold = self.state.claims_of_lock(&acquire.lock).next();
        let joins = |claim: &&Claim| {
            claim.is_held()
                && claim.reentrant
                && claim.mode == LockMode::Exclusive
                && Some(claim.session) == session
        };
        let Some(hold) = hold.filter(joins).filter(|_| may_reenter(acquire)) else {
            return Ok(None);
        };
        if hold.reentries.len() >= limits::REENTRIES_PER_CLAIM_MAX {
            return Err(Refusal::limit(
                "re-entries of one hold",
                limits::REENTRIES_PER_CLAIM_MAX as u64,
            ));
        }
        Ok(Some((acquire.lock.clone(), hold.fence)))
    }

    /// Whether there is room in the queue, and whether the claim may stand in it. Waiters behind a
    /// lock delay that is over but not handled yet still count, since a refusal must not grant.
    fn check_queue(&self, acquire: &Acquire, session: Option<SessionId>) -> Result<(), Refusal> {
        let lock = &acquire.lock;
        let free = self.state.is_free_for(lock, acquire.mode);
        if !free && acquire.wait_ms == Some(0) {
            return Err(self.state.lock_held(lock));
        }
        self.state.check_room_in_queue(lock, free)?;
        if free {
            return Ok(());
        }
        self.check_deadlock(std::slice::from_ref(acquire), session)
    }

    /// Whether the claim's znode, whose path it gives back, may be made: permission, and room in
    /// the tree, among the session's and by the quotas.
    fn check_place(
        &self,
        acquire: &Acquire,
        session: Option<SessionId>,
    ) -> Result<ZnodePath, Refusal> {
        let lock = acquire.lock.znode();
        let (parent, missing) = self.ancestor(&lock, true)?;
        // An ancestor above the lock lets its containers be made or not, in `ensure_containers`.
        if missing.is_empty() {
            parent.require(self.identities, Perms::CREATE)?;
        }
        // The containers that are missing, and the claim.
        self.check_room(parent, missing.len().saturating_add(1))?;
        match session {
            Some(session) => self.check_ephemerals(session)?,
            None => self.state.check_room_for_session()?,
        }
        let sequence = self.next_sequence(&lock);
        let path = lock.child(&recipe::znode_name(&acquire.claim, acquire.mode, sequence))?;
        if let Some(znode) = self.state.znode(&path) {
            let version = znode.version;
            return Err(Refusal::NodeExists { path, version });
        }
        let containers = missing.iter().map(|path| (path, 0));
        // Not made where there is no quota to ask for it.
        let claim = std::iter::once_with(|| {
            let text = self.claim_text(acquire, session);
            (&path, text.len() as u64)
        });
        self.check_quotas(containers.chain(claim))?;
        Ok(path)
    }

    /// A session for one claim alone.
    fn open_implicit_session(&mut self, acquire: &Acquire) -> SessionId {
        let owner = Owner {
            reason: acquire.reason.clone(),
            labels: acquire.labels.clone(),
            ..Owner::default()
        };
        self.insert_session(Session {
            id: SessionId(self.now.zxid.0),
            name: None,
            kind: SessionKind::Implicit,
            timeout_ms: 0,
            password: [0; 16],
            owner,
            lock_delay_ms: 0,
            opened: self.now,
            attached: self.now.zxid,
            activity: 0,
        })
    }

    fn insert_claim_znode(&mut self, path: ZnodePath, acquire: &Acquire, session: SessionId) {
        let text = self.claim_text(acquire, Some(session));
        self.insert_znode(path, NewZnode::text(text, ZnodeKind::Ephemeral(session)));
    }

    /// What the claim's znode says. A session that is yet to be made for the claim alone has nothing
    /// to add.
    fn claim_text(&self, acquire: &Acquire, session: Option<SessionId>) -> String {
        let session = session.and_then(|id| self.state.sessions.get(&id));
        let owner = session.map(|session| &session.owner);
        describe(owner, acquire.reason.as_deref())
    }

    fn new_claim(
        &self,
        acquire: &Acquire,
        all_of: &[LockName],
        session: SessionId,
        znode: &ZnodePath,
    ) -> Claim {
        let default_ttl_ms = match acquire.session {
            ClaimSession::Acting => None,
            ClaimSession::Implicit => Some(limits::IMPLICIT_TTL_MS_DEFAULT),
        };
        let deadline = acquire.wait_ms.map(|ms| self.now.log_time.after(ms));
        Claim {
            lock: acquire.lock.clone(),
            id: acquire.claim.clone(),
            reentries: std::collections::BTreeSet::new(),
            first_released: false,
            session,
            mode: acquire.mode,
            fence: Fence(self.now.zxid.0),
            znode_name: znode.name().to_owned(),
            downgrade: None,
            queued: self.now,
            state: ClaimState::Waiting { deadline },
            ttl_ms: acquire.ttl_ms.or(default_ttl_ms),
            ack_within_ms: ack_within_ms(acquire),
            reentrant: acquire.reentrant,
            reason: acquire.reason.clone(),
            labels: acquire.labels.clone(),
            all_of: all_of.to_vec(),
            release_request: None,
            fingerprint: fingerprint(acquire, all_of),
        }
    }

    /// Puts a claim whose znode was just made at the end of the queue, holding already when the
    /// lock is free for it.
    pub(in crate::apply) fn enqueue(&mut self, claim: Claim, agreed: Option<u32>) -> ClaimKey {
        let free = self.state.is_free_for(&claim.lock, claim.mode);
        self.stand(claim, agreed, free)
    }

    /// Puts a claim at the end of the queue, holding already when it may.
    fn stand(&mut self, claim: Claim, agreed: Option<u32>, may_hold: bool) -> ClaimKey {
        let key: ClaimKey = (claim.lock.clone(), claim.fence);
        if may_hold {
            let state = self.held_from_now(&claim, false);
            self.events.push(granted(&claim, false));
            self.insert_claim(Claim { state, ..claim }, agreed);
        } else {
            let (lock, fence) = key.clone();
            let record = self.state.locks.get(&lock);
            self.events.push(EventKind::ClaimQueued {
                lock,
                claim: claim.id.clone(),
                fence,
                session: claim.session,
                mode: claim.mode,
                position: record.map_or(0, |record| record.waiters).saturating_add(1),
            });
            self.insert_claim(claim, agreed);
        }
        key
    }
}

/// A claim that lives with its session is held as long as that lives: who has died is known by it. One that has no
/// other sign of life must be picked up, or a lock given to a request that had gone would be stuck for its whole
/// ttl.
fn ack_within_ms(acquire: &Acquire) -> Option<u64> {
    let default = match acquire.session {
        ClaimSession::Acting => None,
        ClaimSession::Implicit => Some(limits::ACK_WITHIN_MS_DEFAULT),
    };
    acquire.ack_within_ms.or(default)
}

/// Whether a request may join a hold of its session: an exclusive hold serves a reader as well.
fn may_reenter(acquire: &Acquire) -> bool {
    acquire.reentrant
        && match acquire.mode {
            LockMode::Exclusive | LockMode::Shared => true,
            LockMode::Permits(_) => false,
        }
}

/// What is shown to ZooKeeper clients that read a claim's znode.
fn describe(owner: Option<&Owner>, reason: Option<&str>) -> String {
    let owned = |field: fn(&Owner) -> &Option<String>| owner.and_then(|o| field(o).as_deref());
    let service = owned(|owner| &owner.service).unwrap_or_default();
    let host = owned(|owner| &owner.host).map_or(String::new(), |host| format!("@{host}"));
    let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
    format!("{service}{host}{reason}")
}

/// Hash of what makes two requests the same claim. Reason, labels and the time to pick a hand-over
/// up may differ. Never 0, which marks claims of ZooKeeper clients.
fn fingerprint(acquire: &Acquire, all_of: &[LockName]) -> u64 {
    let (mode, permits) = match acquire.mode {
        LockMode::Exclusive => (0, 0),
        LockMode::Shared => (1, 0),
        LockMode::Permits(permits) => (2, permits),
    };
    let binding = match acquire.session {
        ClaimSession::Acting => 0,
        ClaimSession::Implicit => 1,
    };
    let option = |value: Option<u64>| (u64::from(value.is_some()), value.unwrap_or_default());
    let (has_limit, limit) = option(acquire.limit.map(u64::from));
    let (has_wait, wait) = option(acquire.wait_ms);
    let (has_ttl, ttl) = option(acquire.ttl_ms);
    let numbers = [
        mode,
        u64::from(permits),
        binding,
        has_limit,
        limit,
        has_wait,
        wait,
        has_ttl,
        ttl,
        u64::from(acquire.reentrant),
    ];
    let mut bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number: &u64| number.to_le_bytes())
        .collect();
    for lock in all_of {
        bytes.extend_from_slice(lock.as_str().as_bytes());
        bytes.push(0);
    }
    xxh3_64(&bytes).max(1)
}
