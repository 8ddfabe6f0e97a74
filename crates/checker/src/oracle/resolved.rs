//! The history with what the logs know of its unknowns.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Fate, Resolution};
use crate::history::{Event, History, Outcome};

/// Operations whose answer a checker can do without: it is what was asked, and the position.
const RESOLVED: [&str; 7] = [
    "write",
    "cas",
    "fenced-write",
    "add",
    "create",
    "delete",
    "put",
];

/// What was done ends as `ok` behind everything else; what was not fails where it was given up.
pub(super) fn resolve(history: &History, resolutions: &[Resolution]) -> History {
    let fates: BTreeMap<u64, Fate> = resolutions.iter().map(|r| (r.invoke, r.fate)).collect();
    let mut instead: BTreeMap<u64, Option<Event>> = BTreeMap::new();
    let mut last = Vec::new();
    let end = history.events.last().map_or(0, |event| event.time);
    for call in history.calls() {
        let fate = fates.get(&call.invoke.index).copied();
        let (Some(fate), true) = (fate, RESOLVED.contains(&call.invoke.f.as_str())) else {
            continue;
        };
        let mut event = call.complete.unwrap_or(call.invoke).clone();
        let given_up = call.complete.map(|event| event.index);
        event.facts.insert("resolved".to_owned(), Value::Bool(true));
        event.value = call.invoke.value.clone();
        match fate {
            Fate::Applied(zxid) => {
                event.outcome = Outcome::Ok;
                event.time = end.saturating_add(1);
                event.facts.remove("error");
                if let Some(zxid) = zxid {
                    event.facts.insert("zxid".to_owned(), zxid.into());
                }
                last.push(event);
                given_up.map(|index| instead.insert(index, None));
            }
            Fate::NotApplied => {
                event.outcome = Outcome::Fail;
                match given_up {
                    Some(index) => {
                        instead.insert(index, Some(event));
                    }
                    None => {
                        event.time = end;
                        last.push(event);
                    }
                }
            }
            Fate::Unknown => {}
        }
    }
    let kept = history
        .events
        .iter()
        .filter_map(|event| match instead.get(&event.index) {
            Some(instead) => instead.clone(),
            None => Some(event.clone()),
        });
    let events = kept.chain(last);
    let numbered = events
        .zip(0..)
        .map(|(event, index)| Event { index, ..event });
    History {
        events: numbered.collect(),
    }
}
