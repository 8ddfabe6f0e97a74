//! `POST /v1/cluster/-/restore`: replace everything by a snapshot.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Query of `POST /v1/cluster/-/restore`; the body is a snapshot.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams,
)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RestoreQuery {
    /// Also when the cluster holds data, which is lost then.
    #[serde(deserialize_with = "super::flag")]
    pub replace: bool,
    /// Read the snapshot and say what would happen, change nothing.
    #[serde(deserialize_with = "super::flag")]
    pub dry_run: bool,
}

/// What a restore did, or with `dry_run` would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Restored {
    /// Whether this is only what would happen.
    pub dry_run: bool,
    /// Position the snapshot was taken at, in the cluster it is from.
    pub taken_at: u64,
    /// Position of the cluster now; fences and positions handed out from here on are larger than all
    /// before. Left out of a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Znodes there are now; of a dry run those in the snapshot, ephemeral ones included.
    pub znodes: u64,
    /// Sessions of this cluster that ended, or would end.
    pub sessions_ended: u64,
}
