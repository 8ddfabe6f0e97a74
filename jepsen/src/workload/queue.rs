//! A queue: sequential children, taken by deleting the first. (P-ORDER, P-DUR)

use std::sync::Arc;
use std::time::Instant;

use checker::Outcome;
use serde_json::{Value, json};

use super::keys::unique;
use super::{LAST_TIME_MAX, Workload, set, until};
use crate::client::http::Request;
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::Shared;
use crate::client::{Asked, Client};

/// Where the queues are.
const PARENT: &str = "/v1/nodes/jepsen/queue";
/// Attempts at a put, which may be repeated.
const ATTEMPTS: u64 = 4;
/// How often a taker looks again when others took the first before it.
const TRIES: u64 = 6;
/// Children looked at at a time.
const LOOKED_AT: u64 = 20;

/// The queues of one client.
pub(super) struct Queue {
    queues: u64,
    place: u64,
    put: u64,
}

/// What came of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    One,
    Empty,
    Nothing,
}

/// What came of looking for the first element.
enum Found {
    First {
        name: String,
        element: u64,
    },
    Empty(Asked),
    /// Somebody else was faster, or the node did not answer.
    Nothing(Asked),
}

impl Queue {
    /// The queues of client number `place`.
    pub(super) fn new(shared: &Arc<Shared>, place: u64) -> Queue {
        Queue {
            queues: shared.size("queues", 2),
            place,
            put: 0,
        }
    }

    fn put(&mut self, client: &mut Client, queue: &str) -> Outcome {
        self.put += 1;
        let element = unique(client.number, self.put);
        let op = Op::new("put", Some(queue), json!(element));
        let path = format!("{PARENT}/{queue}/q-?sequential=1&parents=1");
        let request = Request::new("POST", path).body(element.to_string());
        client.invoke(&op);
        let asked = if client.random.chance(50) {
            let request = request.header("idempotency-key", format!("put-{element}"));
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
        let value = json!({"element": element, "name": name});
        client.end(&op, asked, value)
    }

    fn first(client: &mut Client, queue: &str) -> Found {
        let path = format!("{PARENT}/{queue}/-/children?limit={LOOKED_AT}");
        let listed = client.ask(Nature::Read, &Request::new("GET", path));
        let listed = listed.accept("no_node");
        if !listed.is_ok() {
            return Found::Nothing(listed);
        }
        let body = listed.json();
        let Some(name) = set::names(&body).next() else {
            return Found::Empty(listed);
        };
        let asked = client.ask(
            Nature::Read,
            &Request::new("GET", format!("{PARENT}/{queue}/{name}")),
        );
        let element = asked
            .answer
            .as_ref()
            .and_then(|answer| answer.text().parse().ok());
        match element.filter(|_| asked.is_ok()) {
            Some(element) => Found::First {
                name: name.to_owned(),
                element,
            },
            None => Found::Nothing(asked),
        }
    }

    /// Takes the first. Reading it and deleting it are two steps: whoever deletes has it.
    fn take(client: &mut Client, queue: &str) -> Taken {
        let op = Op::new("take", Some(queue), Value::Null);
        client.invoke(&op);
        for attempt in 1..=TRIES {
            let (name, element) = match Queue::first(client, queue) {
                Found::First { name, element } => (name, element),
                Found::Empty(asked) => {
                    client.end(&op, asked, Value::Null);
                    return Taken::Empty;
                }
                Found::Nothing(asked) if asked.has_code("no_node") && attempt < TRIES => continue,
                Found::Nothing(asked) => {
                    client.end(&op, asked, Value::Null);
                    return Taken::Nothing;
                }
            };
            let request = Request::new("DELETE", format!("{PARENT}/{queue}/{name}"));
            let asked = client.ask(Nature::Write, &request);
            if asked.has_code("no_node") && attempt < TRIES {
                continue;
            }
            let value = json!({"element": element, "name": name});
            // Where that is unknown it may be gone, and this consumer has lost it: say which.
            let value = if asked.outcome == Outcome::Fail {
                Value::Null
            } else {
                value
            };
            return match client.end_with(&op, asked, value) {
                Outcome::Ok => Taken::One,
                Outcome::Invoke | Outcome::Fail | Outcome::Info => Taken::Nothing,
            };
        }
        Taken::Nothing
    }
}

impl Workload for Queue {
    fn step(&mut self, client: &mut Client) {
        let queue = format!("q{}", client.random.below(self.queues));
        // More takes than puts: what is left must be emptied at the end, one by one.
        if client.random.chance(45) {
            self.put(client, &queue);
        } else {
            Queue::take(client, &queue);
        }
    }

    /// Each queue is written once more and then drained by one client.
    fn last(&mut self, client: &mut Client) {
        let began = Instant::now();
        let (first, clients) = (client.shared.spec.first_process, client.shared.spec.clients);
        for at in 0..self.queues {
            if first != 0 || at % clients != self.place {
                continue;
            }
            let queue = format!("q{at}");
            until(client, began, |client| {
                self.put(client, &queue) == Outcome::Ok
            });
            until(client, began, |client| {
                loop {
                    match Queue::take(client, &queue) {
                        Taken::One if began.elapsed() < LAST_TIME_MAX => {}
                        Taken::Empty | Taken::One => return true,
                        Taken::Nothing => return false,
                    }
                }
            });
        }
    }
}
