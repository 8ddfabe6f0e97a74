//! One replication stream on the dialling side: requests out, answers in, both bounded.
//!
//! The stream pulls requests from openraft only while it is polled. A task of its own that pulls
//! would outlive the stream by a moment, and in that moment could take a request that belongs to
//! the next one: a hole in the follower's log that costs a round of conflict and probing.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{FutureExt, Stream, StreamExt};
use openraft::RPCTypes;
use openraft::errors::{NetworkError, RPCError, Timeout};
use raft_types::{NodeId, TypeConfig};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::PollSender;

use super::connection::Registration;
use super::forged::{Forged, consents_unasked};
use super::limits::{APPEND_BYTES_IN_FLIGHT_MAX, APPENDS_IN_FLIGHT_MAX};
use super::wire::frame::{Frame, FrameKind};
use super::wire::hello;
use super::wire::message::{self, AppendReply, AppendRequest};

/// What one answer is to openraft.
pub(crate) type AppendResult = Result<AppendReply, RPCError<TypeConfig>>;

/// Between whom, and how long an answer may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppendLimits {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) answer_within: std::time::Duration,
}

/// See the module.
pub(crate) struct AppendStream<S> {
    limits: AppendLimits,
    registration: Registration,
    answers: mpsc::Receiver<Frame>,
    outgoing: PollSender<Bytes>,
    /// `None` once openraft has no more requests.
    input: Option<S>,
    /// Sizes of the requests sent and not answered, oldest first.
    in_flight: VecDeque<usize>,
    bytes_in_flight: usize,
    /// Of a planted bug; never used in other builds.
    forged: Forged,
    /// Runs while something is in flight.
    stalled: Pin<Box<Sleep>>,
    /// After an error or a refusal the stream is over.
    finished: bool,
}

impl<S> AppendStream<S>
where
    S: Stream<Item = AppendRequest> + Unpin + Send,
{
    pub(crate) fn new(
        limits: AppendLimits,
        registration: Registration,
        (answers, input): (mpsc::Receiver<Frame>, S),
        forged: Forged,
    ) -> Self {
        let outgoing = PollSender::new(registration.connection().outgoing());
        AppendStream {
            limits,
            registration,
            answers,
            outgoing,
            input: Some(input),
            in_flight: VecDeque::new(),
            bytes_in_flight: 0,
            forged,
            stalled: Box::pin(tokio::time::sleep(limits.answer_within)),
            finished: false,
        }
    }

    /// Sends what fits; returns why the stream has to end, if so.
    fn send_more(&mut self, cx: &mut Context<'_>) -> Result<(), String> {
        while self.has_room() {
            let Some(input) = self.input.as_mut() else {
                return Ok(());
            };
            match self.outgoing.poll_reserve(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Err(_)) => return Err("connection lost".to_owned()),
                Poll::Ready(Ok(())) => {}
            }
            let request = match input.poll_next_unpin(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(None) => {
                    self.input = None;
                    return Ok(());
                }
                Poll::Ready(Some(request)) => request,
            };
            self.send(&request)?;
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.in_flight.len() < APPENDS_IN_FLIGHT_MAX
            && self.bytes_in_flight < APPEND_BYTES_IN_FLIGHT_MAX
    }

    fn send(&mut self, request: &AppendRequest) -> Result<(), String> {
        let hint = message::append_size_hint(request);
        let correlation = self.registration.correlation;
        let connection = self.registration.connection();
        let frame = connection
            .frame(FrameKind::Append, correlation, hint, |out| {
                message::put_append(out, request)
            })
            .map_err(|error| error.to_string())?;
        if self.in_flight.is_empty() {
            self.restart_timer();
        }
        self.in_flight.push_back(frame.len());
        if consents_unasked(self.limits) {
            self.forged.sent(request);
        }
        self.bytes_in_flight = self.bytes_in_flight.saturating_add(frame.len());
        self.outgoing
            .send_item(frame)
            .map_err(|_| "connection lost".to_owned())
    }

    fn restart_timer(&mut self) {
        let deadline = Instant::now() + self.limits.answer_within;
        self.stalled.as_mut().reset(deadline);
    }

    fn accept(&mut self, frame: Frame) -> AppendResult {
        if let Some(bytes) = self.in_flight.pop_front() {
            self.bytes_in_flight = self.bytes_in_flight.saturating_sub(bytes);
        }
        self.restart_timer();
        if frame.kind == FrameKind::Failure {
            return Err(network(&hello::reason(frame.payload)));
        }
        message::append_reply(frame.payload).map_err(|error| network(&error.to_string()))
    }

    fn end(&mut self, error: RPCError<TypeConfig>) -> Poll<Option<AppendResult>> {
        self.finished = true;
        Poll::Ready(Some(Err(error)))
    }
}

fn network(reason: &str) -> RPCError<TypeConfig> {
    RPCError::Network(NetworkError::from_string(reason))
}

impl<S> Stream for AppendStream<S>
where
    S: Stream<Item = AppendRequest> + Unpin + Send,
{
    type Item = AppendResult;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.finished {
            return Poll::Ready(None);
        }
        if let Err(reason) = this.send_more(cx) {
            return this.end(network(&reason));
        }
        if let Some(reply) = this.forged.replies.pop_front() {
            return Poll::Ready(Some(Ok(reply)));
        }
        match this.answers.poll_recv(cx) {
            Poll::Ready(Some(frame)) => {
                let result = this.accept(frame);
                if this.forged.was_told(&result) {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                // openraft ends a stream at the first refusal, on both sides.
                this.finished = !matches!(result, Ok(Ok(_)));
                return Poll::Ready(Some(result));
            }
            Poll::Ready(None) => return this.end(network("connection lost")),
            Poll::Pending => {}
        }
        if this.in_flight.is_empty() {
            if this.input.is_none() {
                this.finished = true;
                return Poll::Ready(None);
            }
            return Poll::Pending;
        }
        if this.stalled.poll_unpin(cx).is_ready() {
            this.registration.connection().abandon();
            let AppendLimits {
                from,
                to,
                answer_within,
            } = this.limits;
            return this.end(RPCError::Timeout(Timeout {
                action: RPCTypes::AppendEntries,
                id: from,
                target: to,
                timeout: answer_within,
            }));
        }
        Poll::Pending
    }
}
