//! The one loop that puts commands into the log.
//!
//! It collects whatever is waiting (requests of this node's clients and, on the leader, those of
//! other nodes) into one log entry and goes on without waiting for it; while the disk syncs, the
//! next entry fills. There is no timer to tune: a lone request leaves at once, a busy node makes
//! large entries.
//!
//! A request is sent under term T only after this node has applied an entry of T; see
//! [`crate::pending`] for why.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use membership::{CallError, Leadership};
use mutant::Mutant;
use openraft::errors::ClientWriteError;
use openraft::impls::OneshotResponder;
use raft_core::codec::BatchBuilder;
use raft_core::limits::{BATCH_BYTES_MAX, REQUESTS_PER_BATCH_MAX};
use raft_types::{EntryBytes, NodeId, TypeConfig};
use tokio::time::Instant;

use crate::pending::ToSend;
use crate::runtime::Runtime;
use crate::wire::{self, Forward, ForwardAnswer, kind};

/// What became of something that was sent.
enum Sent {
    /// Consensus took the entry or lost leadership over it; apply or a later term settles it.
    Left,
    /// Consensus refused the entry before appending it.
    NotAppended {
        term: u64,
        own: Vec<u64>,
        forwarded: Vec<Bytes>,
    },
    /// The leader answered.
    Answered {
        term: u64,
        sequences: Vec<u64>,
        answer: ForwardAnswer,
    },
    /// The message never left.
    NotDelivered { term: u64, sequences: Vec<u64> },
    /// The message may have arrived.
    MaybeDelivered { term: u64, sequences: Vec<u64> },
}

type InFlight = FuturesUnordered<BoxFuture<'static, Sent>>;

/// Where requests can go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// This node leads the term.
    Here { term: u64 },
    /// That node does.
    There { term: u64, leader: NodeId },
}

/// The loop. Runs until the node stops.
pub(crate) async fn run(runtime: Arc<Runtime>) {
    let mut leadership = runtime.consensus().leadership();
    let mut in_flight = InFlight::new();
    let mut paused_until = Instant::now();
    loop {
        let current = *leadership.borrow_and_update();
        let paused = Instant::now() < paused_until;
        if !paused {
            send(&runtime, &current, &mut in_flight);
        }
        let has_room = in_flight.len() < runtime.settings.batches_in_flight_max;
        tokio::select! {
            () = runtime.stop.cancelled() => return,
            () = runtime.pending.work.notified(), if has_room => {}
            () = runtime.inbox.work.notified(), if has_room => {}
            changed = leadership.changed() => if changed.is_err() { return },
            Some(sent) = in_flight.next() => {
                if settle(&runtime, sent) {
                    paused_until = Instant::now() + runtime.settings.retry_interval;
                }
            }
            () = tokio::time::sleep_until(paused_until), if paused => {}
        }
    }
}

fn route(runtime: &Runtime, leadership: &Leadership) -> Option<Route> {
    let term = leadership.term;
    if runtime.replica.applied().term() != term {
        return None;
    }
    match leadership.leader {
        Some(leader) if leader == runtime.id => {
            let writes = !runtime.holding_back.load(Ordering::SeqCst);
            writes.then_some(Route::Here { term })
        }
        Some(leader) => Some(Route::There { term, leader }),
        None => None,
    }
}

fn send(runtime: &Arc<Runtime>, leadership: &Leadership, in_flight: &mut InFlight) {
    let Some(route) = route(runtime, leadership) else {
        return;
    };
    while in_flight.len() < runtime.settings.batches_in_flight_max {
        let sent = match route {
            Route::Here { term } => write_entry(runtime, term),
            // One message at a time: of two under way the first could be lost and the second taken,
            // and then the requests of one caller would be applied in another order than it made
            // them. What comes in meanwhile goes with the next.
            Route::There { .. } if !in_flight.is_empty() => return,
            Route::There { term, leader } => forward(runtime, term, leader),
        };
        match sent {
            Some(sent) => in_flight.push(sent),
            None => return,
        }
    }
}

/// Writes what is waiting as one log entry. `None` when nothing is.
fn write_entry(runtime: &Arc<Runtime>, term: u64) -> Option<BoxFuture<'static, Sent>> {
    let mut batch = BatchBuilder::new(runtime.stamp(term));
    let mut forwarded = runtime
        .inbox
        .take(term, REQUESTS_PER_BATCH_MAX / 2, BATCH_BYTES_MAX / 2);
    let fitting = forwarded
        .iter()
        .take_while(|bytes| batch.push(bytes))
        .count();
    runtime.inbox.put_back(term, forwarded.split_off(fitting));
    let room = REQUESTS_PER_BATCH_MAX.saturating_sub(fitting);
    let mut own = runtime.pending.take_unsent(term, room, BATCH_BYTES_MAX / 2);
    let fitting = own
        .iter()
        .take_while(|request| batch.push(&request.bytes))
        .count();
    runtime
        .pending
        .not_appended(term, own.split_off(fitting).iter().map(|r| r.sequence));
    if batch.is_empty() {
        return None;
    }
    let own: Vec<u64> = own.into_iter().map(|request| request.sequence).collect();
    let requests = batch.len();
    let payload = EntryBytes(batch.finish());
    runtime.metrics.entry_written(requests, payload.0.len());
    if mutant::is(Mutant::AckBeforeCommit) {
        runtime.answer_ahead(term, &payload.0);
    }
    let runtime = Arc::clone(runtime);
    Some(Box::pin(async move {
        append(&runtime, term, payload, own, forwarded).await
    }))
}

async fn append(
    runtime: &Runtime,
    term: u64,
    payload: EntryBytes,
    own: Vec<u64>,
    forwarded: Vec<Bytes>,
) -> Sent {
    let (responder, answer) = OneshotResponder::<TypeConfig, _>::new_pair();
    let write = runtime
        .consensus()
        .raft()
        .write(payload)
        .responder(responder)
        .with_leader(term);
    if write.await.is_err() {
        // Consensus has stopped for good; the process is about to.
        return Sent::Left;
    }
    match answer.await {
        Ok(Err(ClientWriteError::ForwardToLeader(_))) => Sent::NotAppended {
            term,
            own,
            forwarded,
        },
        Ok(Ok(_) | Err(_)) | Err(_) => Sent::Left,
    }
}

/// Sends what is waiting to the leader of `term`. `None` when nothing is.
fn forward(runtime: &Arc<Runtime>, term: u64, leader: NodeId) -> Option<BoxFuture<'static, Sent>> {
    let requests =
        runtime
            .pending
            .take_unsent(term, REQUESTS_PER_BATCH_MAX / 2, BATCH_BYTES_MAX / 2);
    if requests.is_empty() {
        return None;
    }
    let sequences: Vec<u64> = requests.iter().map(|request| request.sequence).collect();
    let message = Forward {
        term,
        incarnation: runtime.incarnation,
        oldest: runtime.pending.oldest(),
        requests: requests
            .into_iter()
            .map(|ToSend { sequence, bytes }| (sequence, bytes))
            .collect(),
    };
    let body = wire::encode(&message);
    let peers = runtime.consensus().peers().clone();
    let within = runtime.settings.peer_call_timeout;
    Some(Box::pin(async move {
        match peers.call(leader, kind::FORWARD, body, within).await {
            Ok(answer) => match wire::decode::<ForwardAnswer>(&answer) {
                Some(answer) => Sent::Answered {
                    term,
                    sequences,
                    answer,
                },
                None => Sent::MaybeDelivered { term, sequences },
            },
            Err(CallError::NotSent { .. }) => Sent::NotDelivered { term, sequences },
            Err(CallError::Unknown { .. }) => Sent::MaybeDelivered { term, sequences },
        }
    }))
}

/// Takes note of what became of something; says whether to pause before the next attempt.
fn settle(runtime: &Runtime, sent: Sent) -> bool {
    match sent {
        Sent::Left => false,
        Sent::NotAppended {
            term,
            own,
            forwarded,
        } => {
            runtime.pending.not_appended(term, own);
            runtime.inbox.put_back(term, forwarded);
            true
        }
        Sent::Answered {
            term,
            sequences,
            answer: ForwardAnswer::Accepted,
        } => {
            runtime.pending.delivered(term, sequences);
            false
        }
        // Nothing of this message was taken, but an earlier copy may have been: only a later term
        // makes it certain.
        Sent::Answered {
            term,
            sequences,
            answer: ForwardAnswer::NotLeader | ForwardAnswer::Full,
        } => {
            runtime.pending.not_delivered(term, sequences);
            true
        }
        Sent::NotDelivered { term, sequences } => {
            runtime.pending.not_delivered(term, sequences);
            true
        }
        Sent::MaybeDelivered { term, sequences } => {
            runtime.pending.maybe_delivered(term, sequences);
            true
        }
    }
}
