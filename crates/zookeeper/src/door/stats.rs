//! What is counted, for four-letter words and metrics. Counting is a few additions without a lock
//! for each request; adding up is done by whoever looks.

mod connection;
mod latency;
mod register;
mod sizes;
mod summary;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub(crate) use self::connection::{Answered, ConnectionReading, ConnectionStats};
use self::latency::Latency;
pub(crate) use self::latency::{LatencyReading, average, four_places};
pub(crate) use self::register::Register;
pub(crate) use self::sizes::{Sizes, SizesReading};
pub(crate) use self::summary::{Times, TimesReading};
use crate::proto::op::OpCode;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Counters of one node's door. Those that `srst` sets back are `since_reset`; the others belong to
/// `/metrics`, where a counter may not go back.
#[derive(Debug)]
pub(crate) struct Stats {
    started: Instant,
    pub(crate) register: Register,
    pub(crate) since_reset: SinceReset,
    /// By position in [`OpCode::ALL`].
    requests: Vec<Times>,
    pub(crate) bytes_received: Count,
    pub(crate) bytes_sent: Count,
    /// Of watch events, counted in `bytes_sent` too.
    pub(crate) event_bytes: Count,
    /// Connections that were accepted.
    pub(crate) connections_opened: Count,
    /// Connections that were refused, their address having too many.
    pub(crate) connections_refused: Count,
    /// Connections that ended by an error.
    pub(crate) connections_dropped: Count,
    /// Connections that did not say in time what they want.
    pub(crate) handshakes_expired: Count,
    /// Frames longer than `jute.maxbuffer`.
    pub(crate) frames_too_long: Count,
    /// Times a connection had as many requests under way as it may.
    pub(crate) outstanding_reached: Count,
    /// Replies longer than `jute.maxbuffer`, which many clients do not take.
    pub(crate) replies_large: Count,
    pub(crate) sessions_opened: Count,
    /// Sessions taken up by a further connection.
    pub(crate) sessions_taken_up: Count,
    /// Connections whose session went on elsewhere.
    pub(crate) sessions_moved: Count,
    pub(crate) auth_failed: Count,
    syncs_under_way: Arc<AtomicUsize>,
}

/// What `srst` sets back.
#[derive(Debug, Default)]
pub(crate) struct SinceReset {
    pub(crate) received: Count,
    pub(crate) sent: Count,
    latency: Latency,
    /// Of replies.
    pub(crate) reply_sizes: Sizes,
}

/// A `sync` under way; dropping it ends the count.
#[derive(Debug)]
pub(crate) struct SyncUnderWay(Arc<AtomicUsize>);

impl Drop for SyncUnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Stats {
    fn default() -> Stats {
        Stats {
            started: Instant::now(),
            register: Register::default(),
            since_reset: SinceReset::default(),
            requests: OpCode::ALL.iter().map(|_| Times::default()).collect(),
            bytes_received: Count::default(),
            bytes_sent: Count::default(),
            event_bytes: Count::default(),
            connections_opened: Count::default(),
            connections_refused: Count::default(),
            connections_dropped: Count::default(),
            handshakes_expired: Count::default(),
            frames_too_long: Count::default(),
            outstanding_reached: Count::default(),
            replies_large: Count::default(),
            sessions_opened: Count::default(),
            sessions_taken_up: Count::default(),
            sessions_moved: Count::default(),
            auth_failed: Count::default(),
            syncs_under_way: Arc::default(),
        }
    }
}

impl Stats {
    /// A packet came in, a four-letter word among them.
    pub(crate) fn received(&self, connection: &ConnectionStats, bytes: usize) {
        connection.received();
        self.since_reset.received.one();
        self.bytes_received.add(whole(bytes));
    }

    /// A packet went out.
    pub(crate) fn sent(&self, connection: &ConnectionStats, bytes: usize) {
        connection.sent();
        self.since_reset.sent.one();
        self.bytes_sent.add(whole(bytes));
    }

    /// A request was answered.
    pub(crate) fn answered(&self, connection: &ConnectionStats, answered: Answered) {
        connection.answered(answered);
        self.since_reset.latency.record(answered.took);
        // Operations count up from 0 in the order of `ALL`.
        let position = answered.op.map(|op| op as usize);
        if let Some(times) = position.and_then(|at| self.requests.get(at)) {
            times.record(answered.took);
        }
    }

    /// A `sync` is under way until what this gives is dropped.
    pub(crate) fn sync_under_way(&self) -> SyncUnderWay {
        self.syncs_under_way.fetch_add(1, Ordering::Relaxed);
        SyncUnderWay(Arc::clone(&self.syncs_under_way))
    }

    /// How many are.
    pub(crate) fn syncs_under_way(&self) -> usize {
        self.syncs_under_way.load(Ordering::Relaxed)
    }

    /// Times of each operation that was asked for.
    pub(crate) fn requests(&self) -> Vec<(OpCode, TimesReading)> {
        let all = OpCode::ALL.iter().zip(&self.requests);
        all.map(|(op, times)| (*op, times.read())).collect()
    }

    pub(crate) fn latency(&self) -> LatencyReading {
        self.since_reset.latency.read()
    }

    /// Requests of all connections that wait for their answer.
    pub(crate) fn outstanding(&self) -> usize {
        let all = self.register.list(usize::MAX);
        all.iter().map(|connection| connection.outstanding()).sum()
    }

    /// Since the door was opened.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// `srst`.
    pub(crate) fn reset(&self) {
        self.since_reset.received.reset();
        self.since_reset.sent.reset();
        self.since_reset.latency.reset();
        self.since_reset.reply_sizes.reset();
    }

    /// `crst`.
    pub(crate) fn reset_connections(&self) {
        for connection in self.register.list(usize::MAX) {
            connection.reset();
        }
    }
}

/// A length as it is counted.
pub(crate) fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
