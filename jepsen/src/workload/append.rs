//! Transactions of reads and appends over several lists. (P-TXN)
//!
//! A list is a znode; a transaction reads what it needs, and then writes on condition that every
//! version is still what was read. What `get` steps say inside of the transaction is believed over
//! what was read before, so that a server which lets the two differ is found out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use checker::Outcome;
use serde_json::{Value, json};

use super::keys::{Keys, unique};
use super::{Workload, until};
use crate::client::http::Request;
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::Shared;
use crate::client::{Asked, Client};

/// Where the lists are.
const PARENT: &str = "/jepsen/append";
/// Operations on one list before the next is begun: lists are written down whole with every read.
const OPERATIONS: u64 = 300;
/// Attempts at a transaction that carries a key.
const ATTEMPTS: u64 = 3;
/// Most steps of one transaction.
const STEPS_MAX: u64 = 4;

/// The lists of one client.
pub(super) struct Append {
    place: u64,
    keys: Keys,
    count: u64,
}

/// A list as it was read: its version, if it exists, and its elements.
#[derive(Clone, Debug, Default)]
struct List {
    version: Option<i64>,
    elements: Vec<Value>,
}

/// One step: the list, and the element to append or none to read.
type Step = (String, Option<u64>);

impl Append {
    /// The lists of client number `place`.
    pub(super) fn new(shared: &Arc<Shared>, place: u64) -> Append {
        let number = shared.spec.first_process.saturating_add(place);
        let operations = shared.size("operations_per_list", OPERATIONS);
        Append {
            place,
            keys: Keys::new('a', number, shared.size("lists", 4), operations),
            count: 0,
        }
    }

    fn steps(&mut self, client: &mut Client) -> Vec<Step> {
        let reads_only = client.random.chance(15);
        let count = client.random.between(1, STEPS_MAX);
        let mut steps = Vec::new();
        for _ in 0..count {
            let (key, _) = self.keys.next(client);
            let appends = !reads_only && client.random.chance(55);
            steps.push((key, appends.then(|| self.element(client))));
        }
        steps
    }

    fn element(&mut self, client: &Client) -> u64 {
        self.count += 1;
        unique(client.number, self.count)
    }

    /// Reads every list the transaction touches; the failure otherwise.
    fn look(client: &mut Client, steps: &[Step]) -> Result<BTreeMap<String, List>, Asked> {
        let mut lists = BTreeMap::new();
        for (key, _) in steps {
            if lists.contains_key(key) {
                continue;
            }
            let request = Request::new("GET", format!("/v1/nodes{PARENT}/{key}"))
                .header("accept", "application/json");
            // The guards decide, so that an old state does no harm here.
            let request = if client.random.chance(30) {
                request.header("holdfast-consistency", "stale")
            } else {
                request
            };
            let asked = client.ask(Nature::Read, &request).accept("no_node");
            if !asked.is_ok() {
                return Err(asked);
            }
            lists.insert(key.clone(), list_of(&asked.json()));
        }
        Ok(lists)
    }

    fn txn(&mut self, client: &mut Client, steps: &[Step]) -> Outcome {
        let asked_for: Vec<Value> = steps
            .iter()
            .map(|(key, element)| match element {
                Some(element) => json!(["append", key, element]),
                None => json!(["r", key, null]),
            })
            .collect();
        let op = Op::new("txn", None, Value::Array(asked_for));
        client.invoke(&op);
        let reads_only = steps.iter().all(|(_, element)| element.is_none());
        // Reads alone need no guards: the steps of one transaction see one state.
        let mut lists = BTreeMap::new();
        if !(reads_only && client.random.chance(60)) {
            match Append::look(client, steps) {
                Ok(found) => lists = found,
                Err(asked) => return client.end(&op, asked, Value::Null),
            }
        }
        let request = Request::new("POST", "/v1/txn").body(body(steps, &lists).to_string());
        let asked = if client.random.chance(40) {
            let name = unique(client.number, self.element(client));
            let request = request.header("idempotency-key", format!("txn-{name}"));
            client.ask_repeatedly(Nature::Write, &request, ATTEMPTS)
        } else {
            client.ask(Nature::Write, &request)
        };
        believe(&mut lists, steps, &asked.json());
        let value = answered(steps, lists);
        client.end(&op, asked, value)
    }
}

/// The transaction: guards for what was read, and the steps.
fn body(steps: &[Step], lists: &BTreeMap<String, List>) -> Value {
    let guards: Vec<Value> = lists
        .iter()
        .map(|(key, list)| {
            let node = format!("{PARENT}/{key}");
            match list.version {
                Some(version) => json!({"node": node, "version": version}),
                None => json!({"node": node, "exists": false}),
            }
        })
        .collect();
    let mut then: Vec<Value> = gets(steps)
        .map(|key| json!({"get": format!("{PARENT}/{key}")}))
        .collect();
    let mut written: BTreeMap<&String, Vec<Value>> = BTreeMap::new();
    for (key, element) in steps {
        if let Some(element) = element {
            let known = || {
                lists
                    .get(key)
                    .map(|list| list.elements.clone())
                    .unwrap_or_default()
            };
            written
                .entry(key)
                .or_insert_with(known)
                .push(json!(element));
        }
    }
    for (key, elements) in written {
        let text = Value::Array(elements).to_string();
        then.push(json!({"put": format!("{PARENT}/{key}"), "value": text, "parents": true}));
    }
    json!({"if": guards, "then": then})
}

/// The lists whose state the transaction itself is asked for: those that are read, each once.
fn gets(steps: &[Step]) -> impl Iterator<Item = &String> {
    let first =
        |at: usize, key: &String| steps.iter().position(|(other, _)| other == key) == Some(at);
    let steps = steps.iter().enumerate();
    steps.filter_map(move |(at, (key, element))| {
        (element.is_none() && first(at, key)).then_some(key)
    })
}

fn believe(lists: &mut BTreeMap<String, List>, steps: &[Step], answer: &Value) {
    for (at, key) in gets(steps).enumerate() {
        if let Some(node) = answer.pointer(&format!("/results/{at}/node")) {
            lists.insert(key.clone(), list_of(node));
        }
    }
}

fn list_of(node: &Value) -> List {
    let text = node.get("value").and_then(Value::as_str).unwrap_or("[]");
    List {
        version: node.get("version").and_then(Value::as_i64),
        elements: serde_json::from_str(text).unwrap_or_default(),
    }
}

/// The steps with what each read: its list as the steps before it left it.
fn answered(steps: &[Step], mut lists: BTreeMap<String, List>) -> Value {
    let answered = steps.iter().map(|(key, element)| {
        let list = lists.entry(key.clone()).or_default();
        match element {
            Some(element) => {
                list.elements.push(json!(element));
                json!(["append", key, element])
            }
            None => json!(["r", key, list.elements]),
        }
    });
    Value::Array(answered.collect())
}

impl Workload for Append {
    fn step(&mut self, client: &mut Client) {
        let steps = self.steps(client);
        self.txn(client, &steps);
    }

    fn last(&mut self, client: &mut Client) {
        let began = Instant::now();
        for key in client.shared.keys_of(self.place) {
            until(client, began, |client| {
                let element = self.element(client);
                let steps = [(key.clone(), Some(element)), (key.clone(), None)];
                self.txn(client, &steps) == Outcome::Ok
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        vec![
            ("a".into(), None),
            ("a".into(), Some(7)),
            ("a".into(), None),
            ("b".into(), Some(8)),
        ]
    }

    #[test]
    fn a_transaction_guards_what_it_read_and_writes_the_whole_list() {
        let known = |version, elements: &[u64]| List {
            version,
            elements: elements.iter().map(|e| json!(e)).collect(),
        };
        let lists = BTreeMap::from([
            ("a".into(), known(Some(3), &[1])),
            ("b".into(), List::default()),
        ]);
        let body = body(&steps(), &lists);
        assert_eq!(
            body,
            json!({
                "if": [{"node": "/jepsen/append/a", "version": 3}, {"node": "/jepsen/append/b", "exists": false}],
                "then": [{"get": "/jepsen/append/a"},
                         {"put": "/jepsen/append/a", "value": "[1,7]", "parents": true},
                         {"put": "/jepsen/append/b", "value": "[8]", "parents": true}],
            })
        );
    }

    #[test]
    fn reads_see_the_appends_before_them_and_the_server_is_believed() {
        let mut lists = BTreeMap::new();
        let answer = json!({"results": [{"node": {"version": 4, "value": "[1,2]"}}]});
        believe(&mut lists, &steps(), &answer);
        let answered = answered(&steps(), lists);
        let expected = json!([
            ["r", "a", [1, 2]],
            ["append", "a", 7],
            ["r", "a", [1, 2, 7]],
            ["append", "b", 8]
        ]);
        assert_eq!(answered, expected);
    }
}
