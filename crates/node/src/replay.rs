//! A log applied anew, away from any cluster: what `holdfast log` shows of each entry.
//!
//! The same steps as [`Replica`](crate::replica::Replica), without rings of events, waiters and callers;
//! `log::a_node_on_its_own_disk_shows_the_digest_it_told` in `tests/it` holds the two against each other.

use std::io;

use openraft::EntryPayload;
use openraft::entry::RaftEntry as _;
use raft_core::codec::{self, Batch};
use raft_core::command::{Request, Stamp};
use raft_core::ids::Zxid;
use raft_core::outcome::Outcome;
use raft_core::state::State;
use raft_types::snapshot::Snapshot;
use raft_types::{Entry, EntryBytes, Membership};

use crate::replica::{Undecodable, members_in};
use crate::state_machine::restore;

/// The state, at a place in the log.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    state: State,
}

/// What a log entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing: a new leader's first entry.
    Blank,
    /// A change of members.
    Members(Membership),
    /// Commands, and the time they were stamped with.
    Commands(Stamp, Vec<Request>),
}

/// One command that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The position it took.
    pub zxid: Zxid,
    /// What came of it.
    pub outcome: Outcome,
}

/// The bytes of an entry have no meaning for this version.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotDecoded(#[from] Undecodable);

impl Content {
    /// Decodes an entry.
    ///
    /// # Errors
    /// When its bytes have no meaning for this version.
    pub fn of(entry: &Entry) -> Result<Content, NotDecoded> {
        match &entry.payload {
            EntryPayload::Blank => Ok(Content::Blank),
            EntryPayload::Membership(members) => Ok(Content::Members(members.clone())),
            EntryPayload::Normal(EntryBytes(bytes)) => {
                let (batch, requests) = decode(entry.log_id().index, bytes)?;
                Ok(Content::Commands(batch.stamp, requests))
            }
        }
    }
}

/// A batch and its requests.
pub(crate) fn decode(
    index: u64,
    bytes: &bytes::Bytes,
) -> Result<(Batch, Vec<Request>), Undecodable> {
    let undecodable = |cause: String| Undecodable { index, cause };
    let batch = Batch::parse(bytes).map_err(|e| undecodable(e.to_string()))?;
    let requests: Result<Vec<Request>, Undecodable> = batch
        .requests()
        .map(|bytes| codec::decode_request(bytes).map_err(|e| undecodable(e.to_string())))
        .collect();
    requests.map(|requests| (batch, requests))
}

impl Replay {
    /// The state before the first entry of a log that begins at its beginning.
    #[must_use]
    pub fn from_the_beginning() -> Replay {
        Replay::default()
    }

    /// The state a snapshot holds. Blocking.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was written.
    pub fn from_snapshot(snapshot: &Snapshot) -> io::Result<Replay> {
        let state = restore(snapshot)?;
        Ok(Replay { state })
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Applies the next entry: what came of each of its commands.
    ///
    /// # Panics
    /// When an invariant of the state is broken, as a node would.
    pub fn apply(&mut self, content: &Content) -> Vec<Replayed> {
        match content {
            Content::Blank => Vec::new(),
            Content::Members(members) => {
                self.state.note_members(&members_in(members));
                Vec::new()
            }
            Content::Commands(stamp, requests) => requests
                .iter()
                .map(|request| {
                    let outcome = self.state.apply(*stamp, request);
                    // Not the outcome's own: that of a remembered answer is where it was first given.
                    let zxid = self.state.last_zxid();
                    Replayed { zxid, outcome }
                })
                .collect(),
        }
    }
}
