//! A snapshot that is sent here, read whole.

use std::io::{self, Read};

use axum::Error;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use raft_core::state::State;
use tokio::sync::mpsc;

use super::ChunkReader;
use crate::limits::{SNAPSHOT_CHUNKS_AHEAD_MAX, SNAPSHOT_UPLOAD_BYTES_MAX};

/// The state in a snapshot that arrives, and how many bytes it has.
///
/// # Errors
/// What is wrong with it, or that it did not arrive whole.
pub(crate) async fn read_upload<S>(mut upload: S) -> io::Result<(State, u64)>
where
    S: Stream<Item = Result<Bytes, Error>> + Unpin,
{
    let (sender, receiver) = mpsc::channel(SNAPSHOT_CHUNKS_AHEAD_MAX);
    let reading = tokio::task::spawn_blocking(move || read_state(ChunkReader::new(receiver)));
    while let Some(chunk) = upload.next().await {
        // The reader stops early when it finds damage.
        if sender.send(chunk.map_err(io::Error::other)).await.is_err() {
            break;
        }
    }
    drop(sender);
    reading.await.map_err(io::Error::other)?
}

/// Reads a whole state. Blocking.
///
/// # Errors
/// What is wrong with the content.
pub(crate) fn read_state(content: impl Read) -> io::Result<(State, u64)> {
    let mut content = Counting {
        inner: io::BufReader::new(content.take(SNAPSHOT_UPLOAD_BYTES_MAX)),
        bytes: 0,
    };
    let state = State::restore(&mut content).map_err(io::Error::other)?;
    Ok((state, content.bytes))
}

struct Counting<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
