//! What is remembered of the holds of a lock.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ClaimEnd, Mode};

/// Query of `GET /v1/locks/{name}/-/history`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// At most so many holds; left out: all that are remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Median and 95th percentile of observed times, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quantiles {
    /// Half of them took no longer.
    pub p50: u64,
    /// Nineteen of twenty took no longer.
    pub p95: u64,
}

/// How long a wait may take, milliseconds from now: an estimate from how long the last holds of the lock
/// took. It promises nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Eta {
    /// If every hold before it takes the median.
    pub p50: u64,
    /// If every hold before it takes as long as only one of twenty did.
    pub p95: u64,
}

/// What the remembered holds of a lock have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockStatistics {
    /// How many holds it is from: the last ones that ended.
    pub holds: u32,
    /// When the first of them was granted.
    pub since: String,
    /// How long they held.
    pub hold_ms: Quantiles,
    /// How long they had waited.
    pub wait_ms: Quantiles,
}

/// A hold that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastHold {
    /// Its claim.
    pub claim: String,
    /// The session that owned it.
    pub session: String,
    /// Who was behind it, as much as is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its fence.
    pub fence: u64,
    /// How it had the lock in the end.
    pub mode: Mode,
    /// Permits, for mode `permits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permits: Option<u32>,
    /// When it queued.
    pub queued_at: String,
    /// When it was granted.
    pub granted_at: String,
    /// When it ended.
    pub ended_at: String,
    /// Position of the command that ended it.
    pub ended_index: u64,
    /// How long it had waited.
    pub waited_ms: u64,
    /// How long it held.
    pub held_ms: u64,
    /// How it ended.
    pub end: ClaimEnd,
    /// Why it wanted the lock, as much as is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it ended, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
}

/// `GET /v1/locks/{name}/-/history`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockHistory {
    /// The lock.
    pub lock: String,
    /// Holds that ended, the last one first.
    pub holds: Vec<PastHold>,
    /// How many have ended since the lock was last forgotten.
    pub count: u64,
    /// What those have in common that are remembered; left out when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<LockStatistics>,
}
