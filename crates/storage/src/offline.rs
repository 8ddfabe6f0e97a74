//! A data directory that no process uses, read and not changed: for `holdfast log`.

use std::fs::{File, TryLockError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use raft_types::snapshot::Snapshot;
use raft_types::{Entry, LogId, Vote};
use xxhash_rust::xxh3::xxh3_128;

use crate::backend::{LogBackend, Table};
use crate::error::{OpenError, StoreError};
use crate::marker::{MARKER_FILE, Marker};
use crate::open::{DATABASE_DIR, LOCK_FILE, SNAPSHOT_DIR};
use crate::record::{
    Identity, KEY_COMMITTED, KEY_PURGED, KEY_VOTE, decode_log_id, decode_vote, log_key,
};
use crate::recover::{check_record, meta};
use crate::rocks::RocksBackend;
use crate::snapshot_store::{Named, list, open_verified};
use crate::torn_tail::{self, TornTail};

/// A data directory opened for reading alone.
///
/// The database is opened read-only and the directory's lock is held shared: a node that runs is
/// refused, and none can start meanwhile. Nothing is written, replayed, repaired or deleted.
pub struct OfflineDirectory {
    path: PathBuf,
    identity: Identity,
    backend: RocksBackend,
    /// `None` where there is no lock file: then no node has used the directory.
    _lock: Option<File>,
}

impl std::fmt::Debug for OfflineDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfflineDirectory")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The small records beside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
    /// The vote.
    pub vote: Option<Vote>,
    /// The last entry that was purged.
    pub purged: Option<LogId>,
    /// The last entry this node had written down as committed; more may be.
    pub committed: Option<LogId>,
}

/// One entry as it lies on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEntry {
    /// The entry.
    pub entry: Entry,
    /// Hash of its record: the same on all nodes, or they hold different entries.
    pub hash: u128,
}

/// A snapshot file, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfflineSnapshot {
    /// The file.
    pub file: PathBuf,
    /// The last entry whose effect it holds.
    pub last_log_id: Option<LogId>,
}

impl OfflineDirectory {
    /// Opens a directory. Blocking.
    ///
    /// # Errors
    /// [`OpenError`]: it is none, or in use, or its marker or database cannot be read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if !path.join(MARKER_FILE).exists() {
            return Err(OpenError::Unmarked {
                path: path.to_owned(),
                marker: MARKER_FILE,
            });
        }
        let lock = lock_shared(path)?;
        let identity = Marker::read(path)?.identity;
        let database = path.join(DATABASE_DIR);
        // RocksDB would make the directory.
        if !database.join("CURRENT").exists() {
            return Err(OpenError::DataMissing { path: database });
        }
        Ok(OfflineDirectory {
            path: path.to_owned(),
            identity,
            backend: RocksBackend::open_read_only(&database)?,
            _lock: lock,
        })
    }

    /// Whose data it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Vote, purged and committed position.
    ///
    /// # Errors
    /// Damage, or what the disk says.
    pub fn positions(&self) -> Result<Positions, StoreError> {
        let id = |key: &'static [u8]| meta(&self.backend, key, |bytes| decode_log_id(key, bytes));
        Ok(Positions {
            vote: meta(&self.backend, KEY_VOTE, decode_vote)?,
            purged: id(KEY_PURGED)?,
            committed: id(KEY_COMMITTED)?,
        })
    }

    /// The snapshots, oldest first. None of them was opened.
    ///
    /// # Errors
    /// What the disk says.
    pub fn snapshots(&self) -> Result<Vec<OfflineSnapshot>, OpenError> {
        let directory = self.path.join(SNAPSHOT_DIR);
        let named = list(&directory).map_err(OpenError::io("list", directory))?;
        let snapshot = |Named { id, path }| OfflineSnapshot {
            file: path,
            last_log_id: id,
        };
        Ok(named.into_iter().map(snapshot).collect())
    }

    /// Opens a snapshot and reads all of it once.
    ///
    /// # Errors
    /// Damage, or what the disk says; the error names the file.
    pub fn open_snapshot(&self, snapshot: &OfflineSnapshot) -> std::io::Result<Snapshot> {
        let named = Named {
            id: snapshot.last_log_id,
            path: snapshot.file.clone(),
        };
        Ok(Arc::new(open_verified(&named, self.identity.cluster_id)?))
    }

    /// Visits the entries from `from` on, in order, each checked against the one before it.
    ///
    /// # Errors
    /// The first damage, hole or contradiction; the entries before it were visited.
    pub fn entries(
        &self,
        from: u64,
        visit: &mut dyn FnMut(StoredEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let purged = self.positions()?.purged;
        let first = purged.map_or(0, |id| id.index.saturating_add(1));
        let mut expected = (from <= first).then_some(first);
        let mut last = purged.filter(|_| from <= first);
        let mut failure = None;
        let start = log_key(from);
        self.backend.scan(
            Table::Log,
            &start,
            None,
            &mut |key, value| match check_record(&self.backend, expected, last, key, value) {
                Ok(entry) => {
                    expected = entry.log_id.index.checked_add(1);
                    last = Some(entry.log_id);
                    let hash = xxh3_128(value);
                    visit(StoredEntry { entry, hash })
                }
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            },
        )?;
        failure.map_or(Ok(()), Err)
    }

    /// What a crash left half written at the end of the write-ahead log. It was not acknowledged, and
    /// [`entries`](Self::entries) does not see it.
    ///
    /// # Errors
    /// What the disk says.
    pub fn torn_tails(&self) -> Result<Vec<TornTail>, OpenError> {
        let database = self.path.join(DATABASE_DIR);
        torn_tail::find(&database).map_err(OpenError::io("read", database))
    }
}

fn lock_shared(path: &Path) -> Result<Option<File>, OpenError> {
    let lock_path = path.join(LOCK_FILE);
    let Ok(lock) = File::open(&lock_path) else {
        return Ok(None);
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: path.to_owned(),
            lock: lock_path,
        }),
        Err(TryLockError::Error(e)) => Err(OpenError::io("lock", lock_path)(e)),
    }
}
