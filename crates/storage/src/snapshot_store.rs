//! Snapshots as files: written aside, synced, renamed; the newest two are kept.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use raft_types::ClusterId;
use raft_types::LogId;
use raft_types::snapshot::{Snapshot, SnapshotMeta, SnapshotSink, SnapshotSource, SnapshotStore};
use xxhash_rust::xxh3::Xxh3;

use crate::durable;
use crate::limits::{SNAPSHOT_BLOCK_BYTES, SNAPSHOT_BLOCKS_PER_SYNC, SNAPSHOTS_KEPT};
use crate::record::{log_id, term_of};
use crate::snapshot_file::{Footer, SnapshotFile, encode_block, encode_footer, encode_header};
use crate::snapshot_removal::{give_back, remove_name};

const SUFFIX: &str = ".snap";
const ASIDE_SUFFIX: &str = ".tmp";
/// Stem of a snapshot of the state before any entry.
const EMPTY_STEM: &str = "empty";

/// The cluster a data directory belongs to, once known; shared with the directory.
pub(crate) type SharedClusterId = Arc<RwLock<Option<ClusterId>>>;

/// The snapshots of one data directory.
#[derive(Debug)]
pub(crate) struct FileSnapshotStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    cluster: SharedClusterId,
    /// The newest snapshot once it was verified or written by this process. Also serialises
    /// renaming and removing.
    current: Mutex<Option<Arc<SnapshotFile>>>,
    /// Tells apart files written aside at the same time.
    writes: AtomicU64,
}

impl FileSnapshotStore {
    /// Uses an existing directory and removes what was left half written in it.
    pub(crate) fn open(directory: &Path, cluster: SharedClusterId) -> io::Result<Self> {
        remove_leftovers(directory)?;
        Ok(FileSnapshotStore {
            inner: Arc::new(Inner {
                directory: directory.to_owned(),
                cluster,
                current: Mutex::new(None),
                writes: AtomicU64::new(0),
            }),
        })
    }
}

impl SnapshotStore for FileSnapshotStore {
    fn create(&self, meta: SnapshotMeta) -> io::Result<Box<dyn SnapshotSink>> {
        let cluster = *self.inner.cluster.read();
        let Some(cluster) = cluster else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a snapshot carries its cluster's id, and this node has not learned it yet",
            ));
        };
        let header = encode_header(cluster, &meta).map_err(io::Error::other)?;
        let target = self
            .inner
            .directory
            .join(file_name(meta.last_log_id.as_ref()));
        let aside = self.inner.aside(&target);
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&aside)?;
        let mut sink = FileSink {
            inner: Arc::clone(&self.inner),
            cluster,
            target,
            aside: Some(aside),
            file,
            block: Vec::with_capacity(SNAPSHOT_BLOCK_BYTES),
            blocks: 0,
            content_len: 0,
            hasher: Xxh3::new(),
        };
        sink.file.write_all(&header)?;
        Ok(Box::new(sink))
    }

    fn current(&self) -> io::Result<Option<Snapshot>> {
        let newest = self.inner.newest(&mut self.inner.current.lock())?;
        Ok(newest.map(|newest| newest as Snapshot))
    }

    fn kept(&self) -> io::Result<Vec<Snapshot>> {
        // Nothing is renamed or removed as long as this is locked.
        let mut current = self.inner.current.lock();
        let Some(newest) = self.inner.newest(&mut current)? else {
            return Ok(Vec::new());
        };
        let older = list(&self.inner.directory)?;
        let older = older.iter().rev();
        let older = older.filter(|named| named.id < newest.meta().last_log_id);
        let older: Vec<Snapshot> = older.filter_map(|named| self.inner.older(named)).collect();
        Ok([vec![newest as Snapshot], older].concat())
    }
}

impl Inner {
    fn newest(
        &self,
        current: &mut Option<Arc<SnapshotFile>>,
    ) -> io::Result<Option<Arc<SnapshotFile>>> {
        if current.is_none()
            && let Some(newest) = list(&self.directory)?.pop()
        {
            *current = Some(Arc::new(open_verified(&newest, *self.cluster.read())?));
        }
        Ok(current.clone())
    }

    /// A snapshot that is not the newest, if it can be opened.
    fn older(&self, named: &Named) -> Option<Snapshot> {
        match open_named(named, *self.cluster.read()) {
            Ok(snapshot) => Some(Arc::new(snapshot)),
            Err(error) => {
                tracing::warn!(path = %named.path.display(), %error, "old snapshot not listed");
                None
            }
        }
    }

    fn aside(&self, target: &Path) -> PathBuf {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}{ASIDE_SUFFIX}"));
        target.with_file_name(name)
    }

    /// Gives a written and synced file its name.
    fn adopt(&self, aside: &Path, snapshot: Arc<SnapshotFile>, target: &Path) -> io::Result<()> {
        let mut current = self.current.lock();
        fs::rename(aside, target)?;
        durable::sync_dir(&self.directory)?;
        let kept = list(&self.directory)?;
        if kept.last().is_some_and(|newest| newest.path == target) {
            *current = Some(snapshot);
        }
        give_back(remove_old(&kept));
        Ok(())
    }
}

/// Removes all but the newest. A snapshot that cannot be removed costs space, nothing else.
fn remove_old(kept: &[Named]) -> Vec<File> {
    let old = kept.len().saturating_sub(SNAPSHOTS_KEPT);
    let remove = |named: &Named| {
        remove_name(&named.path).unwrap_or_else(|error| {
            tracing::warn!(path = %named.path.display(), %error, "old snapshot not removed");
            None
        })
    };
    kept.iter().take(old).filter_map(remove).collect()
}

/// A snapshot being written to a file aside.
struct FileSink {
    inner: Arc<Inner>,
    cluster: ClusterId,
    target: PathBuf,
    /// None once the file has its final name.
    aside: Option<PathBuf>,
    file: File,
    block: Vec<u8>,
    blocks: u64,
    content_len: u64,
    hasher: Xxh3,
}

impl FileSink {
    fn write_block(&mut self) -> io::Result<()> {
        let encoded = encode_block(self.blocks, &self.block).map_err(io::Error::other)?;
        self.file.write_all(&encoded)?;
        self.hasher.update(&self.block);
        self.content_len += self.block.len() as u64;
        self.blocks += 1;
        self.block.clear();
        if self.blocks.is_multiple_of(SNAPSHOT_BLOCKS_PER_SYNC) {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

impl SnapshotSink for FileSink {
    fn write(&mut self, mut content: &[u8]) -> io::Result<()> {
        while !content.is_empty() {
            let room = SNAPSHOT_BLOCK_BYTES.saturating_sub(self.block.len());
            let (now, later) = content.split_at(room.min(content.len()));
            self.block.extend_from_slice(now);
            content = later;
            if self.block.len() == SNAPSHOT_BLOCK_BYTES {
                self.write_block()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<Snapshot> {
        if !self.block.is_empty() {
            self.write_block()?;
        }
        let footer = encode_footer(Footer {
            blocks: self.blocks,
            content_len: self.content_len,
            content_hash: self.hasher.digest(),
        });
        self.file.write_all(&footer)?;
        self.file.sync_all()?;
        let file = self.file.try_clone()?;
        let snapshot = SnapshotFile::from_file(&self.target, file, Some(self.cluster))?;
        let snapshot = Arc::new(snapshot);
        if let Some(aside) = &self.aside {
            self.inner
                .adopt(aside, Arc::clone(&snapshot), &self.target)?;
        }
        self.aside = None;
        Ok(snapshot)
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if let Some(aside) = &self.aside
            && let Err(error) = fs::remove_file(aside)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %aside.display(), %error, "unfinished snapshot not removed");
        }
    }
}

/// A finished snapshot by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: Option<LogId>,
    pub(crate) path: PathBuf,
}

/// The finished snapshots of a directory, oldest first.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<Named>> {
    let mut found = Vec::new();
    for file in fs::read_dir(directory)? {
        let path = file?.path();
        if let Some(id) = path.file_name().and_then(|name| parse_name(name.to_str()?)) {
            found.push(Named { id, path });
        }
    }
    found.sort_by_key(|named| named.id);
    Ok(found)
}

/// Opens a snapshot and reads all of it once.
pub(crate) fn open_verified(named: &Named, cluster: Option<ClusterId>) -> io::Result<SnapshotFile> {
    let snapshot = open_named(named, cluster)?;
    snapshot.verify()?;
    Ok(snapshot)
}

/// Opens a snapshot and reads what stands around its content.
fn open_named(named: &Named, cluster: Option<ClusterId>) -> io::Result<SnapshotFile> {
    let snapshot = SnapshotFile::open(&named.path, cluster)?;
    if snapshot.meta().last_log_id != named.id {
        let what = "its header holds another log position than its name";
        return Err(crate::error::snapshot_damaged(&named.path, what));
    }
    Ok(snapshot)
}

fn file_name(id: Option<&LogId>) -> String {
    match id {
        Some(id) => format!("{:020}-{:020}{SUFFIX}", term_of(id), id.index),
        None => format!("{EMPTY_STEM}{SUFFIX}"),
    }
}

/// Which snapshot a file name stands for, if it is the name of one.
fn parse_name(name: &str) -> Option<Option<LogId>> {
    let stem = name.strip_suffix(SUFFIX)?;
    if stem == EMPTY_STEM {
        return Some(None);
    }
    let (term, index) = stem.split_once('-')?;
    let id = log_id(term.parse().ok()?, index.parse().ok()?);
    (file_name(Some(&id)) == name).then_some(Some(id))
}

/// Removes files this store wrote aside and did not finish, and no others.
fn remove_leftovers(directory: &Path) -> io::Result<()> {
    for file in fs::read_dir(directory)? {
        let path = file?.path();
        let is_ours = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(is_aside);
        if is_ours {
            tracing::info!(path = %path.display(), "removing a snapshot left half written");
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn is_aside(name: &str) -> bool {
    let number_and_target = name
        .strip_suffix(ASIDE_SUFFIX)
        .and_then(|rest| rest.rsplit_once('.'));
    number_and_target.is_some_and(|(target, number)| {
        number.parse::<u64>().is_ok() && parse_name(target).is_some()
    })
}
