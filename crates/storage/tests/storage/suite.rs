//! openraft's own storage suite over both backends, with a state machine that keeps its snapshots
//! in this crate's snapshot stores.

use std::io;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::type_config::TypeConfigExt;
use openraft::{EntryPayload, OptionalSend, StorageError};
use raft_types::snapshot::{Snapshot, SnapshotMeta, SnapshotStore};
use raft_types::{Applied, LogId, NodeId, PeerAddress, StoredMembership, TypeConfig};
use storage::{DataDirectory, LogStore, MemoryBackend, MemorySnapshotStore};
use tempfile::TempDir;

use crate::fixture;

type OpenraftMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;
type OpenraftSnapshot = openraft::alias::SnapshotOf<TypeConfig, Snapshot>;

/// Remembers what was applied, and nothing of what it said.
struct Positions {
    applied: Option<LogId>,
    membership: StoredMembership,
    snapshots: Arc<dyn SnapshotStore>,
}

impl Positions {
    fn new(snapshots: Arc<dyn SnapshotStore>) -> Self {
        Positions {
            applied: None,
            membership: StoredMembership::default(),
            snapshots,
        }
    }
}

struct Builder {
    meta: SnapshotMeta,
    snapshots: Arc<dyn SnapshotStore>,
}

fn handed_out(snapshot: Snapshot) -> OpenraftSnapshot {
    let SnapshotMeta {
        last_log_id,
        last_membership,
    } = snapshot.meta().clone();
    OpenraftSnapshot {
        meta: OpenraftMeta {
            last_log_id,
            last_membership,
        },
        snapshot,
    }
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = Snapshot;

    async fn build_snapshot(&mut self) -> Result<OpenraftSnapshot, io::Error> {
        let mut sink = self.snapshots.create(self.meta.clone())?;
        sink.write(b"the state")?;
        Ok(handed_out(sink.finish()?))
    }
}

impl RaftStateMachine<TypeConfig> for Positions {
    type SnapshotData = Snapshot;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        while let Some(next) = entries.next().await {
            let (entry, responder) = next?;
            self.applied = Some(entry.log_id);
            if let EntryPayload::Membership(membership) = entry.payload {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
            }
            if let Some(responder) = responder {
                responder.send(Applied);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        let meta = SnapshotMeta {
            last_log_id: self.applied,
            last_membership: self.membership.clone(),
        };
        Builder {
            meta,
            snapshots: Arc::clone(&self.snapshots),
        }
    }

    async fn install_snapshot(
        &mut self,
        meta: &openraft::SnapshotMeta<
            openraft::vote::leader_id_std::CommittedLeaderId<u64>,
            NodeId,
            PeerAddress,
        >,
        snapshot: Snapshot,
    ) -> Result<(), io::Error> {
        let own = SnapshotMeta {
            last_log_id: meta.last_log_id,
            last_membership: meta.last_membership.clone(),
        };
        let mut sink = self.snapshots.create(own.clone())?;
        let mut content = Vec::new();
        snapshot.open()?.read_to_end(&mut content)?;
        assert_eq!(content, b"the state");
        sink.write(&content)?;
        sink.finish()?;
        self.applied = own.last_log_id;
        self.membership = own.last_membership;
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<OpenraftSnapshot>, io::Error> {
        Ok(self.snapshots.current()?.map(handed_out))
    }
}

struct OnRocks;

impl StoreBuilder<TypeConfig, LogStore, Positions, (DataDirectory, TempDir)> for OnRocks {
    async fn build(
        &self,
    ) -> Result<((DataDirectory, TempDir), LogStore, Positions), StorageError<TypeConfig>> {
        let temp = TempDir::new().unwrap();
        let directory = fixture::open(&temp.path().join("data"));
        let log = directory.log_store();
        let snapshots = directory.snapshot_store();
        Ok(((directory, temp), log, Positions::new(snapshots)))
    }
}

struct InMemory;

impl StoreBuilder<TypeConfig, LogStore, Positions> for InMemory {
    async fn build(&self) -> Result<((), LogStore, Positions), StorageError<TypeConfig>> {
        let log = LogStore::in_memory(MemoryBackend::new()).unwrap();
        Ok((
            (),
            log,
            Positions::new(Arc::new(MemorySnapshotStore::default())),
        ))
    }
}

#[test]
fn openrafts_suite_passes_on_rocksdb() {
    TypeConfig::run(async { Suite::test_all(OnRocks).await.unwrap() });
}

#[test]
fn openrafts_suite_passes_in_memory() {
    TypeConfig::run(async { Suite::test_all(InMemory).await.unwrap() });
}
