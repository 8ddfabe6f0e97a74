//! The Raft log: openraft's [`RaftLogStorage`] over a [`LogBackend`].

use std::io;
use std::sync::Arc;

use mutant::Mutant;
use openraft::OptionalSend;
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use parking_lot::Mutex;
use raft_types::seam::offload;
use raft_types::{Entry, LogId, TypeConfig, Vote};
use tokio::sync::{mpsc, oneshot};

use crate::backend::LogBackend;
use crate::error::StoreError;
use crate::limits::TAIL_CACHE_BYTES_MAX;
use crate::log_reader::LogReader;
use crate::memory::MemoryBackend;
use crate::recover::recover;
use crate::stats::SyncStats;
use crate::view::entry_bytes;
use crate::writer::{OsThread, Request, Shared, SpawnWriter, Submission, Writer, WriterHandle};

/// The log, vote and committed position of one node.
///
/// What is durable when: a vote when `save_vote` returns, entries when their callback fires,
/// truncation and purge with the next synced write, the committed position whenever something else is written.
/// After the first failed write the store answers nothing but errors; nothing is retried.
///
/// Appending is cancel safe: a dropped future has either submitted everything or nothing. Clones
/// are handles to one log; submissions of several handles do not interleave.
#[derive(Clone)]
pub struct LogStore {
    shared: Arc<Shared>,
    // Declared before the owner of the writer: the writer ends once the last queue is dropped.
    queue: mpsc::Sender<Submission>,
    writer: Arc<OwnedWriter>,
}

/// The running writer. Whoever drops the last handle to a log waits for it, so that the log can be
/// opened again as soon as its handles are gone.
struct OwnedWriter(Mutex<Option<WriterHandle>>);

impl Drop for OwnedWriter {
    fn drop(&mut self) {
        if let Some(writer) = self.0.get_mut().take() {
            writer.join_blocking();
        }
    }
}

impl std::fmt::Debug for LogStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogStore")
            .field("place", &self.shared.backend.place())
            .finish()
    }
}

/// How a log store is set up.
#[derive(Clone, Copy)]
pub struct LogOptions<'a> {
    /// Bytes of entries kept in memory behind the end of the log.
    pub tail_cache_bytes_max: usize,
    /// What the writer runs on.
    pub writer: &'a dyn SpawnWriter,
}

impl Default for LogOptions<'_> {
    fn default() -> Self {
        LogOptions {
            tail_cache_bytes_max: TAIL_CACHE_BYTES_MAX,
            writer: &OsThread,
        }
    }
}

impl LogStore {
    /// Reads back what `backend` holds, checking every record, and starts the writer. Blocking.
    ///
    /// # Errors
    /// Damage, holes and contradictions in the log; nothing is repaired or removed.
    pub fn open(backend: Arc<dyn LogBackend>, options: LogOptions<'_>) -> Result<Self, StoreError> {
        let view = recover(&*backend, options.tail_cache_bytes_max)?;
        let shared = Arc::new(Shared::new(backend, view));
        let (writer, queue) = Writer::new(Arc::clone(&shared));
        let writer = options
            .writer
            .spawn(writer)
            .map_err(|e| crate::error::BackendError {
                action: "start the writer of",
                place: shared.backend.place(),
                cause: e.to_string(),
            })?;
        Ok(LogStore {
            shared,
            queue,
            writer: Arc::new(OwnedWriter(Mutex::new(Some(writer)))),
        })
    }

    /// A log on a simulated disk, with the default options: for tests of other crates.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn in_memory(disk: MemoryBackend) -> Result<Self, StoreError> {
        Self::open(Arc::new(disk), LogOptions::default())
    }

    /// Counters of the writer.
    pub fn sync_stats(&self) -> Arc<SyncStats> {
        Arc::clone(&self.shared.stats)
    }

    /// Writes everything queued, stops the writer, and makes the rest durable. Later submissions
    /// fail with [`StoreError::Closed`]; readers still read. Calling it again does nothing.
    ///
    /// # Errors
    /// A write that failed now or before.
    pub async fn close(&self) -> Result<(), StoreError> {
        let Some(writer) = self.writer.0.lock().take() else {
            return Ok(());
        };
        let (done, written) = oneshot::channel();
        let written = match self.queue.reserve().await {
            Ok(slot) => {
                {
                    let mut view = self.shared.view.write();
                    slot.send(Submission::new(&mut view, Request::Close { done }));
                }
                written.await.unwrap_or(Err(StoreError::Closed))
            }
            Err(_) => Err(StoreError::Closed),
        };
        writer.join().await;
        written?;
        let backend = Arc::clone(&self.shared.backend);
        if !backend.blocks() {
            return Ok(backend.close()?);
        }
        offload(move || backend.close())
            .await
            .map_err(|_| StoreError::Closed)?
            .map_err(StoreError::from)
    }

    /// Takes a place in the queue: from here on nothing is awaited, so what is submitted is
    /// submitted whole.
    async fn reserve(&self) -> Result<mpsc::Permit<'_, Submission>, StoreError> {
        self.shared.check()?;
        self.queue
            .reserve()
            .await
            .map_err(|_| match self.shared.check() {
                Err(poisoned) => poisoned,
                Ok(()) => StoreError::Closed,
            })
    }

    async fn submit_append(
        &self,
        entries: Vec<Entry>,
        callback: IOFlushed<TypeConfig>,
    ) -> Result<(), StoreError> {
        let room = self
            .shared
            .room(entries.iter().map(entry_bytes).sum())
            .await?;
        let slot = self.reserve().await?;
        // Sent under the lock: the order in the queue is the order in the view.
        let mut view = self.shared.view.write();
        let seq = view.append(&entries)?;
        let request = Request::Append {
            seq,
            entries,
            callback,
            room,
        };
        slot.send(Submission::new(&mut view, request));
        Ok(())
    }

    async fn submit_vote(&self, vote: Vote) -> Result<(), StoreError> {
        let (done, written) = oneshot::channel();
        let slot = self.reserve().await?;
        {
            let mut view = self.shared.view.write();
            slot.send(Submission::new(&mut view, Request::Vote { vote, done }));
        }
        written.await.unwrap_or(Err(StoreError::Closed))
    }

    async fn submit_truncate(&self, keep: Option<LogId>) -> Result<(), StoreError> {
        let slot = self.reserve().await?;
        let mut view = self.shared.view.write();
        if let Some((from, to)) = view.truncate_after(keep) {
            slot.send(Submission::new(&mut view, Request::Truncate { from, to }));
        }
        Ok(())
    }

    async fn submit_purge(&self, upto: LogId) -> Result<(), StoreError> {
        let slot = self.reserve().await?;
        let mut view = self.shared.view.write();
        if let Some(from) = view.purge(upto) {
            slot.send(Submission::new(&mut view, Request::Purge { from, upto }));
        }
        Ok(())
    }

    /// Submits nothing: waking the writer for each commit would cost more than the write.
    fn note_committed(&self, committed: Option<LogId>) -> Result<(), StoreError> {
        self.shared.check()?;
        self.shared.view.write().set_committed(committed);
        Ok(())
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = LogReader;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        let view = self.shared.view.read();
        Ok(LogState {
            last_purged_log_id: view.purged,
            last_log_id: view.last(),
        })
    }

    async fn get_log_reader(&mut self) -> LogReader {
        LogReader::new(Arc::clone(&self.shared))
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        Ok(self.submit_vote(*vote).await?)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        Ok(self.note_committed(committed)?)
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        if mutant::is(Mutant::ReadBeforeReplay) {
            return Ok(None);
        }
        Ok(self.shared.view.read().committed())
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: IOFlushed<TypeConfig>,
    ) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        Ok(self.submit_append(entries, callback).await?)
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> Result<(), io::Error> {
        Ok(self.submit_truncate(last_log_id).await?)
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), io::Error> {
        Ok(self.submit_purge(log_id).await?)
    }
}
