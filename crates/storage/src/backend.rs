//! What the log store asks of a disk: atomic batches, synced or not, and ordered reads.
//!
//! Two implementations: [`RocksBackend`](crate::RocksBackend) and the simulated disk
//! [`MemoryBackend`](crate::MemoryBackend), which forgets what was not synced.

use std::ops::ControlFlow;

use crate::error::BackendError;

/// A keyspace of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Log entries by index.
    Log,
    /// Vote, purge position, committed position, identity.
    Meta,
}

impl Table {
    /// Its name on disk and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Table::Log => "log",
            Table::Meta => "meta",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets a key.
    Put {
        /// Where.
        table: Table,
        /// Key.
        key: Vec<u8>,
        /// Value.
        value: Vec<u8>,
    },
    /// Removes a key.
    Delete {
        /// Where.
        table: Table,
        /// Key.
        key: Vec<u8>,
    },
    /// Removes the keys in `[from, to)`.
    DeleteRange {
        /// Where.
        table: Table,
        /// First key removed.
        from: Vec<u8>,
        /// First key kept.
        to: Vec<u8>,
    },
}

/// Whether a write must survive a power cut before it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On stable storage when the write returns.
    Synced,
    /// Survives the death of the process, not of the machine; any later synced write makes it
    /// durable too, because the backend keeps writes in order.
    Unsynced,
}

/// Called for each record of a scan, in key order; `Break` ends the scan.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// A disk that applies batches atomically and in order.
///
/// After a crash the content is that of a prefix of the batches written, and the prefix contains
/// every batch up to the last one that was written [`Durability::Synced`] and acknowledged. Break
/// the order and a vote may outlive the entries it promised to remember.
pub trait LogBackend: Send + Sync + 'static {
    /// Applies all of `batch` or nothing. Blocking.
    ///
    /// # Errors
    /// After an error nobody knows whether the batch is on disk; the caller must stop writing.
    fn write(&self, batch: &[Op], durability: Durability) -> Result<(), BackendError>;

    /// Value of a key. Blocking if [`blocks`](Self::blocks).
    ///
    /// # Errors
    /// What the disk says; damage found by the backend's own checksums is an error.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError>;

    /// Visits the records with keys in `[from, to)` as of one moment, or to the end of the table
    /// without `to`. Blocking if [`blocks`](Self::blocks).
    ///
    /// # Errors
    /// What the disk says; damage found by the backend's own checksums is an error.
    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), BackendError>;

    /// Makes everything written so far durable and stops background work. Blocking.
    ///
    /// # Errors
    /// What the disk says.
    fn close(&self) -> Result<(), BackendError>;

    /// Where it is, for error messages: a directory, or words.
    fn place(&self) -> String;

    /// Whether reads may wait for a device. A simulated disk says no, so that a simulation needs
    /// no thread pool and stays deterministic.
    fn blocks(&self) -> bool;
}
