//! Histories from EDN: ours, and those that others published.

use serde_json::{Value, json};

use super::{Edn, parse};
use crate::history::{Event, History};

/// Reads a history: maps one after the other, or one vector of them. Events without `:index` or
/// `:time` are numbered as they come. A register's `nil` in an answer is read as absent, a `:cas` of
/// two values as old and new.
///
/// # Errors
/// The first value that is no event.
pub fn read_history(text: &str) -> Result<History, String> {
    let mut values = parse(text)?;
    if let [Edn::Vector(all)] = values.as_slice() {
        values = all.clone();
    }
    let registers = values.iter().any(|value| {
        let f = value.to_json().get("f").cloned();
        f.is_some_and(|f| f == "write" || f == "cas")
    });
    let event = |(number, value): (u64, &Edn)| event(number, value, registers);
    let events: Result<Vec<_>, _> = (0..).zip(&values).map(event).collect();
    Ok(History { events: events? })
}

fn event(number: u64, value: &Edn, registers: bool) -> Result<Event, String> {
    let Value::Object(mut map) = value.to_json() else {
        return Err(format!("event {number} is no map: {value}"));
    };
    if let Some(told) = map.remove("told") {
        map.insert("type".to_owned(), told);
        if let Some(client) = map.remove("client") {
            map.insert("process".to_owned(), client);
        }
    }
    for name in ["index", "time"] {
        map.entry(name).or_insert(json!(number));
    }
    let f = map
        .get("f")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    let is_ok = map.get("type").is_some_and(|kind| kind == "ok");
    if let Some(value) = map.get_mut("value") {
        if value.is_null() && is_ok && registers && f == "read" {
            *value = json!("absent");
        } else if let Some([old, new]) = value.as_array().map(Vec::as_slice).filter(|_| f == "cas")
        {
            *value = json!({"old": old, "new": new});
        }
    }
    serde_json::from_value(Value::Object(map)).map_err(|error| format!("event {number}: {error}"))
}
