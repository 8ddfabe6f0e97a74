//! The leader's end: file to socket.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use raft_types::seam::offload;
use raft_types::snapshot::{Snapshot, SnapshotMeta};
use raft_types::{NodeId, TypeConfig, Vote};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;

use super::receive::next_frame;
use crate::peer::connection::write_frames;
use crate::peer::gone::ConnectionEnd;
use crate::peer::limits::SNAPSHOT_CHUNKS_QUEUED_MAX;
use crate::peer::pool::{DialError, PeerPool};
use crate::peer::wire::Lane;
use crate::peer::wire::frame::{self, FrameKind, FrameReader, FrameTooLong};
use crate::peer::wire::hello;
use crate::peer::wire::message::{self, SnapshotBegin, SnapshotEnd};
use crate::timing::Timing;

/// Smallest chunk, whatever is configured.
const CHUNK_BYTES_MIN: usize = 4 << 10;

/// Why a snapshot was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("snapshot receiver not reachable")]
    Dial(#[from] DialError),
    #[error("read snapshot")]
    Read(#[source] io::Error),
    #[error("snapshot transfer ended: {0}")]
    Transfer(String),
}

/// Sends a snapshot and returns the receiver's vote. Cancel safe: dropping it closes the
/// connection and the receiver discards what it has.
pub(crate) async fn send(
    pool: &Arc<PeerPool>,
    to: NodeId,
    vote: Vote,
    snapshot: openraft::alias::SnapshotOf<TypeConfig, Snapshot>,
    chunk_bytes: usize,
) -> Result<Vote, SendError> {
    let mut opened = pool.open(to, Lane::Snapshot).await?;
    let (outgoing, frames) = mpsc::channel(SNAPSHOT_CHUNKS_QUEUED_MAX);
    let meta = SnapshotMeta {
        last_log_id: snapshot.meta.last_log_id,
        last_membership: snapshot.meta.last_membership,
    };
    let begin = SnapshotBegin {
        vote,
        meta,
        content_len: snapshot.snapshot.content_len(),
    };
    let feeding = async {
        match feed(&outgoing, begin, snapshot.snapshot, chunk_bytes).await {
            // Keeps the queue open: keep-alives go on until the answer is here.
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    };
    tokio::select! {
        reply = read_reply(&mut opened.reader, pool.timing) => reply,
        end = write_frames(opened.writer, frames, pool.timing) => {
            Err(SendError::Transfer(end.to_string()))
        }
        error = feeding => Err(error),
    }
}

async fn feed(
    outgoing: &mpsc::Sender<Bytes>,
    begin: SnapshotBegin,
    source: Snapshot,
    chunk_bytes: usize,
) -> Result<(), SendError> {
    let gone = |_| SendError::Transfer("connection lost".to_owned());
    let first = build(FrameKind::SnapshotBegin, 256, |out| begin.put(out))?;
    outgoing.send(first).await.map_err(gone)?;
    let room = Lane::Snapshot.frame_bytes_max().saturating_sub(64);
    let chunk_bytes = chunk_bytes.clamp(CHUNK_BYTES_MIN, room);
    let (sender, mut chunks) = mpsc::channel(SNAPSHOT_CHUNKS_QUEUED_MAX);
    let reading = tokio::spawn(read_chunks(source, chunk_bytes, sender));
    while let Some(chunk) = chunks.recv().await {
        let frame = build(FrameKind::SnapshotChunk, chunk.len(), |out| {
            out.extend_from_slice(&chunk);
        })?;
        outgoing.send(frame).await.map_err(gone)?;
    }
    let end = match reading.await {
        Ok(end) => end.map_err(SendError::Read)?,
        Err(error) => return Err(SendError::Read(io::Error::other(error))),
    };
    if end.content_len != begin.content_len {
        let reason = format!("{} bytes, not {}", end.content_len, begin.content_len);
        return Err(SendError::Read(io::Error::new(
            io::ErrorKind::InvalidData,
            reason,
        )));
    }
    let last = build(FrameKind::SnapshotEnd, 16, |out| end.put(out))?;
    outgoing.send(last).await.map_err(gone)
}

fn build(
    kind: FrameKind,
    hint: usize,
    payload: impl FnOnce(&mut bytes::BytesMut),
) -> Result<Bytes, SendError> {
    frame::build(kind, 0, Lane::Snapshot.frame_bytes_max(), hint, payload)
        .map_err(|error: FrameTooLong| SendError::Transfer(error.to_string()))
}

/// Runs beside the writing to the connection.
async fn read_chunks(
    source: Snapshot,
    chunk_bytes: usize,
    chunks: mpsc::Sender<Bytes>,
) -> io::Result<SnapshotEnd> {
    let mut content = offload(move || source.open()).await??;
    let mut checksum = crc32fast::Hasher::new();
    let mut content_len = 0_u64;
    loop {
        let chunk;
        (content, chunk) = offload(move || read_chunk(content, chunk_bytes)).await??;
        if chunk.is_empty() {
            return Ok(SnapshotEnd {
                content_len,
                checksum: checksum.finalize(),
            });
        }
        checksum.update(&chunk);
        content_len = content_len.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if chunks.send(chunk).await.is_err() {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
}

type Content = Box<dyn Read + Send>;

/// The next chunk; empty at the end.
fn read_chunk(mut content: Content, chunk_bytes: usize) -> io::Result<(Content, Bytes)> {
    let mut chunk = Vec::with_capacity(chunk_bytes);
    let limit = u64::try_from(chunk_bytes).unwrap_or(u64::MAX);
    (&mut content).take(limit).read_to_end(&mut chunk)?;
    Ok((content, chunk.into()))
}

async fn read_reply(
    reader: &mut FrameReader<impl AsyncRead + Unpin>,
    timing: Timing,
) -> Result<Vote, SendError> {
    loop {
        let lost = |end: ConnectionEnd| SendError::Transfer(end.to_string());
        let frame = next_frame(reader, timing).await.map_err(lost)?;
        return match frame.kind {
            FrameKind::KeepAlive => continue,
            FrameKind::SnapshotReply => message::snapshot_reply(frame.payload)
                .map_err(|error| SendError::Transfer(error.to_string())),
            FrameKind::Failure => Err(SendError::Transfer(hello::reason(frame.payload))),
            other @ (FrameKind::Hello
            | FrameKind::Welcome
            | FrameKind::Refused
            | FrameKind::Append
            | FrameKind::AppendReply
            | FrameKind::Vote
            | FrameKind::PreVote
            | FrameKind::VoteReply
            | FrameKind::Transfer
            | FrameKind::TransferReply
            | FrameKind::SnapshotBegin
            | FrameKind::SnapshotChunk
            | FrameKind::SnapshotEnd
            | FrameKind::Call
            | FrameKind::CallReply) => Err(SendError::Transfer(format!("unexpected {other:?}"))),
        };
    }
}
