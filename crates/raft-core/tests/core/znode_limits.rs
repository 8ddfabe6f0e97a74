//! Limits too large for a script, and what needs many znodes to be seen.

use bytes::Bytes;
use raft_core::acl::{AclEntry, Identity, Perms};
use raft_core::command::{
    Command, Create, CreateKind, Expect, Guard, IdempotencyKey, Request, RequestId, SetData, Stamp,
    Txn, TxnOp, ZnodeOp,
};
use raft_core::ids::ZnodePath;
use raft_core::limits;
use raft_core::outcome::{Outcome, Refusal};
use raft_core::path::InvalidPath;
use raft_core::state::State;

fn request(command: Command) -> Request {
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

fn apply(state: &mut State, command: Command) -> Outcome {
    state.apply(Stamp::default(), &request(command))
}

fn apply_with_key(state: &mut State, key: String, command: Command) -> Outcome {
    let idempotency = Some(IdempotencyKey {
        key,
        fingerprint: 1,
    });
    state.apply(
        Stamp::default(),
        &Request {
            idempotency,
            ..request(command)
        },
    )
}

fn path(text: &str) -> ZnodePath {
    ZnodePath::parse(text).unwrap()
}

fn create(path: &str, data: Vec<u8>, acl: Vec<AclEntry>) -> ZnodeOp {
    ZnodeOp::Create(Create {
        path: path.to_owned(),
        data: Some(Bytes::from(data)),
        content_type: None,
        acl,
        kind: CreateKind::Persistent,
        sequential: false,
        parents: false,
    })
}

fn plain(path: &str) -> Command {
    Command::Znode(create(path, Vec::new(), vec![AclEntry::open()]))
}

fn check(path: &str) -> ZnodeOp {
    ZnodeOp::Check {
        path: path.to_owned(),
        expect: Expect::Any,
    }
}

/// The limit a refusal names.
fn limit(outcome: &Outcome) -> u64 {
    match &outcome.result {
        Err(Refusal::LimitReached { limit, .. }) => *limit,
        other => panic!("no limit: {other:?}"),
    }
}

#[test]
fn operations_and_guards_of_one_command_are_bounded() {
    let mut state = State::new();
    let most = limits::OPS_PER_MULTI_MAX;
    assert!(
        apply(&mut state, Command::Multi(vec![check("/"); most]))
            .result
            .is_ok()
    );
    let refused = apply(&mut state, Command::Multi(vec![check("/"); most + 1]));
    assert_eq!(limit(&refused), most as u64);

    let txn = |then: usize, otherwise: usize, guards: usize| {
        Command::Txn(Txn {
            guards: vec![
                Guard::Exists {
                    path: path("/"),
                    exists: true
                };
                guards
            ],
            then: vec![TxnOp::Znode(check("/")); then],
            otherwise: Some(vec![TxnOp::Znode(check("/")); otherwise]),
        })
    };
    let guards = limits::GUARDS_PER_REQUEST_MAX;
    assert!(apply(&mut state, txn(most, most, guards)).result.is_ok());
    assert_eq!(limit(&apply(&mut state, txn(most + 1, 0, 0))), most as u64);
    assert_eq!(limit(&apply(&mut state, txn(0, most + 1, 0))), most as u64);
    assert_eq!(
        limit(&apply(&mut state, txn(0, 0, guards + 1))),
        guards as u64
    );
}

#[test]
fn access_lists_and_identities_are_bounded() {
    let mut state = State::new();
    let entry = |n: usize| AclEntry {
        perms: Perms::READ,
        scheme: "digest".to_owned(),
        id: format!("user{n}:hash"),
    };
    let list = |count: usize| (0..count).map(entry).collect::<Vec<_>>();
    let most = limits::ACL_ENTRIES_MAX;
    let of = |acl| Command::Znode(create("/a", Vec::new(), acl));
    assert_eq!(limit(&apply(&mut state, of(list(most + 1)))), most as u64);
    assert!(apply(&mut state, of(list(most))).result.is_ok());

    let long = "x".repeat(limits::IDENTITY_BYTES_MAX);
    let entry = AclEntry {
        perms: Perms::READ,
        scheme: "sasl".to_owned(),
        id: long.clone(),
    };
    let refused = apply(&mut state, of(vec![entry]));
    assert_eq!(limit(&refused), limits::IDENTITY_BYTES_MAX as u64);
    let identity = Identity {
        scheme: "sasl".to_owned(),
        id: long,
    };
    let request = Request {
        identities: vec![identity],
        ..request(plain("/b"))
    };
    let refused = state.apply(Stamp::default(), &request);
    assert_eq!(limit(&refused), limits::IDENTITY_BYTES_MAX as u64);

    // `auth` may stand for many.
    let who = |n: usize| Identity {
        scheme: "sasl".to_owned(),
        id: format!("user{n}"),
    };
    let auth = |perms: u8| AclEntry {
        perms: Perms(perms),
        scheme: "auth".to_owned(),
        id: String::new(),
    };
    let identities = (0..limits::IDENTITIES_PER_REQUEST_MAX).map(who).collect();
    let request = Request {
        identities,
        ..request
    };
    let request = Request {
        command: of(vec![auth(1), auth(2), auth(4)]),
        ..request
    };
    assert_eq!(limit(&state.apply(Stamp::default(), &request)), most as u64);
}

#[test]
fn paths_and_missing_parents_are_bounded() {
    let mut state = State::new();
    let most = limits::PARENTS_PER_CREATE_MAX;
    let deep = |parents: usize| {
        let set = SetData {
            path: format!("{}/leaf", "/d".repeat(parents)),
            data: None,
            content_type: None,
            expect: Expect::Any,
        };
        Command::Znode(ZnodeOp::Put {
            set,
            kind: CreateKind::Persistent,
            parents: true,
        })
    };
    assert_eq!(limit(&apply(&mut state, deep(most + 1))), most as u64);
    assert_eq!(apply(&mut state, deep(most)).events.len(), most + 1);
    assert_eq!(apply(&mut state, deep(most + 1)).events.len(), 2);

    let longest = format!("/{}", "n".repeat(limits::PATH_BYTES_MAX - 1));
    assert!(apply(&mut state, plain(&longest)).result.is_ok());
    let refused = apply(&mut state, plain(&format!("{longest}n"))).result;
    assert!(matches!(
        refused,
        Err(Refusal::InvalidPath(InvalidPath::TooLong { .. }))
    ));
    state.check_invariants().unwrap();
}

#[test]
fn a_recursive_delete_is_bounded() {
    let mut state = State::new();
    apply(&mut state, plain("/a"));
    for n in 0..limits::SUBTREE_DELETE_MAX {
        assert!(apply(&mut state, plain(&format!("/a/{n}"))).result.is_ok());
    }
    let all = Command::DeleteSubtree {
        path: path("/a"),
        max: u32::MAX,
    };
    let refused = apply(&mut state, all.clone());
    assert_eq!(limit(&refused), u64::from(limits::SUBTREE_DELETE_MAX));
    let one = ZnodeOp::Delete {
        path: "/a/7".to_owned(),
        expect: Expect::Any,
    };
    apply(&mut state, Command::Znode(one));
    let before = state.clone();
    let outcome = apply(&mut state, all);
    assert_eq!(outcome.events.len(), limits::SUBTREE_DELETE_MAX as usize);
    assert_eq!(state.counts().znodes, State::new().counts().znodes);
    state.check_invariants().unwrap();
    assert_eq!(
        before.counts().znodes,
        state.counts().znodes + 10_000,
        "a clone stays as it was"
    );
    before.check_invariants().unwrap();
}

#[test]
fn remembered_answers_are_bounded_in_number_and_the_oldest_goes_first() {
    let mut state = State::new();
    let most = limits::IDEMPOTENCY_ENTRIES_MAX;
    for n in 0..=most {
        apply_with_key(&mut state, format!("key{n}"), Command::Multi(Vec::new()));
    }
    assert_eq!(state.counts().answers, most);
    state.check_invariants().unwrap();
    let again = |state: &mut State, n: usize| {
        apply_with_key(state, format!("key{n}"), Command::Multi(Vec::new())).replayed
    };
    assert!(again(&mut state, most));
    assert!(again(&mut state, 1));
    assert!(!again(&mut state, 0));
}

#[test]
fn remembered_answers_are_bounded_in_bytes() {
    let mut state = State::new();
    let size = 1_000_000;
    apply(
        &mut state,
        Command::Znode(create("/big", vec![1; size], vec![AclEntry::open()])),
    );
    let read = || {
        let then = vec![TxnOp::Get { path: path("/big") }];
        Command::Txn(Txn {
            guards: Vec::new(),
            then,
            otherwise: None,
        })
    };
    for n in 0..100 {
        assert!(
            apply_with_key(&mut state, format!("key{n}"), read())
                .result
                .is_ok()
        );
    }
    let counts = state.counts();
    assert!(
        counts.answer_bytes <= limits::IDEMPOTENCY_BYTES_MAX,
        "{counts:?}"
    );
    assert!(counts.answers < 100, "{counts:?}");
    assert!(apply_with_key(&mut state, "key99".to_owned(), read()).replayed);
    assert!(!apply_with_key(&mut state, "key0".to_owned(), read()).replayed);
    state.check_invariants().unwrap();
}

/// Enough znodes that the maps have many levels; the order of operations is mixed by a
/// multiplicative step through the numbers.
#[test]
fn many_znodes_stay_in_order_and_clones_stay_as_they_were() {
    const COUNT: usize = 20_011;
    const STRIDE: usize = 7_919;
    let mut state = State::new();
    let name = |n: usize| format!("/n{:05}", (n * STRIDE) % COUNT);
    for n in 0..COUNT {
        assert!(apply(&mut state, plain(&name(n))).result.is_ok());
    }
    let (full, digest) = (state.clone(), state.digest());
    for n in (0..COUNT).step_by(2) {
        let op = ZnodeOp::Delete {
            path: name(n),
            expect: Expect::Any,
        };
        assert!(apply(&mut state, Command::Znode(op)).result.is_ok());
    }
    for n in (1..COUNT).step_by(2) {
        let (data, content_type) = (Some(Bytes::from_static(b"x")), None);
        let set = SetData {
            path: name(n),
            data,
            content_type,
            expect: Expect::Version(0),
        };
        assert!(
            apply(&mut state, Command::Znode(ZnodeOp::SetData(set)))
                .result
                .is_ok()
        );
    }
    state.check_invariants().unwrap();
    full.check_invariants().unwrap();
    assert_eq!(full.digest(), digest);
    assert_eq!(full.counts().znodes, COUNT + 4);
    let page = full.children(&path("/"), Some("n10000"), 3).unwrap();
    let names: Vec<&str> = page.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["n10001", "n10002", "n10003"]);
}
