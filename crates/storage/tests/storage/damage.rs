//! Flipped bits and missing records, in the simulated disk and in every kind of RocksDB's files:
//! refused, named, and nothing is deleted. Markers are in `directory.rs`, snapshots in
//! `snapshots.rs`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openraft::type_config::TypeConfigExt;
use raft_types::TypeConfig;
use storage::backend::{Durability, LogBackend, Op, Table};
use storage::record::{log_id, log_key};
use storage::{LogOptions, LogStore, MemoryBackend, Missing, RocksBackend, check_directory};

use crate::fixture::{
    self, append, assert_refused, assert_refused_by_content, assert_says, database_files, entries,
    expected, flip_bit, read_all, used,
};

#[test]
fn a_damaged_log_record_is_refused() {
    let (_temp, data) = used();
    let rocks = RocksBackend::open(&data.join("db"), Missing::Refuse).unwrap();
    let mut value = rocks.get(Table::Log, &log_key(4)).unwrap().unwrap();
    value[15] ^= 0x10;
    let put = Op::Put {
        table: Table::Log,
        key: log_key(4).to_vec(),
        value,
    };
    rocks.write(&[put], Durability::Synced).unwrap();
    drop(rocks);
    let parts = [
        "record 4 of table log",
        "db",
        "checksum",
        "not skipped",
        "new node id",
    ];
    assert_refused_by_content(&data, &parts);
    let report = check_directory(&data);
    assert_eq!(report.records, 10, "{report}");
    assert_says(&report.to_string(), &parts[..3]);
}

#[test]
fn a_damaged_vote_is_refused() {
    let (_temp, data) = used();
    let rocks = RocksBackend::open(&data.join("db"), Missing::Refuse).unwrap();
    let mut value = rocks.get(Table::Meta, b"vote").unwrap().unwrap();
    value[1] ^= 1;
    let put = Op::Put {
        table: Table::Meta,
        key: b"vote".to_vec(),
        value,
    };
    rocks.write(&[put], Durability::Synced).unwrap();
    drop(rocks);
    assert_refused_by_content(&data, &["record vote of table meta", "damaged"]);
    assert_says(
        &check_directory(&data).to_string(),
        &["record vote of table meta"],
    );
}

#[test]
fn a_flipped_bit_in_any_table_file_is_refused() {
    let (_temp, data) = used();
    let rocks = RocksBackend::open(&data.join("db"), Missing::Refuse).unwrap();
    rocks.flush_tables().unwrap();
    drop(rocks);
    let files = database_files(&data, ".sst");
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        // In its first block, which holds the records.
        flip_bit(&file, 30, 2);
        assert_refused_by_content(&data, &["db", "orruption"]);
        let report = check_directory(&data);
        assert_says(&report.to_string(), &["PROBLEM", "orruption"]);
        flip_bit(&file, 30, 2);
        drop(fixture::open(&data));
    }
}

/// The write-ahead log with records in it, youngest last.
fn write_ahead_log(data: &Path) -> PathBuf {
    let mut files = database_files(data, ".log");
    files.retain(|file| std::fs::metadata(file).unwrap().len() > 0);
    files.pop().unwrap()
}

#[test]
fn a_torn_end_of_the_write_ahead_log_opens_and_loses_only_what_was_torn() {
    let (_temp, data) = used();
    TypeConfig::run(async {
        let directory = fixture::open(&data);
        let mut log = directory.log_store();
        append(&mut log, entries(2, 10..11)).await.unwrap();
        append(&mut log, entries(2, 11..12)).await.unwrap();
        drop((directory, log));
        let wal = write_ahead_log(&data);
        let len = std::fs::metadata(&wal).unwrap().len();
        std::fs::File::options()
            .write(true)
            .open(&wal)
            .unwrap()
            .set_len(len - 5)
            .unwrap();
        let directory = fixture::open(&data);
        let read = read_all(&mut directory.log_store()).await.unwrap();
        assert_eq!(read.last().unwrap().log_id, log_id(2, 10));
        assert_eq!(read.len(), 11);
    });
}

#[test]
fn damage_within_the_write_ahead_log_is_refused() {
    let (_temp, data) = used();
    let wal = TypeConfig::run(async {
        let directory = fixture::open(&data);
        let mut log = directory.log_store();
        for index in 10..30 {
            append(&mut log, entries(2, index..index + 1))
                .await
                .unwrap();
        }
        drop((directory, log));
        write_ahead_log(&data)
    });
    let len = std::fs::metadata(&wal).unwrap().len() as usize;
    flip_bit(&wal, len / 2, 3);
    assert_refused(&data, expected(), &["db", "orruption"]);
    assert!(!check_directory(&data).is_sound());
}

#[test]
fn damage_in_the_log_is_refused_and_named() {
    TypeConfig::run(async {
        for bit in [0, 9, 100, 200] {
            let disk = MemoryBackend::new();
            let mut store = LogStore::in_memory(disk.clone()).unwrap();
            append(&mut store, entries(1, 0..10)).await.unwrap();
            store.close().await.unwrap();
            assert!(disk.flip_bit(Table::Log, &log_key(4), bit));
            let error = LogStore::in_memory(disk.restart()).unwrap_err();
            assert_says(
                &error.to_string(),
                &[
                    "record 4 of table log in the simulated disk is damaged",
                    "checksum",
                    "not skipped",
                ],
            );
        }
    });
}

#[test]
fn damage_met_while_reading_is_an_error_not_the_end_of_the_log() {
    TypeConfig::run(async {
        let disk = MemoryBackend::new();
        let options = LogOptions {
            tail_cache_bytes_max: 0,
            ..LogOptions::default()
        };
        let mut store = LogStore::open(Arc::new(disk.clone()), options).unwrap();
        append(&mut store, entries(1, 0..10)).await.unwrap();
        assert!(disk.flip_bit(Table::Log, &log_key(4), 77));
        let error = read_all(&mut store).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_says(&error.to_string(), &["record 4 of table log"]);
    });
}

#[test]
fn a_hole_and_an_entry_below_the_purged_position_are_refused() {
    TypeConfig::run(async {
        let disk = MemoryBackend::new();
        let mut store = LogStore::in_memory(disk.clone()).unwrap();
        append(&mut store, entries(1, 0..10)).await.unwrap();
        store.close().await.unwrap();
        let remove = |index| Op::Delete {
            table: Table::Log,
            key: log_key(index).to_vec(),
        };
        disk.write(&[remove(4)], Durability::Synced).unwrap();
        let error = LogStore::in_memory(disk.restart()).unwrap_err();
        assert_says(&error.to_string(), &["has no entry 4", "holds entry 5"]);

        let disk = disk.restart();
        let position = storage::record::encode_log_id(b"last_purged", &log_id(1, 6));
        let put = Op::Put {
            table: Table::Meta,
            key: b"last_purged".to_vec(),
            value: position,
        };
        disk.write(&[put], Durability::Synced).unwrap();
        let error = LogStore::in_memory(disk.restart()).unwrap_err();
        assert_says(
            &error.to_string(),
            &["contradicts itself", "entry 0 exists"],
        );
    });
}
