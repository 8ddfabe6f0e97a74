//! Numbers of sequential znodes.

use raft_core::command::CreateKind;
use raft_core::outcome::{Reply, ZnodeReply};
use serde_json::json;

use super::door::{Client, Written};
use super::drafts::{create, delete, plain};

/// Parents numbers are drawn from.
const PARENTS: u64 = 2;

pub(super) async fn run(mut client: Client) {
    while client.goes_on() {
        let parent = format!("p{}", client.rng.below(PARENTS));
        next(&mut client, &parent).await;
        client.think(60).await;
    }
}

pub(super) async fn last_words(mut client: Client) {
    for number in 0..PARENTS {
        next(&mut client, &format!("p{number}")).await;
    }
}

async fn next(client: &mut Client, parent: &str) {
    let asked = json!({"kind": "sequential"});
    let begun = client.begin("next", Some(parent), asked.clone(), Vec::new());
    let at = format!("/ids/{parent}/n-");
    let kind = if client.rng.percent(30) {
        CreateKind::Container
    } else {
        CreateKind::Persistent
    };
    match client
        .write(plain(create(&at, String::new(), kind, true)))
        .await
    {
        Written::Done { reply, zxid } => {
            let Reply::Znode(ZnodeReply::Created { path, .. }) = reply else {
                return client.info(begun, "another reply", asked);
            };
            let name = path.name().to_owned();
            let number: Option<u64> = name.strip_prefix("n-").and_then(|n| n.parse().ok());
            let facts = vec![("zxid", json!(zxid)), ("name", json!(name))];
            client.ok(begun, json!(number), facts);
            // A number is never given again, even when its znode and all later ones are gone.
            if client.rng.percent(40) {
                client.write(plain(delete(path.as_str()))).await;
            }
        }
        Written::Refused { refusal } => client.fail(begun, &refusal.to_string(), asked),
        Written::NotDone(why) => client.fail(begun, &why, asked),
        Written::Unknown(why) => client.info(begun, &why, asked),
    }
}
