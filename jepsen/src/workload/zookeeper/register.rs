//! Registers through the ZooKeeper door: reads after a sync are linearizable, others see no older
//! state than their session has seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use checker::Outcome;
use serde_json::{Value, json};

use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::Shared;
use crate::client::zookeeper::{self, Answer, ZooKeeper};
use crate::client::{Asked, Client};
use crate::workload::keys::{Keys, unique};
use crate::workload::{Workload, until};

const PARENT: &str = "/jepsen/register";
const OPERATIONS_MAX: u64 = 1_000;
const COMMON_VALUES_SHARE: u64 = 10;
const COMMON_VALUES: u64 = 5;
/// Session time-out asked for.
const SESSION_MS: u64 = 4_000;

/// The registers of one client.
pub(crate) struct Register {
    place: u64,
    keys: Keys,
    zookeeper: Option<ZooKeeper>,
    is_prepared: bool,
    written: u64,
    seen: BTreeMap<String, (Value, i32)>,
}

impl Register {
    /// The registers of client number `place`.
    pub(crate) fn new(shared: &Arc<Shared>, place: u64) -> Register {
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
            zookeeper: None,
            is_prepared: false,
            written: 0,
            seen: BTreeMap::new(),
        }
    }

    fn ask(&mut self, client: &mut Client, nature: Nature, op: &zookeeper::Op) -> (Asked, Answer) {
        let zookeeper = self
            .zookeeper
            .get_or_insert_with(|| super::connect(client, SESSION_MS));
        client.ask_zookeeper(nature, zookeeper, op)
    }

    fn value(&mut self, client: &mut Client) -> u64 {
        if client.random.chance(COMMON_VALUES_SHARE) {
            return client.random.below(COMMON_VALUES);
        }
        self.written += 1;
        unique(client.number, self.written)
    }

    fn read(&mut self, client: &mut Client, key: &str, syncs: bool) -> Outcome {
        let path = format!("{PARENT}/{key}");
        let op = Op::new("read", Some(key), Value::Null);
        let op = if syncs {
            op
        } else {
            op.with("consistency", "session")
        };
        client.invoke(&op);
        if syncs {
            let sync = zookeeper::Op::Sync(path.clone());
            let (asked, _) = self.ask(client, Nature::Read, &sync);
            let node = self.zookeeper.as_ref().map(ZooKeeper::node);
            if !asked.is_ok() || node.is_none() {
                return client.end(&op, asked, Value::Null);
            }
        }
        let before = self.zookeeper.as_ref().map(ZooKeeper::is_connected);
        let (mut asked, answer) = self.ask(client, Nature::Read, &zookeeper::Op::Get(path, false));
        if syncs && (before != Some(true) || asked.facts.get("sent") == Some(&json!(false))) {
            // Another node answered than the one that was brought up to date.
            asked.outcome = Outcome::Fail;
        }
        let asked = asked.accept("no_node");
        let Some(stat) = answer.stat else {
            return client.end(&op, asked, json!("absent"));
        };
        let text = answer.text.unwrap_or_default();
        let value = text
            .parse::<u64>()
            .map_or_else(|_| json!(text), Value::from);
        self.seen
            .insert(key.to_owned(), (value.clone(), stat.version));
        client.end(&op, asked.with("version", stat.version), value)
    }

    /// Sets the data, and makes the znode where there is none.
    fn write(&mut self, client: &mut Client, key: &str) -> Outcome {
        let value = self.value(client);
        let (path, data) = (format!("{PARENT}/{key}"), value.to_string());
        let op = Op::new("write", Some(key), json!(value));
        client.invoke(&op);
        let set = zookeeper::Op::Set {
            path: path.clone(),
            data: data.clone(),
            version: -1,
        };
        let flags = 0;
        let create = zookeeper::Op::Create { path, data, flags };
        let (mut asked, mut answer) = self.ask(client, Nature::Write, &set);
        if asked.has_code("no_node") {
            (asked, answer) = self.ask(client, Nature::Write, &create);
        }
        if asked.has_code("node_exists") {
            (asked, answer) = self.ask(client, Nature::Write, &set);
        }
        self.written(client, key, (&op, asked, &answer))
    }

    fn cas(&mut self, client: &mut Client, key: &str) {
        if client.random.chance(50) {
            self.read(client, key, false);
        }
        let Some((old, version)) = self.seen.get(key).cloned() else {
            return;
        };
        let new = self.value(client);
        let op = Op::new("cas", Some(key), json!({"old": old, "new": new})).with("expect", version);
        client.invoke(&op);
        let (path, data) = (format!("{PARENT}/{key}"), new.to_string());
        let request = if client.random.chance(25) {
            let checked = (path.clone(), version);
            zookeeper::Op::CheckAndSet {
                checked,
                path,
                data,
            }
        } else {
            zookeeper::Op::Set {
                path,
                data,
                version,
            }
        };
        let (mut asked, answer) = self.ask(client, Nature::Write, &request);
        if asked.is_ok() && answer.code != 0 {
            // A multi that was refused as a whole: the code of its step says why.
            asked.outcome = Outcome::Fail;
            asked = asked.with("error", "version_mismatch");
        }
        if asked.outcome == Outcome::Fail {
            self.seen.remove(key);
        }
        self.written(client, key, (&op, asked, &answer));
    }

    fn written(
        &mut self,
        client: &mut Client,
        key: &str,
        (op, asked, answer): (&Op, Asked, &Answer),
    ) -> Outcome {
        let asked = match answer.stat.filter(|_| asked.is_ok()) {
            Some(stat) => {
                let value = op.value.get("new").unwrap_or(&op.value).clone();
                self.seen.insert(key.to_owned(), (value, stat.version));
                asked.with("version", stat.version)
            }
            None => asked,
        };
        client.end(op, asked, op.value.clone())
    }
}

impl Workload for Register {
    fn step(&mut self, client: &mut Client) {
        if !self.is_prepared {
            let mut zookeeper = self
                .zookeeper
                .take()
                .unwrap_or_else(|| super::connect(client, SESSION_MS));
            self.is_prepared = super::make_parents(client, &mut zookeeper, &format!("{PARENT}/x"));
            self.zookeeper = Some(zookeeper);
            return;
        }
        if client.random.below(200) == 0
            && let Some(zookeeper) = &mut self.zookeeper
        {
            zookeeper.hop(&mut client.random);
        }
        let (key, _) = self.keys.next(client);
        match client.random.below(100) {
            0..30 => {
                self.read(client, &key, true);
            }
            30..45 => {
                self.read(client, &key, false);
            }
            45..70 => {
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
            until(client, began, |client| {
                self.read(client, &key, true) == Outcome::Ok
            });
        }
    }
}
