//! A session as a client keeps it: opened under a name of its own, renewed, closed, or left alone.
//! (P-SESS)

use std::time::{Duration, Instant};

use checker::Outcome;
use serde_json::{Value, json};

use crate::client::Client;
use crate::client::http::Request;
use crate::client::journal::Op;
use crate::client::outcome::Nature;

/// Attempts at what may be repeated.
const ATTEMPTS: u64 = 3;

/// A session of one client.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Its name.
    pub(super) id: String,
    /// Silence after which it may be expired.
    pub(super) ttl_ms: u64,
    /// Its number, once an answer told it.
    pub(super) number: Option<u64>,
    kept: Instant,
}

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Alive.
    Open,
    /// It has ended.
    Ended,
    /// Nobody knows.
    Unknown,
}

impl Session {
    /// Opens a session under this name; `None` unless an answer says that it is open.
    pub(super) fn open(client: &mut Client, id: String, ttl_ms: u64) -> Option<Session> {
        let kept = Instant::now();
        let value = json!({"session": id, "ttl_ms": ttl_ms});
        let op = Op::new("session", None, value.clone());
        let body = json!({"ttl": format!("{ttl_ms}ms"), "owner": {"service": "jepsen"}});
        let request = Request::new("PUT", format!("/v1/sessions/{id}")).body(body.to_string());
        client.invoke(&op);
        let asked = client.ask_repeatedly(Nature::Write, &request, ATTEMPTS);
        let body = asked.json();
        let number = body.get("number").and_then(Value::as_u64);
        let asked = match number {
            Some(number) => asked.with("number", number),
            None => asked,
        };
        let value = json!({"session": id, "ttl_ms": ttl_ms, "safe_ms": body.get("safe_ms")});
        let outcome = client.end(&op, asked, value);
        (outcome == Outcome::Ok).then_some(Session {
            id,
            ttl_ms,
            number,
            kept,
        })
    }

    /// Whether it should be renewed soon.
    pub(super) fn is_due(&self) -> bool {
        self.kept.elapsed() > Duration::from_millis(self.ttl_ms / 4)
    }

    /// Renews it.
    pub(super) fn keep_alive(&mut self, client: &mut Client) -> Standing {
        let sent = Instant::now();
        let op = Op::new("keepalive", None, json!({"session": self.id}));
        let request = Request::new("POST", format!("/v1/sessions/{}/keepalive", self.id));
        let asked = client.begin(&op, Nature::Write, &request);
        let standing = match asked.outcome {
            Outcome::Ok => Standing::Open,
            _ if asked.has_code("session_expired") || asked.has_code("no_session") => {
                Standing::Ended
            }
            Outcome::Invoke | Outcome::Fail | Outcome::Info => Standing::Unknown,
        };
        if standing == Standing::Open {
            self.kept = sent;
        }
        let safe = asked.json().get("safe_ms").cloned();
        client.end(&op, asked, json!({"session": self.id, "safe_ms": safe}));
        standing
    }

    /// Ends it; repeated until it is known to have ended, a few times at most.
    pub(super) fn close(self, client: &mut Client) {
        let value = json!({"session": self.id});
        let op = Op::new("close", None, value.clone());
        let request = Request::new("DELETE", format!("/v1/sessions/{}", self.id));
        client.invoke(&op);
        let asked = client.ask_repeatedly(Nature::Write, &request, ATTEMPTS);
        let ended = asked.json().get("ended_index").cloned();
        let asked = match ended {
            Some(ended) => asked.with("ended", ended),
            None => asked,
        };
        client.end(&op, asked, value);
    }
}
