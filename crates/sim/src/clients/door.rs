//! Between a client and a node: a request travels, is worked on inside the node's process, and its
//! answer travels back. A process that ends takes the requests inside it along.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use checker::{Outcome, Process};
use node::{Answer, Draft, Node, ProposeError, ReadError, ReadOptions};
use raft_core::outcome::{Outcome as Applied, Refusal, Reply};
use raft_core::state::State;
use raft_types::NodeId;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::record::{Note, Recorder};
use crate::rng::Rng;

/// What a node is given for a request.
const DEADLINE: Duration = Duration::from_millis(1500);
/// How long a client waits for any answer.
const PATIENCE: Duration = Duration::from_millis(2500);

#[derive(Clone)]
struct Door {
    boot: u64,
    node: Node,
    process: Handle,
}

/// The open doors of all nodes; clones are the same.
#[derive(Clone, Default)]
pub struct Doors(Arc<Mutex<BTreeMap<NodeId, Door>>>);

impl Doors {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<NodeId, Door>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A node's door, or that it has none.
    pub fn set(&self, id: NodeId, boot: u64, door: Option<(Node, Handle)>) {
        self.with(|doors| match door {
            Some((node, process)) => {
                if doors.get(&id).is_none_or(|door| door.boot != boot) {
                    doors.insert(
                        id,
                        Door {
                            boot,
                            node,
                            process,
                        },
                    );
                }
            }
            None => {
                doors.remove(&id);
            }
        });
    }

    fn get(&self, id: NodeId) -> Option<Door> {
        self.with(|doors| doors.get(&id).cloned())
    }

    fn ids(&self) -> Vec<NodeId> {
        self.with(|doors| doors.keys().copied().collect())
    }
}

/// Why a request has no answer from the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// It was never sent.
    Refused,
    /// The connection ended.
    Reset,
    /// Nothing came in time.
    Timeout,
}

impl NoAnswer {
    fn word(self) -> &'static str {
        match self {
            NoAnswer::Refused => "refused",
            NoAnswer::Reset => "reset",
            NoAnswer::Timeout => "timeout",
        }
    }
}

/// What came of a write.
pub(super) enum Written {
    /// It was applied.
    Done { reply: Reply, zxid: u64 },
    /// The state refused it: it did not happen.
    Refused { refusal: Refusal },
    /// It did not happen.
    NotDone(String),
    /// Nobody knows.
    Unknown(String),
}

/// What a client is made of.
pub(super) struct ClientParts {
    pub(super) rng: Rng,
    pub(super) process: u64,
    pub(super) concurrency: u64,
    pub(super) nodes: u64,
    pub(super) doors: Doors,
    pub(super) recorder: Recorder,
    pub(super) winding_down: Arc<AtomicBool>,
}

/// One client: one operation at a time.
pub(super) struct Client {
    pub(super) rng: Rng,
    process: u64,
    concurrency: u64,
    node: NodeId,
    doors: Doors,
    recorder: Recorder,
    winding_down: Arc<AtomicBool>,
}

/// An operation that was begun.
pub(super) struct Begun {
    f: &'static str,
    key: Option<String>,
}

impl Client {
    pub(super) fn new(mut parts: ClientParts) -> Client {
        let node = parts.rng.range(1, parts.nodes);
        Client {
            rng: parts.rng,
            process: parts.process,
            concurrency: parts.concurrency,
            node,
            doors: parts.doors,
            recorder: parts.recorder,
            winding_down: parts.winding_down,
        }
    }

    /// Whether to begin something new.
    pub(super) fn goes_on(&self) -> bool {
        !self.winding_down.load(Ordering::SeqCst)
    }

    /// A pause between two operations.
    pub(super) async fn think(&mut self, max_ms: u64) {
        let ms = self.rng.range(1, max_ms);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// This process, as it is called now.
    pub(super) fn process(&self) -> u64 {
        self.process
    }

    fn elsewhere(&mut self) {
        let ids = self.doors.ids();
        if let Some(id) = self.rng.pick(&ids) {
            self.node = id;
        }
    }

    /// Has `work` done inside the process of its node.
    pub(super) async fn inside<T, F>(
        &mut self,
        patience: Duration,
        work: impl FnOnce(Node) -> F,
    ) -> Result<T, NoAnswer>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let there = Duration::from_micros(self.rng.range(100, 3000));
        tokio::time::sleep(there).await;
        let Some(door) = self.doors.get(self.node) else {
            self.elsewhere();
            return Err(NoAnswer::Refused);
        };
        let (send, answer) = oneshot::channel();
        let work = work(door.node);
        door.process.spawn(async move {
            // The client may have given up.
            let _ = send.send(work.await);
        });
        let answer = tokio::time::timeout(patience, answer).await;
        let back = Duration::from_micros(self.rng.range(100, 3000));
        tokio::time::sleep(back).await;
        let result = match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(_)) => Err(NoAnswer::Reset),
            Err(_) => Err(NoAnswer::Timeout),
        };
        if result.is_err() || self.rng.percent(5) {
            self.elsewhere();
        }
        result
    }

    /// A write, by whatever way it ends.
    pub(super) async fn write(&mut self, draft: Draft) -> Written {
        let asked = self
            .inside(PATIENCE, move |node| async move {
                node.propose(draft, DEADLINE).await
            })
            .await;
        match asked {
            Ok(Ok(outcome)) => written(outcome),
            Ok(Err(ProposeError::NotApplied(why))) => {
                self.elsewhere();
                Written::NotDone(why.to_string())
            }
            Ok(Err(ProposeError::Unknown(why))) => Written::Unknown(why.to_string()),
            Err(NoAnswer::Refused) => Written::NotDone(NoAnswer::Refused.word().to_owned()),
            Err(none) => Written::Unknown(none.word().to_owned()),
        }
    }

    /// A read; without an answer it certainly had no effect.
    pub(super) async fn read<T: Send + 'static>(
        &mut self,
        options: ReadOptions,
        read: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<Answer<T>, String> {
        let asked = self
            .inside(PATIENCE, move |node| async move {
                node.query(options, DEADLINE, read).await
            })
            .await;
        match asked {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let error: ReadError = error;
                self.elsewhere();
                Err(error.to_string())
            }
            Err(none) => Err(none.word().to_owned()),
        }
    }

    /// Notes that an operation begins.
    pub(super) fn begin(
        &self,
        f: &'static str,
        key: Option<&str>,
        value: Value,
        facts: Vec<(&str, Value)>,
    ) -> Begun {
        self.note(Outcome::Invoke, (f, key), value, facts);
        Begun {
            f,
            key: key.map(str::to_owned),
        }
    }

    /// It happened.
    pub(super) fn ok(&self, begun: Begun, value: Value, mut facts: Vec<(&str, Value)>) {
        facts.push(("node", json!(self.node)));
        self.note(Outcome::Ok, (begun.f, begun.key.as_deref()), value, facts);
    }

    /// It did not and will not happen.
    pub(super) fn fail(&self, begun: Begun, error: &str, value: Value) {
        let facts = vec![("error", json!(error))];
        self.note(Outcome::Fail, (begun.f, begun.key.as_deref()), value, facts);
    }

    /// Nobody knows: this process ends, and the client goes on as another.
    pub(super) fn info(&mut self, begun: Begun, error: &str, value: Value) {
        let facts = vec![("error", json!(error))];
        self.note(Outcome::Info, (begun.f, begun.key.as_deref()), value, facts);
        self.process += self.concurrency;
    }

    /// It was told something nobody asked for at that moment.
    pub(super) fn saw(&self, f: &'static str, value: Value, mut facts: Vec<(&str, Value)>) {
        facts.push(("node", json!(self.node)));
        self.note(Outcome::Ok, (f, None), value, facts);
    }

    fn note(
        &self,
        outcome: Outcome,
        (f, key): (&str, Option<&str>),
        value: Value,
        facts: Vec<(&str, Value)>,
    ) {
        self.recorder.note(Note {
            process: Process::Client(self.process),
            outcome,
            f,
            key,
            value,
            facts,
        });
    }
}

fn written(outcome: Applied) -> Written {
    let zxid = outcome.moment.zxid.0;
    match outcome.result {
        Ok(reply) => Written::Done { reply, zxid },
        Err(refusal) => Written::Refused { refusal },
    }
}
