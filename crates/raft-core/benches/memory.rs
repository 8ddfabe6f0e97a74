//! What one object of each kind weighs in the state: bytes that were asked of the allocator and not given back,
//! its share of tables and look-ups included.

#![expect(
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "its result")]

use std::alloc::System;
use std::collections::BTreeMap;

use raft_core::acl::AclEntry;
use raft_core::codec::{decode_request, encode_request};
use raft_core::command::{
    Acquire, AcquireAll, Campaign, ClaimPart, ClaimSession, Command, Create, CreateKind,
    EnterBarrier, Expect, Filter, IdempotencyKey, JoinGroup, LockMode, OpenSession, Owner, Pick,
    PutItem, RegisterInstance, Request, RequestId, Selection, ServiceCommand, ServiceOp,
    SessionRef, SetData, Stamp, Strategy, ZnodeOp,
};
use raft_core::ids::{
    BarrierName, CandidateId, ClaimId, ElectionName, GroupName, InstanceId, LockName, LogTime,
    MemberId, QueueName, ServiceName, SessionId, WallTime,
};
use raft_core::limits::{CONTAINER_REAP_AFTER_MS, TOMBSTONE_MS};
use raft_core::outcome::Reply;
use raft_core::service::Registration;
use raft_core::state::State;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Objects of each kind.
const OBJECTS: u64 = 100_000;
/// Children of one parent.
const CHILDREN: u64 = 1_000;
/// Data of a znode, bytes.
const VALUE_BYTES: usize = 100;

fn main() {
    println!("bytes each, of {OBJECTS}");
    show("znode with 100 bytes", znodes(VALUE_BYTES, false));
    show("znode without data", znodes(0, false));
    show("ephemeral znode with 100 bytes", znodes(VALUE_BYTES, true));
    show("session", sessions());
    show("lock held by a session", locks());
    show("lock of several held by one claim", together(2));
    show("the same, of 16", together(16));
    show("claim that waits in one queue", waiters());
    show("released claim that is remembered", ended_claims());
    show("past hold of a name used once", past_holds(OBJECTS));
    show("past hold of a name in use", past_holds(OBJECTS / 20));
    show("election with its one candidate", elections());
    show("candidate that stands by", standby());
    show("resigned candidate that is remembered", ended_candidates());
    show("member of a group", members());
    show("party of a barrier", parties());
    show("instance with a session", instances(false));
    show("instance with a ttl", instances(true));
    show("reservation", reservations());
    show("item of a work queue", items());
    show("remembered answer", answers());
}

fn show(what: &str, bytes: u64) {
    println!("{what:36}{:>6}", bytes / OBJECTS);
}

/// What `add` leaves behind.
fn weight(state: &mut State, add: impl FnOnce(&mut State)) -> u64 {
    let live = || {
        let stats = ALLOCATOR.stats();
        stats.bytes_allocated - stats.bytes_deallocated
    };
    let before = live();
    add(state);
    (live() - before) as u64
}

/// Applies a command as a node does: from the bytes of a log entry.
fn apply(state: &mut State, request: &Request) -> Reply {
    let bytes = encode_request(request).expect("within the limit");
    let decoded = decode_request(&bytes).expect("what was encoded");
    let outcome = state.apply(Stamp::default(), &decoded);
    outcome.result.expect("accepted")
}

fn request(session: Option<SessionId>, command: Command) -> Request {
    Request {
        id: RequestId::default(),
        identities: Vec::new(),
        session: session.map(SessionRef::Id),
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command,
    }
}

fn open(state: &mut State) -> SessionId {
    let open = OpenSession {
        name: None,
        timeout_ms: 10_000,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    };
    let Reply::SessionOpened { session, .. } =
        apply(state, &request(None, Command::OpenSession(open)))
    else {
        unreachable!("a session was asked for");
    };
    session.id
}

fn create(path: String, bytes: usize, session: Option<SessionId>) -> Request {
    let create = Create {
        path,
        data: Some(vec![b'v'; bytes].into()),
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: session.map_or(CreateKind::Persistent, |_| CreateKind::Ephemeral),
        sequential: false,
        parents: false,
    };
    request(session, Command::Znode(ZnodeOp::Create(create)))
}

fn znodes(bytes: usize, ephemeral: bool) -> u64 {
    let mut state = State::new();
    let owner = ephemeral.then(|| open(&mut state));
    weight(&mut state, |state| {
        for parent in 0..OBJECTS / CHILDREN {
            apply(state, &create(format!("/p-{parent:04}"), 0, None));
            for child in 0..CHILDREN {
                let path = format!("/p-{parent:04}/znode-{child:04}");
                apply(state, &create(path, bytes, owner));
            }
        }
    })
}

fn sessions() -> u64 {
    let mut state = State::new();
    weight(&mut state, |state| {
        for _ in 0..OBJECTS {
            open(state);
        }
    })
}

fn acquire(session: SessionId, lock: u64, claim: u64) -> Request {
    let command = Command::Acquire(Acquire {
        lock: name(lock),
        claim: id(claim),
        mode: LockMode::Exclusive,
        limit: None,
        session: ClaimSession::Acting,
        wait_ms: None,
        ttl_ms: None,
        ack_within_ms: None,
        reentrant: false,
        reason: None,
        labels: BTreeMap::new(),
    });
    request(Some(session), command)
}

fn name(lock: u64) -> LockName {
    LockName::parse(&format!("orders/{lock}")).expect("a valid name")
}

fn id(claim: u64) -> ClaimId {
    ClaimId::parse(&format!("claim-{claim}")).expect("a valid name")
}

fn locks() -> u64 {
    let mut state = State::new();
    let session = open(&mut state);
    weight(&mut state, |state| {
        for lock in 0..OBJECTS {
            apply(state, &acquire(session, lock, lock));
        }
    })
}

/// Claims of so many locks each.
fn together(locks: u64) -> u64 {
    let mut state = State::new();
    let session = open(&mut state);
    let part = |number| ClaimPart {
        lock: name(number),
        mode: LockMode::Exclusive,
        limit: None,
    };
    weight(&mut state, |state| {
        for claim in 0..OBJECTS / locks {
            let ask = AcquireAll {
                claim: id(claim),
                all_of: (claim * locks..(claim + 1) * locks).map(part).collect(),
                session: ClaimSession::Acting,
                wait_ms: None,
                ttl_ms: None,
                ack_within_ms: None,
                reason: None,
                labels: BTreeMap::new(),
            };
            apply(state, &request(Some(session), Command::AcquireAll(ask)));
        }
    })
}

fn waiters() -> u64 {
    let mut state = State::new();
    let session = open(&mut state);
    weight(&mut state, |state| {
        for claim in 0..OBJECTS {
            apply(state, &acquire(session, 0, claim));
        }
    })
}

fn ended_claims() -> u64 {
    let mut state = State::new();
    let session = open(&mut state);
    weight(&mut state, |state| {
        for claim in 0..OBJECTS {
            apply(state, &acquire(session, claim, claim));
            let (lock, claim) = (name(claim), id(claim));
            let release = Command::ReleaseClaim { lock, claim };
            apply(state, &request(Some(session), release));
        }
    })
}

/// So many names, each with as many holds. Tombstones, znodes and locks are gone by the time it is measured.
fn past_holds(names: u64) -> u64 {
    let mut state = State::new();
    let session = open(&mut state);
    let mut at = LogTime(0);
    weight(&mut state, |state| {
        for claim in 0..OBJECTS {
            apply(state, &acquire(session, claim % names, claim));
            let (lock, claim) = (name(claim % names), id(claim));
            let release = Command::ReleaseClaim { lock, claim };
            apply(state, &request(Some(session), release));
        }
        at = at.after(TOMBSTONE_MS.max(CONTAINER_REAP_AFTER_MS));
        while state.next_due().is_some_and(|due| due <= at) {
            let stamp = Stamp {
                log_time: at,
                wall: WallTime(at.0),
            };
            let outcome = state.apply(stamp, &request(None, Command::ExpireDue));
            outcome.result.expect("accepted");
        }
    })
}

fn campaign(session: SessionId, election: u64, candidate: u64) -> Request {
    let command = Command::Campaign(Campaign {
        election: election_name(election),
        candidate: candidate_id(candidate),
        value: Some(b"10.0.0.7:8080".as_slice().into()),
        content_type: None,
        weight: 0,
    });
    request(Some(session), command)
}

fn election_name(election: u64) -> ElectionName {
    ElectionName::parse(&format!("shards/{election}")).expect("a valid name")
}

fn candidate_id(candidate: u64) -> CandidateId {
    CandidateId::parse(&format!("web-{candidate}")).expect("a valid name")
}

fn elections() -> u64 {
    let mut state = State::new();
    let session = open(&mut state);
    weight(&mut state, |state| {
        for election in 0..OBJECTS {
            apply(state, &campaign(session, election, election));
        }
    })
}

/// In elections of a hundred, since a session has one candidate in each.
fn standby() -> u64 {
    const STANDING: u64 = 100;
    let mut state = State::new();
    let sessions: Vec<SessionId> = (0..=STANDING).map(|_| open(&mut state)).collect();
    let (first, others) = sessions.split_first().expect("more than one");
    let elections = OBJECTS / STANDING;
    for election in 0..elections {
        apply(&mut state, &campaign(*first, election, 0));
    }
    weight(&mut state, |state| {
        for election in 0..elections {
            for (session, candidate) in others.iter().zip(1..) {
                apply(state, &campaign(*session, election, candidate));
            }
        }
    })
}

fn ended_candidates() -> u64 {
    let mut state = State::new();
    let session = open(&mut state);
    let remembered = OBJECTS.min(raft_core::limits::ENDED_CANDIDATES_MAX as u64);
    let bytes = weight(&mut state, |state| {
        for election in 0..remembered {
            apply(state, &campaign(session, 0, election));
            let resign = Command::Resign {
                election: election_name(0),
                candidate: candidate_id(election),
            };
            apply(state, &request(Some(session), resign));
        }
    });
    bytes * OBJECTS / remembered
}

/// In groups of a hundred.
fn members() -> u64 {
    const TOGETHER: u64 = 100;
    let mut state = State::new();
    let session = open(&mut state);
    let join = |group: u64, member: u64| {
        let join = JoinGroup {
            group: GroupName::parse(&format!("shards/{group}")).expect("a valid name"),
            member: MemberId::parse(&format!("web-{member}")).expect("a valid name"),
            value: Some(b"10.0.0.7:8080".as_slice().into()),
            content_type: None,
        };
        request(Some(session), Command::JoinGroup(join))
    };
    weight(&mut state, |state| {
        for group in 0..OBJECTS / TOGETHER {
            for member in 0..TOGETHER {
                apply(state, &join(group, member));
            }
        }
    })
}

/// A hundred at each barrier, which is open then.
fn parties() -> u64 {
    const TOGETHER: u64 = 100;
    let mut state = State::new();
    let session = open(&mut state);
    weight(&mut state, |state| {
        for barrier in 0..OBJECTS / TOGETHER {
            for party in 0..TOGETHER {
                let enter = EnterBarrier {
                    barrier: BarrierName::parse(&format!("load/{barrier}")).expect("a valid name"),
                    party: MemberId::parse(&format!("web-{party}")).expect("a valid name"),
                    parties: 100,
                };
                apply(state, &request(Some(session), Command::EnterBarrier(enter)));
            }
        }
    })
}

/// In services of a hundred, of sessions with as many, checked by the cluster.
fn instances(with_ttl: bool) -> u64 {
    const TOGETHER: u64 = 100;
    let mut state = State::new();
    let sessions: Vec<_> = (0..OBJECTS / TOGETHER).map(|_| open(&mut state)).collect();
    weight(&mut state, |state| {
        for (service, session) in (0..).zip(&sessions) {
            for instance in 0..TOGETHER {
                let session = (!with_ttl).then_some(*session);
                let op = ServiceOp::Register(registration(instance, with_ttl));
                apply(state, &request(session, of_service(service, op)));
            }
        }
    })
}

fn registration(instance: u64, with_ttl: bool) -> Box<RegisterInstance> {
    Box::new(RegisterInstance {
        instance: InstanceId::parse(&format!("web-{instance}")).expect("a valid name"),
        registration: Registration {
            address: "10.0.0.7".to_owned(),
            port: 8080,
            weight: 1,
            zone: Some("a".to_owned()),
            tags: vec!["v2".to_owned()],
            meta: BTreeMap::from([("build".to_owned(), "881".to_owned())]),
            check: None,
        },
        ttl_ms: with_ttl.then_some(30_000),
        state: None,
    })
}

fn of_service(service: u64, op: ServiceOp) -> Command {
    let service = ServiceName::parse(&format!("shop/{service}")).expect("a valid name");
    Command::Service(ServiceCommand { service, op })
}

/// Of ten services with ten instances each.
fn reservations() -> u64 {
    const SERVICES: u64 = 10;
    let mut state = State::new();
    for service in 0..SERVICES {
        for instance in 0..10 {
            let op = ServiceOp::Register(registration(instance, true));
            apply(&mut state, &request(None, of_service(service, op)));
        }
    }
    let pick = Pick {
        selection: Selection {
            strategy: Strategy::Random,
            filter: Filter::default(),
            count: 10,
        },
        draw: 7,
        reserve_ms: Some(10_000),
        explain: false,
    };
    weight(&mut state, |state| {
        for number in 0..OBJECTS / 10 {
            let op = ServiceOp::Pick(pick.clone());
            apply(state, &request(None, of_service(number % SERVICES, op)));
        }
    })
}

/// All in one queue.
fn items() -> u64 {
    let mut state = State::new();
    let put = PutItem {
        queue: QueueName::parse("mail/out").expect("a valid name"),
        priority: 100,
        data: Some(vec![b'v'; VALUE_BYTES].into()),
        content_type: None,
    };
    let put = request(None, Command::PutItem(put));
    weight(&mut state, |state| {
        for _ in 0..OBJECTS {
            apply(state, &put);
        }
    })
}

fn answers() -> u64 {
    let mut state = State::new();
    apply(&mut state, &create("/once".to_owned(), 0, None));
    let set = SetData {
        path: "/once".to_owned(),
        data: Some(vec![b'v'; VALUE_BYTES].into()),
        content_type: None,
        expect: Expect::Any,
    };
    let mut request = request(None, Command::Znode(ZnodeOp::SetData(set)));
    weight(&mut state, |state| {
        for fingerprint in 0..OBJECTS {
            let key = format!("018f3c2a-7b1d-7c55-9d3e-{fingerprint:012}");
            request.idempotency = Some(IdempotencyKey { key, fingerprint });
            apply(state, &request);
        }
    })
}
