//! The workloads as clients of ZooKeeper do them.

mod lock;
mod register;
mod watch;

use serde_json::json;

use crate::client::Client;
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::zookeeper::{self, ZooKeeper};

pub(super) use lock::Lock;
pub(super) use register::Register;
pub(super) use watch::{Watcher, Writer};

/// A client of ZooKeeper for this client of the run.
fn connect(client: &Client, timeout_ms: u64) -> ZooKeeper {
    ZooKeeper::new(&client.shared.spec.nodes, client.number, timeout_ms)
}

/// Makes the znodes above a path, which is no part of the history; false when that failed.
fn make_parents(client: &mut Client, zookeeper: &mut ZooKeeper, path: &str) -> bool {
    let ends = path.match_indices('/').map(|(end, _)| end).skip(1);
    let mut is_there = true;
    for end in ends.collect::<Vec<_>>() {
        let create = zookeeper::Op::Create {
            path: path.get(..end).unwrap_or_default().to_owned(),
            data: String::new(),
            flags: 0,
        };
        let (asked, _) = client.ask_zookeeper(Nature::Write, zookeeper, &create);
        is_there = asked.accept("node_exists").is_ok();
    }
    is_there
}

/// Sees to it that there is a session, and writes a new one down as an operation of its own; false
/// when there is none.
fn open_session(client: &mut Client, zookeeper: &mut ZooKeeper, ttl_ms: u64) -> bool {
    let deadline = std::time::Instant::now() + client.timeout();
    if zookeeper.session().is_none() && zookeeper.connect(deadline).is_err() {
        return false;
    }
    // Its name is the server's to give, so that there was nothing to say before.
    if let Some(sent) = zookeeper.take_note() {
        let id = zookeeper.session();
        let op = Op::new("session", None, json!({"session": id, "ttl_ms": ttl_ms}));
        client.invoke_at(&op, sent);
        let granted = zookeeper.granted_ms;
        let value = json!({"session": id, "ttl_ms": granted, "safe_ms": granted});
        client.end_alone(&op, value);
    }
    true
}
