//! Script words of counters. Command: `count NAME DELTA`. Queries: `counter NAME`, `counters [prefix=T]
//! [after=T] [limit=N] [scan=N]`.

use raft_core::acl::Identity;
use raft_core::command::Command;
use raft_core::ids::CounterName;
use raft_core::outcome::Reply;
use raft_core::query::counter::{CounterView, CountersAsked};
use raft_core::state::State;

use crate::harness::shown_refusal;
use crate::words::{Words, joined};

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    if words.peek()? != "count" {
        return None;
    }
    words.next();
    let counter = name(words);
    let delta = words.expect("how much").parse().expect("a number");
    Some(Command::AddToCounter { counter, delta })
}

fn name(words: &mut Words) -> CounterName {
    CounterName::parse(&words.expect("a counter")).unwrap()
}

/// Runs a query of this family.
pub(crate) fn query(state: &State, who: &[Identity], words: &mut Words) -> Option<String> {
    match words.peek()? {
        "counter" => {
            words.next();
            Some(match state.counter(&name(words), who) {
                Ok(view) => shown(&view),
                Err(refusal) => shown_refusal(&refusal),
            })
        }
        "counters" => {
            words.next();
            let (prefix, after) = (words.value("prefix"), words.value("after"));
            let asked = CountersAsked {
                prefix: prefix.as_deref().unwrap_or_default(),
                after: after.as_deref(),
                limit: words.number("limit").unwrap_or(usize::MAX),
                scan: words.number("scan").unwrap_or(usize::MAX),
            };
            let page = state.counters(asked, who);
            let next = page
                .next
                .map_or(String::new(), |next| format!(" next {next}"));
            Some(format!("{}{next}", joined(page.counters.iter().map(shown))))
        }
        _ => None,
    }
}

fn shown(view: &CounterView) -> String {
    format!("{}={} v{}", view.counter, view.value, view.stat.version)
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::CounterChanged {
            previous,
            value,
            version,
        } => format!("counted {previous} to {value} v{version}"),
        other => panic!("not of this family: {other:?}"),
    }
}
