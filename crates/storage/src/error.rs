//! What can go wrong on disk, said so that a person knows which file and what to do.
//!
//! Everything here is answered with "stop the node": after a failed write nobody knows what is on
//! disk, and damaged data must not be voted on. Errors are cheap to clone because one failed write
//! is reported to everyone who waited for it.

use std::path::PathBuf;

use raft_types::{ClusterId, NodeId};

/// Advice for data that is not what was written.
const DAMAGE_ADVICE: &str = "keep the directory as it is and check the disk; then remove this node \
     from the cluster and join it again under a new node id with an empty data directory";

/// What is wrong with the bytes of one record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The record ends too soon.
    #[error("the record ends too soon")]
    Truncated,
    /// Bytes are left over.
    #[error("{len} bytes are left over")]
    Trailing {
        /// How many.
        len: usize,
    },
    /// The checksum does not fit the bytes.
    #[error("its checksum is {stored:08x} but its bytes give {computed:08x}")]
    Checksum {
        /// As read.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// Written by another version of Holdfast.
    #[error("it has version {found}, this program knows version {known}")]
    Version {
        /// As read.
        found: u8,
        /// What this program reads.
        known: u8,
    },
    /// A tag byte has no meaning.
    #[error("{found} is not a {what}")]
    Tag {
        /// What the byte should have been.
        what: &'static str,
        /// The byte.
        found: u8,
    },
    /// A text is not UTF-8.
    #[error("a text in it is not UTF-8")]
    NotText,
    /// A key of the log table is not an index.
    #[error("its key has {len} bytes instead of 8")]
    Key {
        /// Length found.
        len: usize,
    },
    /// A membership that openraft does not accept.
    #[error("its membership is invalid: {cause}")]
    Membership {
        /// Why.
        cause: String,
    },
    /// Too long to be written.
    #[error("{len} bytes or items are more than a record can hold")]
    TooLong {
        /// How many.
        len: usize,
    },
}

/// The disk, or the database on it, refused an operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action} {place}: {cause}")]
pub struct BackendError {
    /// What was tried: `write to`, `read from`.
    pub action: &'static str,
    /// The directory or file.
    pub place: String,
    /// What the disk or database said.
    pub cause: String,
}

/// The log store cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk refused.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A record is not what was written.
    #[error(
        "record {key} of table {table} in {place} is damaged: {cause}; it was not skipped, \
         because the log would then have a hole; {DAMAGE_ADVICE}"
    )]
    Damaged {
        /// The database.
        place: String,
        /// The table.
        table: &'static str,
        /// The key, readable.
        key: String,
        /// What is wrong.
        cause: RecordError,
    },
    /// Entries that must be there are not.
    #[error(
        "the log in {place} has no entry {expected}, although it holds entry {found}; {DAMAGE_ADVICE}"
    )]
    Hole {
        /// The database.
        place: String,
        /// The missing index.
        expected: u64,
        /// What was found instead.
        found: String,
    },
    /// Terms go back, or entries exist that were purged.
    #[error("the log in {place} contradicts itself: {what}; {DAMAGE_ADVICE}")]
    Inconsistent {
        /// The database.
        place: String,
        /// The contradiction.
        what: String,
    },
    /// An append that would leave a hole: a bug of the caller, refused before it is written.
    #[error("append of entry {found} refused: the log continues with entry {expected}")]
    NotContiguous {
        /// Index the log continues with.
        expected: u64,
        /// Index given.
        found: u64,
    },
    /// An entry that cannot be written as a record.
    #[error("entry {index} cannot be written: {cause}")]
    Unwritable {
        /// Index of the entry.
        index: u64,
        /// Why.
        cause: RecordError,
    },
    /// An earlier write failed.
    #[error(
        "the store stopped writing after an error ({cause}); nothing was retried, because after a \
         failed write or sync nobody knows what is on disk: restart the node"
    )]
    Poisoned {
        /// The first error.
        cause: String,
    },
    /// The store was closed.
    #[error("the log store is closed")]
    Closed,
}

impl From<StoreError> for std::io::Error {
    fn from(error: StoreError) -> Self {
        use std::io::ErrorKind;
        let kind = match &error {
            StoreError::Damaged { .. }
            | StoreError::Hole { .. }
            | StoreError::Inconsistent { .. } => ErrorKind::InvalidData,
            StoreError::NotContiguous { .. } | StoreError::Unwritable { .. } => {
                ErrorKind::InvalidInput
            }
            StoreError::Closed => ErrorKind::BrokenPipe,
            StoreError::Backend(_) | StoreError::Poisoned { .. } => ErrorKind::Other,
        };
        std::io::Error::new(kind, error)
    }
}

/// A data directory was not opened. Nothing in it was changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried: `create`, `read`, `sync`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error(
        "data directory {path} is in use by another process (it holds the lock on {lock}); stop that \
         process, or give this node a directory of its own"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The lock file.
        lock: PathBuf,
    },
    /// The directory holds other things.
    #[error(
        "{path} is not a Holdfast data directory: it has no file {marker} but contains {found}; give an \
         empty or new directory, or correct the path"
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Name of the marker that is missing.
        marker: &'static str,
        /// One of the things in it.
        found: String,
    },
    /// The directory, if there is one, was never a data directory.
    #[error("{path} is not a Holdfast data directory: it has no file {marker}; correct the path")]
    Unmarked {
        /// The directory.
        path: PathBuf,
        /// Name of the marker that is missing.
        marker: &'static str,
    },
    /// The marker's bytes are wrong.
    #[error(
        "marker {path} is damaged: {cause}; it says whose data this is, so the directory is not used; \
         {DAMAGE_ADVICE}"
    )]
    MarkerDamaged {
        /// The marker file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// Written by a newer Holdfast.
    #[error(
        "{path} says format {found}, but this program knows formats up to {known}; start the newer \
         Holdfast that wrote this directory"
    )]
    NewerFormat {
        /// The marker or database.
        path: PathBuf,
        /// Format found.
        found: u32,
        /// Newest format known.
        known: u32,
    },
    /// Data of another cluster.
    #[error(
        "{path} belongs to cluster {found}, but this node is configured for cluster {expected}; correct \
         the data directory or the cluster id"
    )]
    OtherCluster {
        /// The marker or database.
        path: PathBuf,
        /// Cluster found.
        found: ClusterId,
        /// Cluster expected.
        expected: ClusterId,
    },
    /// Data of another node.
    #[error(
        "{path} belongs to node {found}, but this node is configured as node {expected}; correct the data \
         directory or the node id (two nodes must never share one, and data never moves to another id)"
    )]
    OtherNode {
        /// The marker or database.
        path: PathBuf,
        /// Node found.
        found: NodeId,
        /// Node expected.
        expected: NodeId,
    },
    /// The marker is there, the data is not.
    #[error(
        "{path} is missing although the marker says this directory was in use; an empty log under a used \
         node id would break promises this node made; restore the directory, or remove this node from \
         the cluster and join it again under a new node id"
    )]
    DataMissing {
        /// What is missing.
        path: PathBuf,
    },
    /// Database and marker disagree.
    #[error(
        "the database {path} and the marker beside it do not belong together: {what}; restore both from \
         the same place"
    )]
    Mixed {
        /// The database.
        path: PathBuf,
        /// The difference.
        what: String,
    },
    /// Entries were purged, but the snapshot that holds their effect is gone.
    #[error(
        "the log is purged up to entry {purged}, but the newest snapshot in {path} holds entries up to \
         {newest}; restore the snapshot files that were there; {DAMAGE_ADVICE}"
    )]
    SnapshotMissing {
        /// The directory of snapshots.
        path: PathBuf,
        /// Index of the last purged entry.
        purged: u64,
        /// Index the newest snapshot reaches, or `none`.
        newest: String,
    },
    /// The log cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> OpenError {
        let path = path.into();
        move |source| OpenError::Io {
            action,
            path,
            source,
        }
    }
}

impl From<BackendError> for OpenError {
    fn from(error: BackendError) -> Self {
        OpenError::Store(StoreError::Backend(error))
    }
}

/// Text of a damaged snapshot, used as the message of an `InvalidData` error.
pub(crate) fn snapshot_damaged(path: &std::path::Path, what: &str) -> std::io::Error {
    std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        format!(
            "snapshot {} is damaged: {what}; the log below it is purged, so it was not skipped; \
             {DAMAGE_ADVICE}",
            path.display()
        ),
    )
}
