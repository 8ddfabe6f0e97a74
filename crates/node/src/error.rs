//! Answers that are not outcomes: it did not happen, or nobody can tell yet.

use std::time::Duration;

use raft_core::command::RequestId;
use raft_core::ids::Zxid;

/// Why a proposal has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// It did not happen and never will.
    #[error(transparent)]
    NotApplied(#[from] NotApplied),
    /// It may have happened, or may still happen.
    #[error(transparent)]
    Unknown(#[from] Unknown),
}

/// The proposal never entered the log: it is safe to send it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApplied {
    /// No leader could be reached in time.
    #[error("no leader was reachable for {} ms", .waited.as_millis())]
    NoLeader {
        /// How long the request waited for one.
        waited: Duration,
    },
    /// A limit on work in flight is reached.
    #[error("this node already has {limit} {what} in flight")]
    Overloaded {
        /// What is limited, with its unit.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The encoded request is larger than the log takes.
    #[error("the request has {actual} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
        /// Bytes found.
        actual: usize,
    },
    /// This node is stopping.
    #[error("this node is shutting down")]
    ShuttingDown,
}

/// The proposal was handed to a leader and its fate was not learnt within the deadline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the outcome of request {}.{} is unknown after {} ms: {why}", .request.origin, .request.sequence, .waited.as_millis())]
pub struct Unknown {
    /// Which request; the same number stands in the log of the node.
    pub request: RequestId,
    /// How long the caller waited.
    pub waited: Duration,
    /// What is known.
    pub why: &'static str,
}

/// Why a read has no answer. A read has no effect, so this is always definite.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No leader could confirm in time that this node is up to date.
    #[error("no leader confirmed within {} ms that this node is up to date", .waited.as_millis())]
    NoLeader {
        /// How long the read waited.
        waited: Duration,
    },
    /// This node has not applied what the reader has seen elsewhere.
    #[error("this node has applied {applied}, {wanted} was asked for, after {} ms", .waited.as_millis())]
    NotCaughtUp {
        /// What it has applied.
        applied: Zxid,
        /// What was asked for.
        wanted: Zxid,
        /// How long the read waited.
        waited: Duration,
    },
    /// This node is stopping.
    #[error("this node is shutting down")]
    ShuttingDown,
}
