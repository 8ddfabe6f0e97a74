//! What readers see, and when, while the log is written, truncated and purged.

use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use openraft::storage::{RaftLogReader, RaftLogStorage};
use openraft::type_config::TypeConfigExt;
use raft_types::TypeConfig;
use storage::limits::READ_BYTES_MAX;
use storage::record::log_id;
use storage::{MemoryBackend, Missing, RocksBackend};
use tempfile::TempDir;

use crate::fixture::{append, entries, entry, ids, store_on, submit, vote};
use crate::observed::Observed;

#[test]
fn entries_are_readable_before_they_are_durable_and_acknowledged_after() {
    TypeConfig::run(async {
        let disk = Observed::new(MemoryBackend::new());
        // No cache at all: what is not flushed must stay in memory regardless.
        let mut store = store_on(disk.clone(), 0);
        let mut reader = store.get_log_reader().await;
        let gate = disk.shut_writes();
        let mut flushed = Box::pin(submit(&mut store, entries(1, 0..50)).await.unwrap());
        assert_eq!(
            reader.try_get_log_entries(0..50).await.unwrap(),
            entries(1, 0..50)
        );
        assert!(
            (&mut flushed).now_or_never().is_none(),
            "acknowledged before the write"
        );
        drop(gate);
        flushed.await.unwrap();
        assert_eq!(
            reader.try_get_log_entries(0..50).await.unwrap(),
            entries(1, 0..50)
        );
    });
}

/// The disk is asked for entries that are truncated before it answers: that is no hole.
#[test]
fn a_truncation_during_a_read_is_not_taken_for_damage() {
    TypeConfig::run(async {
        let disk = Observed::new(MemoryBackend::new());
        let mut store = store_on(disk.clone(), 0);
        append(&mut store, entries(1, 0..10)).await.unwrap();
        let mut reader = store.get_log_reader().await;
        let gate = disk.shut_scans();
        let read = tokio::spawn(async move { reader.try_get_log_entries(5..10).await });
        gate.wait_for_someone();
        store.truncate_after(Some(log_id(1, 2))).await.unwrap();
        // Waits for the disk, which works off both in order.
        store.save_vote(&vote(2, 1, true)).await.unwrap();
        drop(gate);
        assert_eq!(read.await.unwrap().unwrap(), []);
    });
}

/// The same with a purge: what was read before it is given up, and the rest is read.
#[test]
fn a_purge_during_a_read_is_not_taken_for_damage() {
    TypeConfig::run(async {
        let disk = Observed::new(MemoryBackend::new());
        let mut store = store_on(disk.clone(), 0);
        append(&mut store, entries(1, 0..10)).await.unwrap();
        let mut reader = store.get_log_reader().await;
        let gate = disk.shut_scans();
        let read = tokio::spawn(async move { reader.try_get_log_entries(5..10).await });
        gate.wait_for_someone();
        store.purge(log_id(1, 7)).await.unwrap();
        store.save_vote(&vote(2, 1, true)).await.unwrap();
        drop(gate);
        assert_eq!(read.await.unwrap().unwrap(), entries(1, 8..10));
    });
}

#[test]
fn a_limited_read_is_bounded_and_never_empty() {
    TypeConfig::run(async {
        for cache in [usize::MAX, 0] {
            let mut store = store_on(Arc::new(MemoryBackend::new()), cache);
            let large = vec![7; READ_BYTES_MAX / 4];
            let log = (0..20).map(|index| entry(1, index, &large)).collect();
            append(&mut store, log).await.unwrap();
            append(&mut store, vec![entry(1, 20, &vec![8; 3 * READ_BYTES_MAX])])
                .await
                .unwrap();
            let mut reader = store.get_log_reader().await;
            let some = reader.limited_get_log_entries(2, 21).await.unwrap();
            assert_eq!(
                ids(&some),
                (2..6).map(|index| log_id(1, index)).collect::<Vec<_>>()
            );
            let one = reader.limited_get_log_entries(20, 21).await.unwrap();
            assert_eq!(ids(&one), [log_id(1, 20)]);
            assert_eq!(reader.try_get_log_entries(..).await.unwrap().len(), 21);
            let streamed: Vec<_> = reader.entries_stream(1..).await.collect().await;
            let streamed: Vec<_> = streamed
                .into_iter()
                .map(|e| e.unwrap().log_id.index)
                .collect();
            assert_eq!(streamed, (1..21).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_leader_bounded_stream_ends_when_the_leader_changes() {
    TypeConfig::run(async {
        let mut store = store_on(Arc::new(MemoryBackend::new()), 0);
        let large = vec![7; READ_BYTES_MAX];
        append(
            &mut store,
            (0..4).map(|index| entry(1, index, &large)).collect(),
        )
        .await
        .unwrap();
        let leader = vote(1, 1, true);
        store.save_vote(&leader).await.unwrap();
        let mut reader = store.get_log_reader().await;
        let mut stream = reader.leader_bounded_stream(leader.leader_id, 0..4).await;
        assert!(stream.next().await.unwrap().is_ok());
        store.save_vote(&vote(2, 2, false)).await.unwrap();
        let rest: Vec<_> = stream.collect().await;
        assert_eq!(rest.len(), 1);
        assert!(rest[0].is_err(), "{rest:?}");
    });
}

/// Readers run on other threads and read each entry the moment `append` has returned, while the
/// cache is so small that entries leave it all the time.
#[test]
fn readers_see_every_entry_as_soon_as_append_returned() {
    const ENTRIES: u64 = 3000;
    TypeConfig::run(async {
        let temp = TempDir::new().unwrap();
        let rocks = RocksBackend::open(&temp.path().join("db"), Missing::Create).unwrap();
        let mut store = store_on(Arc::new(rocks), 600);
        let (announce, _) = tokio::sync::watch::channel(0u64);
        let mut readers = Vec::new();
        for _ in 0..4 {
            let mut reader = store.get_log_reader().await;
            let mut announced = announce.subscribe();
            readers.push(tokio::spawn(async move {
                while *announced.borrow_and_update() < ENTRIES {
                    announced.changed().await.unwrap();
                    let end = *announced.borrow();
                    let from = end.saturating_sub(20);
                    let read = reader.try_get_log_entries(from..end).await.unwrap();
                    assert_eq!(read, entries(1, from..end));
                }
            }));
        }
        for index in 0..ENTRIES {
            // Not awaited: visibility must not depend on durability.
            drop(
                submit(&mut store, entries(1, index..index + 1))
                    .await
                    .unwrap(),
            );
            announce.send_replace(index + 1);
        }
        for reader in readers {
            reader.await.unwrap();
        }
    });
}

/// Truncation and appending of other entries under concurrent readers: no read may mix both.
#[test]
fn a_read_never_mixes_entries_from_before_and_after_a_truncation() {
    TypeConfig::run(async {
        let mut store = store_on(Arc::new(MemoryBackend::new()), 300);
        append(&mut store, entries(1, 0..40)).await.unwrap();
        let mut reader = store.get_log_reader().await;
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stop = Arc::clone(&done);
        let checker = tokio::spawn(async move {
            let mut reads = 0u64;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                let read = reader.try_get_log_entries(10..40).await.unwrap();
                let terms: Vec<_> = read.iter().map(|e| *e.log_id.leader_id).collect();
                assert!(
                    terms.windows(2).all(|pair| pair[0] == pair[1]),
                    "mixed: {terms:?}"
                );
                let indexes: Vec<_> = read.iter().map(|e| e.log_id.index).collect();
                assert!(
                    indexes.windows(2).all(|pair| pair[0] + 1 == pair[1]),
                    "{indexes:?}"
                );
                reads += 1;
                tokio::task::yield_now().await;
            }
            reads
        });
        for term in 2..400 {
            store.truncate_after(Some(log_id(1, 9))).await.unwrap();
            append(&mut store, entries(term, 10..40)).await.unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(checker.await.unwrap() > 0);
    });
}
