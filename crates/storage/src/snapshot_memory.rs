//! Snapshots in memory, for tests and simulations.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use raft_types::snapshot::{Snapshot, SnapshotMeta, SnapshotSink, SnapshotSource, SnapshotStore};

/// A simulated [`SnapshotStore`]. Clones are handles to the same one: a clone kept across a
/// simulated crash is the disk. A finished snapshot is durable, an unfinished one leaves nothing.
#[derive(Clone, Debug, Default)]
pub struct MemorySnapshotStore {
    newest: Arc<Mutex<Option<Arc<MemorySnapshot>>>>,
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
        let mut newest = self.store.newest.lock();
        let is_newer = newest
            .as_ref()
            .is_none_or(|held| held.meta.last_log_id <= snapshot.meta.last_log_id);
        if is_newer {
            *newest = Some(Arc::clone(&snapshot));
        }
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
        Ok(self
            .newest
            .lock()
            .as_ref()
            .map(|snapshot| Arc::clone(snapshot) as Snapshot))
    }
}
