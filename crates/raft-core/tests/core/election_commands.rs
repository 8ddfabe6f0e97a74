//! Script words of elections. Commands: `campaign ELECTION ID [value=] [weight=]`, `resign ELECTION
//! ID`, `transfer ELECTION ID [of=TERM] [within=MS] [reason=]`. Queries: `election NAME`, `candidate
//! ELECTION ID`, `elections [PREFIX]`.

use bytes::Bytes;
use raft_core::command::{Campaign, Command, TransferLeadership};
use raft_core::event::EventKind;
use raft_core::ids::{CandidateId, ElectionName, Term};
use raft_core::outcome::{LeaderSummary, Reply};
use raft_core::query::election::{CandidateStatus, CandidateView};
use raft_core::state::State;

use crate::words::Words;

fn election(words: &mut Words) -> ElectionName {
    ElectionName::parse(&words.expect("an election")).unwrap()
}

fn candidate(words: &mut Words) -> CandidateId {
    CandidateId::parse(&words.expect("a candidate")).unwrap()
}

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    let name = words.peek()?.to_owned();
    if !matches!(name.as_str(), "campaign" | "resign" | "transfer") {
        return None;
    }
    words.next();
    let (election, candidate) = (election(words), candidate(words));
    Some(match name.as_str() {
        "campaign" => Command::Campaign(Campaign {
            election,
            candidate,
            value: words.value("value").map(Bytes::from),
            content_type: words.value("type").map(Into::into),
            weight: words.number("weight").unwrap_or(0),
        }),
        "resign" => Command::Resign {
            election,
            candidate,
        },
        _ => Command::TransferLeadership(TransferLeadership {
            election,
            to: candidate,
            term: words.number("of").map(Term),
            within_ms: words.number("within").unwrap_or(0),
            reason: words.value("reason"),
        }),
    })
}

/// Answers a query of this family.
pub(crate) fn query(state: &State, words: &mut Words) -> Option<String> {
    match words.peek()? {
        "election" => {
            words.next();
            let name = election(words);
            let Some(found) = state.election(&name) else {
                return Some("nobody stands".to_owned());
            };
            let views = state.candidates(&name, 100);
            let standing: Vec<String> = views.iter().map(shown_candidate).collect();
            Some(format!(
                "{}: {}",
                shown_leader(&LeaderSummary::of(found)),
                standing.join(" ")
            ))
        }
        "candidate" => {
            words.next();
            let (name, id) = (election(words), candidate(words));
            Some(match state.candidate(&name, &id) {
                CandidateStatus::Live(view) => shown_candidate(&view),
                CandidateStatus::Ended(ended) => {
                    format!(
                        "ended {:?} of {}, term {:?}",
                        ended.end, ended.session, ended.term
                    )
                }
                CandidateStatus::Unknown => "unknown".to_owned(),
            })
        }
        "elections" => {
            words.next();
            let prefix = words.next().unwrap_or_default();
            let found = state.elections(&prefix, None, 100);
            let names: Vec<String> = found.iter().map(|(name, _)| name.to_string()).collect();
            Some(format!("[{}]", names.join(" ")))
        }
        _ => None,
    }
}

fn shown_candidate(view: &CandidateView<'_>) -> String {
    let value = view.znode.and_then(|znode| znode.data.as_deref());
    let value = value.map_or("null".into(), String::from_utf8_lossy);
    let (id, weight, position) = (view.id, view.candidate.weight, view.position);
    format!("{position}.{id} w{weight} {value:?}")
}

fn shown_leader(leader: &LeaderSummary) -> String {
    let transfer = leader.transfer.as_ref().map_or(String::new(), |transfer| {
        format!(", to {} by {}", transfer.to, transfer.deadline)
    });
    format!("{} leads in term {}{transfer}", leader.leader, leader.term)
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::Candidate(reply) => {
            let how = match reply.term {
                Some(term) => format!("leads in term {term}"),
                None => format!(
                    "stands by at {}, {}",
                    reply.position,
                    shown_leader(&reply.leader)
                ),
            };
            let known = if reply.created { "" } else { " (was there)" };
            format!("{how}{known}")
        }
        Reply::CandidateEnded(ended) => format!("ended {:?}, term {:?}", ended.end, ended.term),
        Reply::LeadershipTransfer(leader) => shown_leader(leader),
        other => panic!("not of this family: {other:?}"),
    }
}

/// Shows an event of this family.
pub(crate) fn shown_event(kind: &EventKind) -> String {
    match kind {
        EventKind::CandidateJoined {
            election,
            candidate,
            session,
            weight,
        } => format!("election.joined {election} {candidate} of {session} w{weight}"),
        EventKind::CandidateChanged {
            election,
            candidate,
            session,
            weight,
        } => format!("election.changed {election} {candidate} of {session} w{weight}"),
        EventKind::CandidateLeft {
            election,
            candidate,
            session,
            end,
        } => format!("election.left {election} {candidate} of {session} {end:?}"),
        EventKind::LeaderElected {
            election,
            candidate,
            session,
            term,
            handed_over,
        } => {
            let how = if *handed_over { " handed over" } else { "" };
            format!("election.elected {election} {candidate} of {session} term {term}{how}")
        }
        EventKind::LeadershipEnded {
            election,
            candidate,
            session,
            term,
            end,
        } => format!("election.ended {election} {candidate} of {session} term {term} {end:?}"),
        EventKind::TransferAsked {
            election,
            leader,
            session,
            to,
            within_ms,
            reason,
        } => format!(
            "election.transfer {election} {leader} of {session} to {to} within {within_ms} {reason:?}"
        ),
        EventKind::TransferCancelled { election, to } => {
            format!("election.transfer_cancelled {election} to {to}")
        }
        other => panic!("not of this family: {other:?}"),
    }
}
