//! Registers: read, write, compare-and-set by version, on keys that a few clients share and leave
//! behind after a while. (P-LIN, P-ANSWER)

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use checker::Outcome;
use serde_json::{Value, json};

use super::keys::{Keys, unique};
use super::{Workload, until};
use crate::client::http::{Answer, Request};
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::Shared;
use crate::client::{Asked, Client};

/// Where the registers are.
const PARENT: &str = "/v1/nodes/jepsen/register";
/// Most operations on one key: what a checker can search.
const OPERATIONS_MAX: u64 = 1_000;
/// Of a hundred values so many are one of the few that all clients share.
const COMMON_VALUES_SHARE: u64 = 10;
const COMMON_VALUES: u64 = 5;
/// Of a hundred compare-and-sets so many are made right after a read.
const LOOKS_FIRST: u64 = 60;

/// The registers of one client.
pub(super) struct Register {
    place: u64,
    keys: Keys,
    written: u64,
    /// What this client saw last of a key: value and version.
    seen: BTreeMap<String, (Value, u64)>,
}

impl Register {
    /// The registers of client number `place`.
    pub(super) fn new(shared: &Arc<Shared>, place: u64) -> Register {
        let operations = shared.size("operations_per_key", OPERATIONS_MAX);
        let number = shared.spec.first_process.saturating_add(place);
        Register {
            place,
            keys: Keys::new(
                'r',
                number,
                shared.size("keys", 3),
                operations.min(OPERATIONS_MAX),
            ),
            written: 0,
            seen: BTreeMap::new(),
        }
    }

    fn value(&mut self, client: &mut Client) -> u64 {
        if client.random.chance(COMMON_VALUES_SHARE) {
            return client.random.below(COMMON_VALUES);
        }
        self.written += 1;
        unique(client.number, self.written)
    }

    fn write(&mut self, client: &mut Client, key: &str) -> Outcome {
        let value = self.value(client);
        let op = Op::new("write", Some(key), json!(value));
        let request =
            Request::new("PUT", format!("{PARENT}/{key}?parents=1")).body(value.to_string());
        let asked = client.begin(&op, Nature::Write, &request);
        self.written(client, key, (&op, asked), json!(value))
    }

    fn cas(&mut self, client: &mut Client, key: &str) {
        // What was seen long ago fails for certain, which tests little.
        if client.random.chance(LOOKS_FIRST) {
            self.read(client, key, &Freshness::Linearizable);
        }
        let Some((old, version)) = self.seen.get(key).cloned() else {
            self.read(client, key, &Freshness::Linearizable);
            return;
        };
        let new = self.value(client);
        let op = Op::new("cas", Some(key), json!({"old": old, "new": new})).with("expect", version);
        let request = Request::new("PUT", format!("{PARENT}/{key}"))
            .header("if-match", format!("\"v{version}\""))
            .body(new.to_string());
        let asked = client.begin(&op, Nature::Write, &request);
        if asked.has_code("version_mismatch") {
            // Else the next one would expect the same, and fail again.
            self.seen.remove(key);
        }
        self.written(client, key, (&op, asked), json!(new));
    }

    fn written(
        &mut self,
        client: &mut Client,
        key: &str,
        (op, asked): (&Op, Asked),
        value: Value,
    ) -> Outcome {
        let version = asked.answer.as_ref().and_then(version);
        let asked = match version {
            Some(version) if asked.is_ok() => {
                self.seen.insert(key.to_owned(), (value, version));
                asked.with("version", version)
            }
            Some(_) | None => asked,
        };
        let answered = op.value.clone();
        client.end(op, asked, answered)
    }

    fn read(&mut self, client: &mut Client, key: &str, freshness: &Freshness) -> Outcome {
        let (op, request) = freshness.of(
            Op::new("read", Some(key), Value::Null),
            Request::new("GET", format!("{PARENT}/{key}")),
        );
        let mut asked = client.begin(&op, Nature::Read, &request).accept("no_node");
        let answer = asked.answer.clone().unwrap_or_default();
        let mut value = json!("absent");
        if let (200, Some(version)) = (answer.status, version(&answer)) {
            value = answer
                .text()
                .parse::<u64>()
                .map_or_else(|_| json!(answer.text()), Value::from);
            asked = asked.with("version", version);
            if *freshness == Freshness::Linearizable {
                self.seen.insert(key.to_owned(), (value.clone(), version));
            }
        }
        if let Some(age) = answer.number("holdfast-age-ms") {
            asked = asked.with("age_ms", age);
        }
        client.end(&op, asked, value)
    }
}

impl Workload for Register {
    fn step(&mut self, client: &mut Client) {
        let (key, used_up) = self.keys.next(client);
        if let Some(used_up) = used_up {
            self.seen.remove(&used_up);
        }
        match client.random.below(100) {
            0..35 => {
                self.read(client, &key, &Freshness::Linearizable);
            }
            35..50 => {
                let freshness = Freshness::choose(client);
                self.read(client, &key, &freshness);
            }
            50..75 => {
                self.write(client, &key);
            }
            _ => self.cas(client, &key),
        }
    }

    fn last(&mut self, client: &mut Client) {
        let began = Instant::now();
        for key in client.shared.keys_of(self.place) {
            until(client, began, |client| {
                self.write(client, &key) == Outcome::Ok
            });
            let fresh = Freshness::Linearizable;
            until(client, began, |client| {
                self.read(client, &key, &fresh) == Outcome::Ok
            });
        }
    }
}

/// The version in an answer's entity tag.
pub(super) fn version(answer: &Answer) -> Option<u64> {
    let tag = answer.header("etag")?.trim_matches('"');
    tag.strip_prefix('v')?.parse().ok()
}

/// How fresh a read must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Sees everything acknowledged before.
    Linearizable,
    /// Any state of the past, or one at most this old in ms.
    Stale(Option<u64>),
    /// A state not older than this position.
    AtLeast(u64),
}

impl Freshness {
    /// One of the weaker ones.
    pub(super) fn choose(client: &mut Client) -> Freshness {
        match client.random.below(4) {
            0 => Freshness::Stale(None),
            1 => Freshness::Stale(Some(client.random.between(50, 2_000))),
            _ => Freshness::AtLeast(client.seen),
        }
    }

    /// Puts it into an operation and its request.
    pub(super) fn of(&self, op: Op, request: Request) -> (Op, Request) {
        const CONSISTENCY: &str = "holdfast-consistency";
        match self {
            Freshness::Linearizable => (op, request),
            Freshness::Stale(None) => (
                op.with("consistency", "stale"),
                request.header(CONSISTENCY, "stale"),
            ),
            Freshness::Stale(Some(ms)) => (
                op.with("consistency", "stale").with("max_age_ms", *ms),
                request.header(CONSISTENCY, format!("stale; max_age={ms}ms")),
            ),
            Freshness::AtLeast(zxid) => (
                op.with("consistency", "at_least").with("min_zxid", *zxid),
                request
                    .header(CONSISTENCY, "stale")
                    .header("holdfast-min-index", zxid.to_string()),
            ),
        }
    }
}
