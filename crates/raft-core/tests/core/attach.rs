//! A session taken up on another connection.

use raft_core::command::{Command, OpenSession, Owner, SessionRef};
use raft_core::ids::SessionId;
use raft_core::limits;
use raft_core::outcome::{Refusal, Reply};
use raft_core::session::Session;

use crate::harness::Harness;
use crate::words::Words;

const PASSWORD: [u8; 16] = [7; 16];

fn run(
    cluster: &mut Harness,
    session: Option<SessionRef>,
    command: Command,
) -> Result<Reply, Refusal> {
    let mut request = cluster.request(Words::parse(""), command);
    request.session = session;
    cluster.apply(&request).result
}

fn opened(cluster: &mut Harness) -> Session {
    let open = OpenSession {
        name: None,
        timeout_ms: 10_000,
        password: PASSWORD,
        owner: Owner::default(),
        lock_delay_ms: 0,
    };
    session_of(run(cluster, None, Command::OpenSession(open)))
}

fn session_of(reply: Result<Reply, Refusal>) -> Session {
    match reply {
        Ok(Reply::SessionOpened { session, .. }) => session,
        other => panic!("{other:?}"),
    }
}

fn attach(
    cluster: &mut Harness,
    session: SessionId,
    password: [u8; 16],
    timeout_ms: u64,
) -> Result<Reply, Refusal> {
    let attach = Command::AttachSession {
        session,
        password,
        timeout_ms,
        host: Some("10.0.0.7:40112".to_owned()),
    };
    run(cluster, None, attach)
}

fn attached(session: &Session) -> Option<SessionRef> {
    Some(SessionRef::Attached(session.id, session.attached))
}

#[test]
fn what_was_sent_by_way_of_the_earlier_connection_is_refused() {
    let mut cluster = Harness::new();
    let first = opened(&mut cluster);
    let nothing = || Command::Multi(Vec::new());
    assert!(run(&mut cluster, attached(&first), nothing()).is_ok());

    let second = session_of(attach(&mut cluster, first.id, PASSWORD, 20_000));
    assert_eq!((second.id, second.timeout_ms), (first.id, 20_000));
    let moved = Refusal::SessionMoved { session: first.id };
    assert_eq!(run(&mut cluster, attached(&first), nothing()), Err(moved));
    assert!(run(&mut cluster, attached(&second), nothing()).is_ok());
    let by_number = Some(SessionRef::Id(first.id));
    assert!(run(&mut cluster, by_number, nothing()).is_ok());
}

/// Queues name the owner by where its client is now, not by where it once came from.
#[test]
fn the_owner_is_where_the_client_is_now_and_a_wrong_password_moves_nobody() {
    let mut cluster = Harness::new();
    let first = opened(&mut cluster);
    let _ = attach(&mut cluster, first.id, [8; 16], 20_000);
    let host = |cluster: &Harness| cluster.state.sessions(None, 1)[0].owner.host.clone();
    assert_eq!(host(&cluster), None);
    let _ = session_of(attach(&mut cluster, first.id, PASSWORD, 20_000));
    assert_eq!(host(&cluster).as_deref(), Some("10.0.0.7:40112"));
}

#[test]
fn only_who_knows_the_password_of_a_live_session_takes_it_up() {
    let mut cluster = Harness::new();
    let session = opened(&mut cluster);
    let wrong = attach(&mut cluster, session.id, [8; 16], 20_000);
    assert!(matches!(wrong, Err(Refusal::NoSession { .. })), "{wrong:?}");
    let none = attach(&mut cluster, SessionId(999), PASSWORD, 20_000);
    assert!(matches!(none, Err(Refusal::NoSession { .. })), "{none:?}");
    let most = limits::SESSION_TIMEOUT_MS_MAX;
    let long = attach(&mut cluster, session.id, PASSWORD, most + 1);
    assert!(matches!(long, Err(Refusal::BadArguments(_))), "{long:?}");
    let close = Command::CloseSession(SessionRef::Id(session.id));
    assert!(run(&mut cluster, None, close).is_ok());
    let ended = attach(&mut cluster, session.id, PASSWORD, 20_000);
    assert!(matches!(ended, Err(Refusal::SessionEnded(_))), "{ended:?}");
}

/// The session of a claim without a session has a password of zeros: nobody may take it up.
#[test]
fn a_session_made_for_one_claim_is_nobodys() {
    let mut cluster = Harness::new();
    cluster.run("acquire orders/42 c1 implicit wait=1000 ttl=60000");
    let session = cluster.state.sessions(None, 1)[0].id;
    let taken = attach(&mut cluster, session, [0; 16], 20_000);
    assert!(matches!(taken, Err(Refusal::NoSession { .. })), "{taken:?}");
}
