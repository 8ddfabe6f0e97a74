//! Sessions with ephemerals, those who look at them, and those who are told of their end.

use std::time::Duration;

use node::{Commit, Consistency, EventId, ReadOptions};
use raft_core::command::{CreateKind, SessionRef};
use raft_core::event::EventKind;
use raft_core::query::session::SessionStatus;
use raft_core::session::SessionEnd;
use raft_core::state::State;
use serde_json::{Value, json};

use super::door::{Client, Written};
use super::drafts::{create, path};
use super::follow::{Brought, connect};
use super::lock::{Session, close, code, keep_alive, of_session, open};

const PARENT: &str = "/eph";
/// Children listed at most.
const CHILDREN_MAX: usize = 1000;

pub(super) async fn run(mut client: Client, place: u64) {
    if place == 1 {
        return follow(client).await;
    }
    let mut made = 0;
    while client.goes_on() {
        made += 1;
        if let Some(session) = open(&mut client, made).await {
            life(&mut client, session, made).await;
        }
        list(&mut client).await;
        client.think(100).await;
    }
}

pub(super) async fn last_words(mut client: Client) {
    list(&mut client).await;
    if let Some(session) = open(&mut client, 0).await {
        life(&mut client, session, 0).await;
    }
    list(&mut client).await;
}

async fn life(client: &mut Client, mut session: Session, made: u64) {
    for number in 0..client.rng.range(1, 4) {
        ephemeral(
            client,
            &session,
            &format!("e{}-{made}-{number}", client.process()),
        )
        .await;
    }
    for _ in 0..client.rng.range(0, 4) {
        client.think(300).await;
        list(client).await;
        if !keep_alive(client, &mut session).await {
            return;
        }
    }
    if client.rng.percent(50) {
        return close(client, session).await;
    }
    let ms = session.ttl_ms * 2;
    let asked = json!({"session": session.name, "ms": ms});
    let begun = client.begin("silence", None, asked.clone(), Vec::new());
    tokio::time::sleep(Duration::from_millis(ms)).await;
    client.ok(begun, asked, Vec::new());
    if client.rng.percent(50) {
        // Nothing is accepted of a session that has ended.
        ephemeral(
            client,
            &session,
            &format!("late{}-{made}", client.process()),
        )
        .await;
    }
}

async fn ephemeral(client: &mut Client, session: &Session, name: &str) {
    let at = format!("{PARENT}/{name}");
    let asked = json!({"session": session.name, "path": at, "ephemeral": true});
    let begun = client.begin("create", None, asked.clone(), Vec::new());
    let command = create(&at, String::new(), CreateKind::Ephemeral, false);
    match client.write(of_session(&session.name, command)).await {
        Written::Done { zxid, .. } => {
            client.ok(begun, json!({"path": at}), vec![("zxid", json!(zxid))]);
        }
        Written::Refused { refusal } => client.fail(begun, &code(&refusal), asked),
        Written::NotDone(why) => client.fail(begun, &why, asked),
        Written::Unknown(why) => client.info(begun, &why, asked),
    }
}

async fn list(client: &mut Client) {
    let (options, word) = if client.rng.percent(50) {
        (ReadOptions::default(), "linearizable")
    } else {
        let consistency = Consistency::Stale { max_age: None };
        (
            ReadOptions {
                consistency,
                min_zxid: None,
            },
            "stale",
        )
    };
    let asked = json!({"parent": PARENT});
    let begun = client.begin("list", None, asked.clone(), Vec::new());
    match client.read(options, listed).await {
        Ok(answer) => {
            let facts = vec![("zxid", json!(answer.zxid.0)), ("consistency", json!(word))];
            client.ok(begun, answer.value, facts);
        }
        Err(why) => client.fail(begun, &why, asked),
    }
}

fn listed(state: &State) -> Value {
    let children = state.children(&path(PARENT), None, CHILDREN_MAX);
    let found = children.into_iter().flatten().map(|(name, _)| {
        let at = format!("{PARENT}/{name}");
        let owner = state.znode(&path(&at)).and_then(|znode| znode.owner());
        let owner = owner.and_then(|id| match state.session(&SessionRef::Id(id)) {
            SessionStatus::Live(session) => session.name.clone(),
            SessionStatus::Ended(_) | SessionStatus::Unknown => None,
        });
        json!({"path": at, "owner": owner.map(|name| name.as_str().to_owned())})
    });
    Value::Array(found.collect())
}

/// Follows the ends of sessions.
async fn follow(mut client: Client) {
    let mut after: Option<EventId> = None;
    while client.goes_on() {
        let Some(mut connection) = connect(&mut client, after).await else {
            client.think(50).await;
            continue;
        };
        loop {
            match connection.next().await {
                Brought::Commit(commit) => {
                    after = Some(EventId::after_command(commit.moment.zxid));
                    tell(&client, &commit);
                }
                Brought::Gap(oldest) => {
                    client.saw("gap", json!({"oldest": oldest}), Vec::new());
                    after = None;
                    break;
                }
                Brought::End => break,
            }
        }
    }
}

fn tell(client: &Client, commit: &Commit) {
    let zxid = commit.moment.zxid.0;
    let ended = commit.events.iter().find_map(|event| match &event.kind {
        EventKind::SessionEnded {
            name: Some(name),
            end,
            ..
        } => Some((name, *end)),
        _ => None,
    });
    let Some((name, end)) = ended else { return };
    let reason = match end {
        SessionEnd::Closed => "closed",
        SessionEnd::Expired => "expired",
    };
    let paths: Vec<&str> = commit
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::NodeDeleted { path, .. } => Some(path.as_str()),
            _ => None,
        })
        .filter(|path| path.starts_with("/eph/"))
        .collect();
    let value = json!({"session": name.as_str(), "zxid": zxid, "reason": reason, "paths": paths});
    client.saw("gone", value, vec![("zxid", json!(zxid))]);
}
