//! What is asked of a disk besides the log: whole snapshots, written aside and swapped in.

use std::io::{self, Read};
use std::sync::Arc;

use crate::config::{LogId, StoredMembership};

/// Which applied state a snapshot holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotMeta {
    /// The last entry whose effect is contained.
    pub last_log_id: Option<LogId>,
    /// The membership in force at that entry.
    pub last_membership: StoredMembership,
}

/// A finished, verified snapshot that can be read any number of times.
pub trait SnapshotSource: Send + Sync + 'static {
    /// What it holds.
    fn meta(&self) -> &SnapshotMeta;
    /// Length of the content in bytes.
    fn content_len(&self) -> u64;
    /// When it was completed on this disk, milliseconds since 1970 by the wall clock of that moment;
    /// shown to people, decides nothing. `None` where the place does not keep it.
    fn created_ms(&self) -> Option<u64> {
        None
    }
    /// Reads the content from its start. Blocking: call it off the async workers.
    ///
    /// # Errors
    /// Whatever the disk says; a checksum mismatch is `InvalidData` and names the file.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;
}

/// Handle to a snapshot; cheap to clone. This is openraft's `SnapshotData`.
pub type Snapshot = Arc<dyn SnapshotSource>;

/// A snapshot being written. Dropping it unfinished leaves nothing behind.
pub trait SnapshotSink: Send {
    /// Appends content. Blocking.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn write(&mut self, content: &[u8]) -> io::Result<()>;

    /// Makes the snapshot durable (file synced, renamed, directory synced) and current, and removes
    /// all but the newest two. Blocking. After an error the former snapshot is still current.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn finish(self: Box<Self>) -> io::Result<Snapshot>;
}

/// The place snapshots live. Implemented by `storage` (files) and by tests (memory).
pub trait SnapshotStore: Send + Sync + 'static {
    /// Begins a snapshot of `meta`, written aside.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn create(&self, meta: SnapshotMeta) -> io::Result<Box<dyn SnapshotSink>>;

    /// The newest complete snapshot, if there is one. Its whole content was verified before this
    /// process first returned it.
    ///
    /// # Errors
    /// A damaged newest snapshot is an error, never silently skipped: the log below it is purged.
    fn current(&self) -> io::Result<Option<Snapshot>>;

    /// Every complete snapshot that is kept, newest first: [`current`](SnapshotStore::current) and
    /// those before it. The content of those is verified only as it is read. One that cannot even be
    /// opened is left out, with a warning: nothing depends on it.
    ///
    /// # Errors
    /// As [`current`](SnapshotStore::current).
    fn kept(&self) -> io::Result<Vec<Snapshot>> {
        Ok(self.current()?.into_iter().collect())
    }
}
