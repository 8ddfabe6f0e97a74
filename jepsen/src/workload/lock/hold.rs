//! What a holder does: works, extends, pauses for too long, and lets go.

use std::time::Duration;

use checker::Outcome;
use serde_json::{Value, json};

use crate::client::Client;
use crate::client::http::Request;
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::workload::claim::Claim;

/// Attempts at a release: it may be repeated.
const ATTEMPTS: u64 = 3;
/// Of a hundred releases so many are sent once more after they succeeded.
const REPEATED_SHARE: u64 = 5;
const VALUES_PER_CLAIM: u64 = 1_000;

/// A claim that holds, as far as its client knows.
#[derive(Debug)]
pub(super) struct Hold {
    claim: Claim,
    fence: u64,
    /// Turns left until it lets go.
    turns: u64,
    /// It woke from a pause, and writes before it looks.
    woke: u64,
    written: u64,
}

impl Hold {
    pub(super) fn new(claim: Claim, fence: u64, turns: u64) -> Hold {
        Hold {
            claim,
            fence,
            turns,
            woke: 0,
            written: 0,
        }
    }

    /// Whether its client goes on as if it had not been paused.
    pub(super) fn must_write(&self) -> bool {
        self.woke > 0
    }

    /// One operation; `None` once it let go.
    pub(super) fn work(mut self, client: &mut Client, ttl_ms: u64, outside: bool) -> Option<Hold> {
        if self.woke > 0 {
            self.woke -= 1;
            if self.woke == 0 && outside {
                self.write_outside(client);
            } else {
                self.write(client);
            }
            return Some(self);
        }
        if self.turns == 0 {
            self.let_go(client);
            return None;
        }
        self.turns -= 1;
        match client.random.below(100) {
            0..40 => self.write(client),
            40..60 if outside => self.write_outside(client),
            60..75 if self.claim.ttl_ms.is_some() => self.extend(client),
            75..77 => self.pause(client, ttl_ms),
            _ => {}
        }
        Some(self)
    }

    /// Writes to a znode, which only a current holder may.
    fn write(&mut self, client: &mut Client) {
        self.written += 1;
        let value = self
            .fence
            .saturating_mul(VALUES_PER_CLAIM)
            .saturating_add(self.written);
        let lock = &self.claim.lock;
        let value = json!({"claim": self.claim.id, "fence": self.fence, "value": value});
        let op = Op::new("fenced-write", Some(lock), value.clone());
        let path = format!(
            "/v1/nodes/jepsen/fenced/{}?parents=1",
            lock.replace('/', ".")
        );
        let request = Request::new("PUT", path)
            .header("holdfast-fence", format!("{lock}={}", self.fence))
            .body(value.to_string());
        let asked = client.begin(&op, Nature::Write, &request);
        let version = asked.json().get("version").and_then(Value::as_u64);
        let asked = match version {
            Some(version) => asked.with("version", version),
            None => asked,
        };
        client.end(&op, asked, value);
    }

    fn write_outside(&self, client: &mut Client) {
        let lock = &self.claim.lock;
        let value = json!({"claim": self.claim.id, "fence": self.fence});
        let op = Op::new("outside-write", Some(lock), value);
        client.invoke(&op);
        let (accepted, highest) = client.shared.outside(lock, self.fence);
        client.end_alone(&op, json!({"accepted": accepted, "highest": highest}));
    }

    fn extend(&self, client: &mut Client) {
        let ttl_ms = self.claim.ttl_ms.unwrap_or_default();
        let value = json!({"claim": self.claim.id, "ttl_ms": ttl_ms});
        let op = Op::new("extend", Some(&self.claim.lock), value);
        let request = Request::new("PATCH", self.claim.path())
            .body(json!({"ttl": format!("{ttl_ms}ms")}).to_string());
        let request = match &self.claim.session {
            Some(session) => request.header("holdfast-session", session.as_str()),
            None => request,
        };
        let asked = client.begin(&op, Nature::Write, &request);
        let value = self.claim.standing(&asked.json());
        client.end(&op, asked, value);
    }

    /// The machine stops this client for longer than anything it holds lives; when it goes on, it
    /// does not know.
    fn pause(&mut self, client: &mut Client, ttl_ms: u64) {
        let ms = client.random.between(ttl_ms, ttl_ms.saturating_mul(3));
        let value = json!({"claim": self.claim.id, "ms": ms});
        let op = Op::new("pause", Some(&self.claim.lock), value.clone());
        client.invoke(&op);
        client.rest(Duration::from_millis(ms));
        client.end_alone(&op, value);
        self.woke = 2;
    }

    /// Releases it.
    pub(super) fn let_go(self, client: &mut Client) {
        release(client, &self.claim);
        if client.random.chance(REPEATED_SHARE) {
            release(client, &self.claim);
        }
    }
}

/// Releases a claim, or leaves the queue.
pub(super) fn release(client: &mut Client, claim: &Claim) {
    let op = Op::new("release", Some(&claim.lock), json!({"claim": claim.id}));
    let request = Request::new("DELETE", claim.path());
    let request = match &claim.session {
        Some(session) => request.header("holdfast-session", session.as_str()),
        None => request,
    };
    client.invoke(&op);
    let asked = client.ask_repeatedly(Nature::Write, &request, ATTEMPTS);
    let body = asked.json();
    if asked.outcome == Outcome::Fail && asked.has_code("claim_ended") {
        let ended = body.get("ended_claim").cloned().unwrap_or_default();
        client.end_with(&op, asked, claim.ended(&ended));
        return;
    }
    let value = json!({
        "claim": claim.id, "fence": body.get("fence"), "ended": body.get("ended_index"),
        "held": body.get("held"), "how": body.get("state"),
    });
    let session_is_gone = asked.has_code("session_expired");
    client.end(&op, asked, value);
    if session_is_gone {
        learn(client, claim);
    }
}

/// Asks how a claim ended whose session is gone: nobody may act for the session any more, but
/// everybody may look.
pub(super) fn learn(client: &mut Client, claim: &Claim) {
    let op = Op::new("check", Some(&claim.lock), json!({"claim": claim.id}));
    let asked = client.begin(&op, Nature::Read, &Request::new("GET", claim.path()));
    let asked = asked.accept("claim_ended");
    let body = asked.json();
    let value = match body.get("ended_claim") {
        Some(ended) => claim.ended(ended),
        None => claim.standing(&body),
    };
    client.end(&op, asked, value);
}
