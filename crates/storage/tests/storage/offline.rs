//! Reading a directory that no node uses: all of it, without changing anything.

use std::ops::ControlFlow;
use std::path::Path;

use openraft::storage::RaftLogStorage;
use openraft::type_config::TypeConfigExt;
use raft_types::TypeConfig;
use storage::backend::{Durability, LogBackend, Op, Table};
use storage::record::{log_id, log_key};
use storage::{Missing, OfflineDirectory, RocksBackend, StoredEntry};
use tempfile::TempDir;

use crate::fixture::{self, append, assert_says, content_of, database_files, entries, used, vote};

/// Everything from an index on, and the error that ended it.
fn read(data: &Path, from: u64) -> (Vec<StoredEntry>, Option<String>) {
    let directory = OfflineDirectory::open(data).unwrap();
    let mut found = Vec::new();
    let read = directory.entries(from, &mut |entry| {
        found.push(entry);
        ControlFlow::Continue(())
    });
    (found, read.err().map(|error| error.to_string()))
}

fn indexes(entries: &[StoredEntry]) -> Vec<u64> {
    entries.iter().map(|e| e.entry.log_id.index).collect()
}

#[test]
fn what_was_written_is_read_and_nothing_is_changed() {
    let (_temp, data) = used();
    let before = content_of(&data);
    let (found, error) = read(&data, 0);
    assert_eq!(error, None);
    let plain: Vec<_> = found.iter().map(|e| e.entry.clone()).collect();
    assert_eq!(plain, entries(1, 0..10));
    assert_eq!(indexes(&read(&data, 7).0), [7, 8, 9]);
    let directory = OfflineDirectory::open(&data).unwrap();
    let positions = directory.positions().unwrap();
    assert_eq!(positions.vote, Some(vote(2, 1, true)));
    assert_eq!((positions.purged, positions.committed), (None, None));
    let snapshots = directory.snapshots().unwrap();
    assert_eq!(snapshots[0].last_log_id, Some(log_id(1, 5)));
    assert!(directory.open_snapshot(&snapshots[0]).is_ok());
    assert_eq!(directory.torn_tails().unwrap(), []);
    drop(directory);
    assert_eq!(content_of(&data), before);
}

/// The hash stands for the record: the same entry has the same hash in every directory.
#[test]
fn equal_entries_have_equal_hashes_and_others_have_others() {
    let (_temp, first) = used();
    let (_temp, second) = used();
    let hashes = |data: &Path| read(data, 0).0.iter().map(|e| e.hash).collect::<Vec<_>>();
    assert_eq!(hashes(&first), hashes(&second));
    let distinct: std::collections::BTreeSet<u128> = hashes(&first).into_iter().collect();
    assert_eq!(distinct.len(), 10);
}

#[test]
fn a_directory_in_use_is_refused_and_none_can_be_used_meanwhile() {
    let (_temp, data) = used();
    let node = fixture::open(&data);
    let refused = OfflineDirectory::open(&data).unwrap_err().to_string();
    assert_says(
        &refused,
        &["in use by another process", "stop that process"],
    );
    drop(node);
    let reader = OfflineDirectory::open(&data).unwrap();
    let refused = fixture::refusal(&data, fixture::expected());
    assert_says(&refused, &["in use by another process"]);
    let second = OfflineDirectory::open(&data);
    assert!(second.is_ok(), "two may read at once");
    drop((reader, second));
    drop(fixture::open(&data));
}

#[test]
fn what_is_no_data_directory_is_refused_and_left_alone() {
    let temp = TempDir::new().unwrap();
    let refused = OfflineDirectory::open(temp.path()).unwrap_err().to_string();
    assert_says(
        &refused,
        &["not a Holdfast data directory", "holdfast.node"],
    );
    let missing = temp.path().join("nowhere");
    assert!(OfflineDirectory::open(&missing).is_err());
    assert!(!missing.exists());
    let (_temp, data) = used();
    std::fs::rename(data.join("db"), data.join("elsewhere")).unwrap();
    let refused = OfflineDirectory::open(&data).unwrap_err().to_string();
    assert_says(&refused, &["db is missing"]);
    assert!(!data.join("db").exists());
}

#[test]
fn damage_is_told_after_what_stands_before_it() {
    let (_temp, data) = used();
    let rocks = RocksBackend::open(&data.join("db"), Missing::Refuse).unwrap();
    let mut value = rocks.get(Table::Log, &log_key(4)).unwrap().unwrap();
    value[15] ^= 0x10;
    let key = log_key(4).to_vec();
    let table = Table::Log;
    let put = Op::Put { table, key, value };
    rocks.write(&[put], Durability::Synced).unwrap();
    drop(rocks);
    let (found, error) = read(&data, 0);
    assert_eq!(indexes(&found), [0, 1, 2, 3]);
    assert_says(&error.unwrap(), &["record 4 of table log", "checksum"]);
}

#[test]
fn a_purged_log_begins_where_it_was_purged() {
    let (_temp, data) = used();
    TypeConfig::run(async {
        let directory = fixture::open(&data);
        let mut log = directory.log_store();
        log.purge(log_id(1, 3)).await.unwrap();
        log.save_committed(Some(log_id(1, 8))).await.unwrap();
        append(&mut log, entries(1, 10..11)).await.unwrap();
        directory.close().await.unwrap();
    });
    let (found, error) = read(&data, 0);
    assert_eq!(error, None);
    assert_eq!(indexes(&found), [4, 5, 6, 7, 8, 9, 10]);
    let positions = OfflineDirectory::open(&data).unwrap().positions().unwrap();
    assert_eq!(positions.purged, Some(log_id(1, 3)));
    assert_eq!(positions.committed, Some(log_id(1, 8)));
}

/// A crash in the middle of a write: the last record is cut at every byte. What was whole is read, and
/// the cut is told; a node that starts drops it and is told nothing.
#[test]
fn a_torn_tail_is_told_and_hides_nothing_before_it() {
    let (_temp, data) = used();
    TypeConfig::run(async {
        let directory = fixture::open(&data);
        let mut log = directory.log_store();
        for entry in entries(1, 10..12) {
            append(&mut log, vec![entry]).await.unwrap();
        }
    });
    let wal = database_files(&data, ".log").pop().unwrap();
    let whole = std::fs::read(&wal).unwrap();
    for cut in [1, 5, 20] {
        std::fs::write(&wal, &whole[..whole.len() - cut]).unwrap();
        let (found, error) = read(&data, 0);
        assert_eq!(error, None);
        assert_eq!(indexes(&found), (0..11).collect::<Vec<_>>(), "cut {cut}");
        let torn = OfflineDirectory::open(&data).unwrap().torn_tails().unwrap();
        assert_eq!(torn.len(), 1, "cut {cut}");
        assert_eq!(torn[0].file, wal);
        assert_eq!(torn[0].at + torn[0].bytes, (whole.len() - cut) as u64);
    }
}
