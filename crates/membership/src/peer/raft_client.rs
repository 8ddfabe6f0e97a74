//! openraft's network, on the pool.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use openraft::errors::{
    NetworkError, RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable,
};
use openraft::network::{
    Backoff, NetBackoff, NetSnapshot, NetStreamAppend, NetTransferLeader, NetVote, RPCOption,
    RaftNetworkFactory,
};
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, StreamAppendResult, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RPCTypes};
use raft_types::snapshot::Snapshot;
use raft_types::{NodeId, PeerAddress, TypeConfig, Vote};

use super::append::{AppendLimits, AppendStream};
use super::connection::RequestError;
use super::forged::{Forged, Matched};
use super::pool::{DialError, PeerPool};
use super::snapshot::send::{self, SendError};
use super::wire::frame::FrameKind;
use super::wire::{Lane, message};

type RpcError = RPCError<TypeConfig>;

/// Makes clients that share the pool: openraft asks for a new client for every single vote.
pub(crate) struct RaftPeers {
    pool: Arc<PeerPool>,
}

impl RaftPeers {
    pub(crate) fn new(pool: Arc<PeerPool>) -> Self {
        RaftPeers { pool }
    }

    fn client(&self, target: NodeId, node: &PeerAddress, lane: Lane) -> RaftPeer {
        self.pool.set_address(target, &node.peer);
        RaftPeer {
            pool: self.pool.clone(),
            target,
            lane,
            is_matched: Matched::default(),
        }
    }
}

impl RaftNetworkFactory<TypeConfig> for RaftPeers {
    type Network = RaftPeer;

    async fn new_client(&mut self, target: NodeId, node: &PeerAddress) -> RaftPeer {
        self.client(target, node, Lane::Append)
    }

    async fn new_heartbeat_client(&mut self, target: NodeId, node: &PeerAddress) -> RaftPeer {
        self.client(target, node, Lane::Control)
    }

    async fn new_snapshot_client(&mut self, target: NodeId, node: &PeerAddress) -> RaftPeer {
        self.client(target, node, Lane::Snapshot)
    }
}

/// One peer as openraft sees it. Votes and transfers always use the control lane and snapshots
/// always their own; `lane` is where AppendEntries streams go.
pub(crate) struct RaftPeer {
    pool: Arc<PeerPool>,
    target: NodeId,
    lane: Lane,
    /// Of a planted bug; never used in other builds.
    is_matched: Matched,
}

impl RaftPeer {
    async fn control(
        &self,
        kind: FrameKind,
        action: RPCTypes,
        limit: Duration,
        payload: impl FnOnce(&mut BytesMut) + Send,
    ) -> Result<Bytes, RpcError> {
        let connection = self
            .pool
            .get(self.target, Lane::Control)
            .await
            .map_err(unreachable)?;
        connection
            .request(kind, limit, payload)
            .await
            .map_err(|error| match error {
                RequestError::NotSent(_) => unreachable(error),
                RequestError::Failed(_) => network(&error),
                RequestError::Unknown(_) => RPCError::Timeout(Timeout {
                    action,
                    id: self.pool.me.node,
                    target: self.target,
                    timeout: limit,
                }),
            })
    }

    async fn ballot(
        &self,
        kind: FrameKind,
        ballot: VoteRequest<TypeConfig>,
        option: &RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RpcError> {
        let answer = self
            .control(kind, RPCTypes::Vote, option.soft_ttl(), |out| {
                message::put_ballot(out, &ballot);
            })
            .await?;
        message::ballot_reply(answer).map_err(|error| network(&error))
    }
}

fn network(error: &(impl std::error::Error + 'static)) -> RpcError {
    RPCError::Network(NetworkError::new(error))
}

fn unreachable(error: impl std::error::Error + 'static) -> RpcError {
    RPCError::Unreachable(Unreachable::new(&error))
}

impl NetBackoff<TypeConfig> for RaftPeer {
    /// As configured (`RaftSettings`).
    fn backoff(&self) -> Option<Backoff> {
        None
    }
}

impl NetStreamAppend<TypeConfig> for RaftPeer {
    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        _option: RPCOption,
    ) -> BoxFuture<
        's,
        Result<BoxStream<'s, Result<StreamAppendResult<TypeConfig>, RpcError>>, RpcError>,
    >
    where
        S: Stream<Item = AppendEntriesRequest<TypeConfig>> + OptionalSend + Unpin + 'static,
    {
        Box::pin(async move {
            // openraft waits its back-off out inside the stream, when it is asked for the first
            // request. So it is asked before dialling, or a peer whose port refuses connections
            // would be dialled again and again without a pause.
            let mut input = input.peekable();
            Pin::new(&mut input).peek().await;
            let connection = self
                .pool
                .get(self.target, self.lane)
                .await
                .map_err(unreachable)?;
            let Some((registration, answers)) = connection.open_stream() else {
                return Err(unreachable(DialError::Unreachable {
                    address: connection.address().to_owned(),
                    kind: std::io::ErrorKind::ConnectionReset,
                    reason: "connection lost".to_owned(),
                }));
            };
            let limits = AppendLimits {
                from: self.pool.me.node,
                to: self.target,
                answer_within: self.pool.timing.append_timeout,
            };
            let forged = Forged::new(Arc::clone(&self.is_matched));
            Ok(AppendStream::new(limits, registration, (answers, input), forged).boxed())
        })
    }
}

impl NetVote<TypeConfig> for RaftPeer {
    async fn vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RpcError> {
        self.ballot(FrameKind::Vote, rpc, &option).await
    }

    // openraft's default grants every pre-vote, which would switch the protection off.
    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RpcError> {
        self.ballot(FrameKind::PreVote, rpc, &option).await
    }
}

impl NetTransferLeader<TypeConfig> for RaftPeer {
    async fn transfer_leader(
        &mut self,
        req: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RpcError> {
        let answer = self
            .control(
                FrameKind::Transfer,
                RPCTypes::TransferLeader,
                option.soft_ttl(),
                |out| {
                    message::put_transfer(out, &req);
                },
            )
            .await?;
        message::transfer_reply(answer).map_err(|error| network(&error))
    }
}

impl NetSnapshot<TypeConfig> for RaftPeer {
    type SnapshotData = Snapshot;

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: openraft::alias::SnapshotOf<TypeConfig, Snapshot>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let chunk_bytes = option.snapshot_chunk_size().unwrap_or(1 << 20);
        let limit = option.hard_ttl();
        let sending = send::send(&self.pool, self.target, vote, snapshot, chunk_bytes);
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(limit, sending) => outcome,
            closed = cancel => return Err(StreamingError::Closed(closed)),
        };
        match outcome {
            Ok(Ok(vote)) => Ok(SnapshotResponse::new(vote)),
            Ok(Err(error @ SendError::Dial(_))) => {
                Err(StreamingError::Unreachable(Unreachable::new(&error)))
            }
            // Not StreamingError::StorageError: that would stop the whole node for one transfer.
            // The back-off of Unreachable keeps a damaged file from being read in a loop.
            Ok(Err(error @ SendError::Read(_))) => {
                tracing::error!(peer = self.target, %error, "snapshot cannot be read");
                Err(StreamingError::Unreachable(Unreachable::new(&error)))
            }
            Ok(Err(error @ SendError::Transfer(_))) => {
                Err(StreamingError::Network(NetworkError::new(&error)))
            }
            Err(_) => Err(StreamingError::Timeout(Timeout {
                action: RPCTypes::InstallSnapshot,
                id: self.pool.me.node,
                target: self.target,
                timeout: limit,
            })),
        }
    }
}
