//! Calls of the application to its peers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use raft_types::NodeId;
use tokio::sync::Semaphore;
use tokio::task::unconstrained;
use tokio::time::{Instant, timeout_at};

use super::connection::{PendingAnswer, RequestError};
use super::limits::{CALL_BYTES_IN_FLIGHT_MAX, CALLS_IN_FLIGHT_MAX};
use super::pool::PeerPool;
use super::wire::frame::FrameKind;
use super::wire::{Lane, message};

/// Whether a failed call may have had an effect at the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It certainly was not delivered: trying again is safe.
    #[error("call to node {to} not sent: {reason}")]
    NotSent {
        /// The peer.
        to: NodeId,
        /// Why, for people.
        reason: String,
    },
    /// It may have been delivered, and may still be.
    #[error("call to node {to} has no answer: {reason}")]
    Unknown {
        /// The peer.
        to: NodeId,
        /// Why, for people.
        reason: String,
    },
}

/// Calls to peers over connections of their own, so that no amount of them delays a heartbeat.
/// Cheap to clone.
#[derive(Clone)]
pub struct PeerClient {
    pool: Arc<PeerPool>,
    targets: Arc<Mutex<HashMap<NodeId, Arc<Target>>>>,
}

struct Target {
    /// Held from the start of a call until its frame is queued. It is fair, so calls go out in the
    /// order in which they were first polled.
    order: tokio::sync::Mutex<()>,
    calls: Semaphore,
    bytes: Semaphore,
}

impl PeerClient {
    pub(crate) fn new(pool: Arc<PeerPool>) -> Self {
        PeerClient {
            pool,
            targets: Arc::default(),
        }
    }

    /// Calls the `PeerService` of node `to` and returns its answer.
    ///
    /// Calls to one node are delivered in the order in which their futures were first polled, as
    /// long as the connection lasts; answers come in any order. When too many are in flight
    /// (`limits::CALLS_IN_FLIGHT_MAX`, `CALL_BYTES_IN_FLIGHT_MAX`) a call waits within its time.
    /// Cancel safe in that nothing breaks; whether a cancelled call was delivered is unknown.
    ///
    /// # Errors
    /// [`CallError::NotSent`] when it certainly had no effect, [`CallError::Unknown`] otherwise.
    pub async fn call(
        &self,
        to: NodeId,
        kind: u8,
        body: Bytes,
        within: Duration,
    ) -> Result<Bytes, CallError> {
        let not_sent = |reason: String| CallError::NotSent { to, reason };
        if to == self.pool.me.node {
            return Err(not_sent("a node does not call itself".to_owned()));
        }
        let deadline = Instant::now() + within;
        let target = self.target(to);
        let weight = body.len().clamp(1, CALL_BYTES_IN_FLIGHT_MAX);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        let queued = timeout_at(deadline, async {
            // Unconstrained: tokio's fairness budget would otherwise turn a caller away before it
            // stands in the queue, and a later one would overtake it.
            let _in_order = unconstrained(target.order.lock()).await;
            let closed = |_| not_sent("this node is stopping".to_owned());
            let slot = target.calls.acquire().await.map_err(closed)?;
            let bytes = target.bytes.acquire_many(weight).await.map_err(closed)?;
            let answer = self.enqueue(to, kind, &body).await?;
            Ok((answer, slot, bytes))
        });
        let (answer, _slot, _bytes) = match queued.await {
            Ok(queued) => queued?,
            Err(_) => return Err(not_sent(format!("not sent within {within:?}"))),
        };
        let unknown = |reason: String| CallError::Unknown { to, reason };
        match timeout_at(deadline, answer.wait()).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err(unknown(error.to_string())),
            Err(_) => Err(unknown(format!("no answer within {within:?}"))),
        }
    }

    async fn enqueue(
        &self,
        to: NodeId,
        kind: u8,
        body: &Bytes,
    ) -> Result<PendingAnswer, CallError> {
        let not_sent = |reason: String| CallError::NotSent { to, reason };
        let connection = self
            .pool
            .get(to, Lane::App)
            .await
            .map_err(|error| not_sent(error.to_string()))?;
        connection
            .send_request(FrameKind::Call, body.len().saturating_add(1), |out| {
                message::put_call(out, kind, body);
            })
            .await
            .map_err(|error| match error {
                RequestError::NotSent(reason) => not_sent(reason),
                RequestError::Unknown(reason) | RequestError::Failed(reason) => {
                    CallError::Unknown { to, reason }
                }
            })
    }

    fn target(&self, to: NodeId) -> Arc<Target> {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            Arc::new(Target {
                order: tokio::sync::Mutex::new(()),
                calls: Semaphore::new(CALLS_IN_FLIGHT_MAX),
                bytes: Semaphore::new(CALL_BYTES_IN_FLIGHT_MAX),
            })
        };
        targets.entry(to).or_insert_with(fresh).clone()
    }
}
