//! Replacing everything by a snapshot, on a running cluster.
//!
//! The snapshot goes through the log in parts, then one command puts it in force on every node at
//! the same position. Until that command nothing that a client can see has changed, so whatever
//! breaks before it did not happen.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use raft_core::command::{Command, RestoreStep};
use raft_core::ids::Zxid;
use raft_core::limits::RESTORE_PART_BYTES_MAX;
use raft_core::outcome::{Refusal, Reply, Restored};
use tokio::time::timeout;

use crate::Node;
use crate::error::{NotApplied, ProposeError, Unknown};
use crate::proposal::Draft;

/// How long one part may take to be replicated.
const PART_DEADLINE: Duration = Duration::from_secs(30);
/// How long the content may stand still. Shorter than
/// [`RESTORE_IDLE_MS`](raft_core::limits::RESTORE_IDLE_MS), so that it is told as what it is.
const CONTENT_IDLE: Duration = Duration::from_secs(30);

/// Why nothing was restored, or why nobody can say.
#[derive(Debug, thiserror::Error)]
pub enum RestoreFailure {
    /// The snapshot did not arrive whole. Nothing was replaced.
    #[error("the snapshot did not arrive whole: {0}")]
    Content(io::Error),
    /// The cluster refused. Nothing was replaced.
    #[error(transparent)]
    Refused(Refusal),
    /// The cluster could not take it. Nothing was replaced.
    #[error(transparent)]
    NotApplied(NotApplied),
    /// The last command, which replaces everything, may or may not have happened.
    #[error(transparent)]
    Unknown(Unknown),
}

impl Node {
    /// Replaces the state of the whole cluster by the snapshot that `content` streams: tree and lock
    /// settings come back, every session ends, and the zxid goes beyond all handed out before.
    /// `replace`: also when the cluster holds data. `deadline` bounds the last command, which every
    /// node works on for about as long as it takes to start from a snapshot of this size.
    ///
    /// Not cancel safe: a dropped call may or may not have replaced the state; an upload left behind
    /// is dropped by the cluster.
    ///
    /// # Errors
    /// See [`RestoreFailure`].
    pub async fn restore<S>(
        &self,
        content: S,
        replace: bool,
        deadline: Duration,
    ) -> Result<Restored, RestoreFailure>
    where
        S: Stream<Item = io::Result<Bytes>> + Unpin,
    {
        let begun = self
            .restore_step(RestoreStep::Begin { replace }, PART_DEADLINE)
            .await
            .map_err(before_the_last)?;
        let Reply::RestoreStaged { upload, .. } = begun else {
            return Err(unexpected());
        };
        let finished = match self.send_parts(upload, content).await {
            Ok(()) => {
                self.restore_step(RestoreStep::Finish { upload }, deadline)
                    .await
            }
            Err(failure) => Err(failure),
        };
        match finished {
            Ok(Reply::Restored(restored)) => Ok(restored),
            Ok(_) => Err(unexpected()),
            Err(failure @ RestoreFailure::Unknown(_)) => Err(failure),
            Err(failure) => {
                // If this fails too, the cluster drops the upload by itself when it stands still.
                let abandon = RestoreStep::Abandon { upload };
                let _ = self.restore_step(abandon, PART_DEADLINE).await;
                Err(failure)
            }
        }
    }

    async fn send_parts<S>(&self, upload: Zxid, mut content: S) -> Result<(), RestoreFailure>
    where
        S: Stream<Item = io::Result<Bytes>> + Unpin,
    {
        let mut offset = 0;
        let mut collected = BytesMut::new();
        loop {
            let piece = timeout(CONTENT_IDLE, content.next())
                .await
                .map_err(|_| RestoreFailure::Content(io::ErrorKind::TimedOut.into()))?;
            let ended = piece.is_none();
            if let Some(piece) = piece {
                collected.extend_from_slice(&piece.map_err(RestoreFailure::Content)?);
            }
            while collected.len() >= RESTORE_PART_BYTES_MAX || (ended && !collected.is_empty()) {
                let length = collected.len().min(RESTORE_PART_BYTES_MAX);
                let bytes = collected.split_to(length).freeze();
                let part = RestoreStep::Part {
                    upload,
                    offset,
                    bytes,
                };
                self.restore_step(part, PART_DEADLINE)
                    .await
                    .map_err(before_the_last)?;
                offset = offset.saturating_add(length as u64);
            }
            if ended {
                return Ok(());
            }
        }
    }

    async fn restore_step(
        &self,
        step: RestoreStep,
        deadline: Duration,
    ) -> Result<Reply, RestoreFailure> {
        let draft = Draft::internal(Command::Restore(step));
        let outcome = self.propose(draft, deadline).await;
        match outcome.map(|outcome| outcome.result) {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(refusal)) => Err(RestoreFailure::Refused(refusal)),
            Err(ProposeError::NotApplied(error)) => Err(RestoreFailure::NotApplied(error)),
            Err(ProposeError::Unknown(unknown)) => Err(RestoreFailure::Unknown(unknown)),
        }
    }
}

/// A step before the last changes nothing a client can see, so what became of it does not matter.
fn before_the_last(failure: RestoreFailure) -> RestoreFailure {
    match failure {
        RestoreFailure::Unknown(Unknown { waited, .. }) => {
            RestoreFailure::NotApplied(NotApplied::NoLeader { waited })
        }
        other @ (RestoreFailure::Content(_)
        | RestoreFailure::Refused(_)
        | RestoreFailure::NotApplied(_)) => other,
    }
}

/// Not reachable: apply answers each step with its own reply.
fn unexpected() -> RestoreFailure {
    RestoreFailure::Content(io::Error::other(
        "the answer to a restore step is of another kind",
    ))
}
