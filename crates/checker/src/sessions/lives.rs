//! What clients saw of sessions: proofs of life, and words of their end.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::RunFacts;
use crate::history::{Call, Event, History, Outcome};
use crate::positions::{Arrival, arrival};

/// A promise that a session is alive for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proof {
    /// When the request began to be sent, from where `safe_ms` counts.
    pub(crate) sent: u64,
    /// Until when, by what the clocks of the run may be trusted.
    pub(crate) until: u64,
    /// The event that says so.
    pub(crate) event: u64,
}

/// A word that a session has ended.
#[derive(Clone, Debug)]
pub(crate) struct Death {
    /// The answer, or the event of a stream.
    pub(crate) at: Arrival,
    /// Position of the end.
    pub(crate) zxid: Option<u64>,
    /// Whether it says that silence ended it, not a client.
    pub(crate) is_expiry: bool,
}

/// Something the service did for a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed<'a> {
    /// Operation.
    pub(crate) f: &'a str,
    /// When it was sent.
    pub(crate) invoked: u64,
    /// Its answer.
    pub(crate) at: Arrival,
    /// Its position, where it is a write of its own.
    pub(crate) zxid: Option<u64>,
}

/// One session as its clients know it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life<'a> {
    /// Promises, in order of arrival.
    pub(crate) proofs: Vec<Proof>,
    /// The first attempt to close it that may have come about.
    pub(crate) closed: Option<u64>,
    /// Words of its end, in order of arrival.
    pub(crate) deaths: Vec<Death>,
    /// What was done for it, in order of arrival.
    pub(crate) deeds: Vec<Deed<'a>>,
    /// Numbers the service gave it, with the event that says so.
    pub(crate) numbers: Vec<(u64, u64)>,
    /// Until when it was promised to live if nobody closes it, and the event of the promise.
    pub(crate) promised: Option<(u64, u64)>,
}

/// All sessions of a run, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives<'a> {
    /// By the name the client gave.
    pub(crate) by_name: BTreeMap<&'a str, Life<'a>>,
}

impl<'a> Lives<'a> {
    pub(crate) fn of(calls: &[Call<'a>], history: &'a History, facts: &RunFacts) -> Lives<'a> {
        let mut lives = Lives::default();
        for call in calls {
            lives.read(call, facts);
        }
        for event in history.events.iter().filter(|event| event.f == "gone") {
            lives.gone(event);
        }
        for life in lives.by_name.values_mut() {
            life.deaths.sort_by_key(|death| death.at);
            life.deeds.sort_by_key(|deed| deed.at);
        }
        lives
    }

    fn read(&mut self, call: &Call<'a>, facts: &RunFacts) {
        let Some(name) = call.invoke.value.get("session").and_then(Value::as_str) else {
            return;
        };
        let life = self.by_name.entry(name).or_default();
        let f = call.invoke.f.as_str();
        if f == "close" && call.outcome() != Outcome::Fail {
            let sent = call.invoke.time;
            life.closed = Some(life.closed.map_or(sent, |known| known.min(sent)));
        }
        let Some(done) = call.complete else { return };
        match done.outcome {
            Outcome::Ok => life.answered(call, done, facts),
            Outcome::Fail if done.text("error") == Some("session_expired") => {
                life.deaths.push(Death {
                    at: arrival(done),
                    zxid: done.value.get("ended").and_then(Value::as_u64),
                    is_expiry: false,
                });
            }
            Outcome::Fail | Outcome::Info | Outcome::Invoke => {}
        }
    }

    fn gone(&mut self, event: &'a Event) {
        let value = &event.value;
        let Some(name) = value.get("session").and_then(Value::as_str) else {
            return;
        };
        let zxid = value.get("zxid").and_then(Value::as_u64);
        let reason = value.get("reason").and_then(Value::as_str);
        self.by_name.entry(name).or_default().deaths.push(Death {
            at: arrival(event),
            zxid: zxid.or_else(|| event.number("zxid")),
            is_expiry: reason == Some("expired"),
        });
    }
}

impl<'a> Life<'a> {
    fn answered(&mut self, call: &Call<'a>, done: &Event, facts: &RunFacts) {
        let (f, sent) = (call.invoke.f.as_str(), call.invoke.time);
        let number = |field: &str| done.value.get(field).and_then(Value::as_u64);
        if f == "session" {
            let id = done.number("number").or_else(|| number("number"));
            self.numbers.extend(id.map(|id| (id, done.index)));
        }
        if f == "close" {
            self.deaths.push(Death {
                at: arrival(done),
                zxid: done.number("ended"),
                is_expiry: false,
            });
            return;
        }
        let state = done.value.get("state").and_then(Value::as_str);
        // What is told of a claim that has ended was not done for its session.
        if !matches!(state, None | Some("held" | "waiting")) || f == "silence" {
            return;
        }
        if let Some(safe_ms) = number("safe_ms") {
            let until = facts.safe_until(sent, safe_ms);
            self.promised = self.promised.max(Some((until, done.index)));
            self.proofs.push(Proof {
                sent,
                until,
                event: done.index,
            });
        }
        self.deeds.push(Deed {
            f,
            invoked: sent,
            at: arrival(done),
            zxid: (f == "create").then(|| done.number("zxid")).flatten(),
        });
    }
}
