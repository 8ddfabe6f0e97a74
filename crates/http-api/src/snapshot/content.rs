//! Between disk and socket: chunks, read off the async workers.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use raft_types::snapshot::Snapshot;
use tokio::sync::mpsc;

use crate::limits::{SNAPSHOT_CHUNK_BYTES, SNAPSHOT_CHUNKS_AHEAD_MAX};

/// Where a stream of content begins.
type Chunks = mpsc::Sender<io::Result<Bytes>>;

/// So many bytes of a snapshot from the one at `first`, at most [`SNAPSHOT_CHUNKS_AHEAD_MAX`] chunks
/// ahead of the socket. A reader that goes away ends it at the next chunk.
///
/// A snapshot is read from its start, since its checksums are those of whole blocks: what lies
/// before is read and dropped.
pub(crate) fn content_of(
    snapshot: Snapshot,
    (first, count): (u64, u64),
) -> impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(SNAPSHOT_CHUNKS_AHEAD_MAX);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send(&snapshot, (first, count), &sender) {
            tracing::warn!(%error, "sending a snapshot broke off");
            // The receiver may be gone; then nobody is to be told.
            let _ = sender.blocking_send(Err(error));
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    })
}

fn send(snapshot: &Snapshot, (first, count): (u64, u64), sender: &Chunks) -> io::Result<()> {
    let mut content = snapshot.open()?;
    let mut before = first;
    while before > 0 && !sender.is_closed() {
        let step = before.min(SNAPSHOT_CHUNK_BYTES);
        let skipped = io::copy(&mut content.by_ref().take(step), &mut io::sink())?;
        if skipped == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        before = before.saturating_sub(skipped);
    }
    let mut left = count;
    while left > 0 {
        let chunk = read_chunk(&mut content, left)?;
        if chunk.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left = left.saturating_sub(chunk.len() as u64);
        if sender.blocking_send(Ok(Bytes::from(chunk))).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The next chunk, of at most `limit` bytes; empty at the end.
pub(super) fn read_chunk(content: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let limit = limit.min(SNAPSHOT_CHUNK_BYTES);
    let mut chunk = Vec::with_capacity(usize::try_from(limit).unwrap_or(0));
    content.take(limit).read_to_end(&mut chunk)?;
    Ok(chunk)
}

/// Chunks that arrive, as a blocking reader.
pub(crate) struct ChunkReader {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    chunk: Bytes,
}

impl ChunkReader {
    pub(crate) fn new(receiver: mpsc::Receiver<io::Result<Bytes>>) -> ChunkReader {
        ChunkReader {
            receiver,
            chunk: Bytes::new(),
        }
    }
}

impl Read for ChunkReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.chunk = chunk?,
                None => return Ok(0),
            }
        }
        let count = into.len().min(self.chunk.len());
        self.chunk
            .copy_to_slice(into.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}
