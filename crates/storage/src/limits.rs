//! Every bound of this crate, with its unit.

/// Bytes of log entries kept in memory behind the end of the log. Only flushed entries are evicted.
pub const TAIL_CACHE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What one cached entry costs besides its payload, in bytes: an estimate, so that millions of
/// empty entries also have a bound.
pub const CACHED_ENTRY_OVERHEAD_BYTES: usize = 128;

/// Bytes one limited read of the log returns at most (a single larger entry is still returned).
pub const READ_BYTES_MAX: usize = 1024 * 1024;

/// Requests waiting for the writer. Beyond it `append` waits.
pub const QUEUE_REQUESTS_MAX: usize = 4096;

/// Bytes of entries appended and not yet on disk. Beyond it `append` waits.
pub const UNFLUSHED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Content bytes of one block of a snapshot file: what one checksum protects, and the unit in
/// which a file is read.
pub const SNAPSHOT_BLOCK_BYTES: usize = 256 * 1024;

/// Blocks after which what there is of a snapshot is synced. All of it at once would hold up every sync of the log
/// meanwhile: the disk has one queue, and file systems write the data of all files with their journal.
pub const SNAPSHOT_BLOCKS_PER_SYNC: u64 = 4;

/// Bytes of a snapshot's header at most: cluster, position and membership.
pub const SNAPSHOT_HEADER_BYTES_MAX: usize = 1024 * 1024;

/// Finished snapshot files kept: the current one and the one before it.
pub const SNAPSHOTS_KEPT: usize = 2;

/// Bytes of a RocksDB memtable. Log entries die young: the larger the memtable, the more of them
/// are purged before they are ever written a second time.
pub const MEMTABLE_BYTES: usize = 16 * 1024 * 1024;

/// Memtables per column family, being filled or waiting to be written out.
pub const MEMTABLES_MAX: i32 = 4;

/// Bytes of write-ahead log files before RocksDB forces the oldest memtable out.
pub const WAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Findings `check_directory` collects before it stops listing more of them.
pub const FINDINGS_MAX: usize = 100;

const _: () = assert!(READ_BYTES_MAX <= TAIL_CACHE_BYTES_MAX);
const _: () = assert!(UNFLUSHED_BYTES_MAX <= TAIL_CACHE_BYTES_MAX);
const _: () = assert!(UNFLUSHED_BYTES_MAX / 1024 <= u32::MAX as usize);
const _: () = assert!(SNAPSHOT_BLOCK_BYTES <= u32::MAX as usize);
const _: () = assert!(SNAPSHOTS_KEPT >= 1);
