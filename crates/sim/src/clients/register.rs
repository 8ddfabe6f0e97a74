//! Reads, writes and compare-and-set of single znodes.

use std::time::Duration;

use node::{Consistency, ReadOptions};
use raft_core::ids::Zxid;
use raft_core::outcome::{Refusal, Reply, ZnodeReply};
use serde_json::{Value, json};

use super::door::{Client, Written};
use super::drafts::{number, path, put, put_if};

/// Keys of this workload.
const KEYS: u64 = 5;

pub(super) async fn run(mut client: Client) {
    let mut count = 0;
    // What this client saw last: position, and of which key which value and version.
    let mut seen = Seen::default();
    while client.goes_on() {
        let key = format!("r{}", client.rng.below(KEYS));
        count += 1;
        let value = client.process() * 1_000_000 + count;
        match client.rng.below(10) {
            0..4 => read(&mut client, &key, &mut seen).await,
            4..8 => write(&mut client, &key, value).await,
            _ => cas(&mut client, &key, value, &seen).await,
        }
        client.think(60).await;
    }
}

/// Every key is written and read once more.
pub(super) async fn last_words(mut client: Client) {
    for number in 0..KEYS {
        let key = format!("r{number}");
        let value = client.process() * 1_000_000 + number;
        write(&mut client, &key, value).await;
        read(&mut client, &key, &mut Seen::default()).await;
    }
}

#[derive(Default)]
struct Seen {
    zxid: u64,
    key: String,
    value: u64,
    version: Option<i32>,
}

fn at(key: &str) -> String {
    format!("/register/{key}")
}

async fn read(client: &mut Client, key: &str, seen: &mut Seen) {
    let (options, facts) = consistency(client, seen);
    let begun = client.begin("read", Some(key), Value::Null, facts);
    let place = path(&at(key));
    let answer = client
        .read(options, move |state| {
            let znode = state.znode(&place)?;
            Some((number(znode.data.as_deref())?, znode.version))
        })
        .await;
    match answer {
        Ok(answer) => {
            let mut facts = vec![("zxid", json!(answer.zxid.0))];
            let value = match answer.value {
                Some((value, version)) => {
                    facts.push(("version", json!(version)));
                    *seen = Seen {
                        zxid: answer.zxid.0,
                        key: key.to_owned(),
                        value,
                        version: Some(version),
                    };
                    json!(value)
                }
                None => json!("absent"),
            };
            client.ok(begun, value, facts);
        }
        Err(error) => client.fail(begun, &error, Value::Null),
    }
}

fn consistency(client: &mut Client, seen: &Seen) -> (ReadOptions, Vec<(&'static str, Value)>) {
    let linearizable = ReadOptions::default();
    match client.rng.below(10) {
        0 => {
            let max = client.rng.range(10, 1000);
            let consistency = Consistency::Stale {
                max_age: Some(Duration::from_millis(max)),
            };
            let options = ReadOptions {
                consistency,
                min_zxid: None,
            };
            (
                options,
                vec![("consistency", json!("stale")), ("max_age_ms", json!(max))],
            )
        }
        1 => {
            let options = ReadOptions {
                consistency: Consistency::Stale { max_age: None },
                min_zxid: Some(Zxid(seen.zxid)),
            };
            let facts = vec![
                ("consistency", json!("at_least")),
                ("min_zxid", json!(seen.zxid)),
            ];
            (options, facts)
        }
        _ => (linearizable, Vec::new()),
    }
}

async fn write(client: &mut Client, key: &str, value: u64) {
    let begun = client.begin("write", Some(key), json!(value), Vec::new());
    match client.write(put(&at(key), value.to_string())).await {
        Written::Done { reply, zxid } => {
            let facts = vec![("version", json!(version(&reply))), ("zxid", json!(zxid))];
            client.ok(begun, json!(value), facts);
        }
        Written::Refused { refusal } => client.fail(begun, &refusal.to_string(), json!(value)),
        Written::NotDone(why) => client.fail(begun, &why, json!(value)),
        Written::Unknown(why) => client.info(begun, &why, json!(value)),
    }
}

async fn cas(client: &mut Client, key: &str, value: u64, seen: &Seen) {
    // Mostly of what it saw, so that it succeeds now and then.
    let Some(expect) = seen.version.filter(|_| seen.key == key) else {
        return;
    };
    let asked = json!({"old": seen.value, "new": value});
    let begun = client.begin(
        "cas",
        Some(key),
        asked.clone(),
        vec![("expect", json!(expect))],
    );
    match client
        .write(put_if(&at(key), value.to_string(), expect))
        .await
    {
        Written::Done { reply, zxid } => {
            let facts = vec![("version", json!(version(&reply))), ("zxid", json!(zxid))];
            client.ok(begun, asked, facts);
        }
        Written::Refused {
            refusal: Refusal::BadVersion { .. },
            ..
        } => {
            client.fail(begun, "version_mismatch", asked);
        }
        Written::Refused { refusal } => client.fail(begun, &refusal.to_string(), asked),
        Written::NotDone(why) => client.fail(begun, &why, asked),
        Written::Unknown(why) => client.info(begun, &why, asked),
    }
}

fn version(reply: &Reply) -> Option<i32> {
    match reply {
        Reply::Znode(ZnodeReply::DataSet { stat } | ZnodeReply::Created { stat, .. }) => {
            Some(stat.version)
        }
        _ => None,
    }
}
