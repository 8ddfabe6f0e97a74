//! Watchers that follow every change, cut off at random and going on at other nodes, while others
//! write. (P-WATCH)

use std::sync::Arc;
use std::time::{Duration, Instant};

use checker::Outcome;
use serde_json::{Value, json};

use super::keys::unique;
use super::tail::{End, Tail};
use super::{LAST_TIME_MAX, Workload, until};
use crate::client::http::{Frame, Request};
use crate::client::journal::{Facts, Op};
use crate::client::outcome::Nature;
use crate::client::shared::{Shared, Stage};
use crate::client::{Asked, Client, clock};

/// What is watched.
const PREFIX: &str = "/jepsen/watch";
/// The name under which writers tell watchers how far to read at the end.
const MARKER: &str = "marker";

/// Writes, changes and removes what is watched.
pub(super) struct Writer {
    paths: u64,
    written: u64,
    place: u64,
}

impl Writer {
    /// Client number `place` as a writer.
    pub(super) fn new(shared: &Arc<Shared>, place: u64) -> Writer {
        Writer {
            paths: shared.size("paths", 5),
            written: 0,
            place,
        }
    }

    fn path(&self, client: &mut Client) -> String {
        let at = client.random.below(self.paths);
        // Some lie deeper, so that a prefix has something below it.
        if at % 3 == 2 {
            format!("{PREFIX}/deep/w{at}")
        } else {
            format!("{PREFIX}/w{at}")
        }
    }

    fn write(&mut self, client: &mut Client, f: &'static str, path: &str) -> Asked {
        self.written += 1;
        let value = unique(client.number, self.written);
        let op = Op::new(f, None, json!({"path": path, "value": value}));
        let request =
            Request::new("PUT", format!("/v1/nodes{path}?parents=1")).body(value.to_string());
        let request = if f == "create" {
            request.header("if-none-match", "*")
        } else {
            request
        };
        let asked = client.begin(&op, Nature::Write, &request);
        let asked = match asked.answer.as_ref().and_then(super::register::version) {
            Some(version) => asked.with("version", version),
            None => asked,
        };
        client.end(&op, asked.clone(), op.value.clone());
        asked
    }

    fn delete(client: &mut Client, path: &str) {
        let op = Op::new("delete", None, json!({"path": path}));
        let request = Request::new("DELETE", format!("/v1/nodes{path}"));
        let asked = client.begin(&op, Nature::Write, &request);
        client.end(&op, asked, op.value.clone());
    }
}

impl Workload for Writer {
    fn step(&mut self, client: &mut Client) {
        let path = self.path(client);
        match client.random.below(100) {
            0..76 => {
                self.write(client, "write", &path);
            }
            76..88 => {
                self.write(client, "create", &path);
            }
            _ => Writer::delete(client, &path),
        }
    }

    /// The first writer of each worker says how far there is to read.
    fn last(&mut self, client: &mut Client) {
        if self.place > 0 {
            return;
        }
        let path = format!("{PREFIX}/w0");
        until(client, Instant::now(), |client| {
            let asked = self.write(client, "write", &path);
            let zxid = asked.facts.get("zxid").and_then(Value::as_u64);
            if let Some(zxid) = zxid.filter(|_| asked.outcome == Outcome::Ok) {
                client.shared.tell(MARKER, zxid);
            }
            asked.outcome == Outcome::Ok
        });
    }
}

/// Follows the changes.
pub(super) struct Watcher {
    prefix: String,
    tail: Tail,
    initial: bool,
}

impl Watcher {
    /// Client number `place` as a watcher.
    pub(super) fn new(place: u64) -> Watcher {
        let prefix = if place % 6 == 5 {
            format!("{PREFIX}/deep")
        } else {
            PREFIX.to_owned()
        };
        let mut watcher = Watcher {
            tail: Tail::default(),
            prefix,
            initial: false,
        };
        watcher.begin_anew(place % 4 == 3);
        watcher
    }

    fn begin_anew(&mut self, initial: bool) {
        let state = if initial { "&initial=state" } else { "" };
        let kinds = "kinds=node.created,node.changed,node.deleted";
        self.tail = Tail::new(format!(
            "/v1/events?prefix={}&include=value&{kinds}{state}",
            self.prefix
        ));
        self.initial = initial;
    }

    /// One connection.
    fn watch(&mut self, client: &mut Client, goes_on: impl FnMut(&mut Client, &Tail) -> bool) {
        let initial = self.initial && self.tail.after.is_none();
        let value = json!({"prefix": self.prefix, "from": self.tail.after, "initial": initial});
        let op = Op::new("watch", None, value);
        client.invoke(&op);
        let (end, node) = self.tail.follow(client, goes_on, tell);
        let mut facts = Facts::from([
            ("door".to_owned(), "http".into()),
            ("node".to_owned(), node.into()),
        ]);
        let (outcome, error) = match &end {
            End::Cut | End::Goodbye => (Outcome::Ok, None),
            End::Broken(why) => (Outcome::Ok, Some(why.as_str().to_owned())),
            End::Refused(code) => (Outcome::Fail, Some(code.clone())),
            End::Gap(oldest) => {
                client.note(&Op::new("gap", None, json!({"oldest": oldest})).with("node", node));
                (Outcome::Fail, Some("history_compacted".to_owned()))
            }
        };
        if let Some(error) = error {
            facts.insert("error".to_owned(), error.into());
        }
        let asked = Asked {
            outcome,
            time: clock::now(),
            code: None,
            answer: None,
            facts,
        };
        client.end(&op, asked, json!({"next": self.tail.after}));
        if matches!(end, End::Gap(_)) {
            self.begin_anew(true);
        }
    }
}

/// Writes down an event of the stream.
fn tell(client: &mut Client, frame: &Frame, node: u64) {
    let is_told = ["node.", "state", "synced", "bookmark"];
    if !is_told.iter().any(|name| frame.event.starts_with(name)) {
        return;
    }
    let data: Value = serde_json::from_str(&frame.data).unwrap_or_default();
    // The state before the changes comes as whole znodes.
    let about = data.get("node").unwrap_or(&data);
    let text = about.get("value").and_then(Value::as_str);
    let number = text.map(|text| {
        text.parse::<u64>()
            .map_or_else(|_| json!(text), Value::from)
    });
    let version = about
        .get("version")
        .or_else(|| about.pointer("/stat/version"));
    let value = json!({
        "id": frame.id, "event": frame.event, "path": about.get("path"), "version": version,
        "value": number, "commit_end": data.get("commit_end").and_then(Value::as_bool).unwrap_or(false),
    });
    let mut op = Op::new("event", None, value).with("node", node);
    let id = frame.id.as_deref().and_then(|id| id.split('.').next());
    if let Some(zxid) = id.and_then(|index| index.parse::<u64>().ok()) {
        op = op.with("zxid", zxid);
    }
    client.note(&op);
}

impl Workload for Watcher {
    fn step(&mut self, client: &mut Client) {
        if client.random.chance(4) {
            let initial = client.random.chance(50);
            self.begin_anew(initial);
        }
        client.nodes.wander(&mut client.random);
        let cut = Instant::now() + Duration::from_millis(client.random.between(100, 4_000));
        self.watch(client, |client, _| {
            Instant::now() < cut && client.shared.stage() == Stage::Load
        });
    }

    /// Reads on until everything that was written has been told.
    fn last(&mut self, client: &mut Client) {
        let deadline = Instant::now() + LAST_TIME_MAX;
        let reads_on = move |client: &mut Client, tail: &Tail| {
            let marker = client.shared.told(MARKER).unwrap_or(u64::MAX);
            tail.position() < marker
                && Instant::now() < deadline
                && client.shared.stage() == Stage::Last
        };
        while reads_on(client, &self.tail) {
            client.nodes.wander(&mut client.random);
            self.watch(client, reads_on);
            client.shared.wait(Duration::from_millis(50));
        }
    }
}
