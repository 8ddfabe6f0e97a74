//! One command of every kind, with all its fields set.

use std::collections::BTreeMap;

use bytes::Bytes;
use raft_core::acl::AclEntry;
use raft_core::command::{
    Acquire, AcquireAll, Campaign, ClaimPart, ClaimSession, Command, Create, CreateKind, Delivery,
    EnterBarrier, Expect, ExpireSession, FenceGuard, GiveBackItem, Guard, JoinGroup, LockKind,
    LockMode, LockSettings, OpenSession, Owner, PutItem, RequestRelease, RestoreStep, SessionRef,
    SetData, TermGuard, TransferLeadership, Txn, TxnOp, ZnodeOp,
};
use raft_core::ids::{
    BarrierName, CandidateId, ClaimId, CounterName, ElectionName, Fence, GroupName, ItemId,
    LockName, MemberId, PublicKey, QueueName, ResourceName, SessionId, SessionName, Term,
    ZnodePath, Zxid,
};
use raft_core::queue::QueueSettings;

pub(super) fn attach_session() -> Command {
    Command::AttachSession {
        session: SessionId(17),
        password: [9; 16],
        timeout_ms: 12_000,
        host: Some("10.0.0.7:40112".to_owned()),
    }
}

pub(super) fn add_to_counter() -> Command {
    Command::AddToCounter {
        counter: CounterName::parse("orders/today").unwrap(),
        delta: -1_000,
    }
}

pub(super) fn resource() -> ResourceName {
    ResourceName::parse("reports/2026").unwrap()
}

pub(super) fn advance_fence() -> Command {
    let (resource, fence) = (resource(), Fence(18_231));
    Command::AdvanceFence { resource, fence }
}

pub(super) fn part_of_a_restore() -> Command {
    Command::Restore(RestoreStep::Part {
        upload: Zxid(40),
        offset: 512,
        bytes: Bytes::from_static(b"part"),
    })
}

pub(super) fn lock() -> LockName {
    LockName::parse("orders/42").unwrap()
}

pub(super) fn claim() -> ClaimId {
    ClaimId::parse("c1").unwrap()
}

pub(super) fn labels() -> BTreeMap<String, String> {
    BTreeMap::from([("team".to_owned(), "billing".to_owned())])
}

pub(super) fn session_commands() -> Vec<(&'static str, Command)> {
    let owner = Owner {
        service: Some("billing".to_owned()),
        host: Some("h1".to_owned()),
        pid: Some(4711),
        version: Some("1.2".to_owned()),
        url: Some("http://h1".to_owned()),
        reason: Some("nightly".to_owned()),
        labels: labels(),
    };
    let open = OpenSession {
        name: Some(SessionName::parse("worker-7").unwrap()),
        timeout_ms: 10_000,
        password: [9; 16],
        owner,
        lock_delay_ms: 500,
    };
    let expire = ExpireSession {
        session: SessionId(17),
        activity: 5,
    };
    vec![
        ("open_session", Command::OpenSession(open)),
        (
            "close_session",
            Command::CloseSession(SessionRef::Id(SessionId(17))),
        ),
        ("expire_session", Command::ExpireSession(expire)),
    ]
}

pub(super) fn set() -> SetData {
    SetData {
        path: "/a/b".to_owned(),
        data: Some(Bytes::from_static(b"data")),
        content_type: Some("text/plain".into()),
        expect: Expect::Version(3),
    }
}

pub(super) fn znode_ops() -> Vec<(&'static str, ZnodeOp)> {
    let path = || "/a/b".to_owned();
    let create = Create {
        path: "/a/n-".to_owned(),
        data: None,
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: CreateKind::Ttl { ttl_ms: 60_000 },
        sequential: true,
        parents: false,
    };
    let put = ZnodeOp::Put {
        set: set(),
        kind: CreateKind::Container,
        parents: true,
    };
    let acl = vec![AclEntry::open()];
    vec![
        ("create", ZnodeOp::Create(create)),
        (
            "delete",
            ZnodeOp::Delete {
                path: path(),
                expect: Expect::Any,
            },
        ),
        ("set_data", ZnodeOp::SetData(set())),
        ("put", put),
        (
            "set_acl",
            ZnodeOp::SetAcl {
                path: path(),
                acl,
                expect: Expect::Version(-7),
            },
        ),
        (
            "check",
            ZnodeOp::Check {
                path: path(),
                expect: Expect::Any,
            },
        ),
    ]
}

pub(super) fn tree_commands() -> Vec<(&'static str, Command)> {
    let path = || ZnodePath::parse("/a/b").unwrap();
    let txn = Txn {
        guards: vec![
            Guard::Version {
                path: path(),
                version: -1,
            },
            Guard::Exists {
                path: path(),
                exists: true,
            },
            Guard::Value {
                path: path(),
                value: Bytes::from_static(b"v"),
            },
            Guard::Fence(FenceGuard {
                lock: lock(),
                fence: Fence(300),
            }),
        ],
        then: vec![
            TxnOp::Znode(ZnodeOp::SetData(set())),
            TxnOp::Get { path: path() },
            TxnOp::Release {
                lock: lock(),
                claim: claim(),
            },
        ],
        otherwise: Some(Vec::new()),
    };
    let mut all: Vec<(&'static str, Command)> = znode_ops()
        .into_iter()
        .map(|(name, op)| (name, Command::Znode(op)))
        .collect();
    all.push((
        "multi",
        Command::Multi(znode_ops().into_iter().map(|(_, op)| op).collect()),
    ));
    all.push(("txn", Command::Txn(txn)));
    all.push((
        "delete_subtree",
        Command::DeleteSubtree {
            path: path(),
            max: 1_000,
        },
    ));
    all
}

pub(super) fn election() -> ElectionName {
    ElectionName::parse("app/leader").unwrap()
}

pub(super) fn term_guard() -> TermGuard {
    TermGuard {
        election: election(),
        term: Term(300),
    }
}

pub(super) fn election_commands() -> Vec<(&'static str, Command)> {
    let candidate = CandidateId::parse("web-7").unwrap();
    vec![
        (
            "campaign",
            Command::Campaign(Campaign {
                election: election(),
                candidate: candidate.clone(),
                value: Some(Bytes::from_static(b"10.0.0.7")),
                content_type: Some("text/plain".into()),
                weight: 5,
            }),
        ),
        (
            "resign",
            Command::Resign {
                election: election(),
                candidate: candidate.clone(),
            },
        ),
        (
            "transfer_leadership",
            Command::TransferLeadership(TransferLeadership {
                election: election(),
                to: candidate,
                term: Some(Term(300)),
                within_ms: 10_000,
                reason: Some("upgrade".to_owned()),
            }),
        ),
    ]
}

pub(super) fn group_commands() -> Vec<(&'static str, Command)> {
    let group = GroupName::parse("web/front").unwrap();
    let member = MemberId::parse("web-7").unwrap();
    vec![
        (
            "join_group",
            Command::JoinGroup(JoinGroup {
                group: group.clone(),
                member: member.clone(),
                value: Some(Bytes::from_static(b"10.0.0.7")),
                content_type: Some("text/plain".into()),
            }),
        ),
        ("leave_group", Command::LeaveGroup { group, member }),
    ]
}

pub(super) fn barrier_commands() -> Vec<(&'static str, Command)> {
    let barrier = BarrierName::parse("load/start").unwrap();
    let party = MemberId::parse("web-7").unwrap();
    vec![
        (
            "enter_barrier",
            Command::EnterBarrier(EnterBarrier {
                barrier: barrier.clone(),
                party: party.clone(),
                parties: 300,
            }),
        ),
        ("leave_barrier", Command::LeaveBarrier { barrier, party }),
    ]
}

pub(super) fn lock_commands() -> Vec<(&'static str, Command)> {
    let settings = LockSettings {
        kind: LockKind::Semaphore { limit: 3 },
        lock_delay_ms: 1,
        max_hold_ms: Some(2),
        max_waiters: Some(3),
        labels: labels(),
    };
    let acquire = Acquire {
        lock: lock(),
        claim: claim(),
        mode: LockMode::Permits(2),
        limit: Some(3),
        session: ClaimSession::Acting,
        wait_ms: Some(30_000),
        ttl_ms: None,
        ack_within_ms: Some(500),
        reentrant: true,
        reason: Some("nightly".to_owned()),
        labels: labels(),
    };
    let (expect, reason) = (Expect::Any, Some("more".to_owned()));
    vec![
        (
            "configure_lock",
            Command::ConfigureLock {
                lock: lock(),
                settings,
                expect,
            },
        ),
        ("acquire", Command::Acquire(acquire)),
        (
            "acknowledge_grant",
            Command::AcknowledgeGrant {
                lock: lock(),
                claim: claim(),
            },
        ),
        (
            "extend_claim",
            Command::ExtendClaim {
                lock: lock(),
                claim: claim(),
                ttl_ms: Some(9),
                reason,
            },
        ),
        (
            "release_claim",
            Command::ReleaseClaim {
                lock: lock(),
                claim: claim(),
            },
        ),
        (
            "break_claim",
            Command::BreakClaim {
                lock: lock(),
                fence: Fence(300),
                reason: "stuck".to_owned(),
            },
        ),
        ("expire_due", Command::ExpireDue),
    ]
}

pub(super) fn commands_about_holders() -> Vec<(&'static str, Command)> {
    vec![
        (
            "request_release",
            Command::RequestRelease(RequestRelease {
                lock: lock(),
                fence: Some(Fence(300)),
                reason: "deploy waits".to_owned(),
                within_ms: 30_000,
            }),
        ),
        (
            "answer_release",
            Command::AnswerRelease {
                lock: lock(),
                claim: claim(),
                needs_ms: 5_000,
            },
        ),
    ]
}

pub(super) fn acquire_all() -> Command {
    let part = |mode, limit| ClaimPart {
        lock: lock(),
        mode,
        limit,
    };
    Command::AcquireAll(AcquireAll {
        claim: claim(),
        all_of: vec![
            part(LockMode::Shared, None),
            part(LockMode::Permits(2), Some(3)),
        ],
        session: ClaimSession::Implicit,
        wait_ms: Some(30_000),
        ttl_ms: Some(60_000),
        ack_within_ms: None,
        reason: Some("move".to_owned()),
        labels: labels(),
    })
}

pub(super) fn key_commands() -> Vec<(&'static str, Command)> {
    let key = PublicKey([7; 32]);
    let publish = Command::PublishSigningKey {
        node: 3,
        key,
        lifetime_ms: 2_592_000_000,
    };
    let replace = Command::ReplaceSigningKeys { node: Some(3) };
    vec![
        ("publish_signing_key", publish),
        ("replace_signing_keys", replace),
        ("revoke_signing_key", Command::RevokeSigningKey { key }),
    ]
}

pub(super) fn queue_commands() -> Vec<(&'static str, Command)> {
    let queue = || QueueName::parse("mail/out").unwrap();
    let item = || ItemId::parse("entry-100-0000000007").unwrap();
    let delivery = || Delivery {
        queue: queue(),
        item: item(),
        number: Zxid(300),
    };
    let put = PutItem {
        queue: queue(),
        priority: 7,
        data: Some(Bytes::from_static(b"letter")),
        content_type: Some("text/plain".into()),
    };
    let give = GiveBackItem {
        delivery: delivery(),
        counts: true,
        reason: Some("exit status 1".to_owned()),
    };
    let settings = QueueSettings {
        max_tries: Some(5),
        max_items: Some(1_000),
    };
    vec![
        ("put_item", Command::PutItem(put)),
        (
            "take_items",
            Command::TakeItems {
                queue: queue(),
                most: 3,
            },
        ),
        ("ack_item", Command::AckItem(delivery())),
        ("give_back_item", Command::GiveBackItem(give)),
        (
            "configure_queue",
            Command::ConfigureQueue {
                queue: queue(),
                settings: Some(settings),
            },
        ),
        (
            "redrive",
            Command::Redrive {
                queue: queue(),
                item: Some(item()),
                most: 1,
            },
        ),
    ]
}
