//! openraft's view of the replica: entries in, snapshots in and out.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use openraft::entry::RaftEntry;
use openraft::storage::{EntryResponder, RaftStateMachine, Snapshot as RaftSnapshot};
use openraft::{EntryPayload, OptionalSend, RaftSnapshotBuilder};
use raft_core::state::State;
use raft_types::seam::{offload, offload_background};
use raft_types::snapshot::{Snapshot, SnapshotMeta, SnapshotStore};
use raft_types::{LogId, StoredMembership, TypeConfig};

use crate::log_growth::LogGrowth;
use crate::replica::Replica;

type RaftMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;
type SnapshotOf = openraft::alias::SnapshotOf<TypeConfig, Snapshot>;

/// Applies committed entries to the [`Replica`].
pub struct StateMachine {
    replica: Arc<Replica>,
    snapshots: Arc<dyn SnapshotStore>,
    growth: Arc<LogGrowth>,
}

impl StateMachine {
    pub(crate) fn new(
        replica: Arc<Replica>,
        snapshots: Arc<dyn SnapshotStore>,
        growth: Arc<LogGrowth>,
    ) -> StateMachine {
        StateMachine {
            replica,
            snapshots,
            growth,
        }
    }
}

impl StateMachine {
    /// A restore reads a whole snapshot in one command. On an async worker that would hold up
    /// whatever else waits for this worker, heartbeats among it, and cost the leader its office.
    async fn apply_batch(&self, log_id: LogId, bytes: &Bytes) -> io::Result<()> {
        if !self.replica.read(State::is_restoring) {
            return self.replica.apply_batch(log_id, bytes).map_err(invalid);
        }
        let (replica, bytes) = (Arc::clone(&self.replica), bytes.clone());
        offload(move || replica.apply_batch(log_id, &bytes).map_err(invalid)).await?
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Reads a state out of a snapshot. Blocking.
pub(crate) fn restore(snapshot: &Snapshot) -> io::Result<State> {
    let mut content = io::BufReader::with_capacity(1 << 20, snapshot.open()?);
    State::restore(&mut content).map_err(invalid)
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = Snapshot;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok((self.replica.applied().log_id, self.replica.membership()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let log_id = entry.log_id();
            match &entry.payload {
                EntryPayload::Blank => self.replica.apply_blank(log_id),
                EntryPayload::Normal(payload) => {
                    self.apply_batch(log_id, &payload.0).await?;
                    self.growth.applied(payload.0.len());
                }
                EntryPayload::Membership(membership) => {
                    let stored = StoredMembership::new(Some(log_id), membership.clone());
                    self.replica.apply_membership(log_id, stored);
                }
            }
            if let Some(responder) = responder {
                responder.send(raft_types::Applied);
            }
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, _force: bool) -> Option<SnapshotBuilder> {
        Some(self.get_snapshot_builder().await)
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        // Apply runs on this very task, so state, position and membership fit each other.
        self.growth.snapshot_begun();
        SnapshotBuilder {
            state: self.replica.state(),
            meta: SnapshotMeta {
                last_log_id: self.replica.applied().log_id,
                last_membership: self.replica.membership(),
            },
            snapshots: Arc::clone(&self.snapshots),
            growth: Arc::clone(&self.growth),
        }
    }

    async fn install_snapshot(
        &mut self,
        meta: &RaftMeta,
        snapshot: Snapshot,
    ) -> Result<(), io::Error> {
        // The receiving side of the snapshot connection has made the file durable and current
        // before it offered it, so what is left is to swap the state.
        let source = Arc::clone(&snapshot);
        let state = offload(move || restore(&source)).await??;
        tracing::info!(zxid = %state.last_zxid(), "installed a snapshot from the leader");
        self.replica
            .install(state, meta.last_log_id, meta.last_membership.clone());
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<SnapshotOf>, io::Error> {
        let snapshots = Arc::clone(&self.snapshots);
        let current = offload(move || snapshots.current()).await??;
        Ok(current.map(to_raft))
    }
}

fn to_raft(snapshot: Snapshot) -> SnapshotOf {
    let meta = RaftMeta {
        last_log_id: snapshot.meta().last_log_id,
        last_membership: snapshot.meta().last_membership.clone(),
    };
    RaftSnapshot { meta, snapshot }
}

/// Writes one consistent state to disk while apply goes on: the clone shares structure with the
/// live state and pays only for what changes meanwhile.
pub struct SnapshotBuilder {
    state: State,
    meta: SnapshotMeta,
    snapshots: Arc<dyn SnapshotStore>,
    growth: Arc<LogGrowth>,
}

impl SnapshotBuilder {
    fn write(self) -> io::Result<Snapshot> {
        let mut sink = self.snapshots.create(self.meta)?;
        self.state.encode_snapshot(&mut |bytes| sink.write(bytes))?;
        sink.finish()
    }
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = Snapshot;

    async fn build_snapshot(&mut self) -> Result<SnapshotOf, io::Error> {
        let builder = SnapshotBuilder {
            state: self.state.clone(),
            meta: self.meta.clone(),
            snapshots: Arc::clone(&self.snapshots),
            growth: Arc::clone(&self.growth),
        };
        let zxid = builder.state.last_zxid();
        let written = offload_background(move || builder.write()).await??;
        self.growth.snapshot_finished(written.content_len());
        tracing::info!(%zxid, bytes = written.content_len(), "took a snapshot");
        Ok(to_raft(written))
    }
}
