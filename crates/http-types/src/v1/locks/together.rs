//! `POST /v1/claims`: several locks, all or none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Claim, ClaimState, Mode};
use crate::duration::TextDuration;

/// `POST /v1/claims`: stand in the queues of several locks, and have all of them or none. Repeating it with
/// the same `id` changes nothing and says how the claim stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AcquireAllRequest {
    /// The claim, chosen by the client; new in each of the queues. Left out: made by the server, from the
    /// `Idempotency-Key` where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The locks, each once; at most 16.
    pub all_of: Vec<ClaimPart>,
    /// How long the claim may stand in the queues, kept by the server; `"0s"` tries once. Left out: as
    /// long as its session lives.
    #[schema(value_type = Option<String>, example = "2m")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<TextDuration>,
    /// How long it may hold from the grant or the last extension. Left out: as long as its session lives.
    #[schema(value_type = Option<String>, example = "60s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TextDuration>,
    /// How long a grant after a wait may go unnoticed; as of a claim of one lock.
    #[schema(value_type = Option<String>, example = "10s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_within: Option<TextDuration>,
    /// Shown to those who wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Shown to those who wait.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// One of several locks that are claimed together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimPart {
    /// The lock.
    pub lock: String,
    /// How. Left out: `permits` if permits are named, `exclusive` otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Permits of a semaphore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permits: Option<u32>,
    /// Permits in all, when the lock is not configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A live claim of several locks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Claims {
    /// Its id, in each of the queues.
    pub id: String,
    /// Whether it has all of the locks or none yet.
    pub state: ClaimState,
    /// Its fencing token, one for all of the locks.
    pub fence: u64,
    /// The session that owns it.
    pub session: String,
    /// How it stands at each of the locks, in order of their names.
    pub claims: Vec<Claim>,
    /// Where to extend (PATCH) and release (DELETE) all of it.
    pub release: String,
}
