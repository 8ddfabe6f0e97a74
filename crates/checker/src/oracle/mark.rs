//! How an operation of a history is recognised in a log: the table per workload.
//!
//! | operation | is in the log as | by |
//! |---|---|---|
//! | `write`, `cas` | data set on, or a znode made at, a path that ends with the key | key and value; common values by position |
//! | `fenced-write` | data set under a fence | value, or the `value` in it |
//! | `write`, `create`, `delete` of a `path` | the same of that path | path, value |
//! | `add` | a znode made | its data, else the digits its name ends with, a sequential suffix left out |
//! | `put` (queue) | a sequential znode made | its data |
//! | `take` | a znode removed below the key | the number its name ends with |
//! | `next` (sequential) | a sequential znode made below the key | the number its name ends with |
//! | `txn` of appends | the first list at that key that has the element | key and element |
//! | `acquire` | a claim queued or granted at once | lock and claim |
//! | `release` | the end of that claim by its owner | lock and claim |
//! | `break` | the end of that claim by somebody else | lock and fence |
//! | `session`, `close` | a session opened, closed | its name, else its number as `0x1f` |
//!
//! Values are compared as text: of a string itself, of anything else its JSON.

use std::fmt;

use serde_json::Value;

use super::log::{Change, Command, tail};
use crate::history::{Call, Outcome};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Write,
    FencedWrite,
    Create,
    Delete,
    Add,
    Put,
    Taken,
    Sequential,
    Append,
    Claim,
    Grant,
    Release,
    Break,
    Open,
    Close,
}

impl Kind {
    /// Whether asking twice does it once: then several operations may stand for one place in the log.
    pub(crate) fn repeats(self) -> bool {
        match self {
            Kind::Claim | Kind::Grant | Kind::Release | Kind::Break | Kind::Open | Kind::Close => {
                true
            }
            Kind::Write
            | Kind::FencedWrite
            | Kind::Create
            | Kind::Delete
            | Kind::Add
            | Kind::Put
            | Kind::Taken
            | Kind::Sequential
            | Kind::Append => false,
        }
    }
}

/// What both sides have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) kind: Kind,
    pub(crate) object: String,
    pub(crate) content: String,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.object.as_str(), self.content.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        f.write_str(&parts.join(" "))
    }
}

fn mark(kind: Kind, object: &str, content: impl Into<String>) -> Mark {
    Mark {
        kind,
        object: tail(object).to_owned(),
        content: content.into(),
    }
}

/// A value as it is compared.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// How an operation is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It writes nothing: a read, a sign of life, a pause.
    Nothing,
    /// It writes, and nothing in it tells which entry is its.
    Nameless,
    /// By these, all of them.
    Marks(Vec<Mark>),
}

/// The row of the table.
pub(crate) fn asked(call: &Call<'_>) -> Asked {
    let invoke = call.invoke;
    let key = invoke.key.as_deref().unwrap_or_default();
    let value = &invoke.value;
    // A consumer that does not know whether it took something says which.
    let answered = call
        .complete
        .filter(|event| event.outcome != Outcome::Fail)
        .map(|event| &event.value);
    let named = |kind, object: &str, name: &str| match value.get(name) {
        Some(found) => Asked::Marks(vec![mark(kind, object, text(found))]),
        None => Asked::Nameless,
    };
    let path = value.get("path").and_then(Value::as_str);
    match (invoke.f.as_str(), path) {
        ("write", Some(path)) => named(Kind::Write, path, "value"),
        ("write", None) => Asked::Marks(vec![mark(Kind::Write, key, text(value))]),
        ("cas", _) => named(Kind::Write, key, "new"),
        ("fenced-write", _) => named(Kind::FencedWrite, "", "value"),
        ("create", Some(path)) if value.get("value").is_some() => named(Kind::Write, path, "value"),
        ("create", Some(path)) => Asked::Marks(vec![mark(Kind::Create, path, "")]),
        ("delete", Some(path)) => Asked::Marks(vec![mark(Kind::Delete, path, "")]),
        ("add", _) => Asked::Marks(vec![mark(Kind::Add, "", text(value))]),
        ("put", _) => Asked::Marks(vec![mark(Kind::Put, "", text(value))]),
        ("take", _) => taken(key, answered),
        ("next", _) => next(call, key),
        ("txn", _) => appends(value),
        ("acquire", _) => named(Kind::Claim, key, "claim"),
        ("release", _) => named(Kind::Release, key, "claim"),
        ("break", _) => named(Kind::Break, key, "fence"),
        ("session", _) => named(Kind::Open, "", "session"),
        ("close", _) => named(Kind::Close, "", "session"),
        ("extend" | "reset" | "member" | "create" | "delete", _) => Asked::Nameless,
        _ => Asked::Nothing,
    }
}

fn taken(key: &str, answered: Option<&Value>) -> Asked {
    match answered {
        None => Asked::Nameless,
        Some(Value::Null) => Asked::Nothing,
        Some(value) => match value.get("name") {
            Some(name) => Asked::Marks(vec![mark(Kind::Taken, key, number(&text(name)))]),
            None => Asked::Nameless,
        },
    }
}

fn next(call: &Call<'_>, key: &str) -> Asked {
    let kind = call.invoke.value.get("kind").and_then(Value::as_str);
    let name = call.complete.and_then(|event| event.text("name"));
    match (kind, name) {
        (Some("sequential"), Some(name)) => {
            Asked::Marks(vec![mark(Kind::Sequential, key, number(name))])
        }
        _ => Asked::Nameless,
    }
}

fn appends(value: &Value) -> Asked {
    let operations = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let append = |operation: &Value| {
        let is_append = operation.get(0).and_then(Value::as_str) == Some("append");
        let (key, element) = (operation.get(1)?.as_str()?, operation.get(2)?);
        is_append.then(|| mark(Kind::Append, key, text(element)))
    };
    let marks: Vec<Mark> = operations.iter().filter_map(append).collect();
    if marks.is_empty() {
        Asked::Nothing
    } else {
        Asked::Marks(marks)
    }
}

/// What an applied command did, in the same terms. Elements of lists are all of them; which of them
/// are new the caller knows.
pub(crate) fn effects(command: &Command) -> Vec<Mark> {
    let mut marks = Vec::new();
    if !command.is_applied() {
        return marks;
    }
    for op in command.done() {
        let Some(given) = op.path.as_deref() else {
            continue;
        };
        let data = op.data.as_ref().filter(|data| !data.cut);
        let data = data.and_then(|data| data.text.as_deref());
        let makes = op.command == "create";
        if !makes && op.command != "set" && op.command != "put" {
            continue;
        }
        let path = if op.sequential {
            numbered(command, given).unwrap_or(given)
        } else {
            given
        };
        if let Some(data) = data {
            marks.push(mark(Kind::Write, path, data));
            let elements = elements(data).into_iter();
            marks.extend(elements.map(|element| mark(Kind::Append, path, element)));
            if !command.fences.is_empty() {
                marks.push(mark(Kind::FencedWrite, "", inside(data)));
            }
            if op.sequential {
                marks.push(mark(Kind::Put, "", data));
            }
        }
        // A set may as well be filled by writing to paths that were not there.
        if made(command, path) {
            let content = data.filter(|data| !data.is_empty());
            let name = if op.sequential { given } else { path };
            marks.push(mark(Kind::Add, "", content.unwrap_or_else(|| digits(name))));
        }
        if op.sequential {
            marks.push(mark(Kind::Sequential, parent(path), number(path)));
        }
    }
    marks.extend(command.changes.iter().flat_map(changed));
    marks
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn made(command: &Command, path: &str) -> bool {
    let created =
        |change: &Change| change.event == "node.created" && change.path.as_deref() == Some(path);
    command.changes.iter().any(created)
}

/// The path a sequential znode was given.
fn numbered<'a>(command: &'a Command, path: &str) -> Option<&'a str> {
    let created = command.changes.iter().filter(|c| c.event == "node.created");
    let mut paths = created.filter_map(|change| change.path.as_deref());
    paths.find(|found| found.len() == path.len().saturating_add(10) && found.starts_with(path))
}

fn changed(change: &Change) -> Vec<Mark> {
    let path = change.path.as_deref().unwrap_or_default();
    let lock = change.lock.as_deref().unwrap_or_default();
    let claim = change.claim.as_deref().unwrap_or_default();
    let claims = |kind| {
        [Some(claim), inner(claim)]
            .into_iter()
            .flatten()
            .map(move |c| mark(kind, lock, c))
    };
    let session = || match (&change.name, change.session) {
        (Some(name), _) => name.clone(),
        // As clients of the ZooKeeper door show it.
        (None, number) => format!("0x{:x}", number.unwrap_or_default()),
    };
    match (change.event.as_str(), change.how.as_deref()) {
        ("node.created", _) => vec![mark(Kind::Create, path, "")],
        ("node.deleted", _) => vec![
            mark(Kind::Delete, path, ""),
            mark(Kind::Taken, parent(path), number(path)),
        ],
        ("lock.queued", _) => claims(Kind::Claim).collect(),
        ("lock.granted", _) if change.handed_over => claims(Kind::Grant).collect(),
        ("lock.granted", _) => claims(Kind::Claim).chain(claims(Kind::Grant)).collect(),
        ("lock.released" | "lock.left", Some("released" | "left" | "znode-deleted")) => {
            claims(Kind::Release).collect()
        }
        ("lock.released", Some("broken")) => {
            let fence = change.fence.unwrap_or_default();
            vec![mark(Kind::Break, lock, fence.to_string())]
        }
        ("session.opened", _) => vec![mark(Kind::Open, "", session())],
        ("session.closed", _) => vec![mark(Kind::Close, "", session())],
        _ => Vec::new(),
    }
}

/// The id inside the name a ZooKeeper recipe gives: `_c_ID-lock-0000000007`.
fn inner(claim: &str) -> Option<&str> {
    let ends = [
        "-lock-",
        "-__WRIT__",
        "-__READ__",
        "-lease-",
        "__lock__",
        "__rlock__",
    ];
    let end = ends.iter().filter_map(|end| claim.find(end)).min()?;
    let id = claim.get(..end)?;
    Some(id.strip_prefix("_c_").unwrap_or(id))
}

/// What is written under a fence may say who wrote it, too: then its `value` counts.
fn inside(data: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(data).ok();
    let value = parsed.as_ref().and_then(|parsed| parsed.get("value"));
    value.map_or_else(|| data.to_owned(), text)
}

/// The digits a name ends with, or the whole name where it ends with none. A name to which a number is
/// still to be appended ends with a dash.
fn digits(path: &str) -> &str {
    let name = tail(path).trim_end_matches('-');
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match name.get(stem.len()..) {
        Some(digits) if !digits.is_empty() => digits,
        Some(_) | None => name,
    }
}

/// The same without the zeros in front.
fn number(path: &str) -> &str {
    let digits = digits(path);
    match digits.trim_start_matches('0') {
        "" => "0",
        number => number,
    }
}

/// Elements of a list: a JSON array, or words.
fn elements(data: &str) -> Vec<String> {
    match serde_json::from_str(data) {
        Ok(Value::Array(elements)) => elements.iter().map(text).collect(),
        Ok(_) | Err(_) => {
            let words = data.split(|c: char| c.is_whitespace() || c == ',');
            words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        }
    }
}

#[cfg(test)]
mod tests;
