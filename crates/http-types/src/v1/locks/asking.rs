//! Asking a holder to release. Nothing is ever taken away by it: the longest hold is for that.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::duration::TextDuration;

/// `POST /v1/locks/{name}/-/request-release`: ask the holder to release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskReleaseRequest {
    /// Why; the holder is told.
    pub reason: String,
    /// By when it is wanted, from now. Nothing happens then.
    #[schema(value_type = String, example = "30s")]
    pub deadline: TextDuration,
}

/// `POST /v1/locks/{name}/-/answer`: the holder says how much longer it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerReleaseRequest {
    /// Its claim.
    pub claim: String,
    /// How long from now.
    #[schema(value_type = String, example = "30s")]
    pub needs: TextDuration,
}

/// That a holder was asked to release. It ends with the hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseRequest {
    /// Who asked, in one line.
    pub who: String,
    /// Why.
    pub reason: String,
    /// When.
    pub asked_at: String,
    /// How long until the release is wanted; 0 when it was wanted before. Nothing happens then.
    pub remaining_ms: u64,
    /// How much longer the holder says it needs; left out while it has not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_ms: Option<u64>,
}
