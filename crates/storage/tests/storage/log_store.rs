//! Order, visibility, durability requests, limits and failures of the log store.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use openraft::storage::{RaftLogReader, RaftLogStorage};
use openraft::type_config::TypeConfigExt;
use parking_lot::{Condvar, Mutex};
use raft_types::TypeConfig;
use storage::backend::{Durability, LogBackend, Op, Table, Visit};
use storage::error::BackendError;
use storage::limits::READ_BYTES_MAX;
use storage::record::{log_id, log_key};
use storage::{Fault, LogOptions, LogStore, MemoryBackend, Missing, RocksBackend, SimulatedWriter};
use tempfile::TempDir;

use crate::fixture::{self, append, assert_says, entries, entry, ids, read_all, submit, vote};

/// Notes every write asked for, and holds writes back while its gate is shut.
struct Observed<B> {
    inner: B,
    writes: Mutex<Vec<(Durability, Vec<Op>)>>,
    is_shut: Mutex<bool>,
    opened: Condvar,
}

impl<B: LogBackend> Observed<B> {
    fn new(inner: B) -> Arc<Self> {
        let (writes, is_shut) = (Mutex::default(), Mutex::new(false));
        Arc::new(Observed {
            inner,
            writes,
            is_shut,
            opened: Condvar::new(),
        })
    }

    fn shut(&self) {
        *self.is_shut.lock() = true;
    }

    fn open_gate(&self) {
        *self.is_shut.lock() = false;
        self.opened.notify_all();
    }

    fn take_writes(&self) -> Vec<(Durability, Vec<Op>)> {
        std::mem::take(&mut *self.writes.lock())
    }
}

impl<B: LogBackend> LogBackend for Observed<B> {
    fn write(&self, batch: &[Op], durability: Durability) -> Result<(), BackendError> {
        let mut is_shut = self.is_shut.lock();
        while *is_shut {
            self.opened.wait(&mut is_shut);
        }
        drop(is_shut);
        self.writes.lock().push((durability, batch.to_vec()));
        self.inner.write(batch, durability)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        self.inner.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), BackendError> {
        self.inner.scan(table, from, to, visit)
    }

    fn close(&self) -> Result<(), BackendError> {
        self.inner.close()
    }

    fn place(&self) -> String {
        self.inner.place()
    }

    fn blocks(&self) -> bool {
        self.inner.blocks()
    }
}

fn store_on(backend: Arc<dyn LogBackend>, cache_bytes: usize) -> LogStore {
    let options = LogOptions {
        tail_cache_bytes_max: cache_bytes,
        ..LogOptions::default()
    };
    LogStore::open(backend, options).unwrap()
}

#[test]
fn entries_are_readable_before_they_are_durable_and_acknowledged_after() {
    TypeConfig::run(async {
        let disk = Observed::new(MemoryBackend::new());
        // No cache at all: what is not flushed must stay in memory regardless.
        let mut store = store_on(disk.clone(), 0);
        let mut reader = store.get_log_reader().await;
        disk.shut();
        let mut flushed = Box::pin(submit(&mut store, entries(1, 0..50)).await.unwrap());
        assert_eq!(
            reader.try_get_log_entries(0..50).await.unwrap(),
            entries(1, 0..50)
        );
        assert!(
            (&mut flushed).now_or_never().is_none(),
            "acknowledged before the write"
        );
        disk.open_gate();
        flushed.await.unwrap();
        assert_eq!(
            reader.try_get_log_entries(0..50).await.unwrap(),
            entries(1, 0..50)
        );
    });
}

#[test]
fn everything_queued_becomes_one_synced_batch_and_callbacks_fire_in_order() {
    TypeConfig::run(async {
        let disk = Observed::new(MemoryBackend::new());
        let mut store = store_on(disk.clone(), usize::MAX);
        disk.shut();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = VecDeque::new();
        for index in 0..100 {
            let flushed = submit(&mut store, entries(1, index..index + 1))
                .await
                .unwrap();
            let order = Arc::clone(&order);
            waiting.push_back(async move {
                flushed.await.unwrap();
                order.lock().push(index);
            });
            store.save_committed(Some(log_id(1, index))).await.unwrap();
        }
        disk.open_gate();
        futures::future::join_all(waiting).await;
        assert_eq!(*order.lock(), (0..100).collect::<Vec<_>>());
        let writes = disk.take_writes();
        // The first may have been taken alone before the rest was queued.
        assert!(writes.len() <= 2, "{} writes for 100 appends", writes.len());
        let positions = writes
            .iter()
            .flat_map(|(_, ops)| ops)
            .filter(|op| is_meta(op))
            .count();
        assert!(
            positions <= writes.len(),
            "the committed position is written once per batch"
        );
        let stats = store.sync_stats().read();
        assert_eq!(stats.entries, 100);
        assert!(stats.max_batch_entries >= 50, "{stats:?}");
        assert_eq!(stats.buckets.iter().sum::<u64>(), stats.syncs);
    });
}

fn is_meta(op: &Op) -> bool {
    match op {
        Op::Put { table, .. } | Op::Delete { table, .. } | Op::DeleteRange { table, .. } => {
            *table == Table::Meta
        }
    }
}

/// What RocksDB is asked: it keeps order in its write-ahead log, so it suffices that votes and
/// entries ask for a sync and that purge and truncation are one batch each.
#[test]
fn rocksdb_is_asked_to_sync_votes_and_entries_and_nothing_else() {
    TypeConfig::run(async {
        let temp = TempDir::new().unwrap();
        let rocks = RocksBackend::open(&temp.path().join("db"), Missing::Create).unwrap();
        let disk = Observed::new(rocks);
        let mut store = store_on(disk.clone(), usize::MAX);

        append(&mut store, entries(1, 0..3)).await.unwrap();
        assert_durability(&disk.take_writes(), Durability::Synced, 3);
        store.save_vote(&vote(2, 1, true)).await.unwrap();
        assert_durability(&disk.take_writes(), Durability::Synced, 1);

        store.save_committed(Some(log_id(1, 1))).await.unwrap();
        store.truncate_after(Some(log_id(1, 1))).await.unwrap();
        store.purge(log_id(1, 0)).await.unwrap();
        store.close().await.unwrap();
        let writes = disk.take_writes();
        assert!(
            writes
                .iter()
                .all(|(durability, _)| *durability == Durability::Unsynced)
        );
        let purge = writes
            .iter()
            .find(|(_, ops)| ops.iter().any(is_purge))
            .unwrap();
        let gone = Op::DeleteRange {
            table: Table::Log,
            from: log_key(0).to_vec(),
            to: log_key(1).to_vec(),
        };
        assert!(
            purge.1.contains(&gone),
            "position and entries are not in one batch: {purge:?}"
        );
    });
}

fn is_purge(op: &Op) -> bool {
    matches!(op, Op::Put { key, .. } if key == b"last_purged")
}

#[track_caller]
fn assert_durability(writes: &[(Durability, Vec<Op>)], durability: Durability, ops: usize) {
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!((writes[0].0, writes[0].1.len()), (durability, ops));
}

#[test]
fn a_failed_write_fails_its_callbacks_and_stops_the_store() {
    TypeConfig::run(async {
        let disk = MemoryBackend::new();
        let mut store = LogStore::in_memory(disk.clone()).unwrap();
        append(&mut store, entries(1, 0..5)).await.unwrap();
        disk.fail_after(0, Fault::Refuse);
        let error = append(&mut store, entries(1, 5..6)).await.unwrap_err();
        assert_says(
            &error.to_string(),
            &["write to the simulated disk", "injected write error"],
        );

        let writes = disk.writes();
        let advice = [
            "injected write error",
            "nothing was retried",
            "restart the node",
        ];
        let error = append(&mut store, entries(1, 6..7)).await.unwrap_err();
        assert_says(&error.to_string(), &advice);
        let error = store.save_vote(&vote(9, 1, false)).await.unwrap_err();
        assert_says(&error.to_string(), &advice);
        assert!(store.truncate_after(None).await.is_err());
        assert!(store.purge(log_id(1, 1)).await.is_err());
        assert!(store.save_committed(None).await.is_err());
        assert_eq!(
            disk.writes(),
            writes,
            "something was written after the failure"
        );
        assert_eq!(
            fixture::read_vote(&mut store).await,
            None,
            "a vote that is not durable shows"
        );
        assert_eq!(store.sync_stats().read().failures, 1);
        assert!(store.close().await.is_err());
    });
}

#[test]
fn everything_queued_behind_a_failed_write_fails_too() {
    TypeConfig::run(async {
        let memory = MemoryBackend::new();
        memory.fail_after(0, Fault::Refuse);
        let disk = Observed::new(memory);
        let mut store = store_on(disk.clone(), usize::MAX);
        disk.shut();
        let first = submit(&mut store, entries(1, 0..1)).await.unwrap();
        let second = submit(&mut store, entries(1, 1..2)).await.unwrap();
        disk.open_gate();
        assert!(first.await.is_err());
        assert!(second.await.is_err());
    });
}

#[test]
fn an_append_that_would_leave_a_hole_is_refused() {
    TypeConfig::run(async {
        let mut store = LogStore::in_memory(MemoryBackend::new()).unwrap();
        append(&mut store, entries(1, 0..3)).await.unwrap();
        let error = append(&mut store, entries(1, 4..5)).await.unwrap_err();
        assert_says(
            &error.to_string(),
            &["append of entry 4 refused", "continues with entry 3"],
        );
        let within = vec![entry(1, 3, b""), entry(1, 5, b"")];
        assert_eq!(
            append(&mut store, within).await.unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
        let again = append(&mut store, entries(1, 2..3)).await.unwrap_err();
        assert_says(&again.to_string(), &["append of entry 2 refused"]);
        assert_eq!(read_all(&mut store).await.unwrap(), entries(1, 0..3));
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

#[test]
fn closing_writes_what_is_queued_and_refuses_what_comes_later() {
    TypeConfig::run(async {
        let disk = MemoryBackend::new();
        let mut store = LogStore::in_memory(disk.clone()).unwrap();
        let flushed = submit(&mut store, entries(1, 0..10)).await.unwrap();
        store.save_committed(Some(log_id(1, 9))).await.unwrap();
        store.close().await.unwrap();
        flushed.await.unwrap();
        let error = append(&mut store, entries(1, 10..11)).await.unwrap_err();
        assert_says(&error.to_string(), &["closed"]);
        store.close().await.unwrap();
        let mut store = LogStore::in_memory(disk.crash()).unwrap();
        assert_eq!(read_all(&mut store).await.unwrap(), entries(1, 0..10));
        assert_eq!(store.read_committed().await.unwrap(), Some(log_id(1, 9)));
    });
}

#[test]
fn the_writer_also_runs_as_a_task() {
    TypeConfig::run(async {
        let disk = MemoryBackend::new();
        let writer = SimulatedWriter {
            sync_delay: Duration::from_millis(1),
        };
        let options = LogOptions {
            writer: &writer,
            ..LogOptions::default()
        };
        let mut store = LogStore::open(Arc::new(disk.clone()), options).unwrap();
        append(&mut store, entries(1, 0..10)).await.unwrap();
        store.save_vote(&vote(1, 1, true)).await.unwrap();
        store.close().await.unwrap();
        let mut store = LogStore::in_memory(disk.crash()).unwrap();
        assert_eq!(read_all(&mut store).await.unwrap(), entries(1, 0..10));
    });
}
