//! What clients saw of ephemerals: created, listed, gone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::history::{History, Outcome};
use crate::verdict::{Limits, Report};

/// An ephemeral that was created, as somebody was told.
#[derive(Clone, Debug)]
pub(crate) struct Ephemeral<'a> {
    /// Which.
    pub(crate) path: &'a str,
    /// Whose.
    pub(crate) session: &'a str,
    /// Position of its creation.
    pub(crate) created: u64,
    /// The answer.
    pub(crate) event: u64,
}

/// The end of a session, as a stream told it.
#[derive(Clone, Debug)]
pub(crate) struct Gone<'a> {
    /// Which.
    pub(crate) session: &'a str,
    /// Position.
    pub(crate) zxid: u64,
    /// The ephemerals that went in that commit.
    pub(crate) paths: BTreeSet<&'a str>,
    /// The event.
    pub(crate) event: u64,
}

/// The children of a znode, as a node showed them.
#[derive(Clone, Debug)]
pub(crate) struct Listing<'a> {
    /// Position of the state that was shown.
    pub(crate) zxid: u64,
    /// Path, and owner if told.
    pub(crate) found: BTreeMap<&'a str, Option<&'a str>>,
    /// The answer.
    pub(crate) event: u64,
    /// Who answered.
    pub(crate) node: Option<u64>,
}

impl Listing<'_> {
    /// Who showed it, for people.
    pub(crate) fn shown(&self) -> String {
        match self.node {
            Some(node) => format!("node {node} at position {}", self.zxid),
            None => format!("a node at position {}", self.zxid),
        }
    }
}

/// All that clients saw of ephemerals.
#[derive(Debug, Default)]
pub(crate) struct Ephemerals<'a> {
    /// By session, in order of creation.
    pub(crate) created: BTreeMap<&'a str, Vec<Ephemeral<'a>>>,
    /// Ends of sessions, in order of arrival.
    pub(crate) gone: Vec<Gone<'a>>,
    /// Listings by the znode listed, in order of position.
    pub(crate) listings: BTreeMap<&'a str, Vec<Listing<'a>>>,
    /// Paths that some client meant to delete by itself, or whose creation was repeated or is in
    /// doubt: their comings and goings are not the session's alone.
    pub(crate) meddled: BTreeSet<&'a str>,
    /// Listings without a position: of no use.
    unplaced: u64,
}

impl<'a> Ephemerals<'a> {
    pub(crate) fn of(history: &'a History) -> Ephemerals<'a> {
        let mut found = Ephemerals::default();
        for call in history.calls() {
            let path = call.invoke.value.get("path").and_then(Value::as_str);
            let done = call.complete.filter(|done| done.outcome == Outcome::Ok);
            match (call.invoke.f.as_str(), done) {
                ("create", Some(done)) => found.create(&call.invoke.value, done),
                ("delete", _) => found.meddled.extend(path),
                ("create", None) if call.outcome() == Outcome::Info => found.meddled.extend(path),
                ("list", Some(done)) => found.list(&call.invoke.value, done),
                _ => {}
            }
        }
        for event in history.events.iter().filter(|event| event.f == "gone") {
            found.gone(event);
        }
        for listings in found.listings.values_mut() {
            listings.sort_by_key(|listing| listing.zxid);
        }
        found.note_repeats();
        found
    }

    fn create(&mut self, asked: &'a Value, done: &'a crate::history::Event) {
        let is_ephemeral = asked.get("ephemeral") == Some(&Value::Bool(true));
        let session = asked.get("session").and_then(Value::as_str);
        let told = done.value.get("path").and_then(Value::as_str);
        let path = told.or_else(|| asked.get("path").and_then(Value::as_str));
        let (Some(path), Some(session), true) = (path, session, is_ephemeral) else {
            return;
        };
        if let Some(created) = done.number("zxid") {
            self.created.entry(session).or_default().push(Ephemeral {
                path,
                session,
                created,
                event: done.index,
            });
        }
    }

    fn list(&mut self, asked: &'a Value, done: &'a crate::history::Event) {
        let Some(parent) = asked.get("parent").and_then(Value::as_str) else {
            return;
        };
        let Some(zxid) = done.number("zxid") else {
            self.unplaced += 1;
            return;
        };
        let entry = |child: &'a Value| {
            let text = |field: &str| child.get(field).and_then(Value::as_str);
            Some((text("path")?, text("owner")))
        };
        let children = done.value.as_array();
        self.listings.entry(parent).or_default().push(Listing {
            zxid,
            found: children.into_iter().flatten().filter_map(entry).collect(),
            event: done.index,
            node: done.number("node"),
        });
    }

    fn gone(&mut self, event: &'a crate::history::Event) {
        let value = &event.value;
        let zxid = value.get("zxid").and_then(Value::as_u64);
        let session = value.get("session").and_then(Value::as_str);
        let Some((session, zxid)) = session.zip(zxid.or_else(|| event.number("zxid"))) else {
            return;
        };
        let paths = value.get("paths").and_then(Value::as_array);
        self.gone.push(Gone {
            session,
            zxid,
            paths: paths
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect(),
            event: event.index,
        });
    }

    fn note_repeats(&mut self) {
        let mut once = BTreeSet::new();
        let all = self.created.values().flatten();
        let twice: Vec<&'a str> = all
            .map(|e| e.path)
            .filter(|path| !once.insert(*path))
            .collect();
        self.meddled.extend(twice);
        for ephemerals in self.created.values_mut() {
            ephemerals.sort_by_key(|ephemeral| ephemeral.created);
        }
    }

    /// Listings of the znode that a path is a child of.
    pub(crate) fn listings_of(&self, path: &str) -> &[Listing<'a>] {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let parent = if parent.is_empty() { "/" } else { parent };
        self.listings.get(parent).map_or(&[], Vec::as_slice)
    }

    /// The first end of a session that a stream told.
    pub(crate) fn end_of(&self, session: &str) -> Option<&Gone<'a>> {
        self.gone.iter().find(|gone| gone.session == session)
    }

    /// Counts what there is to look at.
    pub(crate) fn count(&self, report: &mut Report) {
        let created = self.created.values().map(Vec::len).sum::<usize>();
        let listings = self.listings.values().map(Vec::len).sum::<usize>();
        report.count("ephemerals created", created as u64);
        report.count("listings", listings as u64);
        report.count("ends of sessions told", self.gone.len() as u64);
    }

    /// What could not be placed is never passed over.
    pub(crate) fn report_unplaced(&self, limits: &Limits, report: &mut Report) {
        if self.unplaced > 0 {
            let what = format!("{} listings tell no position", self.unplaced);
            report.unknown(limits, what, Vec::new());
        }
    }
}
