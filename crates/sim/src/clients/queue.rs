//! A queue: sequential children, taken by deleting the first.

use node::ReadOptions;
use raft_core::command::CreateKind;
use raft_core::outcome::{Refusal, Reply, ZnodeReply};
use serde_json::{Value, json};

use super::door::{Begun, Client, Written};
use super::drafts::{create, delete, number, path, plain};

/// Queues at a time.
const QUEUES: u64 = 2;
/// How often a taker looks again when others took the first before it.
const TRIES: u32 = 6;
/// Elements taken by the one who empties a queue at the end, at most.
const DRAINED_MAX: u32 = 10_000;

/// What came of a take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    One,
    Empty,
    Nothing,
}

pub(super) async fn run(mut client: Client) {
    let mut count = 0;
    while client.goes_on() {
        let queue = format!("q{}", client.rng.below(QUEUES));
        if client.rng.percent(55) {
            count += 1;
            let element = client.process() * 1_000_000 + count;
            put(&mut client, &queue, element).await;
        } else {
            take(&mut client, &queue).await;
        }
        client.think(80).await;
    }
}

/// Each queue is written once more, and emptied.
pub(super) async fn last_words(mut client: Client) {
    for at in 0..QUEUES {
        let queue = format!("q{at}");
        let element = client.process() * 1_000_000 + at;
        put(&mut client, &queue, element).await;
        for _ in 0..DRAINED_MAX {
            if take(&mut client, &queue).await != Taken::One {
                break;
            }
        }
    }
}

async fn put(client: &mut Client, queue: &str, element: u64) {
    let begun = client.begin("put", Some(queue), json!(element), Vec::new());
    let at = format!("/queue/{queue}/q-");
    let command = create(&at, element.to_string(), CreateKind::Persistent, true);
    match client.write(plain(command)).await {
        Written::Done { reply, zxid } => {
            let Reply::Znode(ZnodeReply::Created { path, .. }) = reply else {
                return client.info(begun, "another reply", json!(element));
            };
            let value = json!({"element": element, "name": path.name()});
            client.ok(begun, value, vec![("zxid", json!(zxid))]);
        }
        Written::Refused { refusal } => client.fail(begun, &refusal.to_string(), json!(element)),
        Written::NotDone(why) => client.fail(begun, &why, json!(element)),
        Written::Unknown(why) => client.info(begun, &why, json!(element)),
    }
}

/// Takes the first. Reading it and deleting it are two steps: whoever deletes has it.
async fn take(client: &mut Client, queue: &str) -> Taken {
    let begun = client.begin("take", Some(queue), Value::Null, Vec::new());
    for _ in 0..TRIES {
        let parent = path(&format!("/queue/{queue}"));
        let read = client.read(ReadOptions::default(), move |state| {
            let children = state.children(&parent, None, 1);
            let (name, _) = children.into_iter().flatten().next()?;
            let name = name.to_string();
            let element = number(
                state
                    .znode(&path(&format!("{parent}/{name}")))?
                    .data
                    .as_deref(),
            )?;
            Some((name, element))
        });
        let answer = match read.await {
            Ok(answer) => answer,
            Err(error) => {
                client.fail(begun, &error, Value::Null);
                return Taken::Nothing;
            }
        };
        let Some((name, element)) = answer.value else {
            let facts = vec![("zxid", json!(answer.zxid.0))];
            client.ok(begun, Value::Null, facts);
            return Taken::Empty;
        };
        let at = format!("/queue/{queue}/{name}");
        let value = json!({"element": element, "name": name});
        match client.write(plain(delete(&at))).await {
            Written::Refused {
                refusal: Refusal::NoNode { .. },
            } => {}
            written => return taken(client, begun, written, value),
        }
    }
    client.fail(begun, "others were faster", Value::Null);
    Taken::Nothing
}

/// What came of the delete. Where that is unknown it may be gone, and this consumer has lost it.
fn taken(client: &mut Client, begun: Begun, written: Written, value: Value) -> Taken {
    match written {
        Written::Done { zxid, .. } => {
            client.ok(begun, value, vec![("zxid", json!(zxid))]);
            return Taken::One;
        }
        Written::Refused { refusal } => client.fail(begun, &refusal.to_string(), Value::Null),
        Written::NotDone(why) => client.fail(begun, &why, Value::Null),
        Written::Unknown(why) => client.info(begun, &why, value),
    }
    Taken::Nothing
}
