//! `/livez`, `/readyz`, `/v1/health`: is this node fit to serve?

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::flag;

/// Result of all checks together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All checks passed.
    Ok,
    /// At least one failed.
    Failing,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// Whether it passed.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// `GET /readyz?verbose=1` and `GET /v1/health`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// All together.
    pub status: HealthStatus,
    /// Who answered.
    pub node: String,
    /// Program version of the node.
    pub version: String,
    /// The leader it knows.
    pub leader: Option<String>,
    /// Position it has applied.
    pub applied_index: u64,
    /// One by one.
    pub checks: Vec<Check>,
}

/// Query of `/readyz`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ReadyQuery {
    /// With the checks one by one.
    #[serde(deserialize_with = "flag")]
    pub verbose: bool,
}
