//! A set: each element a child of one znode, read as a whole. (P-DUR, P-LIN, P-RETRY)
//!
//! Half of the elements are sequential znodes made by a POST that carries an `Idempotency-Key` and is
//! repeated: what is applied twice shows as a duplicate.

use std::sync::Arc;
use std::time::Instant;

use checker::Outcome;
use serde_json::{Value, json};

use super::keys::{Keys, unique};
use super::{Workload, until};
use crate::client::Client;
use crate::client::http::Request;
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::Shared;

/// Where the sets are.
const PARENT: &str = "/v1/nodes/jepsen/set";
/// Operations on one set before the next is begun.
const OPERATIONS: u64 = 1_000;
/// Of a hundred operations so many read.
const READS: u64 = 15;
/// Attempts at an addition that may be repeated.
const ATTEMPTS: u64 = 4;
/// Most children asked for at a time; more than a set ever has.
pub(super) const PAGE: u64 = 10_000;

/// The sets of one client.
pub(super) struct Set {
    place: u64,
    keys: Keys,
    added: u64,
}

impl Set {
    /// The sets of client number `place`.
    pub(super) fn new(shared: &Arc<Shared>, place: u64) -> Set {
        let operations = shared.size("operations_per_set", OPERATIONS);
        let number = shared.spec.first_process.saturating_add(place);
        Set {
            place,
            keys: Keys::new('s', number, shared.size("sets", 1), operations),
            added: 0,
        }
    }

    fn add(&mut self, client: &mut Client, key: &str) -> Outcome {
        self.added += 1;
        let element = unique(client.number, self.added);
        let op = Op::new("add", Some(key), json!(element));
        client.invoke(&op);
        let repeats = client.random.chance(50);
        let asked = if repeats {
            let path = format!("{PARENT}/{key}/{element}-?sequential=1&parents=1");
            let request =
                Request::new("POST", path).header("idempotency-key", format!("add-{element}"));
            client.ask_repeatedly(Nature::Write, &request, ATTEMPTS)
        } else {
            let path = format!("{PARENT}/{key}/{element}?parents=1");
            let request = Request::new("PUT", path).header("if-none-match", "*");
            client.ask(Nature::Write, &request)
        };
        client.end(&op, asked, json!(element))
    }

    fn read(client: &mut Client, key: &str) -> Outcome {
        let op = Op::new("read", Some(key), Value::Null);
        let request = Request::new("GET", format!("{PARENT}/{key}/-/children?limit={PAGE}"));
        let mut asked = client.begin(&op, Nature::Read, &request).accept("no_node");
        let body = asked.json();
        if body.get("next").is_some_and(Value::is_string) {
            // A part of a set is not the set.
            asked.outcome = Outcome::Fail;
        }
        let mut elements: Vec<u64> = names(&body).filter_map(element).collect();
        elements.sort_unstable();
        client.end(&op, asked, json!(elements))
    }
}

/// The names in a list of children.
pub(super) fn names(body: &Value) -> impl Iterator<Item = &str> {
    let children = body.get("children").and_then(Value::as_array);
    let children = children.map(Vec::as_slice).unwrap_or_default();
    children
        .iter()
        .filter_map(|child| child.get("name")?.as_str())
}

/// The element of which a child is made: `17` or `17-0000000003`.
pub(super) fn element(name: &str) -> Option<u64> {
    name.split('-').next()?.parse().ok()
}

impl Workload for Set {
    fn step(&mut self, client: &mut Client) {
        let (key, _) = self.keys.next(client);
        if client.random.chance(READS) {
            Set::read(client, &key);
        } else {
            self.add(client, &key);
        }
    }

    fn last(&mut self, client: &mut Client) {
        let began = Instant::now();
        for key in client.shared.keys_of(self.place) {
            until(client, began, |client| {
                self.add(client, &key) == Outcome::Ok
            });
            until(client, began, |client| {
                Set::read(client, &key) == Outcome::Ok
            });
        }
    }
}
