//! What one node keeps on disk: the Raft log, the vote, whose data it is, and snapshots.
//!
//! This crate knows neither what a command means nor how nodes talk: an entry is bytes. It promises
//! that what it acknowledged is there after a power cut, that it never skips or repairs what it
//! cannot read, and that it deletes nothing it does not own. `OVERVIEW.md` says what is durable
//! when, and what is assumed of the disk.
//!
//! Start at [`DataDirectory`] (what the node opens), then [`LogStore`] (the log), `writer` (the one
//! thread that syncs), [`SnapshotStore`](raft_types::snapshot::SnapshotStore)'s two
//! implementations, and what reads a directory that no node uses: [`check_directory`] (what `holdfast
//! doctor` runs) and [`OfflineDirectory`] (`holdfast log`).

pub mod backend;
pub mod error;
pub mod limits;
pub mod record;

mod check;
mod codec;
mod durable;
mod log_reader;
mod log_store;
mod marker;
mod memory;
mod offline;
mod open;
mod recover;
mod rocks;
mod secret_file;
mod sizes;
mod snapshot_file;
mod snapshot_memory;
mod snapshot_removal;
mod snapshot_store;
mod stats;
mod torn_tail;
mod view;
mod writer;

pub use check::{Finding, Report, SnapshotSummary, check_directory};
pub use log_reader::LogReader;
pub use log_store::{LogOptions, LogStore};
pub use memory::{Fault, MemoryBackend};
pub use offline::{OfflineDirectory, OfflineSnapshot, Positions, StoredEntry};
pub use open::{DataDirectory, Expectations};
pub use rocks::{Missing, RocksBackend};
pub use secret_file::{SecretError, SecretFile};
pub use sizes::DirectorySizes;
pub use snapshot_memory::MemorySnapshotStore;
pub use stats::{SYNC_BUCKETS_MICROS, SyncReading, SyncStats};
pub use torn_tail::TornTail;
pub use writer::{OsThread, SimulatedWriter, SpawnWriter, Writer, WriterHandle};
