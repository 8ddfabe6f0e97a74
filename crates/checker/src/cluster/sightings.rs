//! What the observer saw of nodes.

use serde_json::Value;

use crate::history::{Event, History, Outcome, Process};

/// One answer of a node about itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    /// Which node.
    pub(crate) node: u64,
    /// The term it is in.
    pub(crate) term: u64,
    /// Whom it takes for the leader of the term.
    pub(crate) leader: Option<u64>,
    /// Whether it says to be the leader.
    pub(crate) leads: bool,
    /// When it answered.
    pub(crate) time: u64,
    /// The event.
    pub(crate) event: u64,
}

/// All answers of nodes about themselves, in order.
pub(crate) fn sightings(history: &History) -> Vec<Sighting> {
    let answered = history
        .events
        .iter()
        .filter(|event| event.f == "leader" && event.outcome == Outcome::Ok && is_observer(event));
    answered.filter_map(sighting).collect()
}

/// Whether the observer speaks.
pub(crate) fn is_observer(event: &Event) -> bool {
    matches!(&event.process, Process::Named(name) if name == "observer")
}

/// The node an observer's event is about.
pub(crate) fn node_of(event: &Event) -> Option<u64> {
    let of_value = event.value.get("node").and_then(Value::as_u64);
    of_value.or_else(|| event.number("node"))
}

fn sighting(event: &Event) -> Option<Sighting> {
    let value = &event.value;
    Some(Sighting {
        node: node_of(event)?,
        term: value.get("term").and_then(Value::as_u64)?,
        leader: value.get("leader").and_then(Value::as_u64),
        leads: value.get("state").and_then(Value::as_str) == Some("leader"),
        time: event.time,
        event: event.index,
    })
}
