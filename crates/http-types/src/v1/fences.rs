//! `/v1/fences`: the highest fence that was shown for each resource outside Holdfast.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// `GET /v1/fences/{resource}`, and what a DELETE removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FenceRegister {
    /// The resource.
    pub resource: String,
    /// The highest fence that was shown for it.
    pub highest: u64,
    /// Position at which that fence was shown first. After a restore, that of the cluster the snapshot
    /// is from.
    pub moved_index: u64,
    /// When that was.
    pub moved_at: String,
}

/// `POST /v1/fences/{resource}/-/advance`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceRequest {
    /// The fence of the claim that is about to write to the resource.
    #[schema(example = 18231)]
    pub fence: u64,
}

/// Answer to [`AdvanceRequest`]: the fence is the highest, so whoever shows it may write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Advanced {
    /// The resource.
    pub resource: String,
    /// The highest fence that was shown for it: this one.
    pub highest: u64,
    /// Whether it was lower before, or not there.
    pub moved: bool,
    /// As in [`FenceRegister`].
    pub moved_index: u64,
    /// As in [`FenceRegister`].
    pub moved_at: String,
}

/// Query of `GET /v1/fences`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FencesQuery {
    /// Resources whose name begins with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Those after this one: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `GET /v1/fences`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FenceList {
    /// In order of name.
    pub fences: Vec<FenceRegister>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
