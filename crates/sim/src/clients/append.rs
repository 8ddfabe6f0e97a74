//! Transactions that read and append to several lists. A list is a znode; what was read is guarded by
//! its version, so that the whole is one step.

use std::collections::BTreeMap;

use bytes::Bytes;
use node::{Consistency, ReadOptions};
use raft_core::command::{Command, Guard, Txn, TxnOp, ZnodeOp};
use serde_json::{Value, json};

use super::door::{Client, Written};
use super::drafts::{path, plain, put};

/// Lists of this workload.
const LISTS: u64 = 4;

#[derive(Clone, Default)]
struct List {
    elements: Vec<u64>,
    version: Option<i32>,
}

pub(super) async fn run(mut client: Client) {
    let mut count = 0;
    while client.goes_on() {
        txn(&mut client, &mut count).await;
        client.think(80).await;
    }
}

pub(super) async fn last_words(mut client: Client) {
    let mut count = 0;
    for _ in 0..LISTS {
        txn(&mut client, &mut count).await;
    }
}

fn at(list: u64) -> String {
    format!("/append/a{list}")
}

fn asked_for(client: &mut Client, count: &mut u64) -> Vec<(u64, Option<u64>)> {
    let steps = client.rng.range(1, 4);
    let mut asked = Vec::new();
    for _ in 0..steps {
        let list = client.rng.below(LISTS);
        let element = client.rng.percent(50).then(|| {
            *count += 1;
            client.process() * 1_000_000 + *count
        });
        asked.push((list, element));
    }
    asked
}

fn told(steps: &[(u64, Option<u64>)], mut read: impl FnMut(u64, Option<u64>) -> Value) -> Value {
    let words = steps.iter().map(|(list, element)| match element {
        Some(element) => {
            read(*list, Some(*element));
            json!(["append", format!("a{list}"), element])
        }
        None => json!(["r", format!("a{list}"), read(*list, None)]),
    });
    Value::Array(words.collect())
}

async fn txn(client: &mut Client, count: &mut u64) {
    let steps = asked_for(client, count);
    let asked = told(&steps, |_, _| Value::Null);
    let begun = client.begin("txn", None, asked.clone(), Vec::new());
    let wanted: Vec<u64> = steps.iter().map(|(list, _)| *list).collect();
    // The guards make it right whatever is read here, also something old.
    let consistency = Consistency::Stale { max_age: None };
    let options = ReadOptions {
        consistency,
        min_zxid: None,
    };
    let read = client
        .read(options, move |state| {
            let of = |list: &u64| {
                let znode = state.znode(&path(&at(*list)));
                let data = znode.and_then(|znode| znode.data.clone());
                let text = data.unwrap_or_default();
                let elements = serde_json::from_slice(&text).unwrap_or_default();
                let version = znode.map(|znode| znode.version);
                (*list, List { elements, version })
            };
            wanted.iter().map(of).collect::<BTreeMap<_, _>>()
        })
        .await;
    let mut lists = match read {
        Ok(answer) => answer.value,
        Err(why) => return client.fail(begun, &why, asked),
    };
    let guards: Vec<Guard> = lists
        .iter()
        .map(|(list, read)| guard(*list, read))
        .collect();
    let done = told(&steps, |list, element| {
        let list = lists.entry(list).or_default();
        list.elements.extend(element);
        json!(list.elements)
    });
    let command = Command::Txn(Txn {
        guards,
        then: writes(&steps, &lists),
        otherwise: None,
    });
    match client.write(plain(command)).await {
        Written::Done { zxid, .. } => client.ok(begun, done, vec![("zxid", json!(zxid))]),
        Written::Refused { refusal } => client.fail(begun, &refusal.to_string(), asked),
        Written::NotDone(why) => client.fail(begun, &why, asked),
        Written::Unknown(why) => client.info(begun, &why, asked),
    }
}

fn guard(list: u64, read: &List) -> Guard {
    let path = path(&at(list));
    match read.version {
        Some(version) => Guard::Version { path, version },
        None => Guard::Exists {
            path,
            exists: false,
        },
    }
}

fn writes(steps: &[(u64, Option<u64>)], lists: &BTreeMap<u64, List>) -> Vec<TxnOp> {
    let appended = |list: &u64| {
        steps
            .iter()
            .any(|(of, element)| of == list && element.is_some())
    };
    let changed = lists.iter().filter(|(list, _)| appended(list));
    let puts = changed.filter_map(|(list, now)| {
        let text = serde_json::to_string(&now.elements).ok()?;
        match put(&at(*list), text).command {
            Command::Znode(op) => Some(TxnOp::Znode(op)),
            _ => None,
        }
    });
    let mut ops: Vec<TxnOp> = puts.collect();
    if ops.is_empty() {
        // A transaction must do something; reading is doing something.
        ops.extend(
            lists
                .keys()
                .map(|list| TxnOp::Get {
                    path: path(&at(*list)),
                })
                .filter(|_| lists.values().all(|list| list.version.is_some())),
        );
    }
    if ops.is_empty() {
        ops.push(TxnOp::Znode(touch()));
    }
    ops
}

/// A write nobody looks at.
fn touch() -> ZnodeOp {
    ZnodeOp::Put {
        set: raft_core::command::SetData {
            path: "/append-touched".to_owned(),
            data: Some(Bytes::new()),
            content_type: None,
            expect: raft_core::command::Expect::Any,
        },
        kind: raft_core::command::CreateKind::Persistent,
        parents: true,
    }
}
