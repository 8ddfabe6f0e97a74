//! The one writer: turns everything queued into one synced batch, then fires the callbacks in order.
//!
//! Order is the point. Vote, append, truncate and purge reach the disk in the order in which they
//! were submitted; were a vote to overtake an append, a restarted node could grant a vote on
//! the strength of entries it no longer has.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use mutant::Mutant;
use openraft::storage::IOFlushed;
use parking_lot::RwLock;
use raft_types::{Entry, LogId, TypeConfig, Vote};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::backend::{Durability, LogBackend, Op, Table};
use crate::error::StoreError;
use crate::limits::{QUEUE_REQUESTS_MAX, UNFLUSHED_BYTES_MAX};
use crate::record::{
    KEY_COMMITTED, KEY_PURGED, KEY_VOTE, encode_entry, encode_log_id, encode_vote, log_key,
};
use crate::stats::SyncStats;
use crate::view::{LogView, Seq};

/// Bytes one permit of the unflushed-bytes semaphore stands for.
const PERMIT_BYTES: usize = 1024;

/// Sends the result of a request to whoever waits for it.
pub(crate) type Done = oneshot::Sender<Result<(), StoreError>>;

/// What the log store asks of the writer.
pub(crate) enum Request {
    Append {
        seq: Seq,
        entries: Vec<Entry>,
        callback: IOFlushed<TypeConfig>,
        room: Room,
    },
    Vote {
        vote: Vote,
        done: Done,
    },
    Truncate {
        from: u64,
        to: u64,
    },
    Purge {
        from: u64,
        upto: LogId,
    },
    Close {
        done: Done,
    },
}

/// A request, and the committed position where it is new: that never makes a write of its own.
pub(crate) struct Submission {
    committed: Option<Option<LogId>>,
    request: Request,
}

impl Submission {
    /// Of `request`, which is submitted while `view` is locked: every entry up to the committed position was
    /// submitted before it, so a crash never leaves a position beyond the end of the log.
    pub(crate) fn new(view: &mut LogView, request: Request) -> Submission {
        Submission {
            committed: view.take_new_committed(),
            request,
        }
    }
}

/// Share of the bytes that may wait for the disk; given back when dropped.
pub(crate) struct Room(#[expect(dead_code, reason = "held for its Drop")] OwnedSemaphorePermit);

/// What store, readers and writer share.
pub(crate) struct Shared {
    pub(crate) backend: Arc<dyn LogBackend>,
    pub(crate) view: RwLock<LogView>,
    pub(crate) stats: Arc<SyncStats>,
    room: Arc<Semaphore>,
    poison: OnceLock<String>,
}

impl Shared {
    pub(crate) fn new(backend: Arc<dyn LogBackend>, view: LogView) -> Self {
        Shared {
            backend,
            view: RwLock::new(view),
            stats: Arc::default(),
            room: Arc::new(Semaphore::new(UNFLUSHED_BYTES_MAX / PERMIT_BYTES)),
            poison: OnceLock::new(),
        }
    }

    /// Refuses once a write has failed.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self.poison.get() {
            None => Ok(()),
            Some(cause) => Err(StoreError::Poisoned {
                cause: cause.clone(),
            }),
        }
    }

    /// Waits until `bytes` more may wait for the disk.
    pub(crate) async fn room(&self, bytes: usize) -> Result<Room, StoreError> {
        let permits = (bytes / PERMIT_BYTES + 1).min(UNFLUSHED_BYTES_MAX / PERMIT_BYTES);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.room).acquire_many_owned(permits).await;
        permit.map(Room).map_err(|_| StoreError::Closed)
    }

    fn poison(&self, error: &StoreError) {
        if self.poison.set(error.to_string()).is_ok() {
            tracing::error!(%error, "log store stopped: a write failed");
        }
    }
}

/// The writing end of a log store. Whoever spawns it lets it run until it returns.
pub struct Writer {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Submission>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>) -> (Writer, mpsc::Sender<Submission>) {
        let (sender, queue) = mpsc::channel(QUEUE_REQUESTS_MAX);
        (Writer { shared, queue }, sender)
    }

    /// Writes until the store is closed or dropped. Blocking.
    pub fn run(mut self) {
        let mut group = Vec::new();
        while self
            .queue
            .blocking_recv_many(&mut group, QUEUE_REQUESTS_MAX)
            > 0
        {
            if self.write_group(&mut group).is_break() {
                return;
            }
        }
    }

    /// The same as a task, for a backend that does not block: each group takes what `sync_delay`
    /// says of the runtime's time, so that a simulation decides how slow its disks are.
    pub async fn run_simulated(mut self, mut sync_delay: impl FnMut() -> Duration + Send) {
        let mut group = Vec::new();
        while self.queue.recv_many(&mut group, QUEUE_REQUESTS_MAX).await > 0 {
            tokio::time::sleep(sync_delay()).await;
            if self.write_group(&mut group).is_break() {
                return;
            }
        }
    }

    /// Writes everything in `group` as one batch and answers every request in order.
    fn write_group(&self, group: &mut Vec<Submission>) -> ControlFlow<()> {
        let written = self.shared.check().and_then(|()| self.write(group));
        if let Err(error) = &written {
            self.shared.poison(error);
            self.shared.stats.record_failure();
        }
        let mut flow = ControlFlow::Continue(());
        for Submission { request, .. } in group.drain(..) {
            if self.answer(request, &written).is_break() {
                flow = ControlFlow::Break(());
            }
        }
        flow
    }

    fn write(&self, group: &[Submission]) -> Result<(), StoreError> {
        let batch = encode_group(group)?;
        if batch.ops.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        let written = self.shared.backend.write(&batch.ops, batch.durability);
        if !mutant::is(Mutant::WriteErrorSwallowed) {
            written?;
        }
        if batch.durability == Durability::Synced {
            self.shared.stats.record(started.elapsed(), batch.entries);
        }
        if let Some(seq) = batch.last_append {
            self.shared.view.write().flushed(seq);
        }
        Ok(())
    }

    fn answer(&self, request: Request, written: &Result<(), StoreError>) -> ControlFlow<()> {
        match request {
            Request::Append { callback, room, .. } => {
                drop(room);
                callback.io_completed(written.clone().map_err(Into::into));
            }
            Request::Vote { vote, done } => {
                if written.is_ok() {
                    // Readers see a vote once it is durable, and before the caller goes on.
                    self.shared.view.write().vote = Some(vote);
                }
                // The caller may have stopped waiting.
                let _ = done.send(written.clone());
            }
            Request::Truncate { .. } | Request::Purge { .. } => {}
            Request::Close { done } => {
                let _ = done.send(written.clone());
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

/// One write made of everything that was queued.
struct Batch {
    ops: Vec<Op>,
    durability: Durability,
    entries: u64,
    last_append: Option<Seq>,
}

fn encode_group(group: &[Submission]) -> Result<Batch, StoreError> {
    let mut batch = Batch {
        ops: Vec::new(),
        durability: Durability::Unsynced,
        entries: 0,
        last_append: None,
    };
    let mut committed = None;
    for submission in group {
        // Only the last one matters.
        committed = submission.committed.or(committed);
        match &submission.request {
            Request::Append { seq, entries, .. } => {
                for entry in entries {
                    batch.ops.push(put_entry(entry)?);
                    batch.entries += 1;
                }
                batch.last_append = Some(*seq);
                if !mutant::is(Mutant::AckBeforeFsync) {
                    batch.durability = Durability::Synced;
                }
            }
            Request::Vote { .. } if mutant::is(Mutant::VoteNotPersisted) => {}
            Request::Vote { vote, .. } => {
                batch.ops.push(put_meta(KEY_VOTE, encode_vote(vote)));
                batch.durability = Durability::Synced;
            }
            // Neither has to be durable by itself: the write-ahead log keeps them in front of
            // whatever is synced next, and losing them brings back entries, never loses any.
            Request::Truncate { from, to } => batch.ops.push(delete_entries(*from, *to)),
            Request::Purge { from, upto } => {
                // In one batch: were the entries gone and the position not written, the log would
                // have a hole at its beginning.
                batch
                    .ops
                    .push(put_meta(KEY_PURGED, encode_log_id(KEY_PURGED, upto)));
                batch.ops.push(delete_entries(*from, upto.index + 1));
            }
            Request::Close { .. } => {}
        }
    }
    match committed {
        Some(Some(id)) => {
            batch
                .ops
                .push(put_meta(KEY_COMMITTED, encode_log_id(KEY_COMMITTED, &id)));
        }
        Some(None) => {
            batch.ops.push(Op::Delete {
                table: Table::Meta,
                key: KEY_COMMITTED.to_vec(),
            });
        }
        None => {}
    }
    Ok(batch)
}

fn put_entry(entry: &Entry) -> Result<Op, StoreError> {
    let index = entry.log_id.index;
    let value = encode_entry(entry).map_err(|cause| StoreError::Unwritable { index, cause })?;
    Ok(Op::Put {
        table: Table::Log,
        key: log_key(index).to_vec(),
        value,
    })
}

fn put_meta(key: &[u8], value: Vec<u8>) -> Op {
    Op::Put {
        table: Table::Meta,
        key: key.to_vec(),
        value,
    }
}

fn delete_entries(from: u64, to: u64) -> Op {
    Op::DeleteRange {
        table: Table::Log,
        from: log_key(from).to_vec(),
        to: log_key(to).to_vec(),
    }
}

/// Gives a [`Writer`] something to run on.
pub trait SpawnWriter: Send + Sync {
    /// Starts the writer.
    ///
    /// # Errors
    /// Whatever prevents a thread or task from starting.
    fn spawn(&self, writer: Writer) -> std::io::Result<WriterHandle>;
}

/// A running writer.
#[derive(Debug)]
pub enum WriterHandle {
    /// On its own thread.
    Thread(std::thread::JoinHandle<()>),
    /// As a task.
    Task(tokio::task::JoinHandle<()>),
}

impl WriterHandle {
    /// Waits until the writer has returned.
    pub(crate) async fn join(self) {
        let ended = match self {
            WriterHandle::Thread(thread) => tokio::task::spawn_blocking(move || thread.join())
                .await
                .map(|joined| joined.is_ok())
                .unwrap_or(false),
            WriterHandle::Task(task) => task.await.is_ok(),
        };
        if !ended {
            tracing::error!("log writer ended by a panic");
        }
    }

    /// The same where nothing can be awaited; a task is left to end by itself.
    pub(crate) fn join_blocking(self) {
        match self {
            WriterHandle::Thread(thread) if thread.thread().id() != std::thread::current().id() => {
                if thread.join().is_err() {
                    tracing::error!("log writer ended by a panic");
                }
            }
            WriterHandle::Thread(_) | WriterHandle::Task(_) => {}
        }
    }
}

/// A thread of the operating system: an fsync blocks for milliseconds and must not hold up a
/// worker of the async runtime, nor wait for one.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsThread;

impl SpawnWriter for OsThread {
    fn spawn(&self, writer: Writer) -> std::io::Result<WriterHandle> {
        std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run())
            .map(WriterHandle::Thread)
    }
}

/// A task of the current tokio runtime, for simulations: deterministic, and as slow as told.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimulatedWriter {
    /// What one write costs in the runtime's time.
    pub sync_delay: Duration,
}

impl SpawnWriter for SimulatedWriter {
    fn spawn(&self, writer: Writer) -> std::io::Result<WriterHandle> {
        let runtime = tokio::runtime::Handle::try_current().map_err(std::io::Error::other)?;
        let sync_delay = self.sync_delay;
        Ok(WriterHandle::Task(
            runtime.spawn(writer.run_simulated(move || sync_delay)),
        ))
    }
}
