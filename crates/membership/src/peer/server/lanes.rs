//! What each lane does with its frames.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use openraft::raft::StreamAppendError;
use openraft::storage::RaftStateMachine;
use raft_types::TypeConfig;
use raft_types::snapshot::Snapshot;
use std::sync::Arc;
use tokio::io::{AsyncRead, ReadHalf};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::PeerServer;
use crate::peer::gone::ConnectionEnd;
use crate::peer::limits::{APPENDS_QUEUED_MAX, CALLS_IN_FLIGHT_MAX, CONTROL_IN_FLIGHT_MAX};
use crate::peer::network::BoxStream;
use crate::peer::snapshot::receive::{Receiver, Verdict, next_frame, until_closed};
use crate::peer::wire::Lane;
use crate::peer::wire::codec::DecodeError;
use crate::peer::wire::frame::{self, Frame, FrameKind, FrameReader, FrameTooLong};
use crate::peer::wire::hello::{self, Identity};
use crate::peer::wire::message::{self, AppendReply, AppendRequest};

type Reader = FrameReader<ReadHalf<BoxStream>>;
type Outgoing = mpsc::Sender<Bytes>;

/// A stream of AppendEntries being fed into openraft.
struct Session {
    id: u64,
    requests: mpsc::Sender<AppendRequest>,
    answering: JoinHandle<()>,
}

impl<SM> PeerServer<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    /// Log replication: one openraft stream per correlation. The dialling side starts a new one
    /// when openraft starts a new replication session; the old one is finished first, so that
    /// requests reach openraft in the order in which they were sent.
    pub(super) async fn append_lane(
        &self,
        from: Identity,
        reader: &mut Reader,
        outgoing: Outgoing,
    ) -> ConnectionEnd {
        let mut session: Option<Session> = None;
        loop {
            let frame = match self.next(reader, FrameKind::Append).await {
                Ok(frame) => frame,
                Err(end) => return end,
            };
            let request = match message::append(frame.payload) {
                Ok(request) => request,
                Err(error) => return violation(&error),
            };
            self.evidence.leader_seen(from, &request.vote);
            let current = match session.take() {
                Some(current) if current.id == frame.correlation => current,
                Some(old) => {
                    old.finish().await;
                    self.start_session(frame.correlation, &outgoing)
                }
                None => self.start_session(frame.correlation, &outgoing),
            };
            // A closed session answered with a refusal; what was sent before the sender knew is
            // dropped, and the next session starts over.
            let _ = current.requests.send(request).await;
            session = Some(current);
        }
    }

    fn start_session(&self, id: u64, outgoing: &Outgoing) -> Session {
        let (requests, mut queue) = mpsc::channel(APPENDS_QUEUED_MAX);
        let input = futures::stream::poll_fn(move |cx| queue.poll_recv(cx));
        let mut replies = Box::pin(self.raft.stream_append(input));
        let outgoing = outgoing.clone();
        let answering = self.tracker.spawn(async move {
            while let Some(reply) = replies.next().await {
                let frame = match reply {
                    Ok(reply) => append_reply_frame(Lane::Append, id, &reply),
                    Err(fatal) => failure(Lane::Append, id, &fatal.to_string()),
                };
                if !forward(&outgoing, frame).await {
                    return;
                }
            }
        });
        Session {
            id,
            requests,
            answering,
        }
    }

    /// Small messages that must not wait: each is worked on in a task of its own.
    pub(super) async fn control_lane(
        &self,
        from: Identity,
        reader: &mut Reader,
        outgoing: Outgoing,
    ) -> ConnectionEnd {
        let in_flight = Arc::new(Semaphore::new(CONTROL_IN_FLIGHT_MAX));
        loop {
            let frame = match next_frame(reader, self.timing).await {
                Ok(frame) if frame.kind == FrameKind::KeepAlive => continue,
                Ok(frame) => frame,
                Err(end) => return end,
            };
            let Ok(permit) = in_flight.clone().acquire_owned().await else {
                return ConnectionEnd::Stopped;
            };
            let correlation = frame.correlation;
            let work = match self.control(from, frame) {
                Ok(work) => work,
                Err(end) => return end,
            };
            let outgoing = outgoing.clone();
            self.tracker.spawn(async move {
                let answer = work
                    .await
                    .or_else(|reason| failure(Lane::Control, correlation, &reason));
                forward(&outgoing, answer).await;
                drop(permit);
            });
        }
    }

    fn control(
        &self,
        from: Identity,
        frame: Frame,
    ) -> Result<futures::future::BoxFuture<'static, Result<Bytes, String>>, ConnectionEnd> {
        let id = frame.correlation;
        let raft = self.raft.clone();
        let reply = move |kind, payload: Box<dyn FnOnce(&mut BytesMut) + Send>| {
            frame::build(kind, id, Lane::Control.frame_bytes_max(), 64, payload)
                .map_err(|error| error.to_string())
        };
        match frame.kind {
            FrameKind::Append => {
                let request = message::append(frame.payload).map_err(|error| violation(&error))?;
                self.evidence.leader_seen(from, &request.vote);
                Ok(Box::pin(async move {
                    let input = futures::stream::once(std::future::ready(request));
                    let mut replies = Box::pin(raft.stream_append(input));
                    match replies.next().await {
                        Some(Ok(answer)) => append_reply_frame(Lane::Control, id, &answer)
                            .map_err(|error| error.to_string()),
                        Some(Err(fatal)) => Err(fatal.to_string()),
                        None => Err("raft gave no answer".to_owned()),
                    }
                }))
            }
            FrameKind::Vote | FrameKind::PreVote => {
                let ballot = message::ballot(frame.payload).map_err(|error| violation(&error))?;
                let evidence = self.evidence.clone();
                let is_pre_vote = frame.kind == FrameKind::PreVote;
                Ok(Box::pin(async move {
                    // A campaign that follows a dead leader must not be refused only because this
                    // node is still finding out.
                    evidence.settled().await;
                    let answer = if is_pre_vote {
                        raft.pre_vote(ballot).await
                    } else {
                        raft.vote(ballot).await
                    };
                    let answer = answer.map_err(|error| error.to_string())?;
                    reply(
                        FrameKind::VoteReply,
                        Box::new(move |out| message::put_ballot_reply(out, &answer)),
                    )
                }))
            }
            FrameKind::Transfer => {
                let request =
                    message::transfer(frame.payload).map_err(|error| violation(&error))?;
                Ok(Box::pin(async move {
                    let answer = raft.handle_transfer_leader(request).await;
                    let answer = answer.map_err(|error| error.to_string())?;
                    reply(
                        FrameKind::TransferReply,
                        Box::new(move |out| message::put_transfer_reply(out, &answer)),
                    )
                }))
            }
            other @ (FrameKind::Hello
            | FrameKind::Welcome
            | FrameKind::Refused
            | FrameKind::KeepAlive
            | FrameKind::Failure
            | FrameKind::AppendReply
            | FrameKind::VoteReply
            | FrameKind::TransferReply
            | FrameKind::SnapshotBegin
            | FrameKind::SnapshotChunk
            | FrameKind::SnapshotEnd
            | FrameKind::SnapshotReply
            | FrameKind::Call
            | FrameKind::CallReply) => Err(ConnectionEnd::Violation(format!(
                "{other:?} on the control lane"
            ))),
        }
    }

    /// One transfer.
    pub(super) async fn snapshot_lane(
        &self,
        from: Identity,
        reader: &mut Reader,
        outgoing: Outgoing,
    ) -> ConnectionEnd {
        let begin = match self.next(reader, FrameKind::SnapshotBegin).await {
            Ok(frame) => frame,
            Err(end) => return end,
        };
        let verdict = match self.state.receiving_snapshot.try_acquire() {
            Err(_) => Ok(Verdict::Failure(
                "another snapshot is being received".to_owned(),
            )),
            Ok(_only_one) => {
                let receiver = Receiver {
                    raft: &self.raft,
                    store: &self.snapshots,
                    from: from.node,
                };
                receiver.receive(begin.payload, reader, self.timing).await
            }
        };
        let answer = match verdict {
            Ok(Verdict::Vote(vote)) => {
                let max = Lane::Snapshot.frame_bytes_max();
                frame::build(FrameKind::SnapshotReply, 0, max, 32, |out| {
                    message::put_snapshot_reply(out, &vote);
                })
            }
            Ok(Verdict::Failure(reason)) => failure(Lane::Snapshot, 0, &reason),
            Err(end) => return end,
        };
        forward(&outgoing, answer).await;
        until_closed(reader, self.timing).await
    }

    /// Calls of the application, started in order of arrival and answered as they finish.
    pub(super) async fn app_lane(
        &self,
        from: Identity,
        reader: &mut Reader,
        outgoing: Outgoing,
    ) -> ConnectionEnd {
        let in_flight = Arc::new(Semaphore::new(CALLS_IN_FLIGHT_MAX));
        loop {
            let frame = match self.next(reader, FrameKind::Call).await {
                Ok(frame) => frame,
                Err(end) => return end,
            };
            let Ok(permit) = in_flight.clone().acquire_owned().await else {
                return ConnectionEnd::Stopped;
            };
            let (kind, body) = match message::call(frame.payload) {
                Ok(call) => call,
                Err(error) => return violation(&error),
            };
            let work = self.service.call(from.node, kind, body);
            let (id, outgoing, stop) = (frame.correlation, outgoing.clone(), self.stop.clone());
            self.tracker.spawn(async move {
                let answer = tokio::select! {
                    answer = work => answer,
                    () = stop.cancelled() => return,
                };
                let max = Lane::App.frame_bytes_max();
                let frame = frame::build(FrameKind::CallReply, id, max, answer.len(), |out| {
                    out.extend_from_slice(&answer);
                })
                .or_else(|error| failure(Lane::App, id, &error.to_string()));
                forward(&outgoing, frame).await;
                drop(permit);
            });
        }
    }

    /// The next frame of the one kind that this lane accepts.
    async fn next<R: AsyncRead + Unpin>(
        &self,
        reader: &mut FrameReader<R>,
        kind: FrameKind,
    ) -> Result<Frame, ConnectionEnd> {
        loop {
            let frame = next_frame(reader, self.timing).await?;
            if frame.kind == kind {
                return Ok(frame);
            }
            if frame.kind != FrameKind::KeepAlive {
                let what = format!("{:?} where {kind:?} belongs", frame.kind);
                return Err(ConnectionEnd::Violation(what));
            }
        }
    }
}

impl Session {
    async fn finish(self) {
        drop(self.requests);
        let _ = self.answering.await;
    }
}

fn violation(error: &DecodeError) -> ConnectionEnd {
    ConnectionEnd::Violation(error.to_string())
}

fn append_reply_frame(lane: Lane, id: u64, reply: &AppendReply) -> Result<Bytes, FrameTooLong> {
    if let Err(StreamAppendError::HigherVote(vote)) = reply {
        tracing::debug!(%vote, "append refused: a higher vote is known");
    }
    frame::build(
        FrameKind::AppendReply,
        id,
        lane.frame_bytes_max(),
        64,
        |out| {
            message::put_append_reply(out, reply);
        },
    )
}

fn failure<E: From<FrameTooLong>>(lane: Lane, id: u64, reason: &str) -> Result<Bytes, E> {
    frame::build(FrameKind::Failure, id, lane.frame_bytes_max(), 64, |out| {
        hello::put_reason(out, reason);
    })
    .map_err(E::from)
}

/// Queues an answer; `false` when there is nobody to send it to.
async fn forward(outgoing: &Outgoing, frame: Result<Bytes, FrameTooLong>) -> bool {
    match frame {
        Ok(frame) => outgoing.send(frame).await.is_ok(),
        Err(error) => {
            tracing::error!(%error, "answer to a peer does not fit a frame");
            true
        }
    }
}
