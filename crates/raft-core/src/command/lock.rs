//! What is asked of locks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{ClaimId, Fence, LockName};

/// How a claim wants the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LockMode {
    /// Alone.
    Exclusive,
    /// Together with other shared claims.
    Shared,
    /// So many permits of a semaphore.
    Permits(u32),
}

/// Who owns the claim's znode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimSession {
    /// The session the request acts for; without one the request is refused.
    Acting,
    /// A session made for this claim alone. It needs no keep-alive: it lives until the claim ends,
    /// and the claim ends at its own deadline.
    Implicit,
}

/// Stands in the queue of a lock.
///
/// Repeating it changes nothing and answers how the claim stands, also after it ended (for
/// [`TOMBSTONE_MS`](crate::limits::TOMBSTONE_MS)). A repeat by the owner of a hold counts as
/// picking up the hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acquire {
    /// The lock.
    pub lock: LockName,
    /// The claim, chosen by the client.
    pub claim: ClaimId,
    /// How.
    pub mode: LockMode,
    /// Permits of the semaphore, when the lock is not configured: the first claim in an empty
    /// queue decides, the others must agree.
    pub limit: Option<u32>,
    /// Whose.
    pub session: ClaimSession,
    /// How long it may stand in the queue, milliseconds. `Some(0)`: take it now or not at all.
    /// `None`: as long as its session lives (refused for implicit sessions).
    pub wait_ms: Option<u64>,
    /// How long it may hold, milliseconds from the grant or the last extension. `None`: as long as
    /// its session lives (implicit sessions: a default).
    pub ttl_ms: Option<u64>,
    /// How long a hand-over may go unnoticed, milliseconds. `None`: as long as its session lives (implicit
    /// sessions: a default).
    pub ack_within_ms: Option<u64>,
    /// Join the exclusive hold this session already has by a claim with this flag, instead of
    /// queueing behind it: the id becomes one more of that hold, with its fence, ttl and znode.
    pub reentrant: bool,
    /// Shown to those who wait.
    pub reason: Option<String>,
    /// Shown to those who wait.
    pub labels: BTreeMap<String, String>,
}

/// Stands in the queues of several locks at once, and has all of them or none.
///
/// A claim of the same id is made in each queue, in one command, so with one fence. They are granted in one
/// command, when each is the first of its queue and fits beside those who hold; they end together, however
/// one of them ends. Repeating it changes nothing, as of an [`Acquire`]; it is never re-entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcquireAll {
    /// The claims, chosen by the client: an id that is new in each of the queues.
    pub claim: ClaimId,
    /// The locks, each once, at most [`LOCKS_PER_CLAIM_MAX`](crate::limits::LOCKS_PER_CLAIM_MAX).
    pub all_of: Vec<ClaimPart>,
    /// Whose.
    pub session: ClaimSession,
    /// How long they may stand in the queues; as of an [`Acquire`].
    pub wait_ms: Option<u64>,
    /// How long they may hold; as of an [`Acquire`]. The shortest longest hold of the locks bounds it.
    pub ttl_ms: Option<u64>,
    /// How long a hand-over may go unnoticed; as of an [`Acquire`]. One picks up all.
    pub ack_within_ms: Option<u64>,
    /// Shown to those who wait.
    pub reason: Option<String>,
    /// Shown to those who wait.
    pub labels: BTreeMap<String, String>,
}

/// One of several locks that are claimed together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimPart {
    /// The lock.
    pub lock: LockName,
    /// How.
    pub mode: LockMode,
    /// As [`Acquire::limit`].
    pub limit: Option<u32>,
}

/// Asks a holder to release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRelease {
    /// The lock.
    pub lock: LockName,
    /// Fence of the hold that is meant. `None`: that of the only holder.
    pub fence: Option<Fence>,
    /// Why; the holder is told.
    pub reason: String,
    /// By when it is wanted, milliseconds from now. Nothing happens then.
    pub within_ms: u64,
}

/// How a lock behaves, when the default (exclusive and shared claims, no delay) will not do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockSettings {
    /// What it accepts.
    pub kind: LockKind,
    /// After an involuntary end, grant to nobody for this long, milliseconds.
    pub lock_delay_ms: u64,
    /// Longest hold, milliseconds; `None`: no bound.
    pub max_hold_ms: Option<u64>,
    /// Longest queue; `None`: the general limit.
    pub max_waiters: Option<u32>,
    /// Anything else.
    pub labels: BTreeMap<String, String>,
}

/// What a lock accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockKind {
    /// Exclusive claims only.
    Mutex,
    /// Exclusive and shared claims.
    #[default]
    ReadWrite,
    /// Permits, so many in all.
    Semaphore {
        /// Permits in all.
        limit: u32,
    },
}
