//! Runs scripts against servers.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::client::Client;
use super::encode::put_buffer;
use super::layout::{Unreadable, Walk, granted};
use super::names::{Names, PASSWORD_BYTES};
use super::ops;
use super::record::{Entry, Transcript};
use super::script::{Act, Ask, Connect, Password, Script, Session, Step};
use super::settle::{self, Helper};
use crate::zookeeper::Wire;

/// Numbers with a meaning.
const XID_PING: i32 = -2;
const XID_AUTH: i32 = -4;
const OP_PING: i32 = 11;
const OP_AUTH: i32 = 100;
const OP_CLOSE: i32 = -11;

/// Asks servers what scripts say.
#[derive(Debug)]
pub struct Runner {
    servers: Vec<SocketAddr>,
    helpers: Vec<Helper>,
    names: Names,
    clients: BTreeMap<String, Client>,
}

impl Runner {
    /// Of the nodes of one cluster.
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>) -> Runner {
        let helpers = servers
            .iter()
            .map(|address| Helper::open(*address))
            .collect();
        Runner {
            servers,
            helpers,
            names: Names::default(),
            clients: BTreeMap::new(),
        }
    }

    /// Runs one script, and closes every session it has opened.
    ///
    /// With a transcript it should be like, a step that takes other zxids than there is seen at that step, and
    /// not again at all that follow.
    pub fn run(&mut self, script: &Script, like: Option<&Transcript>) -> Transcript {
        let base = self.current();
        self.names.begin(base);
        let mut entries = Vec::new();
        for (at, step) in script.steps.iter().enumerate() {
            let entry = self.step(step);
            if let Some(like) = like.and_then(|like| like.entries.get(at))
                && like.now != entry.now
            {
                let now = self.current();
                self.names.correct(now, entry.now - like.now);
            }
            entries.push(entry);
        }
        self.close_all();
        Transcript {
            script: script.name.clone(),
            entries,
        }
    }

    /// Every node is as current as the cluster; its zxid.
    fn current(&mut self) -> i64 {
        let zxids = self.helpers.iter_mut().map(Helper::current);
        zxids.max().expect("a server")
    }

    fn step(&mut self, step: &Step) -> Entry {
        let mut entry = Entry::new(&step.text);
        let done = match &step.act {
            Act::Connect(connect) => self.connect(&step.client, connect, &mut entry),
            Act::Cut => self.client(&step.client).map(|client| client.wire = None),
            Act::Bytes(bytes) => self.send_bytes(&step.client, bytes, &mut entry),
            Act::Ask(ask) => self.ask(&step.client, ask, &mut entry),
        };
        if let Err(why) = done {
            panic!("{}: {why}", step.text);
        }
        let now = self.current();
        entry.now = self.names.distance(now);
        self.settle(&mut entry);
        entry
    }

    fn client(&mut self, name: &str) -> Result<&mut Client, String> {
        let client = self.clients.get_mut(name);
        client.ok_or_else(|| format!("{name} has never been connected"))
    }

    fn connect(&mut self, name: &str, how: &Connect, entry: &mut Entry) -> Result<(), String> {
        self.replace(name, how);
        let frame = self.connect_frame(how)?;
        let before = self.current();
        let node = (how.node - 1) % self.servers.len();
        let mut wire = Wire::open(self.servers[node]).map_err(|error| error.to_string())?;
        let mut walk = Walk::new(&frame, &mut self.names);
        let read = walk.handshake(true).and_then(|()| walk.finish());
        let (bytes, words) = read.map_err(|Unreadable| "a connect request is unreadable")?;
        entry.frame(name, '>', &words, &bytes);
        let _ = wire.send(&frame);
        let answer = wire.frame();
        let is_taken_up = !matches!(how.session, Session::Number(0));
        if is_taken_up {
            let after = self.current();
            assert!(
                after <= before + 1,
                "taking up a session took {} zxids",
                after - before
            );
            self.names.skip(before + 1, after);
        }
        let mut client = Client::new(node);
        match answer {
            Ok(answer) => {
                let (session, password) = granted(&answer).ok_or("a short answer")?;
                self.names.opened(session, password);
                (client.session, client.password) = (session, password);
                client.wire = Some(wire);
                let mut walk = Walk::new(&answer, &mut self.names);
                match walk.handshake(false).and_then(|()| walk.finish()) {
                    Ok((bytes, words)) => entry.frame(name, '<', &words, &bytes),
                    Err(Unreadable) => entry.frame(name, '<', "unreadable", &answer),
                }
            }
            Err(error) => entry.note(name, settle::end(&error)),
        }
        self.clients.insert(name.to_owned(), client);
        Ok(())
    }

    fn connect_frame(&self, how: &Connect) -> Result<Vec<u8>, String> {
        let of = |name: &String| {
            let client = self.clients.get(name);
            client.ok_or_else(|| format!("{name} has never been connected"))
        };
        let session = match &how.session {
            Session::Number(number) => *number,
            Session::OfClient(name) => of(name)?.session,
        };
        let password = match &how.password {
            Password::Zeros => Some(vec![0; PASSWORD_BYTES]),
            Password::Null => None,
            Password::Wrong => Some(vec![7; PASSWORD_BYTES]),
            Password::Short => Some(vec![7; 3]),
            Password::OfClient(name) => Some(of(name)?.password.to_vec()),
        };
        let mut frame = Vec::new();
        frame.extend_from_slice(&how.version.to_be_bytes());
        frame.extend_from_slice(&self.zxid_word(&how.seen)?.to_be_bytes());
        frame.extend_from_slice(&how.timeout.to_be_bytes());
        frame.extend_from_slice(&session.to_be_bytes());
        put_buffer(&mut frame, password.as_deref());
        frame.extend(how.read_only);
        Ok(frame)
    }

    /// `+5`, `-3`: so far from where the script began; `seen=A`: what this client has seen.
    fn zxid_word(&self, word: &str) -> Result<i64, String> {
        if let Some(name) = word.strip_prefix("seen=") {
            let client = self.clients.get(name);
            return client
                .map(|client| client.seen)
                .ok_or_else(|| format!("{name}: who?"));
        }
        if word.starts_with(['+', '-']) && word != "-1" {
            let distance: i64 = word.parse().map_err(|error| format!("{word}: {error}"))?;
            return Ok(self.names.at(distance));
        }
        super::token::number(word)
    }

    fn ask(&mut self, name: &str, ask: &Ask, entry: &mut Entry) -> Result<(), String> {
        let last_xid = self.client(name)?.last_xid;
        let xid = ask.xid.unwrap_or(match ask.code {
            OP_PING => XID_PING,
            OP_AUTH => XID_AUTH,
            _ => last_xid.wrapping_add(1),
        });
        let payload = ask.payload(xid, &|word| self.zxid_word(word))?;
        self.show_request(name, ask.code, &payload, entry);
        let client = self.client(name)?;
        if !matches!(ask.code, OP_PING | OP_AUTH) {
            client.last_xid = xid;
        }
        // ZooKeeper answers every ping as if it had the number of one.
        let answered_as = if ask.code == OP_PING { XID_PING } else { xid };
        client.asked.push_back((answered_as, ask.code));
        client.held_back.push(payload);
        if !ask.is_held_back {
            client.send();
            self.hear(name, entry);
        }
        Ok(())
    }

    fn send_bytes(&mut self, name: &str, bytes: &[u8], entry: &mut Entry) -> Result<(), String> {
        entry.frame(name, '>', "bytes", bytes);
        let client = self.client(name)?;
        if let Some(wire) = &mut client.wire {
            let _ = wire.send_unframed(bytes);
            // Whatever it is, an answer or the end comes of it.
            client.asked.push_back((0, 0));
            self.hear(name, entry);
        }
        Ok(())
    }

    /// Requests are the same in every run but for zxids in them.
    fn show_request(&mut self, name: &str, code: i32, payload: &[u8], entry: &mut Entry) {
        let op = ops::by_code(code);
        let layout = op.map_or("", |op| op.request);
        let mut walk = Walk::new(payload, &mut self.names);
        let header = walk.int().and_then(|_| walk.int());
        // What is cut off, or goes on, is shown as far as it is there.
        let _ = header.and_then(|_| walk.fields(layout));
        let _ = walk.rest();
        let bytes = if layout.contains('x') {
            walk.bytes
        } else {
            payload.to_vec()
        };
        let words = op.map_or("no known operation", |op| op.name);
        entry.frame(name, '>', words, &bytes);
    }

    /// Everything until all requests of a client are answered. The answer to a proof of identity may
    /// overtake others, in any run of any server: it is shown behind them.
    fn hear(&mut self, name: &str, entry: &mut Entry) {
        let Some(client) = self.clients.get_mut(name) else {
            return;
        };
        let mut about_identity = Vec::new();
        let mut end = None;
        while end.is_none() && client.asked.len() > about_identity.len() {
            match client.frame() {
                Ok(frame) if frame.starts_with(&XID_AUTH.to_be_bytes()) => {
                    about_identity.push(frame);
                }
                Ok(frame) => client.show(name, &frame, &mut self.names, entry),
                Err(what) => end = Some(what),
            }
        }
        for frame in about_identity {
            client.show(name, &frame, &mut self.names, entry);
        }
        if let Some(what) = end {
            client.asked.clear();
            entry.note(name, what);
        }
    }

    /// Everything that has been sent to anybody: a ping is answered behind it.
    fn settle(&mut self, entry: &mut Entry) {
        for (name, client) in &mut self.clients {
            if !client.held_back.is_empty() {
                continue;
            }
            let Some(wire) = &mut client.wire else {
                continue;
            };
            let _ = wire.send(&settle::ping());
            loop {
                match client.frame() {
                    Ok(frame) if settle::is_pong(&frame) => break,
                    Ok(frame) => client.show(name, &frame, &mut self.names, entry),
                    Err(what) => {
                        client.asked.clear();
                        entry.note(name, what);
                        break;
                    }
                }
            }
        }
    }

    /// A client that begins anew leaves no session behind.
    fn replace(&mut self, name: &str, how: &Connect) {
        if matches!(&how.session, Session::OfClient(other) if other == name) {
            return;
        }
        if let Some(old) = self.clients.remove(name) {
            let is_shared = |other: &Client| other.session == old.session;
            if !self.clients.values().any(is_shared) {
                self.close(&old);
            }
        }
    }

    /// Nothing may end by itself while a script runs: each end takes a zxid.
    fn close_all(&mut self) {
        for client in std::mem::take(&mut self.clients).into_values() {
            self.close(&client);
        }
    }

    fn close(&mut self, client: &Client) {
        if client.session == 0 {
            return;
        }
        let before = self.current();
        let how = Connect {
            node: client.node,
            version: 0,
            seen: "0".to_owned(),
            timeout: 30_000,
            session: Session::Number(client.session),
            password: Password::Zeros,
            read_only: None,
        };
        let mut frame = self.connect_frame(&how).expect("a connect request");
        frame.truncate(frame.len() - PASSWORD_BYTES);
        frame.extend_from_slice(&client.password);
        let mut wire = Wire::open(self.servers[client.node]).expect("a connection");
        wire.send(&frame).expect("send");
        let answer = wire.frame().expect("an answer");
        let after = self.current();
        self.names.skip(before + 1, after);
        if granted(&answer).is_some_and(|(session, _)| session != 0) {
            let close = [1_i32.to_be_bytes(), OP_CLOSE.to_be_bytes()].concat();
            wire.send(&close).expect("send");
            let _ = wire.frame().expect("an answer to the close");
        }
    }
}
