//! The accepting side: who may connect, and what is done with what they send.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use openraft::Raft;
use openraft::storage::RaftStateMachine;
use raft_types::snapshot::{Snapshot, SnapshotStore};
use raft_types::{NodeId, TypeConfig};
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::write_frames;
use super::gone::{ConnectionEnd, GoneReporter, PeerGone};
use super::limits::{ACCEPT_PAUSE, INBOUND_CONNECTIONS_MAX, OUTGOING_FRAMES_MAX};
use super::network::{BoxStream, PeerListener};
use super::warn::WarnLimiter;
use super::wire::Lane;
use super::wire::frame::{self, FrameKind, FrameReader};
use super::wire::hello::{self, HELLO_FRAME_BYTES_MAX, Hello, Identity, Welcome};
use crate::dead_leader::Evidence;
use crate::timing::Timing;

mod lanes;

/// What the application does with calls of its peers.
pub trait PeerService: Send + Sync + 'static {
    /// Takes one call. The function itself runs on the connection's reader in the order in which
    /// the calls arrived, so it must not block: it registers the call where order matters and
    /// leaves the rest to the returned future, which runs concurrently with others.
    ///
    /// `from` is the peer's node id; its cluster was checked. `body` is not: it must be decoded
    /// as carefully as any input.
    fn call(&self, from: NodeId, kind: u8, body: Bytes) -> BoxFuture<'static, Bytes>;
}

/// What every connection needs.
pub(crate) struct PeerServer<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    pub(crate) me: Identity,
    pub(crate) timing: Timing,
    pub(crate) raft: Raft<TypeConfig, SM>,
    pub(crate) service: Arc<dyn PeerService>,
    pub(crate) snapshots: Arc<dyn SnapshotStore>,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) gone: GoneReporter,
    pub(crate) evidence: Arc<Evidence>,
    pub(crate) state: ServerState,
}

/// Mutable state of the server.
pub(crate) struct ServerState {
    connections: Arc<Semaphore>,
    /// One snapshot at a time: two would fight over the disk and the state machine.
    receiving_snapshot: Semaphore,
    refused: WarnLimiter,
    crowded: WarnLimiter,
    accept_failed: WarnLimiter,
    /// Connections closed because they did not speak the protocol. For tests and metrics.
    garbage: AtomicU64,
}

impl Default for ServerState {
    fn default() -> Self {
        ServerState {
            connections: Arc::new(Semaphore::new(INBOUND_CONNECTIONS_MAX)),
            receiving_snapshot: Semaphore::new(1),
            refused: WarnLimiter::default(),
            crowded: WarnLimiter::default(),
            accept_failed: WarnLimiter::default(),
            garbage: AtomicU64::new(0),
        }
    }
}

impl ServerState {
    /// Connections closed because what they sent was not this protocol.
    pub(crate) fn garbage(&self) -> u64 {
        self.garbage.load(Ordering::Relaxed)
    }
}

/// An identified connection.
struct Peer {
    hello: Hello,
    reader: FrameReader<ReadHalf<BoxStream>>,
    writer: WriteHalf<BoxStream>,
}

impl<SM> PeerServer<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    /// Accepts until stopped.
    pub(crate) async fn accept(self: Arc<Self>, mut listener: Box<dyn PeerListener>) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, from)) => self.admit(stream, from),
                Err(error) => {
                    if let Some(suppressed) = self.state.accept_failed.permit() {
                        tracing::warn!(%error, suppressed, "peer connection not accepted");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: BoxStream, from: String) {
        let Ok(permit) = self.state.connections.clone().try_acquire_owned() else {
            if let Some(suppressed) = self.state.crowded.permit() {
                let limit = INBOUND_CONNECTIONS_MAX;
                tracing::warn!(from, limit, suppressed, "too many peer connections");
            }
            return;
        };
        let server = self.clone();
        self.tracker.spawn(async move {
            let _permit = permit;
            let stop = server.stop.clone();
            tokio::select! {
                () = server.serve(stream, &from) => {}
                () = stop.cancelled() => {}
            }
        });
    }

    async fn serve(&self, stream: BoxStream, from: &str) {
        let greeting = timeout(self.timing.connect_timeout, self.greet(stream, from));
        let peer = match greeting.await {
            Ok(Ok(Some(peer))) => peer,
            Ok(Ok(None)) => return,
            Ok(Err(reason)) => return self.not_a_peer(from, &reason),
            Err(_) => return self.not_a_peer(from, "it did not say hello in time"),
        };
        let gone = PeerGone {
            node: peer.hello.from.node,
            incarnation: peer.hello.from.incarnation,
        };
        let lane = peer.hello.lane;
        tracing::debug!(peer = gone.node, ?lane, from, "peer connected");
        let end = self.run(peer).await;
        if let ConnectionEnd::Violation(what) = &end
            && let Some(suppressed) = self.state.refused.permit()
        {
            tracing::warn!(
                peer = gone.node,
                ?lane,
                what,
                suppressed,
                "peer broke the protocol"
            );
        }
        tracing::debug!(peer = gone.node, ?lane, %end, "peer connection over");
        // A sender of a snapshot closes after the answer; nobody died.
        if lane != Lane::Snapshot {
            self.gone.report(gone, &end);
        }
    }

    /// Port scanners and mistyped URLs reach this port; they must not fill the log.
    fn not_a_peer(&self, from: &str, reason: &str) {
        self.state.garbage.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(
            from,
            reason,
            "connection to the peer port closed: not a peer"
        );
    }

    /// Identifies both sides. `None`: a peer, but refused, and told so.
    async fn greet(&self, stream: BoxStream, from: &str) -> Result<Option<Peer>, String> {
        let (read, mut writer) = tokio::io::split(stream);
        let mut reader = FrameReader::new(read, HELLO_FRAME_BYTES_MAX);
        let first = match reader.next().await {
            Ok(Some(frame)) if frame.kind == FrameKind::Hello => frame,
            Ok(Some(frame)) => return Err(format!("it began with {:?}", frame.kind)),
            Ok(None) => return Err("it closed at once".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let hello = Hello::decode(first.payload).map_err(|error| error.to_string())?;
        if let Some(objection) = hello.objection(&self.me) {
            if let Some(suppressed) = self.state.refused.permit() {
                let peer = hello.from.node;
                tracing::warn!(peer, from, reason = objection, suppressed, "peer refused");
            }
            let refusal = frame::build(FrameKind::Refused, 0, HELLO_FRAME_BYTES_MAX, 0, |out| {
                hello::put_reason(out, &objection);
            });
            send_one(&mut writer, refusal).await?;
            return Ok(None);
        }
        let welcome = Welcome::new(self.me);
        let agreed = frame::build(FrameKind::Welcome, 0, HELLO_FRAME_BYTES_MAX, 0, |out| {
            welcome.put(out);
        });
        send_one(&mut writer, agreed).await?;
        reader.set_frame_bytes_max(hello.lane.frame_bytes_max());
        Ok(Some(Peer {
            hello,
            reader,
            writer,
        }))
    }

    async fn run(&self, peer: Peer) -> ConnectionEnd {
        let Peer {
            hello,
            mut reader,
            writer,
        } = peer;
        let (outgoing, frames) = mpsc::channel(OUTGOING_FRAMES_MAX);
        let writing = write_frames(writer, frames, self.timing);
        let from = hello.from;
        let reading = async {
            match hello.lane {
                Lane::Append => self.append_lane(from, &mut reader, outgoing).await,
                Lane::Control => self.control_lane(from, &mut reader, outgoing).await,
                Lane::Snapshot => self.snapshot_lane(from, &mut reader, outgoing).await,
                Lane::App => self.app_lane(from, &mut reader, outgoing).await,
            }
        };
        // Dropping `writing` with answers still queued is fine: the lanes return only when the
        // peer is gone, has broken the protocol, or was told everything (snapshot).
        tokio::select! {
            end = reading => end,
            end = writing => end,
        }
    }
}

async fn send_one(
    writer: &mut WriteHalf<BoxStream>,
    frame: Result<Bytes, frame::FrameTooLong>,
) -> Result<(), String> {
    let frame = frame.map_err(|error| error.to_string())?;
    writer
        .write_all(&frame)
        .await
        .map_err(|error| error.to_string())?;
    writer.flush().await.map_err(|error| error.to_string())
}
