//! `/v1/nodes`: znodes.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Encoding, flag};
use crate::duration::TextDuration;

/// ZooKeeper's `Stat`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stat {
    /// Position of its creation.
    pub czxid: u64,
    /// Position of the last change of data.
    pub mzxid: u64,
    /// Position of the last change of its set of children.
    pub pzxid: u64,
    /// Time of creation.
    pub ctime: String,
    /// Time of the last change of data.
    pub mtime: String,
    /// Changes of data.
    pub version: i32,
    /// Changes of its set of children.
    pub cversion: i32,
    /// Changes of the access list.
    pub aversion: i32,
    /// Number of the session of an ephemeral; 0 for every other kind.
    pub ephemeral_owner: u64,
    /// Bytes of data.
    pub data_length: u32,
    /// Children.
    pub num_children: u32,
}

/// What ends a znode besides a delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeMode {
    /// Nothing.
    #[default]
    Persistent,
    /// The end of its session.
    Ephemeral,
    /// Being empty for some time.
    Container,
    /// Being empty and unwritten for its time to live.
    Ttl,
}

/// `GET /v1/nodes/{path}` with `Accept: application/json`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Its path.
    pub path: String,
    /// Its data; null when it has none (not even an empty one).
    pub value: Option<String>,
    /// How the data is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// Media type of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What ends it.
    #[serde(default)]
    pub mode: NodeMode,
    /// Its time to live, for mode `ttl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// Version of its data.
    pub version: i32,
    /// The rest of its numbers.
    pub stat: Stat,
}

/// Answer to a PUT or POST: where the znode is and which version it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Written {
    /// Its path, with the suffix of a sequential one.
    pub path: String,
    /// Version of its data.
    pub version: i32,
    /// The rest of its numbers.
    pub stat: Stat,
}

/// Query of `PUT /v1/nodes/{path}`; the body is the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PutQuery {
    /// What to make when there is nothing. Left out: persistent, or `ttl` if one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<NodeMode>,
    /// Time to live, for mode `ttl`.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TextDuration>,
    /// Make missing parents.
    #[serde(deserialize_with = "flag")]
    pub parents: bool,
}

/// Query of `POST /v1/nodes/{path}`; the body is the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct CreateQuery {
    /// Append the parent's ten-digit counter to the path.
    #[serde(deserialize_with = "flag")]
    pub sequential: bool,
    /// As in [`PutQuery`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<NodeMode>,
    /// As in [`PutQuery`].
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TextDuration>,
    /// Make missing parents.
    #[serde(deserialize_with = "flag")]
    pub parents: bool,
}

/// Query of `DELETE /v1/nodes/{path}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// Remove everything below it too.
    #[serde(deserialize_with = "flag")]
    pub recursive: bool,
    /// Refuse when that is more than so many znodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Say what would happen, change nothing.
    #[serde(deserialize_with = "flag")]
    pub dry_run: bool,
}

/// Answer to a DELETE.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deleted {
    /// Top of what was removed.
    pub path: String,
    /// How many znodes were removed.
    pub count: u32,
}

/// Query of `GET /v1/nodes/{path}/-/children`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ChildrenQuery {
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Names after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// With the stat of each.
    #[serde(deserialize_with = "flag")]
    pub stat: bool,
}

/// One child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Child {
    /// Last component of its path.
    pub name: String,
    /// Its stat, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stat: Option<Stat>,
}

/// `GET /v1/nodes/{path}/-/children`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Children {
    /// The parent.
    pub path: String,
    /// Stat of the parent.
    pub stat: Stat,
    /// In order of name.
    pub children: Vec<Child>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Query of `GET /v1/nodes/{path}/-/tree`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct TreeQuery {
    /// Levels below the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// At most so many znodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// One znode of a [`Tree`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TreeNode {
    /// Its path.
    pub path: String,
    /// Its stat.
    pub stat: Stat,
}

/// `GET /v1/nodes/{path}/-/tree`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tree {
    /// The top.
    pub path: String,
    /// The top and what is below it, parents before children.
    pub nodes: Vec<TreeNode>,
    /// Whether the limit cut it short.
    pub truncated: bool,
}

/// One entry of an access list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AclEntry {
    /// `world`, `auth`, `digest`, `ip`.
    pub scheme: String,
    /// To whom; `anyone` for `world`.
    pub id: String,
    /// Letters out of `rwcda`: read, write, create, delete, admin.
    pub perms: String,
}

/// `GET /v1/nodes/{path}/-/acl`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acl {
    /// The znode.
    pub path: String,
    /// Its list.
    pub acl: Vec<AclEntry>,
    /// Version of the list, for `If-Match` when setting it.
    pub version: i32,
}

/// `PUT /v1/nodes/{path}/-/acl`, with `If-Match: "v{aversion}"` to be safe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAclRequest {
    /// The new list.
    pub acl: Vec<AclEntry>,
}
