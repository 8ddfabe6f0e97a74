//! Snapshots on demand.

use std::sync::Arc;
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use raft_types::seam::offload;
use raft_types::snapshot::Snapshot;
use tokio::time::Instant;

use crate::Node;

/// One snapshot on this node's disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its name: term and index of the last entry it contains.
    pub id: String,
    /// Index of the last entry it contains.
    pub index: u64,
    /// Term of that entry.
    pub term: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// When it was completed on this disk, milliseconds since 1970, where the disk says.
    pub created_ms: Option<u64>,
}

impl SnapshotInfo {
    fn of(snapshot: &Snapshot) -> SnapshotInfo {
        let last = snapshot.meta().last_log_id;
        let index = last.map_or(0, |id| id.index);
        let term = last.map_or(0, |id| *id.leader_id);
        SnapshotInfo {
            id: format!("{term}-{index}"),
            index,
            term,
            bytes: snapshot.content_len(),
            created_ms: snapshot.created_ms(),
        }
    }
}

/// A snapshot on this node's disk. It stays readable when a newer one takes its place meanwhile.
#[derive(Clone)]
pub struct KeptSnapshot {
    /// What there is to know of it.
    pub info: SnapshotInfo,
    /// Its content.
    pub content: Snapshot,
}

impl KeptSnapshot {
    fn of(content: Snapshot) -> KeptSnapshot {
        KeptSnapshot {
            info: SnapshotInfo::of(&content),
            content,
        }
    }
}

/// Why no snapshot was taken.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is still being written; the present one is unchanged until it is complete.
    #[error("the snapshot was not complete after {} ms; it goes on in the background", .waited.as_millis())]
    NotYet {
        /// How long the caller waited.
        waited: Duration,
    },
    /// Consensus has stopped.
    #[error("this node is shutting down")]
    ShuttingDown,
    /// The disk says no.
    #[error("read a snapshot")]
    Disk(#[source] std::io::Error),
}

impl Node {
    /// Takes a snapshot of everything applied so far and waits for it to be durable.
    ///
    /// # Errors
    /// See [`SnapshotError`]. Nothing is lost in any case.
    pub async fn take_snapshot(&self, deadline: Duration) -> Result<KeptSnapshot, SnapshotError> {
        let started = Instant::now();
        let wanted = self.runtime.replica.applied().index();
        let raft = self.runtime.consensus().raft().clone();
        let mut metrics = raft.metrics();
        let mut seen = metrics.borrow_watched().snapshot;
        raft.trigger()
            .snapshot()
            .await
            .map_err(|_| SnapshotError::ShuttingDown)?;
        let written = async {
            loop {
                let snapshot = metrics.borrow_watched().snapshot;
                if snapshot.is_some_and(|id| id.index >= wanted) {
                    return Ok(());
                }
                if snapshot != seen {
                    // It was being written when this one was asked for, and openraft begins no second.
                    seen = snapshot;
                    let asked = raft.trigger().snapshot().await;
                    asked.map_err(|_| SnapshotError::ShuttingDown)?;
                }
                metrics
                    .changed()
                    .await
                    .map_err(|_| SnapshotError::ShuttingDown)?;
            }
        };
        match tokio::time::timeout(deadline, written).await {
            Ok(done) => done?,
            Err(_) => {
                return Err(SnapshotError::NotYet {
                    waited: started.elapsed(),
                });
            }
        }
        let newest = self.snapshots().await?.into_iter().next();
        newest.ok_or(SnapshotError::ShuttingDown)
    }

    /// The snapshots on this node's disk, newest first.
    ///
    /// # Errors
    /// [`SnapshotError::Disk`].
    pub async fn snapshots(&self) -> Result<Vec<KeptSnapshot>, SnapshotError> {
        let store = Arc::clone(&self.runtime.snapshots);
        let kept = offload(move || store.kept()).await;
        let kept = kept
            .map_err(|_| SnapshotError::ShuttingDown)?
            .map_err(SnapshotError::Disk)?;
        Ok(kept.into_iter().map(KeptSnapshot::of).collect())
    }
}
