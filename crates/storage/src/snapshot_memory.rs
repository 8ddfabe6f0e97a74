//! Snapshots in memory, for tests and simulations.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use raft_types::snapshot::{Snapshot, SnapshotMeta, SnapshotSink, SnapshotSource, SnapshotStore};

use crate::limits::SNAPSHOTS_KEPT;

/// A simulated [`SnapshotStore`]. Clones are handles to the same one: a clone kept across a
/// simulated crash is the disk. A finished snapshot is durable, an unfinished one leaves nothing.
#[derive(Clone, Debug, Default)]
pub struct MemorySnapshotStore {
    /// Oldest first.
    kept: Arc<Mutex<Vec<Arc<MemorySnapshot>>>>,
}

#[derive(Debug)]
struct MemorySnapshot {
    meta: SnapshotMeta,
    content: Bytes,
}

impl SnapshotSource for MemorySnapshot {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn content_len(&self) -> u64 {
        self.content.len() as u64
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.content.clone())))
    }
}

struct MemorySink {
    store: MemorySnapshotStore,
    meta: SnapshotMeta,
    content: Vec<u8>,
}

impl SnapshotSink for MemorySink {
    fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.content.extend_from_slice(content);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Snapshot> {
        let snapshot = Arc::new(MemorySnapshot {
            meta: self.meta,
            content: Bytes::from(self.content),
        });
        let mut kept = self.store.kept.lock();
        kept.retain(|held| held.meta.last_log_id != snapshot.meta.last_log_id);
        kept.push(Arc::clone(&snapshot));
        kept.sort_by_key(|held| held.meta.last_log_id);
        let old = kept.len().saturating_sub(SNAPSHOTS_KEPT);
        kept.drain(..old);
        Ok(snapshot)
    }
}

impl SnapshotStore for MemorySnapshotStore {
    fn create(&self, meta: SnapshotMeta) -> io::Result<Box<dyn SnapshotSink>> {
        Ok(Box::new(MemorySink {
            store: self.clone(),
            meta,
            content: Vec::new(),
        }))
    }

    fn current(&self) -> io::Result<Option<Snapshot>> {
        Ok(self.kept()?.into_iter().next())
    }

    fn kept(&self) -> io::Result<Vec<Snapshot>> {
        let kept = self.kept.lock();
        let newest_first = kept.iter().rev();
        Ok(newest_first
            .map(|snapshot| Arc::clone(snapshot) as Snapshot)
            .collect())
    }
}
