//! Events, and the operations they make up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Process {
    /// A logical client: one operation at a time, dead after an unknown outcome.
    Client(u64),
    /// `nemesis` or `observer`.
    Named(String),
}

/// What an event says of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It begins.
    Invoke,
    /// It happened.
    Ok,
    /// It did not and will not happen.
    Fail,
    /// Nobody knows.
    Info,
}

/// One line of a history. See `jepsen/histories.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the history.
    pub index: u64,
    /// Nanoseconds since the run began.
    pub time: u64,
    /// Who.
    pub process: Process,
    /// What it says.
    #[serde(rename = "type")]
    pub outcome: Outcome,
    /// Operation.
    pub f: String,
    /// The object, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Asked for, or answered.
    #[serde(default)]
    pub value: Value,
    /// Facts beside it.
    #[serde(flatten)]
    pub facts: BTreeMap<String, Value>,
}

impl Event {
    /// A number among the facts.
    #[must_use]
    pub fn number(&self, fact: &str) -> Option<u64> {
        self.facts.get(fact)?.as_u64()
    }

    /// A text among the facts.
    #[must_use]
    pub fn text(&self, fact: &str) -> Option<&str> {
        self.facts.get(fact)?.as_str()
    }
}

/// One operation: its invocation and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Where it begins.
    pub invoke: &'a Event,
    /// Where it ends; `None`: never, as of a client that was killed.
    pub complete: Option<&'a Event>,
}

impl Call<'_> {
    /// What came of it; without a completion nobody knows.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.complete.map_or(Outcome::Info, |event| event.outcome)
    }
}

/// Events in order of their index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// All of them.
    pub events: Vec<Event>,
}

impl History {
    /// The operations of clients in order of invocation; events without an invocation (a watcher's,
    /// the nemesis's, the observer's) are not among them.
    #[must_use]
    pub fn calls(&self) -> Vec<Call<'_>> {
        let mut calls: Vec<Call<'_>> = Vec::new();
        let mut open: BTreeMap<&Process, usize> = BTreeMap::new();
        for event in &self.events {
            match event.outcome {
                Outcome::Invoke => {
                    open.insert(&event.process, calls.len());
                    calls.push(Call {
                        invoke: event,
                        complete: None,
                    });
                }
                Outcome::Ok | Outcome::Fail | Outcome::Info => {
                    // A watcher's events come while its connection is open: another operation.
                    let at = open.get(&event.process).copied();
                    let call = at.and_then(|at| calls.get_mut(at));
                    if let Some(call) = call.filter(|call| call.invoke.f == event.f) {
                        call.complete = Some(event);
                        open.remove(&event.process);
                    }
                }
            }
        }
        calls
    }

    /// Reads a history, one JSON object per line; empty lines and those that begin with `#` are
    /// passed over.
    ///
    /// # Errors
    /// The first line that is not an event, by its number from 1.
    pub fn parse(text: &str) -> Result<History, String> {
        let mut events = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let event = serde_json::from_str(line)
                .map_err(|error| format!("line {}: {error}", number + 1))?;
            events.push(event);
        }
        Ok(History { events })
    }
}
