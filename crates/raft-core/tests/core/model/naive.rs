//! The tree written the plain way: a map from path text to node, searched from end to end. It
//! shares no code with the state machine and knows nothing of indices, digests or sharing.

mod members;

use std::collections::{BTreeMap, BTreeSet};

use super::quota;

/// What a random operation asks.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Create {
        path: String,
        data: u8,
        kind: Kind,
        sequential: bool,
        parents: bool,
    },
    Delete {
        path: String,
        expect: Option<i32>,
    },
    Set {
        path: String,
        data: u8,
        expect: Option<i32>,
    },
    Put {
        path: String,
        data: u8,
        expect: Option<i32>,
        kind: Kind,
        parents: bool,
    },
    Check {
        path: String,
        expect: Option<i32>,
    },
    /// A put of the znode that sets a quota, with its parents.
    Limit {
        subject: String,
        znodes: Option<u64>,
        bytes: Option<u64>,
    },
    /// A put of the znode that shows the usage of a quota, with its parents.
    Show {
        subject: String,
    },
    /// A delete of the znode that sets a quota.
    Unlimit {
        subject: String,
    },
}

/// What an operation with this number writes: nothing to three bytes.
pub(crate) fn written(data: u8) -> Vec<u8> {
    vec![data; usize::from(data % 4)]
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Persistent,
    Ephemeral,
    Container,
    Ttl(u64),
}

/// The name of a refusal, or what was done in words.
pub(crate) type Verdict = Result<String, String>;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// `None` is null.
    pub(crate) data: Option<Vec<u8>>,
    pub(crate) kind: Kind,
    pub(crate) owner: u64,
    pub(crate) version: i32,
    pub(crate) creates: i32,
    pub(crate) zxids: [u64; 3],
    pub(crate) mtime: u64,
    /// Since when a container is empty, or a TTL node unwritten; log time.
    since: u64,
    used: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) zxid: u64,
    pub(crate) time: u64,
    pub(crate) sessions: BTreeSet<u64>,
    /// Members: whether they vote, whether they have a port for ZooKeeper clients.
    members: BTreeMap<u64, (bool, bool)>,
    pub(crate) config: String,
}

impl Model {
    pub(crate) fn new() -> Model {
        let mut model = Model::default();
        for path in ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"] {
            model.put_node(path, Some(Vec::new()), Kind::Persistent, 0);
        }
        for node in model.nodes.values_mut() {
            node.creates = 0;
        }
        model.nodes.get_mut("/zookeeper/config").unwrap().version = -1;
        model
    }

    pub(crate) fn children(&self, path: &str) -> Vec<String> {
        let is_child = |other: &&String| *other != path && parent(other) == path;
        self.nodes.keys().filter(is_child).cloned().collect()
    }

    pub(crate) fn one(&mut self, session: Option<u64>, op: &Op) -> Verdict {
        let verdict = self.plain(session, op);
        self.show_usage();
        verdict
    }

    fn plain(&mut self, session: Option<u64>, op: &Op) -> Verdict {
        let data = |data: &u8| Some(written(*data));
        match op {
            Op::Create {
                path,
                data: byte,
                kind,
                sequential,
                parents,
            } => self.create(session, path, (data(byte), *kind), (*sequential, *parents)),
            Op::Delete { path, expect } => self.delete(path, *expect),
            Op::Set {
                path,
                data: byte,
                expect,
            } => self.set(path, data(byte), *expect),
            Op::Put {
                path,
                data: byte,
                expect,
                kind,
                parents,
            } => {
                if *kind == Kind::Ephemeral && session.is_none() {
                    return refuse("SessionRequired");
                }
                if self.nodes.contains_key(path) || expect.is_some() {
                    self.set(path, data(byte), *expect)
                } else {
                    self.create(session, path, (data(byte), *kind), (false, *parents))
                }
            }
            Op::Check { path, expect } => {
                self.version(path, *expect)?;
                Ok("checked".to_owned())
            }
            Op::Limit {
                subject,
                znodes,
                bytes,
            } => self.put_system(&quota::limits(subject), &quota::text(*znodes, *bytes)),
            Op::Show { subject } => self.put_system(&quota::stats(subject), "shown"),
            Op::Unlimit { subject } => self.delete(&quota::limits(subject), None),
        }
    }

    fn put_system(&mut self, path: &str, text: &str) -> Verdict {
        let data = Some(text.as_bytes().to_vec());
        if self.nodes.contains_key(path) {
            self.set(path, data, None)
        } else {
            self.create(None, path, (data, Kind::Persistent), (false, true))
        }
    }

    pub(crate) fn multi(&mut self, session: Option<u64>, ops: &[Op]) -> Verdict {
        let before = self.clone();
        let mut done = Vec::new();
        for (index, op) in ops.iter().enumerate() {
            match self.one(session, op) {
                Ok(text) => done.push(text),
                Err(name) => {
                    *self = before;
                    return Err(format!("MultiFailed {index} {name}"));
                }
            }
        }
        Ok(done.join(" | "))
    }

    fn create(
        &mut self,
        session: Option<u64>,
        path: &str,
        (data, kind): (Option<Vec<u8>>, Kind),
        (sequential, parents): (bool, bool),
    ) -> Verdict {
        if kind == Kind::Ephemeral && session.is_none() {
            return refuse("SessionRequired");
        }
        let mut missing = Vec::new();
        let mut up = parent(path);
        while !self.nodes.contains_key(&up) {
            missing.push(up.clone());
            up = parent(&up);
        }
        if !missing.is_empty() && !parents {
            return refuse("NoNode");
        }
        let sequence = self.nodes.get(&parent(path)).map_or(0, |node| node.creates);
        let path = if sequential {
            format!("{path}{sequence:010}")
        } else {
            path.to_owned()
        };
        if self.nodes.contains_key(&path) {
            return refuse("NodeExists");
        }
        if self.nodes[&up].owner != 0 {
            return refuse("NoChildrenForEphemerals");
        }
        let before = self.clone();
        for path in missing.iter().rev() {
            self.put_node(path, Some(Vec::new()), Kind::Persistent, 0);
        }
        let owner = if kind == Kind::Ephemeral {
            session.unwrap()
        } else {
            0
        };
        self.put_node(&path, data, kind, owner);
        if before.forbids(self) {
            *self = before;
            return refuse("QuotaExceeded");
        }
        Ok(format!("created {path}"))
    }

    fn put_node(&mut self, path: &str, data: Option<Vec<u8>>, kind: Kind, owner: u64) {
        let zxids = [self.zxid; 3];
        let (since, used) = (self.time, false);
        let node = Node {
            data,
            kind,
            owner,
            version: 0,
            creates: 0,
            zxids,
            mtime: self.time,
            since,
            used,
        };
        if let Some(above) = self.nodes.get_mut(&parent(path)) {
            above.creates += 1;
            above.zxids[2] = self.zxid;
            above.used = true;
        }
        self.nodes.insert(path.to_owned(), node);
    }

    fn version(&self, path: &str, expect: Option<i32>) -> Result<&Node, String> {
        let Some(node) = self.nodes.get(path) else {
            return Err("NoNode".to_owned());
        };
        if expect.is_some_and(|version| version != node.version) {
            return Err("BadVersion".to_owned());
        }
        Ok(node)
    }

    fn delete(&mut self, path: &str, expect: Option<i32>) -> Verdict {
        if matches!(path, "/" | "/zookeeper" | "/zookeeper/quota") {
            return refuse("BadArguments");
        }
        if !self.nodes.contains_key(&parent(path)) {
            return refuse("NoNode");
        }
        self.version(path, expect)?;
        if !self.children(path).is_empty() {
            return refuse("NotEmpty");
        }
        self.remove(path);
        Ok("deleted".to_owned())
    }

    fn remove(&mut self, path: &str) {
        self.nodes.remove(path);
        let above = self.nodes.get_mut(&parent(path)).unwrap();
        above.zxids[2] = self.zxid;
        if above.kind == Kind::Container {
            above.since = self.time;
        }
    }

    fn set(&mut self, path: &str, data: Option<Vec<u8>>, expect: Option<i32>) -> Verdict {
        self.version(path, None)?;
        let mut after = self.clone();
        after.nodes.get_mut(path).unwrap().data.clone_from(&data);
        if self.forbids(&after) {
            return refuse("QuotaExceeded");
        }
        self.version(path, expect)?;
        let (zxid, time) = (self.zxid, self.time);
        let node = self.nodes.get_mut(path).unwrap();
        node.data = data;
        node.version += 1;
        node.zxids[1] = zxid;
        node.mtime = time;
        if matches!(node.kind, Kind::Ttl(_)) {
            node.since = time;
        }
        Ok(format!("set v{}", node.version))
    }

    pub(crate) fn delete_subtree(&mut self, path: &str, max: usize) -> Verdict {
        if matches!(path, "/" | "/zookeeper" | "/zookeeper/quota") {
            return refuse("BadArguments");
        }
        if !self.nodes.contains_key(path) {
            return refuse("NoNode");
        }
        let prefix = format!("{path}/");
        let below = |other: &&String| *other == path || other.starts_with(&prefix);
        let mut found: Vec<String> = self.nodes.keys().filter(below).cloned().collect();
        if found.len() > max {
            return refuse("NotEmpty");
        }
        found.sort_by_key(|path| std::cmp::Reverse(path.len()));
        for path in &found {
            self.remove(path);
        }
        self.show_usage();
        Ok(format!("deleted {}", found.len()))
    }

    pub(crate) fn end_session(&mut self, session: u64) {
        self.sessions.remove(&session);
        let owned: Vec<String> = self
            .nodes
            .iter()
            .filter(|(_, n)| n.owner == session)
            .map(|(p, _)| p.clone())
            .collect();
        for path in owned {
            self.remove(&path);
        }
        self.show_usage();
    }

    /// Removes what is due until nothing is.
    pub(crate) fn expire_due(&mut self) {
        loop {
            let is_due = |(path, node): &(&String, &Node)| {
                let after = match node.kind {
                    Kind::Persistent | Kind::Ephemeral => return false,
                    Kind::Ttl(ms) => ms,
                    Kind::Container if node.used => 60_000,
                    Kind::Container => 300_000,
                };
                self.children(path).is_empty() && self.time >= node.since + after
            };
            let Some((path, _)) = self.nodes.iter().find(is_due) else {
                return;
            };
            let path = path.clone();
            self.remove(&path);
            self.show_usage();
        }
    }
}

fn refuse(name: &str) -> Verdict {
    Err(name.to_owned())
}

fn parent(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((parent, _)) => parent.to_owned(),
    }
}
