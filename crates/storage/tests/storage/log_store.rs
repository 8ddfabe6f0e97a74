//! Order, visibility, durability requests, limits and failures of the log store.

use std::io;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use openraft::storage::RaftLogStorage;
use openraft::type_config::TypeConfigExt;
use parking_lot::Mutex;
use raft_types::TypeConfig;
use storage::backend::{Durability, Op, Table};
use storage::record::{log_id, log_key};
use storage::{Fault, LogOptions, LogStore, MemoryBackend, Missing, RocksBackend, SimulatedWriter};
use tempfile::TempDir;
use tokio::task::unconstrained;

use crate::fixture::{self, append, assert_says, entries, entry, read_all, store_on, submit, vote};
use crate::observed::Observed;

/// Notes when its callback wakes whoever waits, which happens on the writer's thread.
struct Note {
    index: u64,
    order: Arc<Mutex<Vec<u64>>>,
}

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.order.lock().push(self.index);
    }
}

#[test]
fn everything_queued_becomes_one_synced_batch_and_callbacks_fire_in_order() {
    TypeConfig::run(async {
        let disk = Observed::new(MemoryBackend::new());
        let mut store = store_on(disk.clone(), usize::MAX);
        let gate = disk.shut_writes();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for index in 0..100 {
            let flushed = submit(&mut store, entries(1, index..index + 1))
                .await
                .unwrap();
            let waker = Waker::from(Arc::new(Note {
                index,
                order: Arc::clone(&order),
            }));
            // Unconstrained: tokio would otherwise answer "not yet" to a task that asks often.
            let mut flushed = Box::pin(unconstrained(flushed));
            assert!(
                flushed
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            waiting.push(flushed);
            store.save_committed(Some(log_id(1, index))).await.unwrap();
        }
        drop(gate);
        store.save_vote(&vote(2, 1, true)).await.unwrap();
        assert_eq!(*order.lock(), (0..100).collect::<Vec<_>>());
        for flushed in waiting {
            flushed.await.unwrap();
        }
        let writes = disk.take_writes();
        // The first may have been taken alone before the rest was queued.
        assert!(writes.len() <= 3, "{} writes for 100 appends", writes.len());
        let positions = writes
            .iter()
            .flat_map(|(_, ops)| ops)
            .filter(|op| is_put_of(op, b"committed"))
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

fn is_put_of(op: &Op, wanted: &[u8]) -> bool {
    matches!(op, Op::Put { table: Table::Meta, key, .. } if key == wanted)
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
            .find(|(_, ops)| ops.iter().any(|op| is_put_of(op, b"last_purged")))
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

/// The failed write is like a failed fsync: the next one would succeed, and prove nothing.
#[test]
fn everything_queued_behind_a_failed_write_fails_without_being_tried() {
    TypeConfig::run(async {
        let memory = MemoryBackend::new();
        memory.fail_after(0, Fault::RefuseOnce);
        let disk = Observed::new(memory);
        let mut store = store_on(disk.clone(), usize::MAX);
        let gate = disk.shut_writes();
        let first = submit(&mut store, entries(1, 0..1)).await.unwrap();
        gate.wait_for_someone();
        let second = submit(&mut store, entries(1, 1..2)).await.unwrap();
        drop(gate);
        assert!(first.await.is_err());
        assert!(second.await.is_err());
        assert_eq!(disk.take_writes().len(), 1);
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
