//! Services in numbers: how much there may be.

use raft_core::command::{Command, OpenSession, Owner, Request, RequestId, SessionRef, Stamp};
use raft_core::ids::SessionId;
use raft_core::limits;
use raft_core::outcome::{Outcome, Refusal};
use raft_core::state::State;

use crate::service_commands;
use crate::words::Words;

fn apply(state: &mut State, session: Option<u64>, command: Command) -> Outcome {
    let request = Request {
        id: RequestId::default(),
        identities: Vec::new(),
        session: session.map(|session| SessionRef::Id(SessionId(session))),
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command,
    };
    state.apply(Stamp::default(), &request)
}

fn say(state: &mut State, session: Option<u64>, line: &str) -> Result<(), String> {
    let command = service_commands::command(&mut Words::parse(line)).unwrap();
    match apply(state, session, command).result {
        Ok(_) => Ok(()),
        Err(Refusal::LimitReached { what, .. }) => Err(what),
        Err(other) => panic!("{line}: {other}"),
    }
}

fn limited(what: &str) -> Result<(), String> {
    Err(what.to_owned())
}

#[test]
fn a_service_and_a_session_have_so_many_instances_and_those_that_are_there_go_on() {
    let mut state = State::new();
    let open = OpenSession {
        name: None,
        timeout_ms: 10_000,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    };
    apply(&mut state, None, Command::OpenSession(open));
    for number in 0..limits::INSTANCES_PER_SERVICE_MAX {
        say(&mut state, Some(1), &format!("serve api web-{number} h:1")).unwrap();
    }
    let told = say(&mut state, None, "serve api more h:1 ttl=3000");
    assert_eq!(told, limited("instances of one service"));
    let told = say(&mut state, Some(1), "serve other more h:1");
    assert_eq!(told, limited("instances of one session"));
    say(&mut state, Some(1), "serve api web-0 h:2").unwrap();
    say(&mut state, None, "deregister api web-0").unwrap();
    say(&mut state, None, "serve api more h:1 ttl=3000").unwrap();
    state.check_invariants().unwrap();

    let close = Command::CloseSession(SessionRef::Id(SessionId(1)));
    apply(&mut state, None, close).result.unwrap();
    let left = state.services("", None, 10);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].instances, 1);
    state.check_invariants().unwrap();
}

#[test]
fn a_service_has_so_many_reservations_and_others_have_room() {
    let mut state = State::new();
    for number in 0..limits::PICKS_MAX {
        say(
            &mut state,
            None,
            &format!("serve api web-{number} h:1 ttl=3000"),
        )
        .unwrap();
    }
    say(&mut state, None, "serve other web-1 h:1 ttl=3000").unwrap();
    let most = limits::RESERVATIONS_PER_SERVICE_MAX / limits::PICKS_MAX as usize;
    let line = format!("pick api random reserve=1000 n={}", limits::PICKS_MAX);
    for _ in 0..most {
        say(&mut state, None, &line).unwrap();
    }
    let told = say(&mut state, None, "pick api random reserve=1000");
    assert_eq!(told, limited("reservations of one service"));
    say(&mut state, None, "pick api random").unwrap();
    say(&mut state, None, "pick other random reserve=1000").unwrap();
    state.check_invariants().unwrap();

    for number in 0..limits::PICKS_MAX {
        say(&mut state, None, &format!("deregister api web-{number}")).unwrap();
    }
    assert_eq!(state.services("", None, 10).len(), 1);
    state.check_invariants().unwrap();
}

#[test]
fn there_are_so_many_services() {
    let mut state = State::new();
    for number in 0..limits::SERVICES_MAX {
        say(
            &mut state,
            None,
            &format!("serve s{number} web-1 h:1 ttl=3000"),
        )
        .unwrap();
    }
    let told = say(&mut state, None, "serve more web-1 h:1 ttl=3000");
    assert_eq!(told, limited("services"));
    say(&mut state, None, "serve s0 web-2 h:1 ttl=3000").unwrap();
    say(&mut state, None, "deregister s1 web-1").unwrap();
    say(&mut state, None, "serve more web-1 h:1 ttl=3000").unwrap();
    state.check_invariants().unwrap();
}
