//! What it costs to append to the log and have it on disk: a real database in a temporary directory
//! (`TMPDIR` says on which disk), and a sync before anybody is told.

#![expect(
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use futures::future::try_join_all;
use openraft::EntryPayload;
use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::type_config::TypeConfigExt;
use raft_types::{ClusterId, Entry, EntryBytes, TypeConfig};
use storage::record::log_id;
use storage::{DataDirectory, Expectations, LogStore};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Payload of one entry: a request or two.
const PAYLOAD: Bytes = Bytes::from_static(&[b'p'; 300]);
/// Entries of a group.
const GROUP: u64 = 64;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut log = Log::new();
    let mut group = criterion.benchmark_group("append 300 bytes and sync");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one entry", |bench| {
        bench.iter_custom(|iterations| (0..iterations).map(|_| log.append(1)).sum());
    });
    group.throughput(Throughput::Elements(GROUP));
    group.bench_function(format!("{GROUP} entries in one call"), |bench| {
        bench.iter_custom(|iterations| (0..iterations).map(|_| log.append(GROUP)).sum());
    });
    group.bench_function(format!("{GROUP} entries in calls of their own"), |bench| {
        bench.iter_custom(|iterations| (0..iterations).map(|_| log.append_each(GROUP)).sum());
    });
    group.finish();
    criterion.final_summary();
    log.close();
}

/// A log that grows.
struct Log {
    runtime: Runtime,
    store: LogStore,
    directory: DataDirectory,
    next: u64,
    // Declared last: it is deleted when nothing has it open any more.
    _temp: TempDir,
}

impl Log {
    fn new() -> Log {
        let temp = TempDir::new().expect("a temporary directory");
        let expected = Expectations {
            cluster_id: Some(ClusterId(7)),
            node_id: 1,
        };
        let directory = DataDirectory::open(&temp.path().join("data"), expected);
        let directory = directory.expect("a new directory");
        Log {
            runtime: Builder::new_current_thread().build().expect("a runtime"),
            store: directory.log_store(),
            directory,
            next: 0,
            _temp: temp,
        }
    }

    fn entries(&mut self, count: u64) -> Vec<Entry> {
        let first = self.next;
        self.next += count;
        let entry = |index| Entry {
            log_id: log_id(1, index),
            payload: EntryPayload::Normal(EntryBytes(PAYLOAD)),
        };
        (first..self.next).map(entry).collect()
    }

    /// Time until so many entries are on disk that are appended together.
    fn append(&mut self, count: u64) -> Duration {
        let entries = self.entries(count);
        let store = &mut self.store;
        let started = Instant::now();
        let written = self.runtime.block_on(async {
            let flushed = submit(store, entries).await?;
            flushed.await
        });
        let time = started.elapsed();
        written.expect("it is written");
        time
    }

    /// The same when each is appended by itself, without waiting for the one before.
    fn append_each(&mut self, count: u64) -> Duration {
        let entries = self.entries(count);
        let store = &mut self.store;
        let started = Instant::now();
        let written = self.runtime.block_on(async {
            let mut flushed = Vec::new();
            for entry in entries {
                flushed.push(submit(store, vec![entry]).await?);
            }
            try_join_all(flushed).await
        });
        let time = started.elapsed();
        written.expect("they are written");
        time
    }

    fn close(self) {
        let closed = self.runtime.block_on(self.directory.close());
        closed.expect("the rest is written");
    }
}

/// Submits entries; what it returns ends when they are on disk.
async fn submit(
    store: &mut LogStore,
    entries: Vec<Entry>,
) -> io::Result<impl Future<Output = io::Result<()>> + use<>> {
    let (done, flushed) = TypeConfig::oneshot::<io::Result<()>>();
    store.append(entries, IOFlushed::signal(done)).await?;
    Ok(async move { flushed.await.map_err(io::Error::other)? })
}
