//! Waits that would never end.

use http_types::v1::deadlocks as v1;
use raft_core::outcome::Wait;
use raft_core::state::State;

use crate::convert::session;
use crate::extract::path::session_label;
use crate::millis::rfc3339;

/// A cycle, with what the state knows of those in it.
pub(crate) fn cycle(state: &State, cycle: &[Wait]) -> Vec<v1::Wait> {
    let wait = |wait: &Wait| v1::Wait {
        session: session::label(state, wait.session),
        task: wait.task.clone(),
        owner: session::owner_of(state, wait.session),
        waits_for: wait.lock.to_string(),
        behind: wait.claim.to_string(),
    };
    cycle.iter().map(wait).collect()
}

/// One that a node remembers.
pub(crate) fn deadlock(known: &node::Deadlock) -> v1::Deadlock {
    let wait = |waiting: &node::Waiting| {
        let owner = session::owner(&waiting.owner);
        let node::Waiting { wait, name, .. } = waiting;
        v1::Wait {
            session: session_label(wait.session, name.as_ref()),
            task: wait.task.clone(),
            owner: Some(owner).filter(|owner| *owner != v1::Owner::default()),
            waits_for: wait.lock.to_string(),
            behind: wait.claim.to_string(),
        }
    };
    let cycle: Vec<v1::Wait> = known.cycle.iter().map(wait).collect();
    v1::Deadlock {
        index: known.moment.zxid.0,
        at: rfc3339(known.moment.wall),
        detail: in_words(&cycle),
        cycle,
    }
}

/// `s1 (billing@web-7) waits for a, behind s2, which waits for b, behind s1`
pub(crate) fn in_words(cycle: &[v1::Wait]) -> String {
    let who = |wait: &v1::Wait| {
        let task = wait
            .task
            .as_ref()
            .map_or(String::new(), |task| format!("/{task}"));
        let owner = wait.owner.as_ref().map(ToString::to_string);
        let owner = owner.filter(|owner| !owner.is_empty());
        let owner = owner.map_or(String::new(), |owner| format!(" ({owner})"));
        format!("{}{task}{owner}", wait.session)
    };
    let Some(first) = cycle.first() else {
        return String::new();
    };
    let mut text = who(first);
    for (at, wait) in cycle.iter().enumerate() {
        let next = cycle.get(at.saturating_add(1)).unwrap_or(first);
        let which = if at == 0 { "" } else { ", which" };
        text.push_str(&format!(
            "{which} waits for {}, behind {}",
            wait.waits_for,
            who(next)
        ));
    }
    text
}

/// One order of a pair.
pub(crate) fn order(order: &node::LockOrder) -> v1::LockOrder {
    let (at, held, asked) = &order.last;
    v1::LockOrder {
        held: order.held.clone(),
        asked: order.asked.clone(),
        count: order.count,
        last_held: held.to_string(),
        last_asked: asked.to_string(),
        last_at: rfc3339(at.wall),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_told_from_the_one_that_was_refused_on() {
        let wait = |session: &str, task: Option<&str>, lock: &str| v1::Wait {
            session: session.to_owned(),
            task: task.map(str::to_owned),
            owner: Some(v1::Owner {
                service: Some("billing".to_owned()),
                ..v1::Owner::default()
            }),
            waits_for: lock.to_owned(),
            behind: "c".to_owned(),
        };
        let cycle = [wait("s1", None, "a"), wait("s2", Some("t"), "b")];
        assert_eq!(
            in_words(&cycle),
            "s1 (billing) waits for a, behind s2/t (billing), which waits for b, behind s1 (billing)"
        );
    }
}
