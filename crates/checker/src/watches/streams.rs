//! What watchers saw: connections of event streams.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::history::{Event, History, Outcome, Process};
use crate::verdict::{Limits, Report};

/// Id of an event: position of its commit, and place within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EventId {
    /// Position.
    pub(crate) zxid: u64,
    /// Place within the commit, from 0.
    pub(crate) ordinal: u64,
}

impl EventId {
    fn parse(text: &str) -> Option<EventId> {
        let (zxid, ordinal) = text.split_once('.')?;
        Some(EventId {
            zxid: zxid.parse().ok()?,
            ordinal: ordinal.parse().ok()?,
        })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.zxid, self.ordinal)
    }
}

/// What happened to a znode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// It came to be.
    Created,
    /// Its data changed.
    Changed,
    /// It went.
    Deleted,
}

/// One event of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Told<'a> {
    /// Where it stands; `None` for events without a position, as those of an initial state.
    pub(crate) id: Option<EventId>,
    /// What happened; `None`: it marks a position and tells of no znode.
    pub(crate) deed: Option<Deed>,
    /// To which znode.
    pub(crate) path: &'a str,
    /// Its data version after it.
    pub(crate) version: Option<u64>,
    /// Its data after it.
    pub(crate) value: Option<&'a Value>,
    /// Whether it says to be the last of its commit on this stream.
    pub(crate) commit_end: Option<bool>,
    /// Index of the event in the history.
    pub(crate) event: u64,
}

impl Told<'_> {
    /// Whether it stands for a place in the stream and not for a change.
    pub(crate) fn is_mark(&self) -> bool {
        self.deed.is_none()
    }
}

/// One connection of a watcher, from its request to its end.
#[derive(Clone, Debug)]
pub(crate) struct Stream<'a> {
    /// Of whom.
    pub(crate) watcher: &'a Process,
    /// What it watches.
    pub(crate) prefix: &'a str,
    /// The last event it had; what follows is wanted.
    pub(crate) from: Option<EventId>,
    /// When it was asked for.
    pub(crate) invoked: u64,
    /// Index of the request.
    pub(crate) event: u64,
    /// When it ended, if somebody said so.
    pub(crate) ended: Option<u64>,
    /// What was told, in the order of arrival.
    pub(crate) told: Vec<Told<'a>>,
    /// The server said that a part of the history is gone.
    pub(crate) gap: bool,
}

impl Stream<'_> {
    /// The last position it came to.
    pub(crate) fn last(&self) -> Option<EventId> {
        self.told.iter().filter_map(|told| told.id).max()
    }

    /// Whether it watches a path; a prefix ends at a segment.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let prefix = self.prefix.strip_suffix('/').unwrap_or(self.prefix);
        let rest = path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// All connections of a run.
#[derive(Debug, Default)]
pub(crate) struct Streams<'a> {
    /// In order of their request.
    pub(crate) all: Vec<Stream<'a>>,
    /// Events that could not be read, and why.
    unreadable: Vec<(u64, String)>,
}

impl<'a> Streams<'a> {
    pub(crate) fn of(history: &'a History) -> Streams<'a> {
        let mut found = Streams::default();
        let mut open: BTreeMap<&Process, usize> = BTreeMap::new();
        for event in &history.events {
            let at = open.get(&event.process).copied();
            let stream = at.and_then(|at| found.all.get_mut(at));
            match (event.f.as_str(), event.outcome, stream) {
                ("watch", Outcome::Invoke, _) => match begun(event) {
                    Ok(stream) => {
                        open.insert(&event.process, found.all.len());
                        found.all.push(stream);
                    }
                    Err(why) => found.unreadable.push((event.index, why)),
                },
                ("watch", _, Some(stream)) => {
                    stream.ended = Some(event.time);
                    open.remove(&event.process);
                }
                ("gap", _, Some(stream)) => stream.gap = true,
                ("event", _, Some(stream)) => match told(event) {
                    Ok(told) => stream.told.push(told),
                    Err(why) => found.unreadable.push((event.index, why)),
                },
                ("event", _, None) => {
                    let why = "an event outside of a connection".to_owned();
                    found.unreadable.push((event.index, why));
                }
                _ => {}
            }
        }
        found
    }

    /// Events that tell of changes.
    pub(crate) fn count(&self) -> u64 {
        let changes = self.all.iter().flat_map(|stream| &stream.told);
        changes.filter(|told| !told.is_mark()).count() as u64
    }

    /// What could not be read is never passed over.
    pub(crate) fn report_unreadable(&self, limits: &Limits, report: &mut Report) {
        for (event, why) in &self.unreadable {
            report.unknown(limits, format!("event {event}: {why}"), vec![*event]);
        }
    }
}

fn begun(event: &Event) -> Result<Stream<'_>, String> {
    let text = |field: &str| event.value.get(field).and_then(Value::as_str);
    let from = match text("from") {
        Some(id) => Some(EventId::parse(id).ok_or_else(|| format!("no event id: {id}"))?),
        None => None,
    };
    Ok(Stream {
        watcher: &event.process,
        prefix: text("prefix").unwrap_or("/"),
        from,
        invoked: event.time,
        event: event.index,
        ended: None,
        told: Vec::new(),
        gap: false,
    })
}

fn told(event: &Event) -> Result<Told<'_>, String> {
    let value = &event.value;
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    let name = text("event").ok_or("an event without its name")?;
    let deed = match name {
        "node.created" => Some(Deed::Created),
        "node.changed" => Some(Deed::Changed),
        "node.deleted" => Some(Deed::Deleted),
        _ => None,
    };
    let id = match text("id") {
        Some(id) => Some(EventId::parse(id).ok_or_else(|| format!("no event id: {id}"))?),
        None => None,
    };
    if deed.is_some() && id.is_none() {
        return Err(format!("{name} without its id"));
    }
    Ok(Told {
        id,
        deed,
        path: text("path").unwrap_or(""),
        version: value.get("version").and_then(Value::as_u64),
        value: value.get("value").filter(|value| !value.is_null()),
        commit_end: value.get("commit_end").and_then(Value::as_bool),
        event: event.index,
    })
}
