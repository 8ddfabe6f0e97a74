//! What a node's log holds, as `holdfast log -o ndjson` prints it: read, not judged.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The log of one node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeLog {
    /// The node.
    pub node: u64,
    /// The last entry that was purged; what came before it is in a snapshot alone.
    pub purged: Option<u64>,
    /// The last entry of the snapshot that applying began with; `None`: the empty state.
    pub from_snapshot: Option<u64>,
    /// The snapshots beside the log.
    pub snapshots: Vec<Snapshot>,
    /// Entries, in order.
    pub entries: Vec<Entry>,
    /// The last entry this node had written down as committed.
    pub committed: Option<u64>,
    /// Damage, in words.
    pub problem: Option<String>,
    /// Whether the last line is there: without it the rest may be missing too.
    pub ended: bool,
}

/// A snapshot beside a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// The last entry in it.
    #[serde(default)]
    pub index: Option<u64>,
    /// Position of its state.
    #[serde(default)]
    pub zxid: Option<u64>,
    /// Of its state.
    #[serde(default)]
    pub digest: Option<String>,
    /// Why it could not be read.
    #[serde(default)]
    pub problem: Option<String>,
}

/// A log entry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Entry {
    /// Its place.
    pub index: u64,
    /// Its leader's term.
    pub term: u64,
    /// Of its bytes.
    pub hash: String,
    /// Whether this node knew that it is committed.
    #[serde(default)]
    pub committed: bool,
    /// Commands in it.
    #[serde(default)]
    pub commands: Vec<Command>,
    /// Position after it; absent where it was not applied.
    #[serde(default)]
    pub zxid: Option<u64>,
    /// Of the state after it.
    #[serde(default)]
    pub digest: Option<String>,
}

/// A command: what was asked, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Command {
    /// Names one request of one process for ever.
    pub request: String,
    /// What was asked, also where it stands inside a multi.
    #[serde(flatten)]
    pub op: Op,
    /// Fences it stands under.
    pub fences: Vec<Value>,
    /// `applied` or `refused`; absent where it was not applied anew.
    pub outcome: Option<String>,
    /// Why it was refused.
    pub code: Option<String>,
    /// Its position.
    pub zxid: Option<u64>,
    /// Position of the first answer, where this one is the remembered one.
    pub answered_before: Option<u64>,
    /// Whether it made the session or claim, and did not find it there.
    pub created: Option<bool>,
    /// Fence of the claim.
    pub fence: Option<u64>,
    /// Operations of a multi.
    pub ops: Vec<Op>,
    /// Of a transaction: the steps of each branch, and which was taken.
    pub then: Vec<Op>,
    /// See `then`.
    pub otherwise: Option<Vec<Op>>,
    /// See `then`.
    pub branch: Option<String>,
    /// Number of changes.
    pub events: u64,
    /// The changes.
    pub changes: Vec<Change>,
    /// A session's name.
    pub name: Option<String>,
    /// Number of the session that is open now.
    pub opened: Option<u64>,
    /// A session's lock delay.
    pub lock_delay_ms: Option<u64>,
    /// Permits in all, as this claim understands it.
    pub limit: Option<u64>,
}

/// An operation.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Op {
    /// Which: `create`, `set`, `put`, `delete`, `acquire`, …
    pub command: String,
    /// The znode.
    pub path: Option<String>,
    /// The lock.
    pub lock: Option<String>,
    /// The claim.
    pub claim: Option<String>,
    /// The data.
    pub data: Option<Data>,
    /// The version it expects.
    pub expect: Option<i64>,
    /// Whether a number is appended to the path.
    pub sequential: bool,
}

/// A value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Data {
    /// As text, where it is one.
    pub text: Option<String>,
    /// Whether only its beginning is here.
    pub cut: bool,
}

/// One thing that changed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Change {
    /// What: `node.created`, `lock.granted`, …
    pub event: String,
    /// The znode.
    pub path: Option<String>,
    /// Its version afterwards.
    pub version: Option<i64>,
    /// The lock.
    pub lock: Option<String>,
    /// The claim.
    pub claim: Option<String>,
    /// Its fence.
    pub fence: Option<u64>,
    /// The session that owns the claim or the ephemeral.
    pub owner: Option<u64>,
    /// How the claim has the lock.
    pub mode: Option<Value>,
    /// How the claim ended.
    pub how: Option<String>,
    /// Whether it had waited.
    pub handed_over: bool,
    /// The session.
    pub session: Option<u64>,
    /// Its name.
    pub name: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "line", rename_all = "lowercase")]
enum Line {
    Begin {
        node: u64,
        purged: Option<u64>,
        from_snapshot: Option<u64>,
        snapshots: Vec<Snapshot>,
    },
    Entry(Box<Entry>),
    End {
        committed: Option<u64>,
        #[serde(default)]
        problem: Option<String>,
    },
}

impl NodeLog {
    /// Reads the output of `holdfast log -o ndjson`.
    ///
    /// # Errors
    /// The first line that is none of it, by its number from 1.
    pub fn parse(text: &str) -> Result<NodeLog, String> {
        let mut log = NodeLog::default();
        for (number, line) in text.lines().enumerate() {
            let line = serde_json::from_str(line)
                .map_err(|error| format!("line {}: {error}", number.saturating_add(1)))?;
            match line {
                Line::Begin {
                    node,
                    purged,
                    from_snapshot,
                    snapshots,
                } => {
                    log.node = node;
                    log.purged = purged;
                    log.from_snapshot = from_snapshot;
                    log.snapshots = snapshots;
                }
                Line::Entry(entry) => log.entries.push(*entry),
                Line::End { committed, problem } => {
                    log.committed = committed;
                    log.problem = problem;
                    log.ended = true;
                }
            }
        }
        Ok(log)
    }

    /// Entries by index.
    pub(crate) fn by_index(&self) -> BTreeMap<u64, &Entry> {
        self.entries.iter().map(|e| (e.index, e)).collect()
    }
}

impl Command {
    /// Whether it changed what it asked for, now.
    pub(crate) fn is_applied(&self) -> bool {
        self.outcome.as_deref() == Some("applied") && self.answered_before.is_none()
    }

    /// The operations that were done: one, those of a multi, or those of the branch taken.
    pub(crate) fn done(&self) -> Vec<&Op> {
        match self.op.command.as_str() {
            "multi" => self.ops.iter().collect(),
            "txn" if self.branch.as_deref() == Some("otherwise") => {
                self.otherwise.iter().flatten().collect()
            }
            "txn" => self.then.iter().collect(),
            _ => vec![&self.op],
        }
    }
}

/// The last part of a path.
pub(crate) fn tail(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
