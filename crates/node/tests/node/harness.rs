//! Drafts and short ways to send them.

use std::time::Duration;

use bytes::Bytes;
use node::{Draft, Node, ProposeError};
use raft_core::acl::AclEntry;
use raft_core::command::{
    Acquire, ClaimSession, Command, Create, CreateKind, Expect, LockMode, OpenSession, Owner,
    SessionRef, SetData, ZnodeOp,
};
use raft_core::ids::{ClaimId, LockName, SessionId, SessionName, ZnodePath};
use raft_core::outcome::{ClaimReply, Outcome, Refusal, Reply};
use raft_core::state::State;

pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) fn draft(command: Command) -> Draft {
    Draft {
        identities: Vec::new(),
        session: None,
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command,
    }
}

pub(crate) fn by(session: &str, command: Command) -> Draft {
    let name = SessionName::parse(session).unwrap();
    Draft {
        session: Some(SessionRef::Name(name)),
        ..draft(command)
    }
}

pub(crate) fn path(text: &str) -> ZnodePath {
    ZnodePath::parse(text).unwrap()
}

pub(crate) fn lock(text: &str) -> LockName {
    LockName::parse(text).unwrap()
}

pub(crate) fn claim(text: &str) -> ClaimId {
    ClaimId::parse(text).unwrap()
}

pub(crate) fn create(path: &str, data: &str) -> Command {
    Command::Znode(ZnodeOp::Create(Create {
        path: path.to_owned(),
        data: Some(Bytes::copy_from_slice(data.as_bytes())),
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: CreateKind::Persistent,
        sequential: false,
        parents: false,
    }))
}

pub(crate) fn put(path: &str, data: &str) -> Command {
    Command::Znode(ZnodeOp::Put {
        set: SetData {
            path: path.to_owned(),
            data: Some(Bytes::copy_from_slice(data.as_bytes())),
            content_type: None,
            expect: Expect::Any,
        },
        kind: CreateKind::Persistent,
        parents: false,
    })
}

pub(crate) fn open_session(name: &str, timeout_ms: u64) -> Command {
    Command::OpenSession(OpenSession {
        name: Some(SessionName::parse(name).unwrap()),
        timeout_ms,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    })
}

pub(crate) fn acquire(lock_name: &str, claim_id: &str, wait_ms: u64) -> Command {
    Command::Acquire(Acquire {
        lock: lock(lock_name),
        claim: claim(claim_id),
        mode: LockMode::Exclusive,
        limit: None,
        session: ClaimSession::Acting,
        wait_ms: Some(wait_ms),
        ttl_ms: None,
        ack_within_ms: Some(10_000),
        reentrant: false,
        reason: None,
        labels: Default::default(),
    })
}

pub(crate) fn release(lock_name: &str, claim_id: &str) -> Command {
    Command::ReleaseClaim {
        lock: lock(lock_name),
        claim: claim(claim_id),
    }
}

/// Proposes and expects an outcome.
pub(crate) async fn done(node: &Node, draft: Draft) -> Outcome {
    node.propose(draft, SOON).await.expect("an outcome")
}

/// Proposes and expects acceptance.
pub(crate) async fn accepted(node: &Node, draft: Draft) -> Reply {
    done(node, draft).await.result.expect("acceptance")
}

/// Proposes and expects a refusal.
pub(crate) async fn refused(node: &Node, draft: Draft) -> Refusal {
    done(node, draft).await.result.expect_err("a refusal")
}

pub(crate) async fn session(node: &Node, name: &str, timeout_ms: u64) -> SessionId {
    match accepted(node, draft(open_session(name, timeout_ms))).await {
        Reply::SessionOpened { session, .. } => session.id,
        other => panic!("unexpected reply {other:?}"),
    }
}

pub(crate) fn claim_reply(reply: Reply) -> ClaimReply {
    match reply {
        Reply::Claim(reply) => *reply,
        other => panic!("unexpected reply {other:?}"),
    }
}

pub(crate) fn value(state: &State, at: &str) -> Option<String> {
    let data = state.znode(&path(at))?.data.clone().unwrap_or_default();
    Some(String::from_utf8(data.to_vec()).unwrap())
}

pub(crate) fn is_definite(error: &ProposeError) -> bool {
    matches!(error, ProposeError::NotApplied(_))
}
