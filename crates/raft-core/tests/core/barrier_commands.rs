//! Script words of barriers. Commands: `enter BARRIER ID PARTIES`, `leave-barrier BARRIER ID`. Query:
//! `barrier NAME`.

use raft_core::command::{Command, EnterBarrier};
use raft_core::ids::{BarrierName, MemberId};
use raft_core::outcome::{BarrierReply, Reply};
use raft_core::state::State;

use crate::words::Words;

fn barrier(words: &mut Words) -> BarrierName {
    BarrierName::parse(&words.expect("a barrier")).unwrap()
}

fn party(words: &mut Words) -> MemberId {
    MemberId::parse(&words.expect("a party")).unwrap()
}

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    match words.peek()? {
        "enter" => {
            words.next();
            Some(Command::EnterBarrier(EnterBarrier {
                barrier: barrier(words),
                party: party(words),
                parties: words.expect("a number").parse().expect("a number"),
            }))
        }
        "leave-barrier" => {
            words.next();
            let (barrier, party) = (barrier(words), party(words));
            Some(Command::LeaveBarrier { barrier, party })
        }
        _ => None,
    }
}

/// Answers a query of this family.
pub(crate) fn query(state: &State, words: &mut Words) -> Option<String> {
    if words.peek()? != "barrier" {
        return None;
    }
    words.next();
    let Some(view) = state.barrier(&barrier(words)) else {
        return Some("nobody is there".to_owned());
    };
    let how = match (view.is_open, view.opened) {
        (true, Some(opened)) => format!("open since {opened}"),
        (true, None) => "open".to_owned(),
        (false, _) => "closed".to_owned(),
    };
    let parties = view.parties.map_or("?".to_owned(), |n| n.to_string());
    let members: Vec<&str> = view.members.iter().map(|member| member.id).collect();
    Some(format!(
        "{how}, {} of {parties}: {}",
        members.len(),
        members.join(" ")
    ))
}

fn shown(reply: &BarrierReply) -> String {
    let inside = reply.inside;
    match (reply.is_open, reply.opened) {
        (true, Some(opened)) => format!("open since {opened}, {inside} inside"),
        (true, None) => format!("open, {inside} inside"),
        (false, _) => format!("closed, {inside} inside"),
    }
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::Barrier(reply) => {
            let known = if reply.created { "" } else { " (was there)" };
            format!("{}{known}", shown(reply))
        }
        Reply::BarrierLeft { left, barrier } => {
            let how = if *left { "left" } else { "was not there" };
            format!("{how}: {}", shown(barrier))
        }
        other => panic!("not of this family: {other:?}"),
    }
}
