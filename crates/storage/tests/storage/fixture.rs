//! Entries, directories and waiting, for all tests here.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use openraft::EntryPayload;
use openraft::storage::{IOFlushed, RaftLogReader, RaftLogStorage};
use openraft::type_config::TypeConfigExt;
use raft_types::snapshot::SnapshotMeta;
use raft_types::{
    ClusterId, Entry, EntryBytes, LogId, Membership, PeerAddress, StoredMembership, TypeConfig,
    Vote,
};
use storage::backend::LogBackend;
use storage::record::log_id;
use storage::{DataDirectory, Expectations, LogOptions, LogStore};
use tempfile::TempDir;

pub(crate) const CLUSTER: ClusterId = ClusterId(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
pub(crate) const NODE: u64 = 3;

pub(crate) fn expected() -> Expectations {
    Expectations {
        cluster_id: Some(CLUSTER),
        node_id: NODE,
    }
}

pub(crate) fn open(path: &Path) -> DataDirectory {
    DataDirectory::open(path, expected()).unwrap()
}

/// The error of an open that must be refused, as text.
pub(crate) fn refusal(path: &Path, expectations: Expectations) -> String {
    match DataDirectory::open(path, expectations) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn entry(term: u64, index: u64, payload: &[u8]) -> Entry {
    let payload = EntryPayload::Normal(EntryBytes(Bytes::copy_from_slice(payload)));
    Entry {
        log_id: log_id(term, index),
        payload,
    }
}

pub(crate) fn entries(term: u64, indexes: std::ops::Range<u64>) -> Vec<Entry> {
    indexes
        .map(|index| entry(term, index, format!("entry {index}").as_bytes()))
        .collect()
}

pub(crate) fn membership() -> Membership {
    let address = |id: u64| PeerAddress {
        peer: format!("10.0.0.{id}:7500"),
        api: format!("http://10.0.0.{id}:7400"),
    };
    let nodes: BTreeMap<u64, PeerAddress> = (1..=4).map(|id| (id, address(id))).collect();
    Membership::new(vec![[1, 2].into(), [2, 3].into()], nodes).unwrap()
}

pub(crate) fn vote(term: u64, node: u64, committed: bool) -> Vote {
    if committed {
        Vote::new_committed(term, node)
    } else {
        Vote::new(term, node)
    }
}

/// Submits entries and returns what waits for their callback.
pub(crate) async fn submit(
    store: &mut LogStore,
    entries: Vec<Entry>,
) -> io::Result<impl Future<Output = io::Result<()>> + Send + 'static> {
    let (done, flushed) = TypeConfig::oneshot::<io::Result<()>>();
    store.append(entries, IOFlushed::signal(done)).await?;
    Ok(async move {
        flushed
            .await
            .map_err(|_| io::Error::other("the callback was dropped"))?
    })
}

/// Appends and waits until it is durable.
pub(crate) async fn append(store: &mut LogStore, entries: Vec<Entry>) -> io::Result<()> {
    submit(store, entries).await?.await
}

pub(crate) async fn read_all(store: &mut LogStore) -> io::Result<Vec<Entry>> {
    store.get_log_reader().await.try_get_log_entries(..).await
}

pub(crate) async fn read_vote(store: &mut LogStore) -> Option<Vote> {
    store.get_log_reader().await.read_vote().await.unwrap()
}

pub(crate) fn ids(entries: &[Entry]) -> Vec<LogId> {
    entries.iter().map(|entry| entry.log_id).collect()
}

/// Every file below a directory with its content.
pub(crate) fn content_of(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for file in std::fs::read_dir(path).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(content_of(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// Files of RocksDB with this ending.
pub(crate) fn database_files(data: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = content_of(&data.join("db"))
        .into_keys()
        .filter(|p| p.to_str().unwrap().ends_with(ending))
        .collect();
    found.sort();
    found
}

pub(crate) fn flip_bit(path: &Path, byte: usize, bit: u8) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[byte] ^= 1 << bit;
    std::fs::write(path, bytes).unwrap();
}

#[track_caller]
pub(crate) fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// A data directory that was used: ten entries, a vote, a snapshot.
pub(crate) fn used() -> (TempDir, PathBuf) {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("data");
    TypeConfig::run(async {
        let directory = open(&data);
        let mut log = directory.log_store();
        append(&mut log, entries(1, 0..10)).await.unwrap();
        log.save_vote(&vote(2, 1, true)).await.unwrap();
        snapshot(&directory, 5);
        directory.close().await.unwrap();
    });
    (temp, data)
}

fn snapshot(directory: &DataDirectory, index: u64) {
    let meta = SnapshotMeta {
        last_log_id: Some(log_id(1, index)),
        last_membership: StoredMembership::new(Some(log_id(1, 0)), membership()),
    };
    let mut sink = directory.snapshot_store().create(meta).unwrap();
    sink.write(format!("state at {index}").as_bytes()).unwrap();
    sink.finish().unwrap();
}

/// Opens a directory that must be refused; checks the words and that every file is still as it
/// was. RocksDB may add to its text log.
#[track_caller]
pub(crate) fn assert_refused(data: &Path, expectations: Expectations, says: &[&str]) {
    let before = content_of(data);
    assert_says(&refusal(data, expectations), says);
    assert_kept(before, data, |name| !name.starts_with("LOG"));
}

/// The same where the database opens and what is in it is refused: RocksDB has then turned its
/// write-ahead log into table files, and switched to new files of its own.
#[track_caller]
pub(crate) fn assert_refused_by_content(data: &Path, says: &[&str]) {
    let before = content_of(data);
    assert_says(&refusal(data, expected()), says);
    assert_kept(before, data, |name| {
        name.ends_with(".sst") || name.ends_with(".snap") || name == "holdfast.node"
    });
}

#[track_caller]
fn assert_kept(before: BTreeMap<PathBuf, Vec<u8>>, data: &Path, must: fn(&str) -> bool) {
    let after = content_of(data);
    for (path, content) in before {
        if must(path.file_name().unwrap().to_str().unwrap()) {
            let kept = after.get(&path);
            assert!(kept.is_some(), "{} was deleted", path.display());
            assert!(kept == Some(&content), "{} was changed", path.display());
        }
    }
}

/// A log store with a cache of this size.
pub(crate) fn store_on(backend: Arc<dyn LogBackend>, cache_bytes: usize) -> LogStore {
    let options = LogOptions {
        tail_cache_bytes_max: cache_bytes,
        ..LogOptions::default()
    };
    LogStore::open(backend, options).unwrap()
}
