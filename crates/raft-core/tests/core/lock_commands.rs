//! Script words of sessions and locks.

use raft_core::command::{Command, ExpireSession, OpenSession, Owner};
use raft_core::event::EventKind;
use raft_core::ids::{SessionId, SessionName};
use raft_core::outcome::Reply;
use raft_core::state::State;

use crate::harness::session_ref;
use crate::words::Words;

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    let verb = words.peek()?.to_owned();
    if !matches!(&*verb, "open" | "close" | "expire" | "due") {
        return None;
    }
    words.next();
    Some(match &*verb {
        "open" => Command::OpenSession(OpenSession {
            name: Some(SessionName::parse(&words.expect("a name")).unwrap()),
            timeout_ms: words.number("timeout").unwrap_or(10_000),
            password: [7; 16],
            owner: Owner::default(),
            lock_delay_ms: 0,
        }),
        "close" => Command::CloseSession(session_ref(&words.expect("a session"))),
        "expire" => Command::ExpireSession(ExpireSession {
            session: SessionId(words.expect("a session number").parse().unwrap()),
            activity: words.number("activity").unwrap_or(0),
        }),
        _ => Command::ExpireDue,
    })
}

/// Runs a query of this family.
pub(crate) fn query(_state: &State, _words: &mut Words) -> Option<String> {
    None
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::SessionOpened { session, created } => {
            format!("session {} {}", session.id, if *created { "opened" } else { "is open" })
        }
        Reply::SessionEnded(ended) => format!(
            "session {} ended {:?}, {} ephemerals",
            ended.id, ended.end, ended.ephemerals_removed
        ),
        Reply::ExpiredDue { count, more } => format!("due {count} more={more}"),
        other => format!("{other:?}"),
    }
}

/// Shows an event of this family.
pub(crate) fn shown_event(kind: &EventKind) -> String {
    match kind {
        EventKind::SessionOpened { session, .. } => format!("session.opened {session}"),
        EventKind::SessionEnded { session, end, .. } => format!("session.ended {session} {end:?}"),
        other => format!("{other:?}"),
    }
}
