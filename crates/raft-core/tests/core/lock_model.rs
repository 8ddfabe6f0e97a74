//! Random commands on locks and sessions, applied to the state machine and to a naive model:
//! after each the two agree on every queue, holder, fence and deadline, and the invariants hold.

mod naive;

use std::collections::BTreeMap;

use naive::{AGREED, Ask, Model, Settings, Standing, Verdict};
use proptest::prelude::*;
use raft_core::acl::AclEntry;
use raft_core::command::{
    Acquire, ClaimSession, Command, Create, CreateKind, Expect, ExpireSession, LockKind, LockMode,
    LockSettings, OpenSession, Owner, Request, RequestId, SessionRef, Stamp, ZnodeOp,
};
use raft_core::event::EventKind;
use raft_core::ids::{ClaimId, Fence, LockName, LogTime, SessionId, WallTime};
use raft_core::lock::{Claim, ClaimState};
use raft_core::outcome::{Outcome, Refusal, Reply};
use raft_core::query::lock::ClaimStatus;
use raft_core::query::session::SessionStatus;
use raft_core::state::State;

const LOCKS: [&str; 3] = ["a", "b/c", "d"];
const SLOTS: usize = 4;

#[derive(Clone, Debug)]
enum Op {
    Open { slot: usize, delay: u64 },
    Close { slot: usize },
    Expire { slot: usize, stale: bool },
    Acquire { slot: usize, lock: usize, id: u8, ask: Ask },
    Release { slot: usize, lock: usize, id: u8 },
    Acknowledge { slot: usize, lock: usize, id: u8 },
    Extend { slot: usize, lock: usize, id: u8, ttl: Option<u64> },
    Break { lock: usize, nth: usize },
    Configure { lock: usize, settings: Settings },
    /// What Curator and kazoo do: an ephemeral sequential znode.
    ZnodeCreate { slot: usize, lock: usize, shared: bool },
    ZnodeDelete { slot: usize, lock: usize, nth: usize },
    /// The same command once more.
    Again,
    Advance { ms: u64, expire: bool },
}

fn ask() -> impl Strategy<Value = Ask> {
    let mode = prop_oneof![
        4 => Just(LockMode::Exclusive),
        3 => Just(LockMode::Shared),
        2 => (1..=AGREED + 1).prop_map(LockMode::Permits),
    ];
    let wait = prop_oneof![
        1 => Just(Some(0)),
        4 => (1..200_u64).prop_map(|n| Some(n * 10)),
        3 => Just(None)
    ];
    let ttl = prop_oneof![2 => Just(None), 2 => (1..200_u64).prop_map(|n| Some(n * 10))];
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    (mode, wait, ttl, 1..50_u64, flags).prop_map(
        |(mode, wait, ttl, ack, (implicit, reentrant))| {
            // A claim without a session must have an end to its wait.
            let wait = if implicit { wait.or(Some(500)) } else { wait };
            Ask { mode, limit: None, implicit, wait, ttl, ack_within: ack * 10, reentrant }
        },
    )
}

fn settings() -> impl Strategy<Value = Settings> {
    let kind = prop_oneof![
        3 => Just(LockKind::ReadWrite),
        1 => Just(LockKind::Mutex),
        2 => (1..=AGREED).prop_map(|limit| LockKind::Semaphore { limit }),
    ];
    let delay = prop_oneof![Just(0), Just(70)];
    let max_hold = prop_oneof![2 => Just(None), 1 => Just(Some(300_u64))];
    let max_waiters = prop_oneof![2 => Just(None), 1 => (0..4_u32).prop_map(Some)];
    (kind, delay, max_hold, max_waiters).prop_map(|(kind, delay, max_hold, max_waiters)| {
        Settings { kind, delay, max_hold, max_waiters }
    })
}

fn op() -> impl Strategy<Value = Op> {
    let slot = 0..SLOTS;
    let lock = 0..LOCKS.len();
    let id = 0..12_u8;
    let claim = (slot.clone(), lock.clone(), id.clone());
    prop_oneof![
        2 => (slot.clone(), prop_oneof![Just(0), Just(90)])
            .prop_map(|(slot, delay)| Op::Open { slot, delay }),
        1 => slot.clone().prop_map(|slot| Op::Close { slot }),
        1 => (slot.clone(), any::<bool>()).prop_map(|(slot, stale)| Op::Expire { slot, stale }),
        14 => (claim.clone(), ask())
            .prop_map(|((slot, lock, id), ask)| Op::Acquire { slot, lock, id, ask }),
        7 => claim.clone().prop_map(|(slot, lock, id)| Op::Release { slot, lock, id }),
        3 => claim.clone().prop_map(|(slot, lock, id)| Op::Acknowledge { slot, lock, id }),
        2 => (claim, prop_oneof![Just(None), (1..100_u64).prop_map(Some)])
            .prop_map(|((slot, lock, id), ttl)| Op::Extend { slot, lock, id, ttl }),
        1 => (lock.clone(), 0..3_usize).prop_map(|(lock, nth)| Op::Break { lock, nth }),
        1 => (lock.clone(), settings())
            .prop_map(|(lock, settings)| Op::Configure { lock, settings }),
        4 => (slot.clone(), lock.clone(), any::<bool>())
            .prop_map(|(slot, lock, shared)| Op::ZnodeCreate { slot, lock, shared }),
        3 => (slot, lock, 0..3_usize)
            .prop_map(|(slot, lock, nth)| Op::ZnodeDelete { slot, lock, nth }),
        3 => Just(Op::Again),
        5 => (prop_oneof![9 => 1..400_u64, 1 => Just(16 * 60_000)], prop::bool::weighted(0.8))
            .prop_map(|(ms, expire)| Op::Advance { ms, expire }),
    ]
}

/// The two side by side.
struct World {
    state: State,
    model: Model,
    /// Sessions of each slot, the last one opened.
    slots: [Option<u64>; SLOTS],
    last: Option<Request>,
    /// Fence of the last grant of each lock.
    granted: BTreeMap<LockName, Fence>,
    incarnations: u64,
}

fn lock_name(lock: usize) -> LockName {
    LockName::parse(LOCKS[lock]).unwrap()
}

fn claim_id(id: u8) -> ClaimId {
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
    fn new() -> World {
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
        let stamp = Stamp { log_time: LogTime(self.model.now), wall: WallTime(self.model.now) };
        let outcome = self.state.apply(stamp, request);
        self.check_grants(&outcome);
        outcome
    }

    /// Fences of one lock strictly increase in the order of its grants.
    fn check_grants(&mut self, outcome: &Outcome) {
        for event in &outcome.events {
            if let EventKind::ClaimGranted { lock, fence, .. } = &event.kind {
                let former = self.granted.insert(lock.clone(), *fence);
                assert!(former < Some(*fence), "{lock}: fence {fence} after {former:?}");
            }
        }
    }

    fn step(&mut self, op: &Op) {
        if !matches!(op, Op::Again) {
            self.last = None;
        }
        match op {
            Op::Open { slot, delay } => self.open(*slot, *delay),
            Op::Close { slot } => self.close(*slot),
            Op::Expire { slot, stale } => self.expire(*slot, *stale),
            Op::Acquire { slot, lock, id, ask } => self.acquire(*slot, *lock, *id, ask),
            Op::Release { slot, lock, id } => {
                let command = Command::ReleaseClaim { lock: lock_name(*lock), claim: claim_id(*id) };
                self.on_claim(*slot, command, |model, who| {
                    model.release(LOCKS[*lock], claim_id(*id).as_str(), who)
                });
            }
            Op::Acknowledge { slot, lock, id } => {
                let (lock_, claim) = (lock_name(*lock), claim_id(*id));
                self.on_claim(*slot, Command::AcknowledgeGrant { lock: lock_, claim }, |m, who| {
                    m.acknowledge(LOCKS[*lock], claim_id(*id).as_str(), who)
                });
            }
            Op::Extend { slot, lock, id, ttl } => {
                let (lock_, claim) = (lock_name(*lock), claim_id(*id));
                let command =
                    Command::ExtendClaim { lock: lock_, claim, ttl_ms: *ttl, reason: None };
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
            owner: Owner { service: Some(format!("s{}", self.incarnations)), ..Owner::default() },
            lock_delay_ms: delay,
        };
        let outcome = self.apply(None, Command::OpenSession(open));
        let Ok(Reply::SessionOpened { session, created: true }) = outcome.result else {
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
        let expire = ExpireSession { session: SessionId(id), activity };
        let outcome = self.apply(None, Command::ExpireSession(expire));
        match (self.model.sessions.contains_key(&id), stale) {
            (true, false) => {
                assert_eq!(verdict(&outcome), Ok(()));
                self.model.end_session(id, true);
            }
            (true, true) => assert_eq!(verdict(&outcome), Err("SessionActive")),
            (false, _) => {
                assert!(matches!(verdict(&outcome), Err("SessionEnded" | "NoSession")));
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
        let ask = &Ask { limit: (permits && !configured).then_some(AGREED), ..ask.clone() };
        let acquire = Acquire {
            lock: lock_name(lock),
            claim: claim_id(id),
            mode: ask.mode,
            limit: ask.limit,
            session: if ask.implicit { ClaimSession::Implicit } else { ClaimSession::Acting },
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
        let expected =
            self.model.acquire((name, id.as_str()), owner, ask, outcome.moment.zxid.0);
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
        let fence = self.model.lock(LOCKS[lock]).queue.get(nth).map_or(1, |claim| claim.fence);
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
        let Some(session) = self.live(slot) else { return };
        let marker = if shared { "__READ__" } else { "lock-" };
        let mode = if shared { LockMode::Shared } else { LockMode::Exclusive };
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
        let expected = self.model.znode_created(LOCKS[lock], session, (mode, fence));
        assert_eq!(verdict(&outcome), expected, "{outcome:?}");
    }

    /// Deletes the znode of some claim, as its own client or as somebody else.
    fn znode_delete(&mut self, slot: usize, lock: usize, nth: usize) {
        let session = self.live(slot);
        let Some(fence) = self.model.lock(LOCKS[lock]).queue.get(nth).map(|c| c.fence) else {
            return;
        };
        let claim = self.state.claim_by_fence(&lock_name(lock), Fence(fence)).unwrap();
        let path = format!("{}/{}", claim.lock.znode(), claim.znode_name);
        let delete = ZnodeOp::Delete { path, expect: Expect::Any };
        let outcome = self.apply(session, Command::Znode(delete));
        assert_eq!(verdict(&outcome), Ok(()));
        self.model.znode_deleted(LOCKS[lock], fence, session);
    }

    /// A repeated acquire, acknowledgement, release or close says the same and changes nothing.
    fn again(&mut self) {
        let Some(request) = self.last.clone() else { return };
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
        assert!(first.events.is_empty() && second.events.is_empty(), "{first:?} {second:?}");
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
        if let Some(Standing::Held { acknowledge_by, .. }) = claim.map(|claim| &mut claim.standing) {
            *acknowledge_by = None;
        }
    }

    fn advance(&mut self, ms: u64, expire: bool) {
        self.model.now += ms;
        if expire {
            let outcome = self.apply(None, Command::ExpireDue);
            assert!(matches!(outcome.result, Ok(Reply::ExpiredDue { more: false, .. })));
            self.model.expire_due();
        }
    }

    fn check(&self) {
        self.state.check_invariants().unwrap();
        for (at, name) in LOCKS.iter().enumerate() {
            let lock = lock_name(at);
            let expected = self.model.locks.get(*name).cloned().unwrap_or_default();
            let found = self.state.holders(&lock, usize::MAX).into_iter();
            let found: Vec<_> = found.chain(self.state.queue(&lock, usize::MAX)).collect();
            let shown = |c: &naive::Claim| (c.id.clone(), c.fence, c.standing.clone(), c.ttl);
            let expected_queue: Vec<_> = expected.queue.iter().map(shown).collect();
            let found_queue: Vec<_> = found
                .iter()
                .map(|c| (own_id(c), c.fence.0, standing(&c.state), c.ttl_ms))
                .collect();
            assert_eq!(found_queue, expected_queue, "queue of {name}");
            self.check_ids(&lock, &expected);
            // Nobody starves: somebody holds whatever is waited for, or a delay runs.
            let (holders, waiters): (Vec<&Claim>, Vec<&Claim>) = found.iter().partition(|c| c.is_held());
            let delayed = self.state.lock(&lock).and_then(|view| view.lock.delayed_until);
            assert_eq!(delayed.map(|at| at.0), expected.delayed_until, "delay of {name}");
            assert!(waiters.is_empty() || !holders.is_empty() || delayed.is_some(), "{name} starves");
            let exclusive = holders.iter().filter(|c| c.mode == LockMode::Exclusive).count();
            assert!(exclusive == 0 || holders.len() == 1, "{name} is not exclusive");
        }
    }

    fn check_ids(&self, lock: &LockName, expected: &naive::Lock) {
        for number in 0..12 {
            let id = claim_id(number);
            let key = (lock.as_str().to_owned(), id.as_str().to_owned());
            let live = expected.queue.iter().find(|c| c.live_ids.iter().any(|i| *i == key.1));
            match (self.state.claim(lock, &id), live) {
                (ClaimStatus::Live(view), Some(claim)) => {
                    assert_eq!(view.claim.fence.0, claim.fence);
                    let ahead = expected.queue.iter().filter(|c| !c.held() && c.fence <= claim.fence);
                    let position = if claim.held() { 0 } else { ahead.count() };
                    assert_eq!(view.position as usize, position);
                }
                (ClaimStatus::Ended(ended), None) => {
                    let tombstone = self.model.tombstones.get(&key).map(|t| t.end.to_owned());
                    let end = tombstone.unwrap_or_default();
                    assert_eq!(format!("{:?}", ended.end), end.trim_end_matches("ByOther"), "{key:?}");
                }
                (ClaimStatus::Unknown, None) => {
                    assert!(!self.model.tombstones.contains_key(&key), "{key:?} is forgotten");
                }
                (found, expected) => panic!("{key:?} is {found:?}, expected {expected:?}"),
            }
        }
    }
}

/// Its id as the model has it.
fn own_id(claim: &Claim) -> String {
    if claim.is_foreign() { String::new() } else { claim.id.as_str().to_owned() }
}

fn standing(state: &ClaimState) -> Standing {
    let at = |time: &Option<LogTime>| time.map(|time| time.0);
    match state {
        ClaimState::Waiting { deadline } => Standing::Waiting { deadline: at(deadline) },
        ClaimState::Held { granted, expires, acknowledge_by } => Standing::Held {
            granted: granted.log_time.0,
            expires: at(expires),
            acknowledge_by: at(acknowledge_by),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn locks_behave_like_the_naive_model(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new();
        for op in &ops {
            world.step(op);
            world.check();
        }
    }
}
