//! A growing set: children of one znode.

use node::ReadOptions;
use raft_core::command::{Command, CreateKind};
use serde_json::{Value, json};

use super::door::{Client, Written};
use super::drafts::{create, path, repeatable};

const PARENT: &str = "/set";
/// How often a request is repeated at most.
const REPEATS_MAX: u32 = 3;
/// Elements read at most.
const ELEMENTS_MAX: usize = 10_000;

pub(super) async fn run(mut client: Client) {
    let mut count = 0;
    while client.goes_on() {
        count += 1;
        if client.rng.percent(70) {
            let element = client.process() * 1_000_000 + count;
            add(&mut client, element).await;
        } else {
            read(&mut client).await;
        }
        client.think(80).await;
    }
}

pub(super) async fn last_words(mut client: Client) {
    let element = client.process() * 1_000_000;
    add(&mut client, element).await;
    read(&mut client).await;
}

async fn add(client: &mut Client, element: u64) {
    let begun = client.begin("add", None, json!(element), Vec::new());
    let at = format!("{PARENT}/e{element}");
    let command = create(&at, String::new(), CreateKind::Persistent, false);
    match written(client, element, command).await {
        Written::Done { zxid, .. } => client.ok(begun, json!(element), vec![("zxid", json!(zxid))]),
        Written::Refused { refusal } => client.fail(begun, &refusal.to_string(), json!(element)),
        Written::NotDone(why) => client.fail(begun, &why, json!(element)),
        Written::Unknown(why) => client.info(begun, &why, json!(element)),
    }
}

/// Sends a request under a key of its own, and again while nobody knows what came of it (P-RETRY).
async fn written(client: &mut Client, element: u64, command: Command) -> Written {
    let mut last = client.write(repeatable(element, command.clone())).await;
    for _ in 0..REPEATS_MAX {
        let Written::Unknown(why) = last else {
            return last;
        };
        last = match client.write(repeatable(element, command.clone())).await {
            // This attempt did nothing; an earlier one may have.
            Written::NotDone(_) => Written::Unknown(why),
            known => known,
        };
    }
    last
}

async fn read(client: &mut Client) {
    let begun = client.begin("read", None, Value::Null, Vec::new());
    let answer = client
        .read(ReadOptions::default(), |state| {
            let children = state.children(&path(PARENT), None, ELEMENTS_MAX);
            let names = children.into_iter().flatten().map(|(name, _)| name);
            let mut elements: Vec<u64> = names
                .filter_map(|name| name.strip_prefix('e')?.parse().ok())
                .collect();
            elements.sort_unstable();
            elements
        })
        .await;
    match answer {
        Ok(answer) => {
            let facts = vec![("zxid", json!(answer.zxid.0))];
            client.ok(begun, json!(answer.value), facts);
        }
        Err(error) => client.fail(begun, &error, Value::Null),
    }
}
