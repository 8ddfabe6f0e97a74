//! Sets and registers through the client library: what it repeats that it must not, and what it
//! calls failed that it does not know, shows here. (P-RETRY, P-ANSWER)

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use checker::Outcome;
use holdfast_client::{Client as Library, Effect, Error, Options};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::keys::{Keys, unique};
use super::{Workload, set, until};
use crate::client::journal::{Facts, Op};
use crate::client::outcome::{self, Nature, Said, Seen};
use crate::client::shared::Shared;
use crate::client::{Asked, Client, clock};

/// Operations on one key before the next is taken.
const OPERATIONS: u64 = 1_000;
/// The library repeats within one call, as it promises to; the call may take so many time-outs.
const BUDGET: u32 = 3;

/// What is done through the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Registers.
    Register,
    /// Sets.
    Set,
}

/// One client of the library, with a runtime for its thread alone.
pub(super) struct Sdk {
    of: Of,
    place: u64,
    sdk: Library,
    runtime: Runtime,
    keys: Keys,
    written: u64,
    seen: Option<(String, Value, i32)>,
}

/// What an answer tells: its value, and its facts.
type Told = (Value, Option<i32>);

impl Sdk {
    /// Client number `place` through the library.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn new(shared: &Arc<Shared>, place: u64, of: Of) -> anyhow::Result<Sdk> {
        let spec = &shared.spec;
        let number = spec.first_process.saturating_add(place);
        let attempt = Duration::from_millis(spec.timeout_ms.max(1));
        let options = Options {
            connect_timeout: attempt,
            attempt_timeout: attempt,
            budget: attempt * BUDGET,
            ..Options::default()
        };
        // Each begins at a node of its own.
        let mut nodes: Vec<String> = spec
            .nodes
            .iter()
            .map(|node| format!("http://{}", node.api))
            .collect();
        let first = usize::try_from(number).unwrap_or(0) % nodes.len().max(1);
        nodes.rotate_left(first);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let letter = if of == Of::Set { 's' } else { 'r' };
        let in_use = if of == Of::Set { 1 } else { 3 };
        Ok(Sdk {
            of,
            place,
            sdk: Library::with_options(nodes, options).context("make a client of the library")?,
            runtime: runtime.context("make a runtime for a client of the library")?,
            keys: Keys::new(letter, number, in_use, OPERATIONS),
            written: 0,
            seen: None,
        })
    }

    fn end(
        &self,
        client: &mut Client,
        op: &Op,
        (nature, result): (Nature, Result<Told, Error>),
    ) -> Outcome {
        let mut facts = Facts::from([("door".to_owned(), "sdk".into())]);
        let (outcome, value) = match result {
            Ok((value, version)) => {
                facts.insert("zxid".to_owned(), self.sdk.seen_index().into());
                if let Some(version) = version {
                    facts.insert("version".to_owned(), version.into());
                }
                (Outcome::Ok, value)
            }
            Err(error) => {
                facts.insert("error".to_owned(), word_of(&error).into());
                (
                    outcome::of(nature, Seen::Library(said(&error))),
                    Value::Null,
                )
            }
        };
        let asked = Asked {
            outcome,
            time: clock::now(),
            code: None,
            answer: None,
            facts,
        };
        client.end(op, asked, value)
    }

    fn unique(&mut self, client: &Client) -> u64 {
        self.written += 1;
        unique(client.number, self.written)
    }

    fn read(&mut self, client: &mut Client, key: &str) -> Outcome {
        let op = Op::new("read", Some(key), Value::Null);
        client.invoke(&op);
        let path = format!("/jepsen/register/{key}");
        let found = self.runtime.block_on(self.sdk.get(&path));
        let result = found.map(|found| {
            let Some(found) = found else {
                return (json!("absent"), None);
            };
            let text = String::from_utf8_lossy(&found.data.unwrap_or_default()).into_owned();
            let value = text
                .parse::<u64>()
                .map_or_else(|_| json!(text), Value::from);
            self.seen = Some((key.to_owned(), value.clone(), found.stat.version));
            (value, Some(found.stat.version))
        });
        self.end(client, &op, (Nature::Read, result))
    }

    /// A blind write: the library must never send it twice in doubt.
    fn write(&mut self, client: &mut Client, key: &str) -> Outcome {
        let value = self.unique(client);
        let op = Op::new("write", Some(key), json!(value));
        client.invoke(&op);
        let put = self
            .sdk
            .put(format!("/jepsen/register/{key}"), value.to_string());
        let written = self.runtime.block_on(put.parents().send());
        let result = written.map(|written| (json!(value), Some(written.version)));
        self.end(client, &op, (Nature::Write, result))
    }

    fn cas(&mut self, client: &mut Client, key: &str) {
        self.read(client, key);
        let Some((_, old, version)) = self.seen.take().filter(|(of, ..)| of == key) else {
            return;
        };
        let new = self.unique(client);
        let value = json!({"old": old, "new": new});
        let op = Op::new("cas", Some(key), value.clone()).with("expect", version);
        client.invoke(&op);
        let put = self
            .sdk
            .put(format!("/jepsen/register/{key}"), new.to_string());
        let written = self.runtime.block_on(put.if_version(version).send());
        let result = written.map(|written| (value, Some(written.version)));
        self.end(client, &op, (Nature::Write, result));
    }

    /// A sequential znode: one that is made twice shows as a duplicate.
    fn add(&mut self, client: &mut Client, key: &str) -> Outcome {
        let element = self.unique(client);
        let op = Op::new("add", Some(key), json!(element));
        client.invoke(&op);
        let create = self.sdk.create(format!("/jepsen/set/{key}/{element}-"), "");
        let made = self.runtime.block_on(create.sequential().parents().send());
        self.end(
            client,
            &op,
            (Nature::Write, made.map(|_| (json!(element), None))),
        )
    }

    fn list(&mut self, client: &mut Client, key: &str) -> Outcome {
        let op = Op::new("read", Some(key), Value::Null);
        client.invoke(&op);
        let path = format!("/jepsen/set/{key}");
        let page = self.sdk.children_page(
            &path,
            None,
            usize::try_from(set::PAGE).unwrap_or(usize::MAX),
            false,
        );
        let result = match self.runtime.block_on(page) {
            Ok(page) => {
                let names = page.children.iter().map(|child| child.name.as_str());
                let mut elements: Vec<u64> = names.filter_map(set::element).collect();
                elements.sort_unstable();
                Ok((json!(elements), None))
            }
            Err(error) if error.code() == Some(holdfast_client::ErrorCode::NoNode) => {
                Ok((json!([]), None))
            }
            Err(error) => Err(error),
        };
        self.end(client, &op, (Nature::Read, result))
    }
}

fn said(error: &Error) -> Said {
    match error.outcome() {
        Effect::Applied => Said::Applied,
        Effect::NotApplied => Said::NotApplied,
        Effect::Unknown => Said::Unknown,
    }
}

/// The code of the problem, or what kind of error it was.
fn word_of(error: &Error) -> String {
    let code = error
        .problem()
        .and_then(|problem| serde_json::to_value(problem.code).ok());
    match code.as_ref().and_then(Value::as_str) {
        Some(code) => code.to_owned(),
        None => match error {
            Error::Exhausted {
                timed_out: true, ..
            } => "timeout".to_owned(),
            Error::Exhausted { .. } => "reset".to_owned(),
            Error::Refused(_)
            | Error::Protocol { .. }
            | Error::SessionLost(_)
            | Error::Invalid(_) => "library".to_owned(),
        },
    }
}

impl Workload for Sdk {
    fn step(&mut self, client: &mut Client) {
        let (key, _) = self.keys.next(client);
        let die = client.random.below(100);
        match (self.of, die) {
            (Of::Set, 0..15) => {
                self.list(client, &key);
            }
            (Of::Set, _) => {
                self.add(client, &key);
            }
            (Of::Register, 0..40) => {
                self.read(client, &key);
            }
            (Of::Register, 40..75) => {
                self.write(client, &key);
            }
            (Of::Register, _) => self.cas(client, &key),
        }
    }

    fn last(&mut self, client: &mut Client) {
        let began = Instant::now();
        for key in client.shared.keys_of(self.place) {
            let of = self.of;
            until(client, began, |client| {
                let done = match of {
                    Of::Set => self.add(client, &key),
                    Of::Register => self.write(client, &key),
                };
                done == Outcome::Ok
            });
            until(client, began, |client| {
                let done = match of {
                    Of::Set => self.list(client, &key),
                    Of::Register => self.read(client, &key),
                };
                done == Outcome::Ok
            });
        }
    }
}
