//! `/v1/snapshots`: copies of the whole state, on this node's disk.

use std::io::{self, Read};

use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Buf, Bytes};
use futures::StreamExt;
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::snapshots as v1;
use node::SnapshotInfo;
use raft_core::state::State;
use raft_types::snapshot::Snapshot;
use tokio::sync::mpsc;

use crate::call::Call;
use crate::error::Problem;
use crate::reply::Reply;

/// Bytes read from disk at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks under way between disk and socket.
const CHUNKS_AHEAD_MAX: usize = 8;
/// Bytes of a snapshot that is sent here to be verified.
const UPLOAD_BYTES_MAX: u64 = 16 << 30;

fn view(call: &Call, info: &SnapshotInfo) -> v1::Snapshot {
    v1::Snapshot {
        id: info.id.clone(),
        node: call.api.name.clone(),
        index: None,
        log_index: Some(info.index),
        bytes: info.bytes,
        created_at: None,
    }
}

/// Take a snapshot of everything applied so far, and wait until it is on disk.
#[utoipa::path(
    post, path = "/v1/snapshots", tag = "snapshots", operation_id = "take_snapshot",
    responses(
        (status = 201, description = "Taken", body = v1::Snapshot),
        (status = 504, description = "`outcome_unknown`: still being written", body = Document),
    )
)]
pub(crate) async fn take(call: Call) -> Result<Reply, Problem> {
    let info = call.api.node.take_snapshot(call.time_left()).await?;
    let url = format!("/v1/snapshots/{}", info.id);
    Ok(Reply::json(StatusCode::CREATED, &view(&call, &info))?.location(&url))
}

/// Snapshots of this node, newest first.
#[utoipa::path(
    get, path = "/v1/snapshots", tag = "snapshots", operation_id = "snapshots",
    responses((status = 200, description = "What there is", body = v1::SnapshotList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let newest = call.api.node.snapshot_info().await?;
    let snapshots = newest.iter().map(|info| view(&call, info)).collect();
    Reply::ok(&v1::SnapshotList { snapshots })
}

/// The content of a snapshot; `current` is the newest.
#[utoipa::path(
    get, path = "/v1/snapshots/{snapshot}", tag = "snapshots", operation_id = "download_snapshot",
    params(("snapshot" = String, Path, description = "Its id, or `current`")),
    responses(
        (status = 200, description = "Its content", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "`no_snapshot`", body = Document),
    )
)]
pub(crate) async fn download(call: Call) -> Result<Reply, Problem> {
    let id = call.segment("snapshot")?;
    let (snapshot, info) = current(&call).await?;
    if id != "current" && id != info.id {
        return Err(no_snapshot(&format!(
            "snapshot {id:?} is not on this node (any more)"
        )));
    }
    let stream = Body::from_stream(content_of(snapshot));
    let reply = Reply::raw(StatusCode::OK, "application/octet-stream", stream);
    Ok(reply
        .etag(&format!("\"{}\"", info.id))
        .text("content-length", &info.bytes.to_string())
        .text(
            "content-disposition",
            &format!("attachment; filename=\"{}.snapshot\"", info.id),
        ))
}

fn no_snapshot(detail: &str) -> Problem {
    Problem::new(ErrorCode::NoSnapshot, detail)
}

async fn current(call: &Call) -> Result<(Snapshot, SnapshotInfo), Problem> {
    let snapshot = call.api.node.current_snapshot().await?;
    let info = call.api.node.snapshot_info().await?;
    snapshot
        .zip(info)
        .ok_or_else(|| no_snapshot("this node has no snapshot yet"))
}

/// Reads off the async workers, at most [`CHUNKS_AHEAD_MAX`] chunks ahead of the socket. A reader
/// that goes away ends it at the next chunk.
fn content_of(
    snapshot: Snapshot,
) -> impl futures::Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD_MAX);
    tokio::task::spawn_blocking(move || {
        let mut content = match snapshot.open() {
            Ok(content) => content,
            Err(error) => {
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        loop {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            let limit = u64::try_from(CHUNK_BYTES).unwrap_or(u64::MAX);
            let read = content.by_ref().take(limit).read_to_end(&mut chunk);
            let sent = match read {
                Ok(0) => return,
                Ok(_) => sender.blocking_send(Ok(Bytes::from(chunk))),
                Err(error) => sender.blocking_send(Err(error)),
            };
            if sent.is_err() {
                return;
            }
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    })
}

/// Read a whole snapshot and compare its digest: the one in the body, or without a body the newest
/// of this node. One at a time, since it needs the memory of a second state.
#[utoipa::path(
    post, path = "/v1/snapshots/-/verify", tag = "snapshots", operation_id = "verify_snapshot",
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "A snapshot, or nothing"),
    responses(
        (status = 200, description = "It is whole", body = v1::SnapshotVerified),
        (status = 400, description = "`bad_request`: what is wrong with it", body = Document),
        (status = 404, description = "`no_snapshot`", body = Document),
        (status = 503, description = "`overloaded`: another one is being verified", body = Document),
    )
)]
pub(crate) async fn verify(call: Call) -> Result<Reply, Problem> {
    let _permit = call.api.admission.verification()?;
    let upload = call.upload.lock().take().unwrap_or_default();
    let mut upload = Box::pin(upload.into_data_stream().peekable());
    let verified = if upload.as_mut().peek().await.is_some() {
        verify_upload(upload).await
    } else {
        let (snapshot, _) = current(&call).await?;
        let verified = tokio::task::spawn_blocking(move || restored(snapshot.open()?)).await;
        verified.map_err(|_| Problem::internal("verifying a snapshot broke off"))?
    };
    match verified {
        Ok(verified) => Reply::ok(&verified),
        Err(error) => Err(Problem::bad_request(format!(
            "the snapshot is damaged: {error}"
        ))),
    }
}

type Chunk = Result<Bytes, axum::Error>;

async fn verify_upload<S>(mut upload: S) -> io::Result<v1::SnapshotVerified>
where
    S: futures::Stream<Item = Chunk> + Unpin,
{
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD_MAX);
    let reading = tokio::task::spawn_blocking(move || {
        restored(ChunkReader {
            receiver,
            chunk: Bytes::new(),
        })
    });
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
fn restored(content: impl Read) -> io::Result<v1::SnapshotVerified> {
    let mut content = Counting {
        inner: io::BufReader::new(content.take(UPLOAD_BYTES_MAX)),
        bytes: 0,
    };
    let state = State::restore(&mut content).map_err(io::Error::other)?;
    Ok(v1::SnapshotVerified {
        valid: true,
        index: state.last_zxid().0,
        digest: format!("{:032x}", state.digest()),
        bytes: content.bytes,
    })
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

struct ChunkReader {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    chunk: Bytes,
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
