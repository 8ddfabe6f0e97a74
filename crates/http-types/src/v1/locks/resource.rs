//! Locks themselves: how they behave, how they stand, lists of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Holder;
use crate::duration::TextDuration;

/// What a lock accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockKind {
    /// Exclusive claims only.
    Mutex,
    /// Exclusive and shared claims.
    #[default]
    Rw,
    /// Permits, so many in all.
    Semaphore,
}

/// `PUT /v1/locks/{name}`: how a lock behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LockSettingsRequest {
    /// What it accepts.
    pub kind: LockKind,
    /// Permits in all; for a semaphore, and only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// After an involuntary end, grant to nobody for this long.
    #[schema(value_type = Option<String>, example = "5s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_delay: Option<TextDuration>,
    /// Longest hold.
    #[schema(value_type = Option<String>, example = "1h")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_hold: Option<TextDuration>,
    /// Longest queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_waiters: Option<u32>,
    /// Anything else.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Settings of a lock as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockSettings {
    /// What it accepts.
    pub kind: LockKind,
    /// Permits in all, for a semaphore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Lock delay.
    pub lock_delay_ms: u64,
    /// Longest hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hold_ms: Option<u64>,
    /// Longest queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_waiters: Option<u32>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Whether a lock can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockState {
    /// Nobody has it.
    Free,
    /// Somebody has it.
    Held,
    /// Nobody has it, and a lock delay keeps it closed.
    Delayed,
}

/// `GET /v1/locks/{name}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lock {
    /// Its name.
    pub lock: String,
    /// Whether it can be had.
    pub state: LockState,
    /// Its settings, where somebody configured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<LockSettings>,
    /// Version of its znode, for `If-Match` when configuring it.
    pub version: i32,
    /// Permits agreed by the first claim of an unconfigured semaphore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_limit: Option<u32>,
    /// Who has it (the first few).
    pub holders: Vec<Holder>,
    /// Claims that hold it.
    pub holder_count: u32,
    /// Claims in the queue.
    pub queue_length: u32,
    /// How long it stays closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delayed_ms: Option<u64>,
}

/// One row of [`LockList`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockSummary {
    /// Its name.
    pub lock: String,
    /// Whether it can be had.
    pub state: LockState,
    /// What it accepts.
    pub kind: LockKind,
    /// Claims that hold it.
    pub holder_count: u32,
    /// Claims in the queue.
    pub queue_length: u32,
    /// One of those who have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
}

/// `GET /v1/locks`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockList {
    /// In the order asked for.
    pub locks: Vec<LockSummary>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// In which order locks are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockOrder {
    /// By name.
    #[default]
    Name,
    /// Longest queue first, by name where queues are equally long.
    Queue,
}

/// Query of `GET /v1/locks`, in order of name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LocksQuery {
    /// Names that begin with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only locks in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<LockState>,
    /// Names after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Query of `GET /v1/locks`, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SortedLocksQuery {
    /// Names that begin with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only locks in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<LockState>,
    /// `name` (default), or `queue`: most waiters first. Queues change between two pages: a lock
    /// whose queue grows meanwhile may be on neither, one whose queue shrinks on both.
    #[param(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<LockOrder>,
    /// Those after this one: `next` of the page before. By name a name; by queue the length of a
    /// queue and a name, `12:orders/42`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}
