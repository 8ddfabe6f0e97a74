//! Keeping claims in step with znodes that clients make and delete directly: the other door to
//! the same queue (decision 6).

use crate::apply::Step;
use crate::apply::claim::ending::Ending;
use crate::apply::claim::records::ClaimKey;
use crate::command::LockMode;
use crate::ids::{ClaimId, Fence, LockName, SessionId, ZnodePath};
use crate::lock::{Claim, ClaimEnd, ClaimState};
use crate::outcome::Refusal;
use crate::recipe;
use crate::state::State;
use crate::znode::Znode;

/// What the name of a znode says about the claim it is.
struct ForeignClaim {
    lock: LockName,
    id: ClaimId,
    mode: LockMode,
}

impl ForeignClaim {
    /// `None` when the znode is no claim: its parent is no lock, or its name that of no recipe.
    fn of(path: &ZnodePath) -> Option<ForeignClaim> {
        let lock = LockName::of_znode(&path.parent()?)?;
        let mode = recipe::mode_of(path.name())?;
        let id = recipe::foreign_id(path.name())?;
        Some(ForeignClaim { lock, id, mode })
    }
}

impl Step<'_> {
    /// Called before a client's create of an ephemeral znode below `/locks` that may be a claim,
    /// with its final path: refuses what the queue cannot take. A second claim of one lock within
    /// one multi would have the same czxid and so the same fence, and nobody could tell the two
    /// apart.
    pub(crate) fn claim_znode_allowed(
        &self,
        path: &ZnodePath,
        owner: SessionId,
    ) -> Result<(), Refusal> {
        if self.state.hold_that_may_downgrade(path, owner).is_some() {
            return Ok(());
        }
        let Some(ForeignClaim { lock, id, mode }) = ForeignClaim::of(path) else {
            return Ok(());
        };
        if self
            .state
            .claims
            .contains_key(&(lock.clone(), Fence(self.now.zxid.0)))
        {
            return Err(Refusal::BadArguments(format!(
                "two claims of lock {lock} in one command would have the same fence"
            )));
        }
        if self
            .state
            .index
            .claim_ids
            .contains_key(&(lock.clone(), id.clone()))
        {
            return Err(Refusal::ClaimMismatch { lock, claim: id });
        }
        self.state.accepts(&lock, mode, None)?;
        let free = self.state.is_free_for(&lock, mode);
        // The recipe of such a lease does not queue: its client takes what it made for a permit.
        if recipe::is_lease_without_suffix(path.name()) && !free {
            return Err(self.state.lock_held(&lock));
        }
        self.state.check_room_in_queue(&lock, free)
    }

    /// Called after a client created an ephemeral znode below `/locks` that was allowed as a claim.
    pub(crate) fn claim_znode_created(&mut self, path: &ZnodePath) {
        let owner = self.state.znode(path).and_then(Znode::owner);
        let hold = owner.and_then(|owner| self.state.hold_that_may_downgrade(path, owner));
        if let Some(hold) = hold {
            let name = path.name().to_owned();
            self.update_claim(&hold, |claim| claim.downgrade = Some(name));
            return;
        }
        let Some(claim) = self.state.foreign_claim(path, self.now) else {
            return;
        };
        // A lock's znode that was deleted and made anew counts from 0 again, so a name may come a second
        // time. What is remembered of the first can go: nobody repeats a request for a foreign claim.
        self.forget_ended_claim(&(claim.lock.clone(), claim.id.clone()));
        self.settle_delay(&claim.lock);
        let agreed = self.state.accepts(&claim.lock, claim.mode, None);
        self.enqueue(claim, agreed.ok().flatten());
    }

    /// Called after a client deleted an ephemeral znode below `/locks`, which is how the recipes
    /// of ZooKeeper clients release.
    pub(crate) fn claim_znode_removed(&mut self, path: &ZnodePath, removed: &Znode) {
        if let Some(hold) = self.state.hold_to_downgrade(path) {
            return self.update_claim(&hold, |claim| claim.downgrade = None);
        }
        let Some(key) = self.state.claim_of_znode(path, Fence(removed.czxid.0)) else {
            return;
        };
        if self.claim(&key).downgrade.is_some() {
            return self.go_on_reading(&key);
        }
        let ending = Ending {
            znode_removed: true,
            ..Ending::from(ClaimEnd::ZnodeDeleted)
        };
        self.end_claim(&key, ending);
    }

    /// A writer's znode is gone and its client's second one still there: the hold goes on, in its
    /// place and with its fence, and lets those readers in who are next.
    fn go_on_reading(&mut self, key: &ClaimKey) {
        self.update_claim(key, |claim| {
            if let Some(name) = claim.downgrade.take() {
                claim.znode_name = name;
                claim.mode = LockMode::Shared;
            }
        });
        self.grant_waiters(&key.0);
    }

    /// Called after a client deleted, or the state reaped, a znode below `/locks` that is no
    /// ephemeral: the lock's own znode, and its settings go with it. It had no children, so there
    /// are no claims; a lock delay goes on.
    pub(crate) fn lock_znode_removed(&mut self, path: &ZnodePath, _removed: &Znode) {
        let Some(lock) = LockName::of_znode(path) else {
            return;
        };
        let configured = self
            .state
            .locks
            .get(&lock)
            .is_some_and(|l| l.settings.is_some());
        if configured {
            self.update_lock(&lock, |record| record.settings = None);
        }
    }
}

impl State {
    /// Whether an ephemeral znode at `path` would be the second one of its owner's write hold.
    pub(crate) fn goes_on_reading(&self, path: &ZnodePath, owner: SessionId) -> bool {
        self.hold_that_may_downgrade(path, owner).is_some()
    }

    /// The write hold behind which the znode at `path` stands as the same client's reader.
    fn hold_that_may_downgrade(&self, path: &ZnodePath, owner: SessionId) -> Option<ClaimKey> {
        let lock = LockName::of_znode(&path.parent()?)?;
        let sequence = recipe::downgrade_of(path.name())?;
        let hold = self.claims_of_lock(&lock).next()?;
        let may = hold.is_held()
            && hold.session == owner
            && hold.downgrade.is_none()
            && hold.is_foreign()
            && recipe::is_write_claim(&hold.znode_name, sequence);
        may.then_some((lock, hold.fence))
    }

    fn foreign_claim(&self, path: &ZnodePath, queued: crate::command::Moment) -> Option<Claim> {
        let ForeignClaim { lock, id, mode } = ForeignClaim::of(path)?;
        let znode = self.znodes.get(path)?;
        Some(Claim {
            lock,
            id,
            reentries: std::collections::BTreeSet::new(),
            first_released: false,
            session: znode.owner()?,
            mode,
            fence: Fence(znode.czxid.0),
            znode_name: path.name().to_owned(),
            downgrade: None,
            queued,
            state: ClaimState::Waiting { deadline: None },
            ttl_ms: None,
            ack_within_ms: None,
            reentrant: false,
            reason: None,
            labels: std::collections::BTreeMap::new(),
            all_of: Vec::new(),
            release_request: None,
            fingerprint: 0,
        })
    }
}
