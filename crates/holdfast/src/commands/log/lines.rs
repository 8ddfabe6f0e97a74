//! The lines of `holdfast log`: one JSON object each. `docs/operating/recover.md` describes them.

use node::{Content, Replayed};
use raft_core::command::Request;
use raft_core::state::State;
use raft_types::{LogId, Vote};
use serde::Serialize;
use serde_json::{Map, Value, json};
use storage::{OfflineDirectory, Positions, StoredEntry, TornTail};

use super::base::Read;
use super::{change, command};

/// Any line; `line` says which.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "line", rename_all = "lowercase")]
pub(super) enum Line {
    Begin(Begin),
    Entry(Entry),
    End(End),
}

/// The first line: whose log, and what applying it begins with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Begin {
    node: u64,
    cluster: Option<String>,
    /// The last entry that was purged.
    purged: Option<u64>,
    /// The last entry in the snapshot applying begins with; absent: with the empty state.
    from_snapshot: Option<u64>,
    snapshots: Vec<Value>,
}

/// A log entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Entry {
    pub(super) index: u64,
    pub(super) term: u64,
    pub(super) kind: &'static str,
    /// Whether this node had written down that it is committed. `false`: not known here.
    pub(super) committed: bool,
    /// Of the record on disk.
    hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) commands: Vec<Map<String, Value>>,
    /// Position after the entry; absent where it could not be applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) zxid: Option<u64>,
    /// Of the state after the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct End {
    pub(super) last: Option<Value>,
    pub(super) purged: Option<u64>,
    /// The last entry this node had written down as committed.
    pub(super) committed: Option<u64>,
    vote: Option<Value>,
    pub(super) zxid: Option<u64>,
    pub(super) digest: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) torn_tails: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

fn index(id: LogId) -> u64 {
    id.index
}

fn digest(state: &State) -> String {
    format!("{:032x}", state.digest())
}

impl Begin {
    pub(super) fn of(
        directory: &OfflineDirectory,
        positions: &Positions,
        snapshots: &[Read],
        from_snapshot: Option<u64>,
    ) -> Begin {
        let identity = directory.identity();
        Begin {
            node: identity.node_id,
            cluster: identity.cluster_id.map(|id| id.to_string()),
            purged: positions.purged.map(index),
            from_snapshot,
            snapshots: snapshots.iter().map(snapshot).collect(),
        }
    }
}

fn snapshot(read: &Read) -> Value {
    let id = read.file.last_log_id;
    let (index, term) = (id.map(index), id.map(|id| *id.leader_id));
    match &read.replay {
        Ok(replay) => {
            let state = replay.state();
            let counts = state.counts();
            json!({
                "index": index, "term": term, "zxid": state.last_zxid().0, "digest": digest(state),
                "znodes": counts.znodes, "sessions": counts.sessions, "locks": counts.locks,
            })
        }
        Err(problem) => json!({"index": index, "term": term, "problem": problem}),
    }
}

impl Entry {
    /// `applied`: what came of it and the state afterwards, where that is known.
    pub(super) fn of(
        stored: &StoredEntry,
        content: &Content,
        applied: Option<(Vec<Replayed>, &State)>,
        committed: Option<u64>,
    ) -> Entry {
        let id = stored.entry.log_id;
        let (kind, members, at, requests): (_, _, _, &[Request]) = match content {
            Content::Blank => ("blank", None, None, &[]),
            Content::Members(members) => ("membership", Some(change::members(members)), None, &[]),
            Content::Commands(stamp, requests) => {
                let at = json!({"log_ms": stamp.log_time.0, "wall_ms": stamp.wall.0});
                ("commands", None, Some(at), requests)
            }
        };
        let (outcomes, state) = applied.unzip();
        let outcomes = outcomes.unwrap_or_default();
        let mut outcomes = outcomes.iter();
        let commands = requests
            .iter()
            .map(|request| command::line(request, outcomes.next()))
            .collect();
        Entry {
            index: id.index,
            term: *id.leader_id,
            kind,
            committed: committed.is_some_and(|committed| id.index <= committed),
            hash: format!("{:032x}", stored.hash),
            members,
            at,
            commands,
            zxid: state.map(|state| state.last_zxid().0),
            digest: state.map(digest),
        }
    }
}

impl End {
    pub(super) fn of(
        last: Option<(u64, u64)>,
        positions: Positions,
        state: Option<&State>,
        torn: &[TornTail],
        problem: Option<String>,
    ) -> End {
        let vote = |vote: Vote| {
            json!({"term": vote.leader_id.term, "node": vote.leader_id.voted_for,
                   "committed": vote.committed})
        };
        let tail = |tail: &TornTail| json!({"file": tail.file.display().to_string(), "at": tail.at, "bytes": tail.bytes});
        End {
            last: last.map(|(index, term)| json!({"index": index, "term": term})),
            purged: positions.purged.map(index),
            committed: positions.committed.map(index),
            vote: positions.vote.map(vote),
            zxid: state.map(|state| state.last_zxid().0),
            digest: state.map(digest),
            torn_tails: torn.iter().map(tail).collect(),
            problem,
        }
    }
}
