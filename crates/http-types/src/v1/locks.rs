//! `/v1/locks`: locks, claims, queues.
//!
//! There is no priority among waiters: grants are first come, first served, so that the fences of
//! one lock grow from grant to grant.

mod asking;
mod history;
mod hot;
mod resource;
mod together;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use asking::{AnswerReleaseRequest, AskReleaseRequest, ReleaseRequest};
pub use history::{Eta, HistoryQuery, LockHistory, LockStatistics, PastHold, Quantiles};
pub use hot::{HotLock, HotLocks, HotQuery};
pub use resource::{
    Lock, LockKind, LockList, LockOrder, LockSettings, LockSettingsRequest, LockState, LockSummary,
    LocksQuery, SortedLocksQuery,
};
pub use together::{AcquireAllRequest, ClaimPart, Claims};

use super::owner::Owner;
use crate::duration::TextDuration;

/// How a claim wants the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Alone.
    #[default]
    Exclusive,
    /// Together with other shared claims.
    Shared,
    /// So many permits of a semaphore, named beside it.
    Permits,
}

/// `PUT /v1/locks/{name}/-/claims/{id}`: stand in the queue, or ask how the claim of this id
/// stands. Repeating it changes nothing. The session is named in `Holdfast-Session`; without one
/// the server makes a session for this claim alone and `ttl` bounds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AcquireRequest {
    /// How. Left out: `permits` if permits are named, `exclusive` otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Permits of a semaphore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permits: Option<u32>,
    /// Permits in all, when the lock is not configured: the first claim in an empty queue decides,
    /// the others must agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How long the claim may stand in the queue, kept by the server; `"0s"` tries once. Left out:
    /// as long as its session lives.
    #[schema(value_type = Option<String>, example = "2m")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<TextDuration>,
    /// How long it may hold from the grant or the last extension. Left out: as long as its session
    /// lives.
    #[schema(value_type = Option<String>, example = "60s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TextDuration>,
    /// How long a grant after a wait may go unnoticed before the next in line gets the lock. Left out: with a
    /// session as long as that lives, otherwise 10 s.
    #[schema(value_type = Option<String>, example = "10s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_within: Option<TextDuration>,
    /// Join the hold this session already has instead of queueing behind it.
    pub reentrant: bool,
    /// Shown to those who wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Shown to those who wait.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Query of the one-line form `POST /v1/locks/{name}`: the server makes the claim id and a session
/// for this claim alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AcquireQuery {
    /// As in the body of the PUT.
    pub mode: Option<Mode>,
    /// As in the body of the PUT.
    pub permits: Option<u32>,
    /// As in the body of the PUT.
    pub limit: Option<u32>,
    /// How long the request waits for the lock; left out: it tries once.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub wait: Option<TextDuration>,
    /// How long the claim may hold before it must be extended.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub ttl: Option<TextDuration>,
    /// As in the body of the PUT.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    pub ack_within: Option<TextDuration>,
    /// Shown to those who wait.
    pub reason: Option<String>,
}

/// `PATCH /v1/locks/{name}/-/claims/{id}`: give a hold more time, or another reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExtendRequest {
    /// New time to hold, from now.
    #[schema(value_type = Option<String>, example = "60s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TextDuration>,
    /// New reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Where a live claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    /// In the queue.
    Waiting,
    /// It has the lock.
    Held,
}

/// A live claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Claim {
    /// The lock.
    pub lock: String,
    /// Its id.
    pub claim: String,
    /// Where it stands.
    pub state: ClaimState,
    /// How it wants or has the lock.
    pub mode: Mode,
    /// Permits, for mode `permits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permits: Option<u32>,
    /// Its fencing token. Every later grant of this lock has a larger one. It means something only
    /// once the claim holds.
    pub fence: u64,
    /// The session that owns it.
    pub session: String,
    /// Waiters up to and including it; left out when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// How long the rest of its wait may take; left out when it holds, of a claim of several locks, and where
    /// fewer than three past holds of the lock are remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<Eta>,
    /// Claims that hold the lock.
    pub holders: u32,
    /// Claims in the queue.
    pub queue_length: u32,
    /// Position of the command that queued it.
    pub queued_index: u64,
    /// When it queued.
    pub queued_at: String,
    /// Position of the command that granted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_index: Option<u64>,
    /// When it was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_at: Option<String>,
    /// How long it stood in the queue, or stands in it.
    pub waited_ms: u64,
    /// How long it has held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_ms: Option<u64>,
    /// For so long the hold is certain, counted from the moment the request was sent. Left out
    /// while it waits, and where the node cannot say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_ms: Option<u64>,
    /// Its own time to hold, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// Time until the hold ends by itself (`ttl`, or the lock's longest hold), where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// Time until it leaves the queue unserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_remaining_ms: Option<u64>,
    /// Time within which its owner must repeat the request to pick the hand-over up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_remaining_ms: Option<u64>,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Why it wants the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// All locks that are claimed together with it, its own among them; left out of a claim of one lock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all_of: Vec<String>,
    /// That somebody asked it to release, of a hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_request: Option<ReleaseRequest>,
    /// Where to extend (PATCH) and release (DELETE) it.
    pub release: String,
}

/// How a claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimEnd {
    /// Its owner released it.
    Released,
    /// Its owner left the queue.
    Left,
    /// Its wait was over before its turn.
    WaitElapsed,
    /// Its own deadline or the lock's longest hold was over.
    Expired,
    /// The hand-over was not picked up in time.
    Abandoned,
    /// Somebody with the right to do so broke it.
    Broken,
    /// Its session was closed.
    SessionClosed,
    /// Its session expired.
    SessionExpired,
    /// Its znode was deleted directly.
    NodeDeleted,
}

/// A claim that has ended; remembered for 15 minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedClaim {
    /// The lock.
    pub lock: String,
    /// Its id.
    pub claim: String,
    /// How it ended.
    pub state: ClaimEnd,
    /// Its fence.
    pub fence: u64,
    /// Whether it ever held the lock.
    pub held: bool,
    /// The session that owned it.
    pub session: String,
    /// Position of the command that ended it.
    pub ended_index: u64,
    /// When.
    pub ended_at: String,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Somebody who has the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holder {
    /// The claim.
    pub claim: String,
    /// Its session.
    pub session: String,
    /// Its fence.
    pub fence: u64,
    /// How it has the lock.
    pub mode: Mode,
    /// Permits, for mode `permits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permits: Option<u32>,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// How long it has held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_ms: Option<u64>,
    /// When its own time to hold runs out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// That somebody asked it to release, of a hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_request: Option<ReleaseRequest>,
}

/// `GET /v1/locks/{name}/-/queue` and `/-/holders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    /// The lock.
    pub lock: String,
    /// Who has it (the first few).
    pub holders: Vec<Claim>,
    /// Who waits, in order (the first few). Empty in `/-/holders`.
    pub waiters: Vec<Claim>,
    /// Claims that hold it.
    pub holder_count: u32,
    /// Claims in the queue.
    pub queue_length: u32,
}

/// `GET /v1/locks/{name}/-/explain`: why the lock is as it is, in sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The lock.
    pub lock: String,
    /// Whether it can be had.
    pub state: LockState,
    /// One sentence or table row each.
    pub lines: Vec<String>,
    /// What would free it, and what the caller may do.
    pub advice: Vec<String>,
    /// Whether the access list of the lock lets the caller break it.
    pub may_break: bool,
    /// How long a claim that queued now might wait; left out where too little is known, and when the lock is
    /// free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<Eta>,
    /// What the last holds had in common; left out when none is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<LockStatistics>,
    /// Who has it and who waits.
    pub queue: Queue,
}

/// `POST /v1/locks/{name}/-/verify`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// The fence to check.
    pub fence: u64,
}

/// The fence still holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verified {
    /// Always true; the other answer is 412 `fence_stale`.
    pub valid: bool,
    /// The lock.
    pub lock: String,
    /// The claim of this fence.
    pub claim: String,
    /// The fence.
    pub fence: u64,
    /// Its session.
    pub session: String,
}

/// `POST /v1/locks/{name}/-/break` with `If-Match: "f{fence}"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakRequest {
    /// Why; kept with the ended claim.
    pub reason: String,
}
