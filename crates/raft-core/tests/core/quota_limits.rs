//! Quotas in numbers: how many there may be, and many znodes below one.

use bytes::Bytes;
use raft_core::acl::AclEntry;
use raft_core::command::{Command, Create, CreateKind, Expect, Request, RequestId, Stamp, ZnodeOp};
use raft_core::ids::ZnodePath;
use raft_core::limits;
use raft_core::outcome::{Outcome, Refusal};
use raft_core::state::State;

fn apply(state: &mut State, command: Command) -> Outcome {
    let request = Request {
        id: RequestId::default(),
        identities: Vec::new(),
        session: None,
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command,
    };
    state.apply(Stamp::default(), &request)
}

fn create(path: &str, data: &str) -> ZnodeOp {
    ZnodeOp::Create(Create {
        path: path.to_owned(),
        data: Some(Bytes::copy_from_slice(data.as_bytes())),
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: CreateKind::Persistent,
        sequential: false,
        parents: true,
    })
}

fn delete(path: &str) -> ZnodeOp {
    ZnodeOp::Delete {
        path: path.to_owned(),
        expect: Expect::Any,
    }
}

fn done(state: &mut State, ops: Vec<ZnodeOp>) {
    for ops in ops.chunks(limits::OPS_PER_MULTI_MAX) {
        let outcome = apply(state, Command::Multi(ops.to_vec()));
        assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    }
}

fn limits_of(subject: &str) -> String {
    format!("/zookeeper/quota{subject}/zookeeper_limits")
}

fn shown(state: &State, subject: &str) -> String {
    let path = format!("/zookeeper/quota{subject}/zookeeper_stats");
    let znode = state.znode(&ZnodePath::parse(&path).unwrap()).unwrap();
    String::from_utf8(znode.data.clone().unwrap().to_vec()).unwrap()
}

#[test]
fn there_are_only_so_many_quotas() {
    let mut state = State::new();
    let on = |n: usize| limits_of(&format!("/q{n}"));
    let all = (0..limits::QUOTAS_MAX).map(|n| create(&on(n), "count=1,bytes=-1"));
    done(&mut state, all.collect());
    let more = || Command::Znode(create("/zookeeper/quota/more/zookeeper_limits", ""));
    let refused = apply(&mut state, more());
    let Err(Refusal::LimitReached { what, limit }) = refused.result else {
        panic!("{:?}", refused.result);
    };
    assert_eq!((&*what, limit), ("quotas", limits::QUOTAS_MAX as u64));
    done(&mut state, vec![delete(&on(7))]);
    assert!(apply(&mut state, more()).result.is_ok());
    state.check_invariants().unwrap();
}

/// A quota that comes to a tree with many znodes counts all of them, and then only what changes.
#[test]
fn a_quota_on_many_znodes_stays_right() {
    const ZNODES: usize = 20_000;
    let mut state = State::new();
    let below = |n: usize| format!("/big/{}/{n}", n % 100);
    let ops = (0..ZNODES).map(|n| create(&below(n), "12345"));
    done(&mut state, ops.collect());
    let (limits, stats) = (limits_of("/big"), "/zookeeper/quota/big/zookeeper_stats");
    let set = vec![create(&limits, "countHardLimit=20102"), create(stats, "")];
    done(&mut state, set);
    assert_eq!(shown(&state, "/big"), "count=20101,bytes=100000");
    done(&mut state, vec![create("/big/x", "1")]);
    let refused = apply(&mut state, Command::Znode(create("/big/y", "")));
    assert!(matches!(
        refused.result,
        Err(Refusal::QuotaExceeded { usage: 20_102, .. })
    ));
    done(
        &mut state,
        (0..ZNODES).step_by(2).map(|n| delete(&below(n))).collect(),
    );
    assert_eq!(shown(&state, "/big"), "count=10102,bytes=50001");
    state.check_invariants().unwrap();
}
