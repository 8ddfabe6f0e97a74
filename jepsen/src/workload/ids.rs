//! Numbers that must never repeat: of sequential znodes, of the version of a znode, and of a counter that is
//! added to. Parents are deleted and made again meanwhile. (P-ORDER, P-RETRY, P-COUNT)

use std::sync::Arc;
use std::time::Instant;

use checker::Outcome;
use serde_json::{Value, json};

use super::{Workload, until};
use crate::client::Client;
use crate::client::http::Request;
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::Shared;

/// Where the parents are.
const PARENT: &str = "/v1/nodes/jepsen/ids";
/// Attempts at what may be repeated.
const ATTEMPTS: u64 = 4;
/// Of a thousand turns of the client that resets, so many do.
const RESETS: u64 = 15;
/// Of a hundred sequential znodes, so many are deleted by who made them.
const DELETED: u64 = 20;

/// The numbers of one client.
pub(super) struct Ids {
    parents: u64,
    resets: bool,
    /// Parents this client knows to have been made once.
    prepared: u64,
    made: u64,
}

impl Ids {
    /// The numbers of client number `place`.
    pub(super) fn new(shared: &Arc<Shared>, place: u64) -> Ids {
        Ids {
            parents: shared.size("parents", 3),
            // One alone: two that reset the same parent could not say which numbers begin anew.
            resets: shared.spec.first_process == 0 && place == 0,
            prepared: 0,
            made: 0,
        }
    }

    fn sequential(&mut self, client: &mut Client, parent: &str) -> Outcome {
        self.made += 1;
        let op = Op::new("next", Some(parent), json!({"kind": "sequential"}));
        let request = Request::new("POST", format!("{PARENT}/{parent}/n-?sequential=1"));
        client.invoke(&op);
        let asked = if client.random.chance(50) {
            let key = format!("id-{}-{}", client.number, self.made);
            let request = request.header("idempotency-key", key);
            client.ask_repeatedly(Nature::Write, &request, ATTEMPTS)
        } else {
            client.ask(Nature::Write, &request)
        };
        let path = asked
            .json()
            .get("path")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let name = path.as_deref().and_then(|path| path.rsplit('/').next());
        let number = name.and_then(|name| name.rsplit('-').next()?.parse::<u64>().ok());
        let asked = match name {
            Some(name) => asked.with("name", name),
            None => asked,
        };
        let outcome = client.end(&op, asked, json!(number));
        // A counter that looks at what is there would give the number again. No part of the history.
        if let Some(path) = path.filter(|_| client.random.chance(DELETED)) {
            client.ask(
                Nature::Write,
                &Request::new("DELETE", format!("/v1/nodes{path}")),
            );
        }
        outcome
    }

    /// One is added, half of the time under a key, so that the request may be repeated: a number that is added
    /// twice is a gap, which is allowed, and one that is answered twice is not.
    fn added(&mut self, client: &mut Client, counter: &str) -> Outcome {
        self.made += 1;
        let op = Op::new("next", Some(counter), json!({"kind": "added"}));
        let request = Request::new("POST", format!("/v1/counters/jepsen/{counter}/-/add"))
            .body(json!({"delta": 1}).to_string());
        client.invoke(&op);
        let asked = if client.random.chance(50) {
            let key = format!("add-{}-{}", client.number, self.made);
            let request = request.header("idempotency-key", key);
            client.ask_repeatedly(Nature::Write, &request, ATTEMPTS)
        } else {
            client.ask(Nature::Write, &request)
        };
        let number = asked.json().get("value").cloned().unwrap_or_default();
        client.end(&op, asked, number)
    }

    /// A counter is a znode and its number the version: every write counts one on.
    fn counter(client: &mut Client, counter: &str) -> Outcome {
        let op = Op::new("next", Some(counter), json!({"kind": "counter"}));
        let request = Request::new("PUT", format!("{PARENT}/{counter}?parents=1"))
            .body(client.number.to_string());
        let asked = client.begin(&op, Nature::Write, &request);
        let version = asked.answer.as_ref().and_then(super::register::version);
        client.end(&op, asked, json!(version))
    }

    /// Deletes a parent with everything below it, and makes it again. Its position is the second
    /// step's; until then there is no parent to make numbers at.
    fn reset(client: &mut Client, parent: &str) -> Outcome {
        let op = Op::new("reset", Some(parent), Value::Null);
        client.invoke(&op);
        let delete = Request::new(
            "DELETE",
            format!("{PARENT}/{parent}?recursive=1&max=100000"),
        );
        let deleted = client.ask(Nature::Write, &delete).accept("no_node");
        if !deleted.is_ok() {
            return client.end(&op, deleted, Value::Null);
        }
        let make = Request::new("PUT", format!("{PARENT}/{parent}?parents=1"))
            .header("if-none-match", "*");
        let mut made = client.ask(Nature::Write, &make);
        if made.outcome == Outcome::Fail {
            // The first step is done.
            made.outcome = Outcome::Info;
        }
        client.end(&op, made, Value::Null)
    }

    /// Whether a parent is there; made if not, which is no part of the history.
    fn prepare(client: &mut Client, parent: &str) -> bool {
        let request = Request::new("PUT", format!("{PARENT}/{parent}?parents=1"))
            .header("if-none-match", "*");
        client
            .ask(Nature::Write, &request)
            .accept("node_exists")
            .is_ok()
    }
}

impl Workload for Ids {
    fn step(&mut self, client: &mut Client) {
        if self.prepared < self.parents {
            let is_there = Ids::prepare(client, &format!("p{}", self.prepared));
            self.prepared += u64::from(is_there);
            return;
        }
        let at = client.random.below(self.parents);
        if self.resets && client.random.below(1000) < RESETS {
            Ids::reset(client, &format!("p{at}"));
        } else if client.random.chance(30) {
            Ids::counter(client, &format!("counter-{at}"));
        } else if client.random.chance(40) {
            self.added(client, &format!("sum-{at}"));
        } else {
            self.sequential(client, &format!("p{at}"));
        }
    }

    fn last(&mut self, client: &mut Client) {
        let began = Instant::now();
        for at in 0..self.parents {
            let parent = format!("p{at}");
            until(client, began, |client| Ids::prepare(client, &parent));
            until(client, began, |client| {
                self.sequential(client, &parent) == Outcome::Ok
            });
            let counter = format!("counter-{at}");
            until(client, began, |client| {
                Ids::counter(client, &counter) == Outcome::Ok
            });
            let sum = format!("sum-{at}");
            until(client, began, |client| {
                self.added(client, &sum) == Outcome::Ok
            });
        }
    }
}
