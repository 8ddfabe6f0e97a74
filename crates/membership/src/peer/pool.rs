//! Connections of the dialling side, one per peer and lane, made when first needed.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use raft_types::NodeId;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Connection, Opened, Surroundings};
use super::gone::{GoneReporter, PeerGone};
use super::network::{BoxStream, PeerNetwork};
use super::warn::WarnLimiter;
use super::wire::Lane;
use super::wire::frame::{self, FrameKind, FrameReader};
use super::wire::hello::{self, HELLO_FRAME_BYTES_MAX, Hello, Identity, Welcome};
use crate::timing::Timing;

/// Why a peer cannot be talked to.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("no address of node {0} is known")]
    UnknownPeer(NodeId),
    #[error("connect to {address}: {reason}")]
    Unreachable {
        address: String,
        kind: io::ErrorKind,
        reason: String,
    },
    #[error("no connection to {address} within {limit:?}")]
    TimedOut {
        address: String,
        limit: std::time::Duration,
    },
    #[error("{address} was reached but not accepted as peer: {reason}")]
    WrongPeer { address: String, reason: String },
    #[error("this node is stopping")]
    Stopping,
}

/// Everything the dialling side shares.
pub(crate) struct PeerPool {
    pub(crate) me: Identity,
    pub(crate) timing: Timing,
    network: Arc<dyn PeerNetwork>,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
    gone: GoneReporter,
    addresses: Mutex<BTreeMap<NodeId, String>>,
    slots: Mutex<BTreeMap<(NodeId, Lane), Arc<Slot>>>,
    wrong_peer: WarnLimiter,
}

/// One peer and lane. The mutex is held while dialling, so that there is one attempt at a time.
#[derive(Default)]
struct Slot {
    connection: tokio::sync::Mutex<Option<Arc<Connection>>>,
}

/// What a pool is built from.
pub(crate) struct PoolParts {
    pub(crate) me: Identity,
    pub(crate) timing: Timing,
    pub(crate) network: Arc<dyn PeerNetwork>,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) gone: GoneReporter,
}

impl PeerPool {
    pub(crate) fn new(parts: PoolParts) -> Arc<Self> {
        Arc::new(PeerPool {
            me: parts.me,
            timing: parts.timing,
            network: parts.network,
            tracker: parts.tracker,
            stop: parts.stop,
            gone: parts.gone,
            addresses: Mutex::default(),
            slots: Mutex::default(),
            wrong_peer: WarnLimiter::default(),
        })
    }

    /// Remembers where a peer is reached. Called for every membership seen.
    pub(crate) fn set_address(&self, node: NodeId, address: &str) {
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if addresses.get(&node).map(String::as_str) != Some(address) {
            addresses.insert(node, address.to_owned());
        }
    }

    pub(crate) fn address(&self, node: NodeId) -> Option<String> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&node)
            .cloned()
    }

    /// The connection to `node` on `lane`, dialled if need be. Cancel safe: dialling goes on in a
    /// task of its own, so that a caller with a short limit (a heartbeat) does not start over every
    /// time on a link slower than its limit.
    pub(crate) async fn get(
        self: &Arc<Self>,
        node: NodeId,
        lane: Lane,
    ) -> Result<Arc<Connection>, DialError> {
        let slot = self.slot(node, lane);
        if let Ok(current) = slot.connection.try_lock()
            && let Some(connection) = self.usable(node, current.as_ref())
        {
            return Ok(connection);
        }
        if self.stop.is_cancelled() {
            return Err(DialError::Stopping);
        }
        let pool = self.clone();
        let dialling = self.tracker.spawn(async move {
            let mut current = slot.connection.lock().await;
            if let Some(connection) = pool.usable(node, current.as_ref()) {
                return Ok(connection);
            }
            *current = None;
            let connection = tokio::select! {
                dialled = pool.dial(node, lane) => dialled?,
                () = pool.stop.cancelled() => return Err(DialError::Stopping),
            };
            *current = Some(connection.clone());
            Ok(connection)
        });
        dialling.await.unwrap_or(Err(DialError::Stopping))
    }

    /// A new connection outside the pool.
    pub(crate) async fn dial(
        &self,
        node: NodeId,
        lane: Lane,
    ) -> Result<Arc<Connection>, DialError> {
        let opened = self.open(node, lane).await?;
        let around = Surroundings {
            tracker: self.tracker.clone(),
            stop: self.stop.clone(),
            timing: self.timing,
            gone: self.gone.clone(),
        };
        Ok(Connection::spawn(opened, around))
    }

    /// Connects and identifies both sides, within the connect timeout.
    pub(crate) async fn open(&self, node: NodeId, lane: Lane) -> Result<Opened, DialError> {
        let address = self.address(node).ok_or(DialError::UnknownPeer(node))?;
        let limit = self.timing.connect_timeout;
        match timeout(limit, self.connect_and_greet(node, lane, &address)).await {
            Ok(opened) => opened,
            Err(_) => Err(DialError::TimedOut { address, limit }),
        }
    }

    async fn connect_and_greet(
        &self,
        node: NodeId,
        lane: Lane,
        address: &str,
    ) -> Result<Opened, DialError> {
        let unreachable = |error: io::Error| DialError::Unreachable {
            address: address.to_owned(),
            kind: error.kind(),
            reason: error.to_string(),
        };
        let stream = self.network.connect(address).await.map_err(unreachable)?;
        let (read, mut writer) = tokio::io::split::<BoxStream>(stream);
        let mut reader = FrameReader::new(read, HELLO_FRAME_BYTES_MAX);
        let hello = Hello::new(self.me, node, lane);
        let frame = frame::build(FrameKind::Hello, 0, HELLO_FRAME_BYTES_MAX, 64, |out| {
            hello.put(out);
        })
        .map_err(|error| self.wrong_peer(node, address, error.to_string()))?;
        writer.write_all(&frame).await.map_err(unreachable)?;
        writer.flush().await.map_err(unreachable)?;
        let answer = match reader.next().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return Err(unreachable(io::ErrorKind::UnexpectedEof.into())),
            Err(frame::FrameError::Io(error)) => return Err(unreachable(error)),
            Err(error) => return Err(self.wrong_peer(node, address, error.to_string())),
        };
        if answer.kind == FrameKind::Refused {
            return Err(self.wrong_peer(node, address, hello::reason(answer.payload)));
        }
        if answer.kind != FrameKind::Welcome {
            let reason = format!("it answered with {:?}", answer.kind);
            return Err(self.wrong_peer(node, address, reason));
        }
        let welcome = Welcome::decode(answer.payload)
            .map_err(|error| self.wrong_peer(node, address, error.to_string()))?;
        if let Some(objection) = welcome.objection(&self.me, node) {
            return Err(self.wrong_peer(node, address, objection));
        }
        reader.set_frame_bytes_max(lane.frame_bytes_max());
        let peer = PeerGone {
            node,
            incarnation: welcome.from.incarnation,
        };
        Ok(Opened {
            lane,
            address: address.to_owned(),
            peer,
            reader,
            writer,
        })
    }

    fn wrong_peer(&self, node: NodeId, address: &str, reason: String) -> DialError {
        if let Some(suppressed) = self.wrong_peer.permit() {
            tracing::warn!(peer = node, address, reason, suppressed, "peer refused");
        }
        DialError::WrongPeer {
            address: address.to_owned(),
            reason,
        }
    }

    /// Gives up the connections to nodes that are no longer members. Whoever still uses one keeps it
    /// until done.
    pub(crate) fn keep_only(&self, members: &BTreeSet<NodeId>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|(node, _), _| members.contains(node));
    }

    fn slot(&self, node: NodeId, lane: Lane) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry((node, lane)).or_default().clone()
    }

    /// The current connection if it is alive and leads where the peer now lives.
    fn usable(&self, node: NodeId, current: Option<&Arc<Connection>>) -> Option<Arc<Connection>> {
        let connection = current?;
        let right = self.address(node).as_deref() == Some(connection.address());
        (right && connection.is_open()).then(|| connection.clone())
    }
}
