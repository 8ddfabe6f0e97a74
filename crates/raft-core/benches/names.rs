//! A million names of each kind, each used once: what they weigh while there are traces of them, in memory and
//! in a snapshot, and that nothing is left when their time is over. Fails when something is. (The log before a
//! snapshot is purged, so what a snapshot weighs is what stays on disk.)

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark reads its arguments, and stops at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "its result")]

use std::alloc::System;
use std::collections::BTreeMap;

use raft_core::acl::AclEntry;
use raft_core::command::{
    Acquire, AcquireAll, Campaign, ClaimPart, ClaimSession, Command, Create, CreateKind, Delivery,
    EnterBarrier, Expect, Filter, IdempotencyKey, JoinGroup, LockMode, OpenSession, Owner, Pick,
    PutItem, RegisterInstance, Request, RequestId, Selection, ServiceCommand, ServiceOp,
    SessionRef, Stamp, Strategy, ZnodeOp,
};
use raft_core::ids::{
    BarrierName, CandidateId, ClaimId, CounterName, ElectionName, Fence, GroupName, InstanceId,
    LockName, LogTime, MemberId, QueueName, ResourceName, ServiceName, SessionId, WallTime,
};
use raft_core::outcome::Reply;
use raft_core::service::Registration;
use raft_core::state::State;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Names of each kind.
const NAMES: u64 = 1_000_000;
/// Milliseconds between two names.
const PACE_MS: u64 = 1;
/// After this nothing is remembered of anything: longer than the longest memory, that of histories.
const AFTER_MS: u64 = 72 * 3_600_000;
/// Levels of containers that a name may have made below the one of its kind.
const LEVELS: u32 = 3;
/// What may be left: the clock, and what containers of persistent data keep of their capacity.
const LEFT_MAX: i64 = 4_096;
/// What may be left in a snapshot: numbers that have grown by a byte or two.
const LEFT_IN_SNAPSHOT_MAX: i64 = 64;

type Use = fn(&mut Life, SessionId, u64);

/// What is done with one name of each kind.
const KINDS: [(&str, Use); 12] = [
    ("znode", znode),
    ("session with an ephemeral znode", session),
    ("lock", lock),
    ("two locks claimed together", together),
    ("election", election),
    ("group", group),
    ("barrier", barrier),
    ("work queue", queue),
    ("counter, removed", counter),
    ("fence register, removed", register),
    ("service", service),
    ("idempotency key", key),
];

fn main() {
    let mut filters = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    if filters
        .next()
        .is_some_and(|filter| !"names".contains(&filter))
    {
        return; // other benchmarks are asked for; this one takes a minute
    }
    println!(
        "{NAMES} names of each kind, one each {PACE_MS} ms: MB at the end, MB at the most, bytes left; of a snapshot MB at the end, bytes left"
    );
    for (kind, once) in KINDS {
        let mut life = Life::default();
        let keeper = life.open();
        // What stays for good whatever the number of names, such as /locks, is there before.
        once(&mut life, keeper, NAMES);
        life.end();
        let (before, snapshot) = (live(), life.snapshot_bytes());
        let mut most = 0;
        for name in 0..NAMES {
            once(&mut life, keeper, name);
            life.pass(PACE_MS);
            most = most.max(live() - before);
        }
        let end = live() - before;
        let snapshot_end = life.snapshot_bytes() - snapshot;
        life.end();
        let left = live() - before;
        let snapshot_left = life.snapshot_bytes() - snapshot;
        println!(
            "{kind:34}{:>7}{:>7}{left:>9}{:>7}{snapshot_left:>9}",
            end / 1_000_000,
            most / 1_000_000,
            snapshot_end / 1_000_000,
        );
        assert!(left <= LEFT_MAX, "{left} bytes are left of {kind}");
        assert!(
            snapshot_left <= LEFT_IN_SNAPSHOT_MAX,
            "{snapshot_left} bytes of {kind} are left in a snapshot"
        );
        life.state.check_invariants().expect("invariants");
    }
}

fn live() -> i64 {
    let stats = ALLOCATOR.stats();
    let bytes = stats.bytes_allocated.checked_sub(stats.bytes_deallocated);
    i64::try_from(bytes.expect("more is allocated than freed")).expect("fits")
}

/// A state, and the time.
#[derive(Default)]
struct Life {
    state: State,
    now: u64,
}

impl Life {
    /// Time passes, and what is due is done, as a leader does it. The keeper's session is kept alive.
    fn pass(&mut self, ms: u64) {
        self.now += ms;
        while self.state.next_due().is_some_and(|due| due.0 <= self.now) {
            self.apply(None, Command::ExpireDue);
        }
    }

    /// All memories end. Containers go one level after the other, each when it has been empty for a while.
    fn end(&mut self) {
        for _ in 0..LEVELS {
            self.pass(AFTER_MS);
        }
    }

    /// What a snapshot weighs.
    fn snapshot_bytes(&self) -> i64 {
        let mut bytes = 0;
        let mut count = |part: &[u8]| {
            bytes += i64::try_from(part.len()).map_err(std::io::Error::other)?;
            Ok(())
        };
        self.state.encode_snapshot(&mut count).expect("counting");
        bytes
    }

    fn apply(&mut self, session: Option<SessionId>, command: Command) -> Reply {
        self.request(session, command, None)
    }

    fn request(
        &mut self,
        session: Option<SessionId>,
        command: Command,
        idempotency: Option<IdempotencyKey>,
    ) -> Reply {
        let request = Request {
            id: RequestId::default(),
            identities: Vec::new(),
            session: session.map(SessionRef::Id),
            fences: Vec::new(),
            terms: Vec::new(),
            idempotency,
            command,
        };
        let stamp = Stamp {
            log_time: LogTime(self.now),
            wall: WallTime(self.now),
        };
        match self.state.apply(stamp, &request).result {
            Ok(reply) => reply,
            Err(refusal) => panic!("{request:?}: {refusal}"),
        }
    }

    fn open(&mut self) -> SessionId {
        let open = OpenSession {
            name: None,
            timeout_ms: 10_000,
            password: [0; 16],
            owner: Owner::default(),
            lock_delay_ms: 0,
        };
        let Reply::SessionOpened { session, .. } = self.apply(None, Command::OpenSession(open))
        else {
            unreachable!("a session was asked for");
        };
        session.id
    }

    fn create(&mut self, session: Option<SessionId>, path: String) {
        let create = Create {
            path,
            data: Some(vec![b'v'; 100].into()),
            content_type: None,
            acl: vec![AclEntry::open()],
            kind: session.map_or(CreateKind::Persistent, |_| CreateKind::Ephemeral),
            sequential: false,
            parents: true,
        };
        self.apply(session, Command::Znode(ZnodeOp::Create(create)));
    }

    fn delete(&mut self, path: String) {
        let expect = Expect::Any;
        self.apply(None, Command::Znode(ZnodeOp::Delete { path, expect }));
    }
}

fn znode(life: &mut Life, _: SessionId, name: u64) {
    life.create(None, format!("/jobs/{name}"));
    life.delete(format!("/jobs/{name}"));
}

fn session(life: &mut Life, _: SessionId, name: u64) {
    let session = life.open();
    life.create(Some(session), format!("/live/{name}"));
    life.apply(None, Command::CloseSession(SessionRef::Id(session)));
}

fn lock(life: &mut Life, keeper: SessionId, name: u64) {
    let lock = LockName::parse(&format!("orders/{name}")).expect("a valid name");
    let claim = ClaimId::parse(&format!("c-{name}")).expect("a valid name");
    let acquire = Acquire {
        lock: lock.clone(),
        claim: claim.clone(),
        mode: LockMode::Exclusive,
        limit: None,
        session: ClaimSession::Acting,
        wait_ms: None,
        ttl_ms: None,
        ack_within_ms: None,
        reentrant: false,
        reason: None,
        labels: BTreeMap::new(),
    };
    life.apply(Some(keeper), Command::Acquire(acquire));
    life.apply(Some(keeper), Command::ReleaseClaim { lock, claim });
}

fn together(life: &mut Life, keeper: SessionId, name: u64) {
    let lock = |kind| LockName::parse(&format!("{kind}/{name}")).expect("a valid name");
    let claim = ClaimId::parse(&format!("m-{name}")).expect("a valid name");
    let part = |lock| ClaimPart {
        lock,
        mode: LockMode::Exclusive,
        limit: None,
    };
    let ask = AcquireAll {
        claim: claim.clone(),
        all_of: vec![part(lock("orders")), part(lock("stock"))],
        session: ClaimSession::Acting,
        wait_ms: None,
        ttl_ms: None,
        ack_within_ms: None,
        reason: None,
        labels: BTreeMap::new(),
    };
    life.apply(Some(keeper), Command::AcquireAll(ask));
    let lock = lock("stock");
    life.apply(Some(keeper), Command::ReleaseClaim { lock, claim });
}

fn election(life: &mut Life, keeper: SessionId, name: u64) {
    let election = ElectionName::parse(&format!("shards/{name}")).expect("a valid name");
    let candidate = CandidateId::parse(&format!("web-{name}")).expect("a valid name");
    let campaign = Campaign {
        election: election.clone(),
        candidate: candidate.clone(),
        value: None,
        content_type: None,
        weight: 0,
    };
    life.apply(Some(keeper), Command::Campaign(campaign));
    let resign = Command::Resign {
        election,
        candidate,
    };
    life.apply(Some(keeper), resign);
}

fn group(life: &mut Life, keeper: SessionId, name: u64) {
    let group = GroupName::parse(&format!("shards/{name}")).expect("a valid name");
    let member = member(name);
    let join = JoinGroup {
        group: group.clone(),
        member: member.clone(),
        value: None,
        content_type: None,
    };
    life.apply(Some(keeper), Command::JoinGroup(join));
    life.apply(Some(keeper), Command::LeaveGroup { group, member });
}

fn barrier(life: &mut Life, keeper: SessionId, name: u64) {
    let barrier = BarrierName::parse(&format!("load/{name}")).expect("a valid name");
    let party = member(name);
    let enter = EnterBarrier {
        barrier: barrier.clone(),
        party: party.clone(),
        parties: 1,
    };
    life.apply(Some(keeper), Command::EnterBarrier(enter));
    life.apply(Some(keeper), Command::LeaveBarrier { barrier, party });
}

fn queue(life: &mut Life, keeper: SessionId, name: u64) {
    let queue = QueueName::parse(&format!("mail/{name}")).expect("a valid name");
    let put = PutItem {
        queue: queue.clone(),
        priority: 100,
        data: Some(vec![b'v'; 100].into()),
        content_type: None,
    };
    life.apply(None, Command::PutItem(put));
    let take = Command::TakeItems {
        queue: queue.clone(),
        most: 1,
    };
    let Reply::ItemsTaken { delivery, items } = life.apply(Some(keeper), take) else {
        unreachable!("items were asked for");
    };
    let delivery = Delivery {
        queue,
        item: items.first().expect("one was put").clone(),
        number: delivery,
    };
    life.apply(Some(keeper), Command::AckItem(delivery));
}

fn member(name: u64) -> MemberId {
    MemberId::parse(&format!("m-{name}")).expect("a valid name")
}

fn counter(life: &mut Life, _: SessionId, name: u64) {
    let counter = CounterName::parse(&format!("days/{name}")).expect("a valid name");
    let delta = 1;
    life.apply(None, Command::AddToCounter { counter, delta });
    life.delete(format!("/counters/days/{name}"));
}

fn register(life: &mut Life, _: SessionId, name: u64) {
    let resource = ResourceName::parse(&format!("reports/{name}")).expect("a valid name");
    let advance = Command::AdvanceFence {
        resource: resource.clone(),
        fence: Fence(7),
    };
    life.apply(None, advance);
    life.apply(None, Command::ForgetFence { resource });
}

/// With an instance that is picked from in turn, and left to its deadlines.
fn service(life: &mut Life, _: SessionId, name: u64) {
    let service = ServiceName::parse(&format!("shop/{name}")).expect("a valid name");
    let instance = InstanceId::parse(&format!("web-{name}")).expect("a valid name");
    let register = RegisterInstance {
        instance,
        registration: Registration {
            address: "10.0.0.7".to_owned(),
            port: 8080,
            weight: 1,
            zone: None,
            tags: Vec::new(),
            meta: BTreeMap::new(),
            check: None,
        },
        ttl_ms: Some(5_000),
        state: None,
    };
    let pick = Pick {
        selection: Selection {
            strategy: Strategy::RoundRobin,
            filter: Filter::default(),
            count: 1,
        },
        draw: name,
        reserve_ms: Some(10_000),
        explain: false,
    };
    for op in [
        ServiceOp::Register(Box::new(register)),
        ServiceOp::Pick(pick),
    ] {
        let service = service.clone();
        life.apply(None, Command::Service(ServiceCommand { service, op }));
    }
}

fn key(life: &mut Life, _: SessionId, name: u64) {
    let counter = CounterName::parse("keys").expect("a valid name");
    let key = IdempotencyKey {
        key: format!("018f3c2a-7b1d-7c55-9d3e-{name:012}"),
        fingerprint: name,
    };
    let add = Command::AddToCounter { counter, delta: 1 };
    life.request(None, add, Some(key));
}
