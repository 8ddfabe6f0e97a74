//! What clients did to the znodes that are watched: the canonical order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::history::{Call, History, Outcome};
use crate::positions::{Arrival, arrival};
use crate::watches::streams::{Deed, Told};

/// One request that changes a znode.
#[derive(Clone, Debug)]
pub(crate) struct Change<'a> {
    /// Which.
    pub(crate) path: &'a str,
    /// Whether it takes the znode away.
    pub(crate) is_delete: bool,
    /// The data it writes.
    pub(crate) value: Option<&'a Value>,
    /// Data version after it.
    pub(crate) version: Option<u64>,
    /// Its position.
    pub(crate) zxid: Option<u64>,
    /// When it was sent, and the event.
    pub(crate) invoked: Arrival,
    /// Its answer.
    pub(crate) answered: Option<Arrival>,
    /// What came of it.
    pub(crate) outcome: Outcome,
}

impl<'a> Change<'a> {
    fn of(call: &Call<'a>) -> Option<Change<'a>> {
        let is_change = matches!(call.invoke.f.as_str(), "write" | "create" | "delete");
        let asked = &call.invoke.value;
        let path = asked.get("path").and_then(Value::as_str);
        let done = call.complete;
        Some(Change {
            path: path.filter(|_| is_change)?,
            is_delete: call.invoke.f == "delete",
            value: asked.get("value").filter(|value| !value.is_null()),
            version: done.and_then(|done| done.number("version")),
            zxid: done.and_then(|done| done.number("zxid")),
            invoked: arrival(call.invoke),
            answered: done.map(arrival),
            outcome: call.outcome(),
        })
    }

    /// Whether an event may tell of this change.
    pub(crate) fn fits(&self, told: &Told<'_>) -> bool {
        let same_deed = self.is_delete == (told.deed == Some(Deed::Deleted));
        let same_value = match (self.value, told.value) {
            (Some(wrote), Some(told)) if !self.is_delete => same_data(wrote, told),
            _ => true,
        };
        let versions = self.version.zip(told.version).filter(|_| !self.is_delete);
        let same_version = versions.is_none_or(|(one, other)| one == other);
        self.path == told.path && same_deed && same_value && same_version
    }

    /// What several requests may have in common.
    pub(crate) fn likeness(&self) -> (&'a str, bool, String) {
        let value = self.value.filter(|_| !self.is_delete);
        let value = value.map_or_else(String::new, Value::to_string);
        (self.path, self.is_delete, value)
    }
}

/// All changes of a run.
#[derive(Debug, Default)]
pub(crate) struct Changes<'a> {
    /// Those that were acknowledged with a position, by it.
    pub(crate) acknowledged: BTreeMap<u64, Change<'a>>,
    /// Those of which nobody knows, and those acknowledged without a position.
    pub(crate) unknown: Vec<Change<'a>>,
    /// Every path that somebody meant to change.
    pub(crate) paths: BTreeSet<&'a str>,
}

impl<'a> Changes<'a> {
    pub(crate) fn of(history: &'a History) -> Changes<'a> {
        let mut found = Changes::default();
        for change in history.calls().iter().filter_map(Change::of) {
            found.paths.insert(change.path);
            match (change.outcome, change.zxid) {
                (Outcome::Ok, Some(zxid)) => {
                    found.acknowledged.insert(zxid, change);
                }
                (Outcome::Ok | Outcome::Info, _) => found.unknown.push(change),
                (Outcome::Fail | Outcome::Invoke, _) => {}
            }
        }
        found
    }
}

/// Whether two values are the same data: a znode stores a number as its digits.
pub(crate) fn same_data(one: &Value, other: &Value) -> bool {
    let digits = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    };
    one == other || digits(one) == digits(other)
}
