//! What is done with claims, by commands and through their znodes.

use std::collections::BTreeMap;

use raft_core::acl::AclEntry;
use raft_core::command::{
    Acquire, ClaimSession, Command, Create, CreateKind, Expect, LockMode, LockSettings,
    RequestRelease, ZnodeOp,
};
use raft_core::ids::Fence;
use raft_core::lock::Claim;
use raft_core::outcome::Outcome;

use super::{World, claim_id, lock_name, verdict};
use crate::lock_model::LOCKS;
use crate::lock_model::naive::{Model, Verdict};
use crate::lock_model::ops::Recipe;
use crate::lock_model::queue::{AGREED, Ask, Settings};

impl World {
    pub(super) fn acquire(&mut self, slot: usize, lock: usize, id: u8, ask: &Ask) {
        let session = self.live(slot);
        if session.is_none() && !ask.implicit {
            return;
        }
        // A configured semaphore may have another limit than the unconfigured ones agree on.
        let configured = self.model.lock(LOCKS[lock]).settings.is_some();
        let permits = matches!(ask.mode, LockMode::Permits(_));
        let ask = &Ask {
            limit: (permits && !configured).then_some(AGREED),
            ..ask.clone()
        };
        let acquire = Acquire {
            lock: lock_name(lock),
            claim: claim_id(id),
            mode: ask.mode,
            limit: ask.limit,
            session: if ask.implicit {
                ClaimSession::Implicit
            } else {
                ClaimSession::Acting
            },
            wait_ms: ask.wait,
            ttl_ms: ask.ttl,
            ack_within_ms: ask.ack_within,
            reentrant: ask.reentrant,
            reason: None,
            labels: BTreeMap::new(),
        };
        let outcome = self.apply(session, Command::Acquire(acquire));
        let owner = session.filter(|_| !ask.implicit);
        let (name, id) = (LOCKS[lock], claim_id(id));
        let expected = self
            .model
            .acquire((name, id.as_str()), owner, ask, outcome.moment.zxid.0);
        assert_eq!(verdict(&outcome), expected, "{outcome:?}");
    }

    pub(super) fn on_claim(
        &mut self,
        slot: usize,
        command: Command,
        model: impl FnOnce(&mut Model, Option<u64>) -> Verdict,
    ) {
        let session = self.live(slot);
        let outcome = self.apply(session, command);
        let expected = model(&mut self.model, session);
        assert_eq!(verdict(&outcome), expected, "{outcome:?}");
    }

    pub(super) fn break_claim(&mut self, lock: usize, nth: usize) {
        let fence = self
            .model
            .lock(LOCKS[lock])
            .queue
            .get(nth)
            .map_or(1, |claim| claim.fence);
        let command = Command::BreakClaim {
            lock: lock_name(lock),
            fence: Fence(fence),
            reason: "stuck".to_owned(),
        };
        let outcome = self.apply(None, command);
        let expected = self.model.break_hold(LOCKS[lock], fence);
        assert_eq!(verdict(&outcome), expected, "{outcome:?}");
    }

    pub(super) fn ask(&mut self, lock: usize, nth: usize, within_ms: u64) {
        let queue = &self.model.lock(LOCKS[lock]).queue;
        let fence = queue.get(nth).map_or(1, |claim| claim.fence);
        let command = Command::RequestRelease(RequestRelease {
            lock: lock_name(lock),
            fence: Some(Fence(fence)),
            reason: "waiting".to_owned(),
            within_ms,
        });
        let outcome = self.apply(None, command);
        let expected = self.model.ask(LOCKS[lock], fence, within_ms);
        assert_eq!(verdict(&outcome), expected, "{outcome:?}");
    }

    pub(super) fn answer(&mut self, slot: usize, lock: usize, id: u8, needs_ms: u64) {
        let command = Command::AnswerRelease {
            lock: lock_name(lock),
            claim: claim_id(id),
            needs_ms,
        };
        self.on_claim(slot, command, |model, who| {
            model.answer(LOCKS[lock], claim_id(id).as_str(), who, needs_ms)
        });
    }

    pub(super) fn configure(&mut self, lock: usize, settings: &Settings) {
        let command = Command::ConfigureLock {
            lock: lock_name(lock),
            settings: LockSettings {
                kind: settings.kind,
                lock_delay_ms: settings.delay,
                max_hold_ms: settings.max_hold,
                max_waiters: settings.max_waiters,
                labels: BTreeMap::new(),
            },
            expect: Expect::Any,
        };
        let outcome = self.apply(None, command);
        let expected = self.model.configure(LOCKS[lock], settings);
        assert_eq!(verdict(&outcome), expected, "{outcome:?}");
    }

    pub(super) fn znode_create(&mut self, slot: usize, lock: usize, recipe: Recipe) {
        let Some(session) = self.live(slot) else {
            return;
        };
        let (marker, mode) = match recipe {
            Recipe::Mutex => ("lock-", LockMode::Exclusive),
            Recipe::Write => ("__WRIT__", LockMode::Exclusive),
            Recipe::Read => ("__READ__", LockMode::Shared),
        };
        let outcome = self.create(session, (lock, &format!("_c_f00-{marker}")), true);
        let fence = outcome.moment.zxid.0;
        let expected = self
            .model
            .znode_created(LOCKS[lock], session, (mode, fence));
        assert_eq!(verdict(&outcome), expected, "{outcome:?}");
    }

    /// A reader's znode behind the write hold at the head, of whichever client that is.
    pub(super) fn read_on(&mut self, slot: usize, lock: usize) {
        let head = self.head(lock).map(|claim| claim.znode_name.clone());
        let (Some(session), Some(name)) = (self.live(slot), head) else {
            return;
        };
        let Some((_, sequence)) = name.split_once("f00-__WRIT__") else {
            return;
        };
        let unique = self.state.last_zxid().0;
        let name = format!("_c_{unique}-__READ__{sequence}");
        let outcome = self.create(session, (lock, &name), false);
        assert_eq!(verdict(&outcome), Ok(()), "{outcome:?}");
        self.model.read_on(LOCKS[lock], session);
    }

    pub(super) fn stop_reading(&mut self, slot: usize, lock: usize) {
        let Some(name) = self.head(lock).and_then(|claim| claim.downgrade.clone()) else {
            return;
        };
        let path = format!("{}/{name}", lock_name(lock).znode());
        let outcome = self.delete(self.live(slot), path);
        assert_eq!(verdict(&outcome), Ok(()));
        self.model.lock(LOCKS[lock]).queue[0].reads_on = false;
    }

    /// Who holds the lock longest.
    fn head(&self, lock: usize) -> Option<&Claim> {
        let holders = self.state.holders(&lock_name(lock), 1);
        holders.first().copied()
    }

    fn create(&mut self, session: u64, (lock, name): (usize, &str), sequential: bool) -> Outcome {
        let create = Create {
            path: format!("{}/{name}", lock_name(lock).znode()),
            data: None,
            content_type: None,
            acl: vec![AclEntry::open()],
            kind: CreateKind::Ephemeral,
            sequential,
            parents: true,
        };
        self.apply(Some(session), Command::Znode(ZnodeOp::Create(create)))
    }

    fn delete(&mut self, session: Option<u64>, path: String) -> Outcome {
        let expect = Expect::Any;
        self.apply(session, Command::Znode(ZnodeOp::Delete { path, expect }))
    }

    /// Deletes the znode of some claim, as its own client or as somebody else.
    pub(super) fn znode_delete(&mut self, slot: usize, lock: usize, nth: usize) {
        let session = self.live(slot);
        let Some(fence) = self.model.lock(LOCKS[lock]).queue.get(nth).map(|c| c.fence) else {
            return;
        };
        let claim = self
            .state
            .claim_by_fence(&lock_name(lock), Fence(fence))
            .unwrap();
        let path = format!("{}/{}", claim.lock.znode(), claim.znode_name);
        let outcome = self.delete(session, path);
        assert_eq!(verdict(&outcome), Ok(()));
        self.model.znode_deleted(LOCKS[lock], fence, session);
    }
}
