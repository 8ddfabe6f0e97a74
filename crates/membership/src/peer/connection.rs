//! The dialling side of one connection: a reader task, a writer task, and who waits for what.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gone::{ConnectionEnd, GoneReporter, PeerGone};
use super::limits::{APPENDS_IN_FLIGHT_MAX, OUTGOING_FRAMES_MAX};
use super::network::BoxStream;
use super::wire::Lane;
use super::wire::frame::{self, Frame, FrameKind, FrameReader};
use crate::timing::Timing;

/// Small frames are gathered up to this size before a write.
const COALESCE_BYTES: usize = 64 << 10;

/// A live connection to one peer on one lane. Dropping it ends its tasks.
pub(crate) struct Connection {
    lane: Lane,
    address: String,
    outgoing: mpsc::Sender<Bytes>,
    waiting: Arc<Mutex<Waiting>>,
    next_correlation: AtomicU64,
    tasks: CancellationToken,
}

#[derive(Default)]
struct Waiting {
    /// Set once, when the reader ends: whoever comes later must not wait for an answer.
    closed: bool,
    by_correlation: BTreeMap<u64, Waiter>,
}

enum Waiter {
    Once(oneshot::Sender<Frame>),
    Many(mpsc::Sender<Frame>),
}

/// What a connection is made of.
pub(crate) struct Opened {
    pub(crate) lane: Lane,
    pub(crate) address: String,
    pub(crate) peer: PeerGone,
    pub(crate) reader: FrameReader<ReadHalf<BoxStream>>,
    pub(crate) writer: WriteHalf<BoxStream>,
}

/// Where its tasks live.
pub(crate) struct Surroundings {
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) timing: Timing,
    pub(crate) gone: GoneReporter,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// Certainly not delivered.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The connection ended or the answer did not come in time: may have been delivered.
    #[error("no answer: {0}")]
    Unknown(String),
    /// The peer said that it could not serve it.
    #[error("refused by the peer: {0}")]
    Failed(String),
}

impl Connection {
    pub(crate) fn spawn(opened: Opened, around: Surroundings) -> Arc<Self> {
        let Opened {
            lane,
            address,
            peer,
            mut reader,
            writer,
        } = opened;
        let (outgoing, frames) = mpsc::channel(OUTGOING_FRAMES_MAX);
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let stop = around.stop.child_token();
        let connection = Arc::new(Connection {
            lane,
            address,
            outgoing,
            waiting: waiting.clone(),
            next_correlation: AtomicU64::new(1),
            tasks: stop.clone(),
        });
        let timing = around.timing;
        let writing = write_frames(writer, frames, timing);
        around.tracker.spawn(async move {
            let reading = read_answers(&mut reader, &waiting, timing.peer_idle_timeout);
            let end = tokio::select! {
                end = reading => end,
                end = writing => end,
                () = stop.cancelled() => ConnectionEnd::Stopped,
            };
            tracing::debug!(peer = peer.node, ?lane, %end, "peer connection over");
            lock(&waiting).close();
            around.gone.report(peer, &end);
        });
        connection
    }

    /// Whether requests still have a chance.
    pub(crate) fn is_open(&self) -> bool {
        !lock(&self.waiting).closed
    }

    /// Ends it for all its users: the peer is alive but does not get on.
    pub(crate) fn abandon(&self) {
        lock(&self.waiting).close();
        self.tasks.cancel();
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn outgoing(&self) -> mpsc::Sender<Bytes> {
        self.outgoing.clone()
    }

    /// Builds a frame under this lane's limit.
    pub(crate) fn frame(
        &self,
        kind: FrameKind,
        correlation: u64,
        hint: usize,
        payload: impl FnOnce(&mut BytesMut),
    ) -> Result<Bytes, frame::FrameTooLong> {
        frame::build(
            kind,
            correlation,
            self.lane.frame_bytes_max(),
            hint,
            payload,
        )
    }

    /// Registers a stream of answers under a new correlation.
    pub(crate) fn open_stream(self: &Arc<Self>) -> Option<(Registration, mpsc::Receiver<Frame>)> {
        let (sender, answers) = mpsc::channel(APPENDS_IN_FLIGHT_MAX.saturating_mul(2));
        let registration = self.register(Waiter::Many(sender))?;
        Some((registration, answers))
    }

    /// Queues one request; its answer is awaited separately, so that the caller can let others
    /// queue behind it. Fails only when it was certainly not queued. Cancel safe.
    pub(crate) async fn send_request(
        self: &Arc<Self>,
        kind: FrameKind,
        hint: usize,
        payload: impl FnOnce(&mut BytesMut),
    ) -> Result<PendingAnswer, RequestError> {
        let (sender, answer) = oneshot::channel();
        let Some(registration) = self.register(Waiter::Once(sender)) else {
            return Err(RequestError::NotSent("connection is closed".to_owned()));
        };
        let frame = self
            .frame(kind, registration.correlation, hint, payload)
            .map_err(|error| RequestError::NotSent(error.to_string()))?;
        match self.outgoing.reserve().await {
            Ok(permit) => permit.send(frame),
            Err(_) => return Err(RequestError::NotSent("connection is closed".to_owned())),
        }
        Ok(PendingAnswer {
            answer,
            _registration: registration,
        })
    }

    /// One request and its answer, both within `limit`.
    pub(crate) async fn request(
        self: &Arc<Self>,
        kind: FrameKind,
        limit: Duration,
        payload: impl FnOnce(&mut BytesMut),
    ) -> Result<Bytes, RequestError> {
        let exchange = async { self.send_request(kind, 64, payload).await?.wait().await };
        match timeout(limit, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(RequestError::Unknown(format!("no answer within {limit:?}"))),
        }
    }

    fn register(self: &Arc<Self>, waiter: Waiter) -> Option<Registration> {
        let correlation = self.next_correlation.fetch_add(1, Ordering::Relaxed);
        let mut waiting = lock(&self.waiting);
        if waiting.closed {
            return None;
        }
        waiting.by_correlation.insert(correlation, waiter);
        Some(Registration {
            connection: self.clone(),
            correlation,
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

/// Removes its waiter when dropped: an answer that comes later is ignored.
pub(crate) struct Registration {
    connection: Arc<Connection>,
    pub(crate) correlation: u64,
}

impl Registration {
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        lock(&self.connection.waiting)
            .by_correlation
            .remove(&self.correlation);
    }
}

/// A request on its way.
pub(crate) struct PendingAnswer {
    answer: oneshot::Receiver<Frame>,
    _registration: Registration,
}

impl PendingAnswer {
    pub(crate) async fn wait(self) -> Result<Bytes, RequestError> {
        match self.answer.await {
            Ok(frame) if frame.kind == FrameKind::Failure => Err(RequestError::Failed(
                super::wire::hello::reason(frame.payload),
            )),
            Ok(frame) => Ok(frame.payload),
            Err(_) => Err(RequestError::Unknown("connection lost".to_owned())),
        }
    }
}

impl Waiting {
    fn close(&mut self) {
        self.closed = true;
        self.by_correlation.clear();
    }

    /// Hands an answer to its waiter; nobody waiting is normal after a timeout.
    fn deliver(&mut self, frame: Frame) {
        let correlation = frame.correlation;
        if let Some(Waiter::Many(waiter)) = self.by_correlation.get(&correlation) {
            // Never full: a stream has at most APPENDS_IN_FLIGHT_MAX requests out and the queue
            // holds twice that. A peer that answers more breaks the protocol and loses answers.
            let _ = waiter.try_send(frame);
        } else if let Some(Waiter::Once(waiter)) = self.by_correlation.remove(&correlation) {
            let _ = waiter.send(frame);
        }
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn read_answers(
    reader: &mut FrameReader<impl AsyncRead + Unpin>,
    waiting: &Mutex<Waiting>,
    idle: Duration,
) -> ConnectionEnd {
    loop {
        match timeout(idle, reader.next()).await {
            Err(_) => return ConnectionEnd::Idle,
            Ok(Err(error)) => return error.into(),
            Ok(Ok(None)) => return ConnectionEnd::Closed,
            Ok(Ok(Some(frame))) if frame.kind == FrameKind::KeepAlive => {}
            Ok(Ok(Some(frame))) => lock(waiting).deliver(frame),
        }
    }
}

/// Writes queued frames until the queue is closed or the socket fails, and a keep-alive whenever a
/// heartbeat interval passed without one. Used by both sides.
pub(crate) async fn write_frames(
    mut io: impl AsyncWrite + Unpin,
    mut frames: mpsc::Receiver<Bytes>,
    timing: Timing,
) -> ConnectionEnd {
    let keep_alive = frame::keep_alive();
    let mut gathered = BytesMut::new();
    loop {
        let first = match timeout(timing.heartbeat, frames.recv()).await {
            Ok(Some(frame)) => frame,
            Ok(None) => {
                let _ = timeout(timing.heartbeat, io.shutdown()).await;
                return ConnectionEnd::Stopped;
            }
            Err(_) => keep_alive.clone(),
        };
        let write = write_gathered(&mut io, first, &mut frames, &mut gathered);
        match timeout(timing.append_timeout, write).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return ConnectionEnd::WriteStalled,
        }
    }
}

/// Writes `first` and what is queued behind it: many small frames in one write, large ones without
/// a copy.
async fn write_gathered(
    io: &mut (impl AsyncWrite + Unpin),
    first: Bytes,
    frames: &mut mpsc::Receiver<Bytes>,
    gathered: &mut BytesMut,
) -> std::io::Result<()> {
    gathered.clear();
    let mut next = Some(first);
    while let Some(frame) = next {
        if frame.len() >= COALESCE_BYTES {
            io.write_all(gathered).await?;
            gathered.clear();
            io.write_all(&frame).await?;
        } else {
            gathered.extend_from_slice(&frame);
        }
        next = if gathered.len() < COALESCE_BYTES {
            frames.try_recv().ok()
        } else {
            None
        };
    }
    io.write_all(gathered).await?;
    io.flush().await
}
