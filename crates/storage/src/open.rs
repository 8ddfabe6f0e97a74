//! The data directory of a node: created once, checked at every start, never repaired.
//!
//! ```text
//! holdfast.node   whose data this is (text, checksummed)
//! lock            held while a process uses the directory
//! db/             RocksDB: log and meta tables
//! snapshots/      <term>-<index>.snap, the newest two
//! signing-key     private half of the node's key pair, for its owner alone
//! ```

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use raft_types::snapshot::SnapshotStore;
use raft_types::{ClusterId, NodeId};

use crate::backend::{Durability, LogBackend, Op, Table};
use crate::durable;
use crate::error::{OpenError, StoreError};
use crate::log_store::{LogOptions, LogStore};
use crate::marker::{MARKER_FILE, Marker, State};
use crate::record::{FORMAT_VERSION, Identity, KEY_IDENTITY, decode_identity, encode_identity};
use crate::recover::meta;
use crate::rocks::{Missing, RocksBackend};
use crate::secret_file::SecretFile;
use crate::sizes::DirectorySizes;
use crate::snapshot_store::{FileSnapshotStore, SharedClusterId, list};
use crate::stats::SyncStats;

pub(crate) const LOCK_FILE: &str = "lock";
pub(crate) const DATABASE_DIR: &str = "db";
pub(crate) const SNAPSHOT_DIR: &str = "snapshots";

/// Whose data a directory must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// The cluster, if this node knows it; a joining node learns it later.
    pub cluster_id: Option<ClusterId>,
    /// The node.
    pub node_id: NodeId,
}

/// An open data directory. While it is open no other process can open it.
pub struct DataDirectory {
    path: PathBuf,
    /// What the marker says; held while the marker is rewritten.
    identity: Mutex<Identity>,
    cluster: SharedClusterId,
    backend: Arc<RocksBackend>,
    log: LogStore,
    snapshots: Arc<FileSnapshotStore>,
    _lock: File,
}

impl std::fmt::Debug for DataDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataDirectory")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl DataDirectory {
    /// Opens the directory, or makes it if it is missing or empty. Blocking: it replays RocksDB's
    /// write-ahead log and checks every record of the Raft log.
    ///
    /// # Errors
    /// [`OpenError`] says which file, what was found and expected, and what to do. Nothing is
    /// deleted; an existing directory that is refused is not changed, except that RocksDB may
    /// have replayed its own log.
    pub fn open(path: &Path, expectations: Expectations) -> Result<Self, OpenError> {
        Self::open_with(path, expectations, LogOptions::default())
    }

    /// As [`open`](Self::open), with a choice of cache size and writer.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        path: &Path,
        expectations: Expectations,
        options: LogOptions<'_>,
    ) -> Result<Self, OpenError> {
        prepare(path)?;
        let lock = take_lock(path)?;
        let marker = read_or_create_marker(path, expectations)?;
        let backend = Arc::new(match marker.state {
            State::Creating => finish_creation(path, marker.identity)?,
            State::Ready => open_existing(path, marker.identity)?,
        });
        let cluster: SharedClusterId = Arc::new(RwLock::new(marker.identity.cluster_id));
        let snapshot_dir = path.join(SNAPSHOT_DIR);
        check_purged_is_covered(&*backend, &snapshot_dir)?;
        let snapshots = FileSnapshotStore::open(&snapshot_dir, Arc::clone(&cluster))
            .map_err(OpenError::io("open", &snapshot_dir))?;
        let log = LogStore::open(Arc::clone(&backend) as Arc<dyn LogBackend>, options)?;
        let directory = DataDirectory {
            path: path.to_owned(),
            identity: Mutex::new(marker.identity),
            cluster,
            backend,
            log,
            snapshots: Arc::new(snapshots),
            _lock: lock,
        };
        if let Some(cluster_id) = expectations.cluster_id {
            directory.set_cluster_id(cluster_id)?;
        }
        Ok(directory)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The node whose data this is.
    pub fn node_id(&self) -> NodeId {
        self.identity.lock().node_id
    }

    /// The cluster whose data this is, once known.
    pub fn cluster_id(&self) -> Option<ClusterId> {
        *self.cluster.read()
    }

    /// Writes down which cluster this node belongs to; durable on return. Blocking. Setting the
    /// same id again does nothing.
    ///
    /// # Errors
    /// [`OpenError::OtherCluster`] if another one is written down already; what the disk says.
    pub fn set_cluster_id(&self, cluster_id: ClusterId) -> Result<(), OpenError> {
        let mut identity = self.identity.lock();
        match identity.cluster_id {
            Some(found) if found == cluster_id => return Ok(()),
            Some(found) => {
                let path = self.path.join(MARKER_FILE);
                return Err(OpenError::OtherCluster {
                    path,
                    found,
                    expected: cluster_id,
                });
            }
            None => {}
        }
        let known = Identity {
            cluster_id: Some(cluster_id),
            ..*identity
        };
        // The marker first: a database without the id beside a marker with it is completed at the
        // next start; the other way round would look like a mix of two directories.
        Marker {
            state: State::Ready,
            identity: known,
        }
        .write(&self.path)?;
        write_identity(&self.backend, known)?;
        *identity = known;
        *self.cluster.write() = Some(cluster_id);
        Ok(())
    }

    /// The log of this node. Every call gives a handle to the same one.
    pub fn log_store(&self) -> LogStore {
        self.log.clone()
    }

    /// The snapshots of this node.
    pub fn snapshot_store(&self) -> Arc<dyn SnapshotStore> {
        Arc::clone(&self.snapshots) as Arc<dyn SnapshotStore>
    }

    /// The secret of this node.
    pub fn secret_file(&self) -> SecretFile {
        SecretFile::of(&self.path, self.node_id())
    }

    /// Tells how many bytes the directory holds, also once it is closed.
    pub fn sizes(&self) -> DirectorySizes {
        DirectorySizes::of(&self.path)
    }

    /// Counters of the writer.
    pub fn sync_stats(&self) -> Arc<SyncStats> {
        self.log.sync_stats()
    }

    /// Writes everything queued, stops and joins the writer, and makes the rest durable. Call it
    /// after openraft was shut down; the directory is free for another process once this value
    /// and all log handles and readers are dropped.
    ///
    /// # Errors
    /// A write that failed now or before.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.log.close().await
    }
}

/// Makes sure there is a directory that is ours, or free to become ours.
fn prepare(path: &Path) -> Result<(), OpenError> {
    if !path.exists() {
        return durable::create_dir(path).map_err(OpenError::io("create", path));
    }
    match foreign_content(path)? {
        Some(found) if !path.join(MARKER_FILE).exists() => Err(OpenError::Foreign {
            path: path.to_owned(),
            marker: MARKER_FILE,
            found,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Name of something in the directory that would not be there before a marker was written.
fn foreign_content(path: &Path) -> Result<Option<String>, OpenError> {
    let marker_aside = durable::aside(Path::new(MARKER_FILE));
    for entry in fs::read_dir(path).map_err(OpenError::io("read", path))? {
        let name = entry.map_err(OpenError::io("read", path))?.file_name();
        // A file system mounted here brings `lost+found` along.
        let harmless =
            name == LOCK_FILE || name == "lost+found" || name == marker_aside.as_os_str();
        if !harmless {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

fn take_lock(path: &Path) -> Result<File, OpenError> {
    let lock_path = path.join(LOCK_FILE);
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(OpenError::io("open", &lock_path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: path.to_owned(),
            lock: lock_path,
        }),
        Err(TryLockError::Error(e)) => Err(OpenError::io("lock", lock_path)(e)),
    }
}

fn read_or_create_marker(path: &Path, expectations: Expectations) -> Result<Marker, OpenError> {
    if !path.join(MARKER_FILE).exists() {
        let identity = Identity {
            format_version: FORMAT_VERSION,
            node_id: expectations.node_id,
            cluster_id: expectations.cluster_id,
        };
        let marker = Marker {
            state: State::Creating,
            identity,
        };
        marker.write(path)?;
        return Ok(marker);
    }
    let marker = Marker::read(path)?;
    let Identity {
        node_id,
        cluster_id,
        ..
    } = marker.identity;
    let at = || path.join(MARKER_FILE);
    if node_id != expectations.node_id {
        let expected = expectations.node_id;
        return Err(OpenError::OtherNode {
            path: at(),
            found: node_id,
            expected,
        });
    }
    if let (Some(found), Some(expected)) = (cluster_id, expectations.cluster_id)
        && found != expected
    {
        return Err(OpenError::OtherCluster {
            path: at(),
            found,
            expected,
        });
    }
    Ok(marker)
}

/// Makes what a new directory needs; also continues where a crash ended that.
fn finish_creation(path: &Path, identity: Identity) -> Result<RocksBackend, OpenError> {
    let database = path.join(DATABASE_DIR);
    let snapshots = path.join(SNAPSHOT_DIR);
    durable::create_dir(&database).map_err(OpenError::io("create", &database))?;
    durable::create_dir(&snapshots).map_err(OpenError::io("create", &snapshots))?;
    let backend = RocksBackend::open(&database, Missing::Create)?;
    if let Some(found) = meta(&backend, KEY_IDENTITY, decode_identity)? {
        check_database_identity(&database, identity, found)?;
    }
    let mut used = backend.get(Table::Meta, crate::record::KEY_VOTE)?.is_some();
    backend.scan(Table::Log, &[], None, &mut |_, _| {
        used = true;
        std::ops::ControlFlow::Break(())
    })?;
    if used {
        let what = "the marker says the directory is new, the database has been used".to_owned();
        return Err(OpenError::Mixed {
            path: database,
            what,
        });
    }
    write_identity(&backend, identity)?;
    durable::sync_dir(path).map_err(OpenError::io("sync", path))?;
    Marker {
        state: State::Ready,
        identity,
    }
    .write(path)?;
    Ok(backend)
}

fn open_existing(path: &Path, identity: Identity) -> Result<RocksBackend, OpenError> {
    let database = path.join(DATABASE_DIR);
    for needed in [database.join("CURRENT"), path.join(SNAPSHOT_DIR)] {
        if !needed.exists() {
            return Err(OpenError::DataMissing { path: needed });
        }
    }
    let backend = RocksBackend::open(&database, Missing::Refuse)?;
    let Some(found) = meta(&backend, KEY_IDENTITY, decode_identity)? else {
        let what = "the database does not say whose it is".to_owned();
        return Err(OpenError::Mixed {
            path: database,
            what,
        });
    };
    check_database_identity(&database, identity, found)?;
    if found.cluster_id != identity.cluster_id {
        write_identity(&backend, identity)?;
    }
    Ok(backend)
}

/// The database repeats what the marker says, so that a directory put together from two is seen.
fn check_database_identity(
    database: &Path,
    marker: Identity,
    found: Identity,
) -> Result<(), OpenError> {
    let path = database.to_owned();
    if found.format_version > FORMAT_VERSION {
        let found = found.format_version;
        return Err(OpenError::NewerFormat {
            path,
            found,
            known: FORMAT_VERSION,
        });
    }
    if found.node_id != marker.node_id {
        let what = format!(
            "the marker says node {}, the database node {}",
            marker.node_id, found.node_id
        );
        return Err(OpenError::Mixed { path, what });
    }
    match found.cluster_id {
        Some(cluster) if found.cluster_id != marker.cluster_id => {
            let said = marker
                .cluster_id
                .map_or_else(|| "none".to_owned(), |id| id.to_string());
            let what = format!("the marker says cluster {said}, the database cluster {cluster}");
            Err(OpenError::Mixed { path, what })
        }
        Some(_) | None => Ok(()),
    }
}

fn write_identity(backend: &RocksBackend, identity: Identity) -> Result<(), OpenError> {
    let put = Op::Put {
        table: Table::Meta,
        key: KEY_IDENTITY.to_vec(),
        value: encode_identity(&identity),
    };
    Ok(backend.write(&[put], Durability::Synced)?)
}

/// Entries are purged only when a durable snapshot holds their effect. Without this check a node
/// whose snapshots were lost would start from an empty state and answer as if nothing had been.
fn check_purged_is_covered(backend: &dyn LogBackend, snapshot_dir: &Path) -> Result<(), OpenError> {
    use crate::record::{KEY_PURGED, decode_log_id};
    let purged = meta(backend, KEY_PURGED, |bytes| {
        decode_log_id(KEY_PURGED, bytes)
    })?;
    let snapshots = list(snapshot_dir).map_err(OpenError::io("read", snapshot_dir))?;
    let newest = snapshots.last().and_then(|named| named.id);
    match purged {
        Some(purged) if newest < Some(purged) => Err(OpenError::SnapshotMissing {
            path: snapshot_dir.to_owned(),
            purged: purged.index,
            newest: newest.map_or_else(|| "none".to_owned(), |id| id.index.to_string()),
        }),
        Some(_) | None => Ok(()),
    }
}
