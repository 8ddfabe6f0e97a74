//! Changes of znodes, and those who follow them.

use node::{Commit, EventId};
use raft_core::command::{Command, CreateKind, Expect, ZnodeOp};
use raft_core::event::EventKind;
use raft_core::outcome::{Reply, ZnodeReply};
use serde_json::{Value, json};

use super::door::{Begun, Client, Written};
use super::drafts::{create, number, plain, put};
use super::follow::{Brought, connect};

const PREFIX: &str = "/watch";
/// Znodes that change.
const PATHS: u64 = 5;

pub(super) async fn run(client: Client, place: u64) {
    if place.is_multiple_of(2) {
        watch(client).await;
    } else {
        change(client).await;
    }
}

async fn change(mut client: Client) {
    let mut count = 0;
    while client.goes_on() {
        count += 1;
        let at = format!("{PREFIX}/w{}", client.rng.below(PATHS));
        let value = client.process() * 1_000_000 + count;
        match client.rng.below(10) {
            0 => one(&mut client, "delete", &at, None).await,
            1 => one(&mut client, "create", &at, Some(value)).await,
            _ => one(&mut client, "write", &at, Some(value)).await,
        }
        client.think(60).await;
    }
}

pub(super) async fn last_words(mut client: Client) {
    let value = client.process() * 1_000_000;
    one(&mut client, "write", &format!("{PREFIX}/w0"), Some(value)).await;
}

async fn one(client: &mut Client, f: &'static str, at: &str, value: Option<u64>) {
    let (asked, draft) = match value {
        None => {
            let op = ZnodeOp::Delete {
                path: at.to_owned(),
                expect: Expect::Any,
            };
            (json!({"path": at}), plain(Command::Znode(op)))
        }
        Some(value) => {
            let draft = if f == "create" {
                plain(create(at, value.to_string(), CreateKind::Persistent, false))
            } else {
                put(at, value.to_string())
            };
            (json!({"path": at, "value": value}), draft)
        }
    };
    let begun = client.begin(f, None, asked.clone(), Vec::new());
    match client.write(draft).await {
        Written::Done { reply, zxid } => done(client, begun, asked, &reply, zxid),
        Written::Refused { refusal } => client.fail(begun, &refusal.to_string(), asked),
        Written::NotDone(why) => client.fail(begun, &why, asked),
        Written::Unknown(why) => client.info(begun, &why, asked),
    }
}

fn done(client: &Client, begun: Begun, asked: Value, reply: &Reply, zxid: u64) {
    let mut facts = vec![("zxid", json!(zxid))];
    if let Reply::Znode(ZnodeReply::DataSet { stat } | ZnodeReply::Created { stat, .. }) = reply {
        facts.push(("version", json!(stat.version)));
    }
    client.ok(begun, asked, facts);
}

async fn watch(mut client: Client) {
    let mut after: Option<EventId> = None;
    while client.goes_on() {
        if client.rng.percent(3) {
            after = None;
        }
        connection(&mut client, &mut after).await;
        client.think(50).await;
    }
    // What was acknowledged by now is still told.
    connection(&mut client, &mut after).await;
}

fn shown(after: Option<EventId>) -> Option<String> {
    let after = after?;
    Some(format!("{}.{}", after.zxid.0, after.ordinal))
}

async fn connection(client: &mut Client, after: &mut Option<EventId>) {
    let asked = json!({"prefix": PREFIX, "from": shown(*after), "initial": false});
    let begun = client.begin("watch", None, asked.clone(), Vec::new());
    let Some(mut connection) = connect(client, *after).await else {
        return client.fail(begun, "no stream", asked);
    };
    loop {
        match connection.next().await {
            Brought::Commit(commit) => tell(client, &commit, after),
            Brought::Gap(oldest) => {
                client.saw("gap", json!({"oldest": oldest}), Vec::new());
                *after = None;
                return client.fail(begun, "history_compacted", asked);
            }
            Brought::End => return client.ok(begun, json!({"next": shown(*after)}), Vec::new()),
        }
    }
}

fn tell(client: &Client, commit: &Commit, after: &mut Option<EventId>) {
    let zxid = commit.moment.zxid;
    let mut told = Vec::new();
    for event in &commit.events {
        let (word, path, version, value): (_, _, _, Option<&[u8]>) = match &event.kind {
            EventKind::NodeCreated {
                path, stat, value, ..
            } => ("node.created", path, Some(stat.version), value.as_deref()),
            EventKind::NodeChanged {
                path, stat, value, ..
            } => ("node.changed", path, Some(stat.version), value.as_deref()),
            EventKind::NodeDeleted { path, .. } => ("node.deleted", path, None, None),
            _ => continue,
        };
        let within = path.as_str() == PREFIX || path.as_str().starts_with("/watch/");
        if within {
            let id = format!("{}.{}", zxid.0, event.ordinal);
            told.push((
                event.ordinal,
                json!({
                    "id": id, "event": word, "path": path.as_str(), "version": version,
                    "value": number(value), "commit_end": false,
                }),
            ));
        }
    }
    if let Some((_, last)) = told.last_mut()
        && let Some(fields) = last.as_object_mut()
    {
        fields.insert("commit_end".to_owned(), json!(true));
    }
    for (ordinal, value) in told {
        *after = Some(EventId { zxid, ordinal });
        client.saw("event", value, vec![("zxid", json!(zxid.0))]);
    }
}
