//! Limits of sessions and locks at their full size, and that reaching them stays affordable: each
//! of these takes seconds, and would take many times that if ending a session were quadratic.

use std::collections::BTreeMap;

use raft_core::acl::AclEntry;
use raft_core::command::{
    Acquire, ClaimSession, Command, Create, CreateKind, LockMode, OpenSession, Owner, Request,
    RequestId, SessionRef, Stamp, ZnodeOp,
};
use raft_core::event::EventKind;
use raft_core::ids::{ClaimId, LockName, LogTime, SessionId, SessionName, WallTime};
use raft_core::limits;
use raft_core::outcome::{Outcome, Refusal, Reply};
use raft_core::query::session::SessionStatus;
use raft_core::state::State;

fn apply(state: &mut State, session: Option<SessionId>, command: Command) -> Outcome {
    let request = Request {
        id: RequestId::default(),
        identities: Vec::new(),
        session: session.map(SessionRef::Id),
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command,
    };
    let now = state.log_time().0 + 1;
    state.apply(
        Stamp {
            log_time: LogTime(now),
            wall: WallTime(now),
        },
        &request,
    )
}

fn open(state: &mut State, name: Option<String>) -> SessionId {
    let open = OpenSession {
        name: name.map(|name| SessionName::parse(&name).unwrap()),
        timeout_ms: 10_000,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    };
    match apply(state, None, Command::OpenSession(open)).result {
        Ok(Reply::SessionOpened {
            session,
            created: true,
        }) => session.id,
        other => panic!("not opened: {other:?}"),
    }
}

fn acquire(lock: &str, claim: &str, mode: LockMode) -> Command {
    Command::Acquire(Acquire {
        lock: LockName::parse(lock).unwrap(),
        claim: ClaimId::parse(claim).unwrap(),
        mode,
        limit: None,
        session: ClaimSession::Acting,
        wait_ms: None,
        ttl_ms: None,
        ack_within_ms: None,
        reentrant: false,
        reason: None,
        labels: BTreeMap::new(),
    })
}

/// Half of the claims share one lock, the others have one each.
fn acquire_all(state: &mut State, session: SessionId, count: usize) {
    for n in 0..count {
        let lock = if n % 2 == 0 {
            "crowd".to_owned()
        } else {
            format!("own/{n}")
        };
        let command = acquire(&lock, &format!("c{n}"), LockMode::Shared);
        let outcome = apply(state, Some(session), command);
        assert!(outcome.result.is_ok(), "{outcome:?}");
    }
}

fn ephemeral(n: usize) -> ZnodeOp {
    ZnodeOp::Create(Create {
        path: format!("/e{n}"),
        data: None,
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: CreateKind::Ephemeral,
        sequential: false,
        parents: false,
    })
}

fn create_ephemerals(state: &mut State, session: SessionId, count: usize) {
    let all: Vec<ZnodeOp> = (0..count).map(ephemeral).collect();
    for some in all.chunks(limits::OPS_PER_MULTI_MAX) {
        let outcome = apply(state, Some(session), Command::Multi(some.to_vec()));
        assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    }
}

#[test]
fn a_session_with_all_the_claims_it_may_have_ends_in_one_command() {
    ends_in_one_command(limits::EPHEMERALS_PER_SESSION_MAX);
}

#[test]
fn a_session_with_claims_and_other_ephemerals_ends_in_one_command() {
    ends_in_one_command(limits::EPHEMERALS_PER_SESSION_MAX / 10);
}

/// Of a session that owns all it may, so many claims and the rest plain ephemerals.
fn ends_in_one_command(claims: usize) {
    let mut state = State::new();
    let rich = open(&mut state, None);
    let poor = open(&mut state, None);
    let most = limits::EPHEMERALS_PER_SESSION_MAX;
    acquire_all(&mut state, rich, claims);
    create_ephemerals(&mut state, rich, most - claims);
    let over = apply(
        &mut state,
        Some(rich),
        acquire("one/more", "c", LockMode::Shared),
    );
    assert!(
        matches!(over.result, Err(Refusal::LimitReached { limit, .. }) if limit == most as u64)
    );
    apply(
        &mut state,
        Some(poor),
        acquire("crowd", "last", LockMode::Exclusive),
    );

    let outcome = apply(
        &mut state,
        None,
        Command::CloseSession(SessionRef::Id(rich)),
    );
    let Ok(Reply::SessionEnded(ended)) = outcome.result else {
        panic!("{:?}", outcome.result)
    };
    assert_eq!(ended.released.len(), limits::RELEASED_PER_ENDED_SESSION_MAX);
    assert_eq!(ended.ephemerals_removed as usize, most - claims);
    let count = |wanted: fn(&EventKind) -> bool| {
        outcome
            .events
            .iter()
            .filter(|event| wanted(&event.kind))
            .count()
    };
    assert_eq!(
        count(|kind| matches!(kind, EventKind::ClaimEnded { held: true, .. })),
        claims
    );
    assert_eq!(
        count(|kind| matches!(kind, EventKind::NodeDeleted { .. })),
        most
    );
    assert_eq!(
        count(|kind| matches!(kind, EventKind::ClaimGranted { .. })),
        1
    );
    assert_eq!(state.counts().claims, 1);
    assert_eq!(state.counts().locks, 1);
    state.check_invariants().unwrap();
}

#[test]
fn the_memory_of_ended_sessions_is_bounded_and_drops_the_oldest() {
    let mut state = State::new();
    let first = open(&mut state, Some("s0".to_owned()));
    apply(
        &mut state,
        None,
        Command::CloseSession(SessionRef::Id(first)),
    );
    for n in 1..limits::ENDED_SESSIONS_MAX {
        let id = open(&mut state, Some(format!("s{n}")));
        apply(&mut state, None, Command::CloseSession(SessionRef::Id(id)));
    }
    assert!(matches!(
        state.session(&SessionRef::Id(first)),
        SessionStatus::Ended(_)
    ));
    let last = open(&mut state, None);
    apply(
        &mut state,
        None,
        Command::CloseSession(SessionRef::Id(last)),
    );
    assert_eq!(state.counts().ended_sessions, limits::ENDED_SESSIONS_MAX);
    assert!(matches!(
        state.session(&SessionRef::Id(first)),
        SessionStatus::Unknown
    ));
    assert!(matches!(
        state.session(&SessionRef::Id(last)),
        SessionStatus::Ended(_)
    ));
    // The name of the one that was dropped can be used again.
    open(&mut state, Some("s0".to_owned()));
    state.check_invariants().unwrap();
}
