//! Writing down what clients saw, in the form of `jepsen/histories.md`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use checker::{Event, History, Outcome, Process};
use membership::{Leadership, Role};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::invariants::Seen;
use crate::plan::Workload;
use crate::trace;
use crate::trace::Trace;

/// The history of a run; clones write to the same one.
#[derive(Clone)]
pub(super) struct Recorder {
    trace: Trace,
    origin: Instant,
    /// Whose events a clone notes; `None`: those of the observer, which concern all.
    workload: Option<Workload>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    events: Vec<(Option<Workload>, Event)>,
    /// What the observer said last of each node.
    observed: BTreeMap<u64, Value>,
    last_time: u64,
}

/// One event before it has a place and a time.
pub(super) struct Note<'a> {
    pub(super) process: Process,
    pub(super) outcome: Outcome,
    pub(super) f: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) value: Value,
    pub(super) facts: Vec<(&'a str, Value)>,
}

impl Recorder {
    pub(super) fn new(trace: Trace, origin: Instant) -> Recorder {
        Recorder {
            trace,
            origin,
            workload: None,
            inner: Arc::default(),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes an event that happens now, by the clients' clock.
    pub(super) fn note(&self, note: Note<'_>) {
        let time = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.note_at(time, note);
    }

    fn note_at(&self, time: u64, note: Note<'_>) {
        let Note {
            process,
            outcome,
            f,
            key,
            value,
            facts,
        } = note;
        self.with(|inner| {
            inner.last_time = inner.last_time.max(time);
            let facts = facts
                .into_iter()
                .map(|(name, fact)| (name.to_owned(), fact))
                .collect();
            let event = Event {
                index: inner.events.len() as u64,
                time: inner.last_time,
                process,
                outcome,
                f: f.to_owned(),
                key: key.map(str::to_owned),
                value,
                facts,
            };
            if let Ok(line) = serde_json::to_string(&event) {
                trace!(self.trace, "op {line}");
            }
            inner.events.push((self.workload, event));
        });
    }

    /// The observer's word on a node, when it has changed.
    pub(super) fn observe(&self, seen: &Seen, leadership: &Leadership) {
        let state = match leadership.role {
            Role::Leader => "leader",
            Role::Follower | Role::Candidate => "follower",
            Role::Learner | Role::Stopped => "learner",
        };
        let known = json!({
            "node": seen.id,
            "term": leadership.term,
            "leader": leadership.leader,
            "state": state,
        });
        let time = self.with(|inner| {
            let before = inner.observed.insert(seen.id, known.clone());
            (before.as_ref() != Some(&known)).then_some(inner.last_time)
        });
        let Some(time) = time else { return };
        let mut value = known;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("applied".to_owned(), json!(seen.state.last_zxid().0));
        }
        self.note_at(
            time,
            Note {
                process: Process::Named("observer".to_owned()),
                outcome: Outcome::Ok,
                f: "leader",
                key: None,
                value,
                facts: Vec::new(),
            },
        );
    }

    /// A clone that notes for a workload.
    pub(super) fn of(&self, workload: Workload) -> Recorder {
        Recorder {
            workload: Some(workload),
            ..self.clone()
        }
    }

    /// What the clients of one workload saw, and the observer; of all without one.
    pub(super) fn history(&self, workload: Option<Workload>) -> History {
        self.with(|inner| {
            let concerns =
                |by: &Option<Workload>| by.is_none() || workload.is_none() || *by == workload;
            let mut events: Vec<Event> = inner
                .events
                .iter()
                .filter(|(by, _)| concerns(by))
                .map(|(_, event)| event.clone())
                .collect();
            for (index, event) in events.iter_mut().enumerate() {
                event.index = index as u64;
            }
            History { events }
        })
    }
}
