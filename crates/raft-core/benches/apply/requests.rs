//! What is asked of the state machine.

use std::collections::BTreeMap;

use bytes::Bytes;
use raft_core::acl::AclEntry;
use raft_core::command::{
    Acquire, AcquireAll, ClaimPart, ClaimSession, Command, Create, CreateKind, Expect, Guard,
    LockMode, OpenSession, Owner, Request, RequestId, SessionRef, SetData, Txn, TxnOp, ZnodeOp,
};
use raft_core::ids::{ClaimId, LockName, SessionId, ZnodePath};

/// Data of every znode.
const VALUE: Bytes = Bytes::from_static(&[b'v'; 100]);
/// Children of one parent: as many as people have, who sort things into directories.
const CHILDREN: u64 = 1_000;
/// A step through the paths that meets all of them, and hardly ever two that are near each other. Prime.
const STRIDE: u64 = 7_368_787;

/// Paths of so many znodes, all below a few parents.
#[derive(Clone, Copy)]
pub(crate) struct Paths {
    count: u64,
}

impl Paths {
    pub(crate) fn of(count: u64) -> Paths {
        Paths { count }
    }

    pub(crate) fn parents(self) -> impl Iterator<Item = String> {
        (0..self.count.div_ceil(CHILDREN)).map(|parent| format!("/p-{parent:04}"))
    }

    pub(crate) fn all(self) -> impl Iterator<Item = String> {
        (0..self.count).map(path)
    }

    /// Another one with each turn.
    pub(crate) fn scattered(self, turn: &mut u64) -> String {
        *turn += STRIDE;
        path(*turn % self.count)
    }
}

fn path(n: u64) -> String {
    format!("/p-{:04}/znode-{:04}", n / CHILDREN, n % CHILDREN)
}

pub(crate) fn request(command: Command) -> Request {
    Request {
        id: RequestId::default(),
        identities: Vec::new(),
        session: None,
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command,
    }
}

pub(crate) fn create(path: &str) -> Request {
    request(Command::Znode(ZnodeOp::Create(Create {
        path: path.to_owned(),
        data: Some(VALUE),
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: CreateKind::Persistent,
        sequential: false,
        parents: false,
    })))
}

pub(crate) fn delete(path: &str) -> Request {
    request(Command::Znode(ZnodeOp::Delete {
        path: path.to_owned(),
        expect: Expect::Any,
    }))
}

pub(crate) fn set_data(path: &str) -> Request {
    request(Command::Znode(set(path)))
}

fn set(path: &str) -> ZnodeOp {
    ZnodeOp::SetData(SetData {
        path: path.to_owned(),
        data: Some(VALUE),
        content_type: None,
        expect: Expect::Any,
    })
}

/// A transaction with a guard and a step for each path.
pub(crate) fn set_data_of_all(paths: &[String]) -> Request {
    let guard = |path: &String| Guard::Exists {
        path: ZnodePath::parse(path).expect("a valid path"),
        exists: true,
    };
    request(Command::Txn(Txn {
        guards: paths.iter().map(guard).collect(),
        then: paths.iter().map(|path| TxnOp::Znode(set(path))).collect(),
        otherwise: None,
    }))
}

pub(crate) fn open_session() -> Request {
    request(Command::OpenSession(OpenSession {
        name: None,
        timeout_ms: 10_000,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    }))
}

fn lock() -> LockName {
    LockName::parse("orders/42").expect("a valid name")
}

fn claim(number: u64) -> ClaimId {
    ClaimId::parse(&format!("claim-{number}")).expect("a valid name")
}

pub(crate) fn acquire(session: SessionId, number: u64) -> Request {
    let command = Command::Acquire(Acquire {
        lock: lock(),
        claim: claim(number),
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
    of(session, command)
}

/// How so many locks are taken together, and given back.
pub(crate) fn acquire_all(session: SessionId, number: u64, locks: u64) -> (Request, Request) {
    let name = |lock| LockName::parse(&format!("acct/{lock}")).expect("a valid name");
    let part = |lock| ClaimPart {
        lock: name(lock),
        mode: LockMode::Exclusive,
        limit: None,
    };
    let ask = AcquireAll {
        claim: claim(number),
        all_of: (0..locks).map(part).collect(),
        session: ClaimSession::Acting,
        wait_ms: None,
        ttl_ms: None,
        ack_within_ms: None,
        reason: None,
        labels: BTreeMap::new(),
    };
    let (lock, claim) = (name(0), claim(number));
    let release = Command::ReleaseClaim { lock, claim };
    (of(session, Command::AcquireAll(ask)), of(session, release))
}

pub(crate) fn release(session: SessionId, number: u64) -> Request {
    let lock = lock();
    let claim = claim(number);
    of(session, Command::ReleaseClaim { lock, claim })
}

pub(crate) fn of(session: SessionId, command: Command) -> Request {
    Request {
        session: Some(SessionRef::Id(session)),
        ..request(command)
    }
}
