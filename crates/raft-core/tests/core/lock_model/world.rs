//! The state machine and the model side by side.

use std::collections::BTreeMap;

use raft_core::acl::AclEntry;
use raft_core::command::{
    Acquire, ClaimSession, Command, Create, CreateKind, Expect, ExpireSession, LockMode,
    LockSettings, OpenSession, Owner, Request, RequestId, SessionRef, Stamp, ZnodeOp,
};
use raft_core::event::EventKind;
use raft_core::ids::{ClaimId, Fence, LockName, LogTime, SessionId, WallTime};
use raft_core::outcome::{Outcome, Refusal, Reply};
use raft_core::query::session::SessionStatus;
use raft_core::state::State;

use super::naive::{Model, Verdict};
use super::ops::Op;
use super::queue::{AGREED, Ask, Settings, Standing};
use super::{LOCKS, SLOTS};

/// The two side by side.
pub(super) struct World {
    pub(super) state: State,
    pub(super) model: Model,
    /// Sessions of each slot, the last one opened.
    slots: [Option<u64>; SLOTS],
    last: Option<Request>,
    /// Fence of the last grant of each lock.
    granted: BTreeMap<LockName, Fence>,
    incarnations: u64,
}

pub(super) fn lock_name(lock: usize) -> LockName {
    LockName::parse(LOCKS[lock]).unwrap()
}

pub(super) fn claim_id(id: u8) -> ClaimId {
    ClaimId::parse(&format!("c{id}")).unwrap()
}

/// Name of a refusal, as the model calls it.
fn verdict(outcome: &Outcome) -> Verdict {
    match &outcome.result {
        Ok(_) => Ok(()),
        Err(Refusal::ClaimMismatch { .. }) => Err("ClaimMismatch"),
        Err(Refusal::NotOwner { .. }) => Err("NotOwner"),
        Err(Refusal::ClaimEnded(_)) => Err("ClaimEnded"),
        Err(Refusal::ModeMismatch { .. }) => Err("ModeMismatch"),
        Err(Refusal::LockHeld { .. }) => Err("LockHeld"),
        Err(Refusal::LimitReached { .. }) => Err("LimitReached"),
        Err(Refusal::NoClaim { .. }) => Err("NoClaim"),
        Err(Refusal::NotHolder { .. }) => Err("NotHolder"),
        Err(Refusal::FenceStale { .. }) => Err("FenceStale"),
        Err(Refusal::SessionEnded(_)) => Err("SessionEnded"),
        Err(Refusal::SessionActive { .. }) => Err("SessionActive"),
        Err(Refusal::NoSession { .. }) => Err("NoSession"),
        Err(other) => panic!("refusal the model does not know: {other}"),
    }
}

impl World {
    pub(super) fn new() -> World {
        World {
            state: State::new(),
            model: Model::default(),
            slots: [None; SLOTS],
            last: None,
            granted: BTreeMap::new(),
            incarnations: 0,
        }
    }

    fn apply(&mut self, session: Option<u64>, command: Command) -> Outcome {
        let request = Request {
            id: RequestId::default(),
            identities: Vec::new(),
            session: session.map(|id| SessionRef::Id(SessionId(id))),
            fences: Vec::new(),
            idempotency: None,
            command,
        };
        let outcome = self.apply_request(&request);
        self.last = Some(request);
        outcome
    }

    fn apply_request(&mut self, request: &Request) -> Outcome {
        let stamp = Stamp {
            log_time: LogTime(self.model.now),
            wall: WallTime(self.model.now),
        };
        let outcome = self.state.apply(stamp, request);
        self.check_grants(&outcome);
        outcome
    }

    /// Fences of one lock strictly increase in the order of its grants.
    fn check_grants(&mut self, outcome: &Outcome) {
        for event in &outcome.events {
            if let EventKind::ClaimGranted { lock, fence, .. } = &event.kind {
                let former = self.granted.insert(lock.clone(), *fence);
                assert!(
                    former < Some(*fence),
                    "{lock}: fence {fence} after {former:?}"
                );
            }
        }
    }

    pub(super) fn step(&mut self, op: &Op) {
        if !matches!(op, Op::Again) {
            self.last = None;
        }
        match op {
            Op::Open { slot, delay } => self.open(*slot, *delay),
            Op::Close { slot } => self.close(*slot),
            Op::Expire { slot, stale } => self.expire(*slot, *stale),
            Op::Acquire {
                slot,
                lock,
                id,
                ask,
            } => self.acquire(*slot, *lock, *id, ask),
            Op::Release { slot, lock, id } => {
                let command = Command::ReleaseClaim {
                    lock: lock_name(*lock),
                    claim: claim_id(*id),
                };
                self.on_claim(*slot, command, |model, who| {
                    model.release(LOCKS[*lock], claim_id(*id).as_str(), who)
                });
            }
            Op::Acknowledge { slot, lock, id } => {
                let (lock_, claim) = (lock_name(*lock), claim_id(*id));
                self.on_claim(
                    *slot,
                    Command::AcknowledgeGrant { lock: lock_, claim },
                    |m, who| m.acknowledge(LOCKS[*lock], claim_id(*id).as_str(), who),
                );
            }
            Op::Extend {
                slot,
                lock,
                id,
                ttl,
            } => {
                let (lock_, claim) = (lock_name(*lock), claim_id(*id));
                let command = Command::ExtendClaim {
                    lock: lock_,
                    claim,
                    ttl_ms: *ttl,
                    reason: None,
                };
                self.on_claim(*slot, command, |model, who| {
                    model.extend(LOCKS[*lock], claim_id(*id).as_str(), who, *ttl)
                });
            }
            Op::Break { lock, nth } => self.break_claim(*lock, *nth),
            Op::Configure { lock, settings } => self.configure(*lock, settings),
            Op::ZnodeCreate { slot, lock, shared } => self.znode_create(*slot, *lock, *shared),
            Op::ZnodeDelete { slot, lock, nth } => self.znode_delete(*slot, *lock, *nth),
            Op::Again => self.again(),
            Op::Advance { ms, expire } => self.advance(*ms, *expire),
        }
    }

    fn open(&mut self, slot: usize, delay: u64) {
        if self.slots[slot].is_some_and(|id| self.model.sessions.contains_key(&id)) {
            return;
        }
        self.incarnations += 1;
        let open = OpenSession {
            name: None,
            timeout_ms: 10_000,
            password: [7; 16],
            owner: Owner {
                service: Some(format!("s{}", self.incarnations)),
                ..Owner::default()
            },
            lock_delay_ms: delay,
        };
        let outcome = self.apply(None, Command::OpenSession(open));
        let Ok(Reply::SessionOpened {
            session,
            created: true,
        }) = outcome.result
        else {
            panic!("not opened: {outcome:?}");
        };
        self.slots[slot] = Some(session.id.0);
        self.model.sessions.insert(session.id.0, delay);
    }

    fn close(&mut self, slot: usize) {
        let Some(id) = self.slots[slot] else { return };
        let outcome = self.apply(None, Command::CloseSession(SessionRef::Id(SessionId(id))));
        if self.model.sessions.contains_key(&id) {
            assert_eq!(verdict(&outcome), Ok(()));
            self.model.end_session(id, false);
        }
    }

    fn expire(&mut self, slot: usize, stale: bool) {
        let Some(id) = self.slots[slot] else { return };
        let activity = match self.state.session(&SessionRef::Id(SessionId(id))) {
            SessionStatus::Live(session) => session.activity + u64::from(stale),
            SessionStatus::Ended(_) | SessionStatus::Unknown => 0,
        };
        let expire = ExpireSession {
            session: SessionId(id),
            activity,
        };
        let outcome = self.apply(None, Command::ExpireSession(expire));
        match (self.model.sessions.contains_key(&id), stale) {
            (true, false) => {
                assert_eq!(verdict(&outcome), Ok(()));
                self.model.end_session(id, true);
            }
            (true, true) => assert_eq!(verdict(&outcome), Err("SessionActive")),
            (false, _) => {
                assert!(matches!(
                    verdict(&outcome),
                    Err("SessionEnded" | "NoSession")
                ));
            }
        }
    }

    /// The session of a slot, if it is open: one that is not is tried in the scripts.
    fn live(&self, slot: usize) -> Option<u64> {
        self.slots[slot].filter(|id| self.model.sessions.contains_key(id))
    }

    fn acquire(&mut self, slot: usize, lock: usize, id: u8, ask: &Ask) {
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
            ack_within_ms: Some(ask.ack_within),
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

    fn on_claim(
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

    fn break_claim(&mut self, lock: usize, nth: usize) {
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

    fn configure(&mut self, lock: usize, settings: &Settings) {
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

    fn znode_create(&mut self, slot: usize, lock: usize, shared: bool) {
        let Some(session) = self.live(slot) else {
            return;
        };
        let marker = if shared { "__READ__" } else { "lock-" };
        let mode = if shared {
            LockMode::Shared
        } else {
            LockMode::Exclusive
        };
        let create = Create {
            path: format!("{}/_c_f00-{marker}", lock_name(lock).znode()),
            data: None,
            content_type: None,
            acl: vec![AclEntry::open()],
            kind: CreateKind::Ephemeral,
            sequential: true,
            parents: true,
        };
        let outcome = self.apply(Some(session), Command::Znode(ZnodeOp::Create(create)));
        let fence = outcome.moment.zxid.0;
        let expected = self
            .model
            .znode_created(LOCKS[lock], session, (mode, fence));
        assert_eq!(verdict(&outcome), expected, "{outcome:?}");
    }

    /// Deletes the znode of some claim, as its own client or as somebody else.
    fn znode_delete(&mut self, slot: usize, lock: usize, nth: usize) {
        let session = self.live(slot);
        let Some(fence) = self.model.lock(LOCKS[lock]).queue.get(nth).map(|c| c.fence) else {
            return;
        };
        let claim = self
            .state
            .claim_by_fence(&lock_name(lock), Fence(fence))
            .unwrap();
        let path = format!("{}/{}", claim.lock.znode(), claim.znode_name);
        let delete = ZnodeOp::Delete {
            path,
            expect: Expect::Any,
        };
        let outcome = self.apply(session, Command::Znode(delete));
        assert_eq!(verdict(&outcome), Ok(()));
        self.model.znode_deleted(LOCKS[lock], fence, session);
    }

    /// A repeated acquire, acknowledgement, release or close says the same and changes nothing.
    fn again(&mut self) {
        let Some(request) = self.last.clone() else {
            return;
        };
        let repeatable = matches!(
            request.command,
            Command::Acquire(_)
                | Command::AcknowledgeGrant { .. }
                | Command::ReleaseClaim { .. }
                | Command::CloseSession(_)
        );
        let acting = match &request.session {
            Some(SessionRef::Id(id)) => self.model.sessions.contains_key(&id.0),
            Some(SessionRef::Name(_)) | None => true,
        };
        if !repeatable || !acting {
            return;
        }
        let (first, second) = (self.apply_request(&request), self.apply_request(&request));
        // The first repeat may pick a hand-over up that the command itself did not.
        assert!(
            first.events.is_empty() && second.events.is_empty(),
            "{first:?} {second:?}"
        );
        assert_eq!(first.result.is_ok(), second.result.is_ok());
        if let Command::Acquire(acquire) = &request.command
            && first.result.is_ok()
        {
            self.model_repeat(acquire);
        }
    }

    fn model_repeat(&mut self, acquire: &Acquire) {
        let lock = self.model.lock(acquire.lock.as_str());
        let claim = lock
            .queue
            .iter_mut()
            .find(|claim| claim.live_ids.iter().any(|id| id == acquire.claim.as_str()));
        if let Some(Standing::Held { acknowledge_by, .. }) = claim.map(|claim| &mut claim.standing)
        {
            *acknowledge_by = None;
        }
    }

    fn advance(&mut self, ms: u64, expire: bool) {
        self.model.now += ms;
        if expire {
            let outcome = self.apply(None, Command::ExpireDue);
            assert!(matches!(
                outcome.result,
                Ok(Reply::ExpiredDue { more: false, .. })
            ));
            self.model.expire_due();
        }
    }
}
