//! Sessions that own ephemerals in several places, fall silent, come back at other nodes, end.
//! (P-SESS)

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::held::{Session, Standing};
use super::register::Freshness;
use super::tail::{End, Tail};
use super::{LAST_TIME_MAX, Workload, set, until};
use crate::client::Client;
use crate::client::http::{Frame, Request};
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::{Shared, Stage};

/// Where the ephemerals are.
const PARENT: &str = "/jepsen/session";

/// The sessions of one client.
pub(super) struct Sessions {
    directories: u64,
    ttl_ms: u64,
    made: u64,
    current: Option<Owner>,
}

/// A session and what it made.
struct Owner {
    session: Session,
    created: u64,
    /// Ephemerals it makes before something happens to it.
    wanted: u64,
}

impl Sessions {
    /// The sessions of one client.
    pub(super) fn new(shared: &Arc<Shared>) -> Sessions {
        Sessions {
            directories: shared.size("directories", 4),
            ttl_ms: shared.size("session_ttl_ms", 1_200).max(1_000),
            made: 0,
            current: None,
        }
    }

    fn open(&mut self, client: &mut Client) -> Option<Owner> {
        self.made += 1;
        let run = client.shared.spec.seed & 0xffff;
        let id = format!("s{run:x}-{}-{}", client.number, self.made);
        let ttl_ms = client
            .random
            .between(self.ttl_ms, self.ttl_ms.saturating_mul(2));
        let session = Session::open(client, id, ttl_ms)?;
        if let Some(number) = session.number {
            client.shared.tell(&session.id, number);
        }
        let wanted = client.random.between(1, 6);
        Some(Owner {
            session,
            created: 0,
            wanted,
        })
    }

    fn create(&self, client: &mut Client, owner: &mut Owner) {
        owner.created += 1;
        let id = &owner.session.id;
        let directory = client.random.below(self.directories);
        let path = format!("{PARENT}/d{directory}/{id}.{}", owner.created);
        let value = json!({"session": id, "path": path, "ephemeral": true});
        let op = Op::new("create", None, value);
        let request = Request::new("PUT", format!("/v1/nodes{path}?mode=ephemeral&parents=1"))
            .header("if-none-match", "*")
            .header("holdfast-session", id.as_str());
        let asked = client.begin(&op, Nature::Write, &request);
        client.end(&op, asked, json!({"path": path}));
    }

    fn list(&self, client: &mut Client, directory: u64, freshness: &Freshness) -> bool {
        let parent = format!("{PARENT}/d{directory}");
        let path = format!("/v1/nodes{parent}/-/children?stat=1&limit={}", set::PAGE);
        let (op, request) = freshness.of(
            Op::new("list", None, json!({"parent": parent})),
            Request::new("GET", path),
        );
        let consistency = op.facts.get("consistency").cloned();
        let asked = client.begin(&op, Nature::Read, &request).accept("no_node");
        let asked = asked.with(
            "consistency",
            consistency.unwrap_or_else(|| "linearizable".into()),
        );
        let listed = listed(client, &parent, &asked.json());
        let is_ok = asked.is_ok();
        client.end(&op, asked, listed);
        is_ok
    }

    /// Says nothing for so long, and then speaks to another node.
    fn silence(client: &mut Client, mut owner: Owner, ms: u64) -> Option<Owner> {
        let value = json!({"session": owner.session.id, "ms": ms});
        let op = Op::new("silence", None, value.clone());
        client.invoke(&op);
        client.rest(Duration::from_millis(ms));
        client.end_alone(&op, value);
        client.nodes.wander(&mut client.random);
        let standing = owner.session.keep_alive(client);
        (standing != Standing::Ended).then_some(owner)
    }

    /// What happens to a session that has what it wanted.
    fn end(&self, client: &mut Client, mut owner: Owner) -> Option<Owner> {
        let ttl = owner.session.ttl_ms;
        match client.random.below(100) {
            0..40 => {
                owner.session.close(client);
                None
            }
            40..65 => {
                let ms = client
                    .random
                    .between(ttl.saturating_mul(3) / 2, ttl.saturating_mul(3));
                let kept = Sessions::silence(client, owner, ms);
                if kept.is_none() {
                    // Who was away too long does not know it yet, in other parts of the program.
                    let directory = client.random.below(self.directories);
                    self.list(client, directory, &Freshness::Linearizable);
                }
                kept
            }
            65..85 => {
                let ms = client.random.between(ttl / 3, ttl.saturating_mul(3) / 4);
                Sessions::silence(client, owner, ms)
            }
            85..92 => {
                // It is used once more after it was left alone for its whole time.
                let ms = ttl.saturating_add(client.random.between(0, 600));
                client.rest(Duration::from_millis(ms));
                self.create(client, &mut owner);
                Some(owner)
            }
            // Its client is gone for good.
            _ => None,
        }
    }
}

/// The list of a directory as the contract wants it: each path with the session that owns it.
fn listed(client: &Client, parent: &str, body: &Value) -> Value {
    let children = body.get("children").and_then(Value::as_array);
    let children = children.map(Vec::as_slice).unwrap_or_default();
    let entry = |child: &Value| {
        let name = child.get("name")?.as_str()?;
        let number = child.pointer("/stat/ephemeral_owner")?.as_u64()?;
        let session = name.split('.').next()?;
        let owner = match client.shared.told(session) {
            _ if number == 0 => None,
            // Somebody else's than its name says.
            Some(told) if told != number => Some(format!("0x{number:x}")),
            Some(_) | None => Some(session.to_owned()),
        };
        Some(json!({"path": format!("{parent}/{name}"), "owner": owner}))
    };
    Value::Array(children.iter().filter_map(entry).collect())
}

impl Workload for Sessions {
    fn step(&mut self, client: &mut Client) {
        let Some(mut owner) = self.current.take() else {
            self.current = self.open(client);
            return;
        };
        if owner.session.is_due() {
            let standing = owner.session.keep_alive(client);
            self.current = (standing != Standing::Ended).then_some(owner);
            return;
        }
        if client.random.chance(25) {
            let directory = client.random.below(self.directories);
            let freshness = match client.random.below(3) {
                0 => Freshness::Linearizable,
                _ => Freshness::choose(client),
            };
            self.list(client, directory, &freshness);
            self.current = Some(owner);
        } else if owner.created < owner.wanted {
            self.create(client, &mut owner);
            self.current = Some(owner);
        } else {
            self.current = self.end(client, owner);
        }
    }

    /// Every directory is listed at every node.
    fn last(&mut self, client: &mut Client) {
        let began = Instant::now();
        if let Some(owner) = self.current.take() {
            owner.session.close(client);
        }
        for at in 0..client.nodes.count() {
            for directory in 0..self.directories {
                until(client, began, |client| {
                    client.nodes.settle(at);
                    self.list(client, directory, &Freshness::Linearizable)
                });
            }
        }
    }
}

/// Hears on the event stream which sessions end, and what goes with them.
pub(super) struct Mourner {
    tail: Tail,
    /// Of the commits that are not told to their end: what ended, and the paths that went.
    open: BTreeMap<String, Commit>,
    /// Sessions of its own.
    made: u64,
}

#[derive(Default)]
struct Commit {
    ended: Vec<(String, &'static str)>,
    paths: Vec<String>,
}

impl Mourner {
    /// A client that does nothing but listen.
    pub(super) fn new() -> Mourner {
        Mourner {
            tail: Tail::new("/v1/events?kinds=session.expired,session.closed,node.deleted"),
            open: BTreeMap::new(),
            made: 0,
        }
    }

    fn listen(&mut self, client: &mut Client, goes_on: impl FnMut(&mut Client, &Tail) -> bool) {
        let open = &mut self.open;
        let (end, _) = self.tail.follow(client, goes_on, |client, frame, node| {
            hear(open, client, frame, node);
        });
        if let End::Gap(oldest) = end {
            client.note(&Op::new("gap", None, json!({"oldest": oldest})));
            self.tail.after = None;
            self.open.clear();
        }
    }
}

fn hear(open: &mut BTreeMap<String, Commit>, client: &mut Client, frame: &Frame, node: u64) {
    let data: Value = serde_json::from_str(&frame.data).unwrap_or_default();
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let index = frame.id.as_deref().unwrap_or_default();
    let index = index.split('.').next().unwrap_or_default().to_owned();
    // What is no event of a commit (a bookmark, a goodbye) ends none either.
    if !frame.event.contains('.') {
        return;
    }
    let commit = open.entry(index.clone()).or_default();
    match frame.event.as_str() {
        "session.expired" => commit.ended.push((text("session").to_owned(), "expired")),
        "session.closed" => commit.ended.push((text("session").to_owned(), "closed")),
        "node.deleted" if text("path").starts_with(PARENT) => {
            commit.paths.push(text("path").to_owned())
        }
        _ => {}
    }
    let is_end = data
        .get("commit_end")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if !is_end {
        return;
    }
    let commit = open.remove(&index).unwrap_or_default();
    let zxid: u64 = index.parse().unwrap_or(0);
    for (session, reason) in commit.ended {
        let value =
            json!({"session": session, "zxid": zxid, "reason": reason, "paths": commit.paths});
        client.note(
            &Op::new("gone", None, value)
                .with("zxid", zxid)
                .with("node", node),
        );
    }
}

impl Workload for Mourner {
    fn step(&mut self, client: &mut Client) {
        client.nodes.wander(&mut client.random);
        let cut = Instant::now() + Duration::from_millis(client.random.between(500, 5_000));
        self.listen(client, |client, _| {
            Instant::now() < cut && client.shared.stage() == Stage::Load
        });
    }

    /// Listens until the sessions that were closed at the end are told: a last one of its own comes
    /// after them.
    fn last(&mut self, client: &mut Client) {
        let began = Instant::now();
        client.shared.wait(Duration::from_secs(1));
        let run = client.shared.spec.seed & 0xffff;
        let mut target = 0;
        until(client, began, |client| {
            self.made += 1;
            let id = format!("s{run:x}-{}-{}", client.number, self.made);
            match Session::open(client, id, 1_000) {
                Some(session) => {
                    session.close(client);
                    target = client.seen;
                    true
                }
                None => false,
            }
        });
        let reads_on = move |client: &mut Client, tail: &Tail| {
            tail.position() < target
                && began.elapsed() < LAST_TIME_MAX
                && client.shared.stage() == Stage::Last
        };
        while reads_on(client, &self.tail) {
            client.nodes.wander(&mut client.random);
            self.listen(client, reads_on);
            client.shared.wait(Duration::from_millis(50));
        }
    }
}
