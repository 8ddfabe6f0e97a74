//! Which locks are waited for most.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Holder, LockStatistics};

/// Query of `GET /v1/hot`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct HotQuery {
    /// Names that begin with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// At most so many; left out: 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// A lock that is, or was, waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HotLock {
    /// The lock.
    pub lock: String,
    /// What it is placed by: how long those who wait now (the first hundred) have waited so far, and those
    /// whose holds are remembered had waited, together.
    pub waited_ms: u64,
    /// Of that, those who wait now.
    pub waiting_ms: u64,
    /// Claims in the queue.
    pub queue_length: u32,
    /// Claims that hold it.
    pub holder_count: u32,
    /// One of those who have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// What the last holds had in common; left out when none is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<LockStatistics>,
}

/// `GET /v1/hot`: the locks that were waited for longest. Those that nobody waited for are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HotLocks {
    /// Most waited for first; by name where two are equal.
    pub locks: Vec<HotLock>,
}
