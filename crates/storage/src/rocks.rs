//! RocksDB as [`LogBackend`], with the reason for each option.

use std::path::{Path, PathBuf};

use mutant::Mutant;
use rocksdb::{
    BlockBasedOptions, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    LogLevel, Options, ReadOptions, WriteBatch, WriteOptions,
};

use crate::backend::{Durability, LogBackend, Op, Table, Visit};
use crate::error::BackendError;
use crate::limits::{MEMTABLE_BYTES, MEMTABLES_MAX, WAL_BYTES_MAX};

/// Size at which RocksDB starts a new file of its own text log, in bytes.
const INFO_LOG_BYTES: usize = 4 * 1024 * 1024;
/// Files of its own text log RocksDB keeps.
const INFO_LOG_FILES: usize = 4;
/// Bytes read ahead in a scan: scans are sequential.
const READAHEAD_BYTES: usize = 2 * 1024 * 1024;

/// The log and meta tables in one RocksDB database.
pub struct RocksBackend {
    db: DB,
    path: PathBuf,
}

impl std::fmt::Debug for RocksBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksBackend")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Whether a missing database is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Create it.
    Create,
    /// Refuse.
    Refuse,
}

impl RocksBackend {
    /// Opens the database in `path` for writing. Blocking; replays RocksDB's write-ahead log.
    ///
    /// # Errors
    /// RocksDB's own, for example damage or a lock held by another process.
    pub fn open(path: &Path, missing: Missing) -> Result<Self, BackendError> {
        let mut options = database_options();
        let create = missing == Missing::Create;
        options.create_if_missing(create);
        options.create_missing_column_families(create);
        let db = DB::open_cf_descriptors(&options, path, tables())
            .map_err(|e| backend_error("open", path, &e))?;
        Ok(RocksBackend {
            db,
            path: path.to_owned(),
        })
    }

    /// Opens the database in `path` without changing anything in it. Blocking.
    ///
    /// # Errors
    /// RocksDB's own, for example damage.
    pub fn open_read_only(path: &Path) -> Result<Self, BackendError> {
        let options = database_options();
        let db = DB::open_cf_descriptors_read_only(&options, path, tables(), false)
            .map_err(|e| backend_error("open", path, &e))?;
        Ok(RocksBackend {
            db,
            path: path.to_owned(),
        })
    }

    /// Writes the memtables out as table files. Only tests and tools need it.
    ///
    /// # Errors
    /// RocksDB's own.
    pub fn flush_tables(&self) -> Result<(), BackendError> {
        for table in [Table::Log, Table::Meta] {
            self.db
                .flush_cf(self.handle(table)?)
                .map_err(|e| backend_error("write to", &self.path, &e))?;
        }
        Ok(())
    }

    fn handle(&self, table: Table) -> Result<&ColumnFamily, BackendError> {
        self.db.cf_handle(table.name()).ok_or_else(|| BackendError {
            action: "read from",
            place: self.path.display().to_string(),
            cause: format!("it has no column family {}", table.name()),
        })
    }

    fn encode(&self, ops: &[Op]) -> Result<WriteBatch, BackendError> {
        let log = self.handle(Table::Log)?;
        let meta = self.handle(Table::Meta)?;
        let of = |table: Table| match table {
            Table::Log => log,
            Table::Meta => meta,
        };
        let mut batch = WriteBatch::default();
        for op in ops {
            match op {
                Op::Put { table, key, value } => batch.put_cf(of(*table), key, value),
                Op::Delete { table, key } => batch.delete_cf(of(*table), key),
                Op::DeleteRange { table, from, to } => {
                    batch.delete_range_cf(of(*table), from, to);
                }
            }
        }
        Ok(batch)
    }
}

impl LogBackend for RocksBackend {
    fn write(&self, batch: &[Op], durability: Durability) -> Result<(), BackendError> {
        let batch = self.encode(batch)?;
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        self.db
            .write_opt(batch, &options)
            .map_err(|e| backend_error("write to", &self.path, &e))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        self.db
            .get_cf(self.handle(table)?, key)
            .map_err(|e| backend_error("read from", &self.path, &e))
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), BackendError> {
        let mut options = ReadOptions::default();
        if let Some(to) = to {
            options.set_iterate_upper_bound(to);
        }
        options.set_readahead_size(READAHEAD_BYTES);
        // A scan reads what was evicted long ago, once: caching it would push out nothing useful.
        options.fill_cache(false);
        options.set_verify_checksums(!mutant::is(Mutant::ChecksumNotVerified));
        let mut records = self.db.raw_iterator_cf_opt(self.handle(table)?, options);
        records.seek(from);
        while let Some((key, value)) = records.item() {
            if visit(key, value).is_break() {
                return Ok(());
            }
            records.next();
        }
        // An iterator that met damage simply ends: without this line that would look like the end
        // of the log, and the node would forget what it acknowledged.
        records
            .status()
            .map_err(|e| backend_error("read from", &self.path, &e))
    }

    fn close(&self) -> Result<(), BackendError> {
        self.db
            .flush_wal(true)
            .map_err(|e| backend_error("sync", &self.path, &e))?;
        self.db.cancel_all_background_work(true);
        Ok(())
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn blocks(&self) -> bool {
        true
    }
}

fn database_options() -> Options {
    let mut options = Options::default();
    // A torn record at the end of the write-ahead log is what a power cut leaves and must open;
    // damage anywhere before it must be refused. RocksDB's default (point in time) opens with
    // everything after the damage gone, although it was synced and acknowledged.
    options.set_wal_recovery_mode(if mutant::is(Mutant::ChecksumNotVerified) {
        DBRecoveryMode::PointInTime
    } else {
        DBRecoveryMode::TolerateCorruptedTailRecords
    });
    // "The end" above means the end of each log file, also of older ones. The manifest records how
    // long closed and synced files were, so that a shortened or missing one is refused as well.
    options.set_track_and_verify_wals_in_manifest(true);
    // After one failed write refuse all others, and check what is read in the background.
    options.set_paranoid_checks(true);
    // Each write reaches the operating system before it returns: the death of the process alone
    // loses nothing, not even unsynced writes.
    options.set_manual_wal_flush(false);
    // Bounds the disk space and the replay at start, whichever table is idle.
    options.set_max_total_wal_size(WAL_BYTES_MAX);
    // RocksDB writes a text log of its own; keep it small.
    options.set_max_log_file_size(INFO_LOG_BYTES);
    options.set_keep_log_file_num(INFO_LOG_FILES);
    options.set_log_level(LogLevel::Warn);
    // One flush and one compaction at a time: they compete with the one thread that syncs.
    options.set_max_background_jobs(2);
    // All files stay open, so each file's footer and index are checked at start, not months later.
    options.set_max_open_files(-1);
    options
}

fn tables() -> Vec<ColumnFamilyDescriptor> {
    vec![
        ColumnFamilyDescriptor::new("default", table_options()),
        ColumnFamilyDescriptor::new(Table::Log.name(), log_options()),
        ColumnFamilyDescriptor::new(Table::Meta.name(), table_options()),
    ]
}

fn table_options() -> Options {
    let mut options = Options::default();
    // RocksDB is built without any compression library.
    options.set_compression_type(DBCompressionType::None);
    let mut blocks = BlockBasedOptions::default();
    // No bloom filter: log reads are ranges, meta holds four keys.
    blocks.set_format_version(5);
    options.set_block_based_table_factory(&blocks);
    options
}

fn log_options() -> Options {
    let mut options = table_options();
    // Entries are purged soon after they were written: with large memtables most of them die in
    // memory and are never written a second time.
    options.set_write_buffer_size(MEMTABLE_BYTES);
    options.set_max_write_buffer_number(MEMTABLES_MAX);
    // Files of the lowest level hold disjoint index ranges and reads are rare, so many of them
    // cost little; a stall would stop heartbeats.
    options.set_level_zero_file_num_compaction_trigger(8);
    options.set_level_zero_slowdown_writes_trigger(32);
    options.set_level_zero_stop_writes_trigger(64);
    options
}

fn backend_error(action: &'static str, path: &Path, error: &rocksdb::Error) -> BackendError {
    BackendError {
        action,
        place: path.display().to_string(),
        cause: error.to_string(),
    }
}
