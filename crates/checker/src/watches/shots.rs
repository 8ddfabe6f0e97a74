//! What clients saw of one-shot watches (ZooKeeper door): `arm`, and `fired` on the same connection.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::{Event, History, Outcome, Process};
use crate::positions::{Arrival, arrival};

/// What a watch waits for.
type Subject<'a> = (&'a Process, &'a str, &'a str);

/// One answer to `arm`: from here on the watch waits for the next change.
#[derive(Clone, Debug)]
pub(crate) struct Armed<'a> {
    /// When it was sent.
    pub(crate) invoked: u64,
    /// The answer.
    pub(crate) at: Arrival,
    /// The position it shows.
    pub(crate) zxid: Option<u64>,
    /// The state read with it: value and version.
    pub(crate) seen: (&'a Value, Option<u64>),
}

/// One watch from when it was armed to when it fired; arming it again before that is the same.
#[derive(Clone, Debug)]
pub(crate) struct Shot<'a> {
    /// Whose.
    pub(crate) watcher: &'a Process,
    /// Of which znode.
    pub(crate) path: &'a str,
    /// `data`, `child` or `exists`.
    pub(crate) kind: &'a str,
    /// Every time it was armed, in order.
    pub(crate) armed: Vec<Armed<'a>>,
    /// Answers on the same connection that showed the change while the watch had not fired.
    pub(crate) overtaken: Vec<u64>,
    /// When it fired.
    pub(crate) fired: Option<Arrival>,
}

/// A firing that no armed watch explains.
#[derive(Clone, Debug)]
pub(crate) struct Unarmed<'a> {
    /// Who was told.
    pub(crate) watcher: &'a Process,
    /// Of which znode.
    pub(crate) path: &'a str,
    /// The event.
    pub(crate) event: u64,
}

/// All one-shot watches of a run.
#[derive(Debug, Default)]
pub(crate) struct Shots<'a> {
    /// In the order in which they were armed first.
    pub(crate) all: Vec<Shot<'a>>,
    /// Firings without a watch.
    pub(crate) unarmed: Vec<Unarmed<'a>>,
}

impl<'a> Shots<'a> {
    pub(crate) fn of(history: &'a History) -> Shots<'a> {
        let mut found = Shots::default();
        let mut pending: BTreeMap<Subject<'a>, usize> = BTreeMap::new();
        let mut asked: BTreeMap<&Process, &Event> = BTreeMap::new();
        for event in &history.events {
            match (event.f.as_str(), event.outcome) {
                (_, Outcome::Invoke) => {
                    asked.insert(&event.process, event);
                }
                ("arm", Outcome::Ok) => {
                    if let Some(asked) = asked.remove(&event.process) {
                        found.arm(&mut pending, (asked, event));
                    }
                }
                ("fired", Outcome::Ok) => found.fire(&mut pending, event),
                ("write" | "delete" | "create", Outcome::Ok) => {
                    if let Some(asked) = asked.remove(&event.process) {
                        found.own_change(&pending, (asked, event));
                    }
                }
                _ => {}
            }
        }
        found
    }

    fn arm(
        &mut self,
        pending: &mut BTreeMap<Subject<'a>, usize>,
        (asked, event): (&'a Event, &'a Event),
    ) {
        let (path, kind) = subject(asked);
        let place = *pending
            .entry((&event.process, path, kind))
            .or_insert_with(|| {
                self.all.push(Shot {
                    watcher: &event.process,
                    path,
                    kind,
                    armed: Vec::new(),
                    overtaken: Vec::new(),
                    fired: None,
                });
                self.all.len() - 1
            });
        let Some(shot) = self.all.get_mut(place) else {
            return;
        };
        let value = event.value.get("value").unwrap_or(&event.value);
        let seen = (value, event.number("version"));
        if shot.armed.last().is_some_and(|before| before.seen != seen) {
            shot.overtaken.push(event.index);
        }
        shot.armed.push(Armed {
            invoked: asked.time,
            at: arrival(event),
            zxid: event.number("zxid"),
            seen,
        });
    }

    /// A client that changes what it watches itself, or what lies below it, is told of it before it
    /// is answered.
    fn own_change(
        &mut self,
        pending: &BTreeMap<Subject<'a>, usize>,
        (asked, event): (&'a Event, &'a Event),
    ) {
        let path = subject(asked).0;
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let parent = if parent.is_empty() { "/" } else { parent };
        // A write leaves the children of its parent what they are.
        let of_parent = (asked.f != "write").then_some((parent, "child"));
        let touched = [(path, "data"), (path, "exists")];
        for (path, kind) in touched.into_iter().chain(of_parent) {
            let place = pending.get(&(&event.process, path, kind)).copied();
            if let Some(shot) = place.and_then(|place| self.all.get_mut(place)) {
                shot.overtaken.push(event.index);
            }
        }
    }

    fn fire(&mut self, pending: &mut BTreeMap<Subject<'a>, usize>, event: &'a Event) {
        let (path, kind) = subject(event);
        let is_its = |who: &Process, of: &str, what: &str| {
            who == &event.process && of == path && (kind.is_empty() || what == kind)
        };
        let found = pending
            .keys()
            .find(|(who, of, what)| is_its(who, of, what))
            .copied();
        match found.and_then(|key| pending.remove(&key)) {
            Some(place) => {
                if let Some(shot) = self.all.get_mut(place) {
                    shot.fired = Some(arrival(event));
                }
            }
            None => self.unarmed.push(Unarmed {
                watcher: &event.process,
                path,
                event: event.index,
            }),
        }
    }

    /// Watches that fired.
    pub(crate) fn fired(&self) -> u64 {
        self.all.iter().filter(|shot| shot.fired.is_some()).count() as u64
    }
}

/// Path and kind; a firing may name no kind.
fn subject(event: &Event) -> (&str, &str) {
    let text = |field: &str| event.value.get(field).and_then(Value::as_str);
    let path = text("path").or(event.key.as_deref()).unwrap_or("");
    (path, text("kind").unwrap_or(""))
}
