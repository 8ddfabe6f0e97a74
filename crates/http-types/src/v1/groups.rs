//! `/v1/groups`: who is there.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Encoding;
use super::owner::Owner;

/// `PUT /v1/groups/{group}/-/members/{id}`: be a member. Repeating it changes the value to what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JoinRequest {
    /// What others find at the member, such as its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How the value is written; left out: as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Media type of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupMember {
    /// The group.
    pub group: String,
    /// Its id. One that was made by a ZooKeeper client has the name of its znode.
    pub member: String,
    /// The session that owns it: it ends with it.
    pub session: String,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// What others find at it. Left out where there is none, or the access list of its znode does not let
    /// the reader see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How the value is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Media type of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Position at which it joined.
    pub joined_index: u64,
    /// When.
    pub joined_at: String,
    /// Position of the last change of its value.
    pub changed_index: u64,
}

/// `GET /v1/groups/{group}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// Its name.
    pub group: String,
    /// In the order in which they joined.
    pub members: Vec<GroupMember>,
    /// How many there are in all.
    pub member_count: u32,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Query of `GET /v1/groups/{group}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct GroupQuery {
    /// Most members to list. A page also ends where the values of its members come to 4 MiB.
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// `DELETE /v1/groups/{group}/-/members/{id}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberLeft {
    /// The group.
    pub group: String,
    /// The member.
    pub member: String,
    /// Whether this request ended it; otherwise it was not there.
    pub left: bool,
}

/// One row of [`GroupList`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupSummary {
    /// Its name.
    pub group: String,
    /// How many members it has.
    pub member_count: u32,
}

/// `GET /v1/groups`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupList {
    /// In order of the segments of their names.
    pub groups: Vec<GroupSummary>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Query of `GET /v1/groups`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct GroupsQuery {
    /// What the names begin with.
    pub prefix: Option<String>,
    /// Most groups to list.
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
}
