//! One-shot watches through the ZooKeeper door, set again when they fire and taken along to other
//! nodes. (P-WATCH)

use std::sync::Arc;
use std::time::{Duration, Instant};

use checker::Outcome;
use serde_json::{Value, json};

use crate::client::Client;
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::{Shared, Stage};
use crate::client::zookeeper::{self, Fired, Kind, ZooKeeper};
use crate::workload::Workload;
use crate::workload::keys::unique;

const PARENT: &str = "/jepsen/watch";
const SESSION_MS: u64 = 4_000;

/// Writes, makes and removes what is watched.
pub(crate) struct Writer {
    paths: u64,
    zookeeper: Option<ZooKeeper>,
    is_prepared: bool,
    written: u64,
}

impl Writer {
    /// A writer.
    pub(crate) fn new(shared: &Arc<Shared>) -> Writer {
        Writer {
            paths: shared.size("paths", 5),
            zookeeper: None,
            is_prepared: false,
            written: 0,
        }
    }
}

impl Workload for Writer {
    fn step(&mut self, client: &mut Client) {
        let mut zookeeper = self
            .zookeeper
            .take()
            .unwrap_or_else(|| super::connect(client, SESSION_MS));
        if self.is_prepared {
            let path = format!("{PARENT}/w{}", client.random.below(self.paths));
            self.written += 1;
            let value = unique(client.number, self.written);
            let data = value.to_string();
            let told = json!({"path": path, "value": value});
            let (op, request) = match client.random.below(100) {
                0..70 => {
                    let version = -1;
                    let set = zookeeper::Op::Set {
                        path,
                        data,
                        version,
                    };
                    (Op::new("write", None, told), set)
                }
                70..86 => {
                    let create = zookeeper::Op::Create {
                        path,
                        data,
                        flags: 0,
                    };
                    (Op::new("create", None, told), create)
                }
                _ => (
                    Op::new("delete", None, json!({"path": path})),
                    zookeeper::Op::Delete(path),
                ),
            };
            client.invoke(&op);
            let (asked, answer) = client.ask_zookeeper(Nature::Write, &mut zookeeper, &request);
            let asked = match answer.stat {
                Some(stat) => asked.with("version", stat.version),
                None => asked,
            };
            client.end(&op, asked, op.value.clone());
        } else {
            self.is_prepared = super::make_parents(client, &mut zookeeper, &format!("{PARENT}/x"));
        }
        self.zookeeper = Some(zookeeper);
    }

    fn last(&mut self, _client: &mut Client) {}
}

/// Watches.
pub(crate) struct Watcher {
    paths: u64,
    zookeeper: Option<ZooKeeper>,
}

impl Watcher {
    /// A watcher.
    pub(crate) fn new(shared: &Arc<Shared>) -> Watcher {
        Watcher {
            paths: shared.size("paths", 5),
            zookeeper: None,
        }
    }

    fn arm(client: &mut Client, zookeeper: &mut ZooKeeper, (path, kind): (&str, Kind)) -> Outcome {
        let op = Op::new("arm", None, json!({"path": path, "kind": kind.as_str()}));
        let path = path.to_owned();
        let request = match kind {
            Kind::Data => zookeeper::Op::Get(path.clone(), true),
            Kind::Exists => zookeeper::Op::Exists(path.clone(), true),
            Kind::Child => zookeeper::Op::Children(path.clone(), true),
        };
        client.invoke(&op);
        let (asked, answer) = client.ask_zookeeper(Nature::Read, zookeeper, &request);
        // Events that came before this answer are told before it, as the client heard them.
        Watcher::tell_all(client, zookeeper);
        let asked = if kind == Kind::Exists {
            asked.accept("no_node")
        } else {
            asked
        };
        let number = |text: &str| {
            text.parse::<u64>()
                .map_or_else(|_| json!(text), Value::from)
        };
        let value = match (kind, answer.stat) {
            (Kind::Child, _) => json!(answer.names),
            (_, None) => json!("absent"),
            (Kind::Data, Some(_)) => answer.text.as_deref().map_or(Value::Null, number),
            (Kind::Exists, Some(_)) => json!("present"),
        };
        let asked = match answer.stat {
            Some(stat) => asked
                .with("version", stat.version)
                .with("mzxid", stat.mzxid),
            None => asked,
        };
        let zxid = answer.zxid;
        let told = json!({"path": path, "kind": kind.as_str(), "value": value, "zxid": zxid});
        client.end(&op, asked, told)
    }

    fn tell_all(client: &mut Client, zookeeper: &mut ZooKeeper) {
        // What is there already; nothing is waited for.
        while let Some(fired) = zookeeper.next_heard() {
            tell(client, zookeeper, &fired);
        }
    }

    fn listen(client: &mut Client, zookeeper: &mut ZooKeeper, time: Duration) {
        let deadline = Instant::now() + time;
        while let Some(fired) = zookeeper.next_event(deadline) {
            tell(client, zookeeper, &fired);
        }
    }

    fn turn(&self, client: &mut Client, zookeeper: &mut ZooKeeper) {
        if client.random.below(100) < 3 {
            zookeeper.hop(&mut client.random);
        }
        let path = format!("{PARENT}/w{}", client.random.below(self.paths));
        let wanted = match client.random.below(10) {
            0..5 => (path.as_str(), Kind::Data),
            5..8 => (path.as_str(), Kind::Exists),
            _ => (PARENT, Kind::Child),
        };
        if !zookeeper.has_watch(wanted.1, wanted.0) {
            Watcher::arm(client, zookeeper, wanted);
        }
        let wait = Duration::from_millis(client.random.between(0, 60));
        Watcher::listen(client, zookeeper, wait);
    }
}

fn tell(client: &mut Client, zookeeper: &ZooKeeper, fired: &Fired) {
    let (event, kind) = match fired.event {
        1 => ("node.created", Kind::Exists),
        2 => ("node.deleted", Kind::Data),
        3 => ("node.changed", Kind::Data),
        4 => ("children.changed", Kind::Child),
        _ => ("other", Kind::Data),
    };
    // One event ends every watch of its path; an unexpected one is told all the same.
    let ended = if fired.kinds.is_empty() {
        std::slice::from_ref(&kind)
    } else {
        fired.kinds.as_slice()
    };
    for kind in ended {
        tell_one(client, zookeeper, fired, (event, *kind));
    }
}

fn tell_one(
    client: &mut Client,
    zookeeper: &ZooKeeper,
    fired: &Fired,
    (event, kind): (&str, Kind),
) {
    let value = json!({
        "path": fired.path, "kind": kind.as_str(), "event": event, "zxid": fired.zxid,
    });
    let op = Op::new("fired", None, value).with("node", zookeeper.node());
    let op = match u64::try_from(fired.zxid) {
        Ok(zxid) => op.with("zxid", zxid),
        Err(_) => op,
    };
    client.note_at(&op.with("door", "zookeeper"), fired.time);
}

impl Workload for Watcher {
    fn step(&mut self, client: &mut Client) {
        let mut zookeeper = self
            .zookeeper
            .take()
            .unwrap_or_else(|| super::connect(client, SESSION_MS));
        self.turn(client, &mut zookeeper);
        self.zookeeper = Some(zookeeper);
    }

    /// Whatever is still on its way is heard.
    fn last(&mut self, client: &mut Client) {
        let Some(mut zookeeper) = self.zookeeper.take() else {
            return;
        };
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline && client.shared.stage() == Stage::Last {
            if !zookeeper.is_connected() {
                let until = Instant::now() + client.timeout();
                let _ = zookeeper.connect(until);
            }
            Watcher::listen(client, &mut zookeeper, Duration::from_millis(200));
        }
    }
}
