//! What is asked of groups.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ids::{GroupName, MemberId};

/// Makes the acting session a member of a group, in one step with the group's own znode.
///
/// A repeat by the session that owns the member changes the value to what it says. Nothing is remembered
/// of a member that left: a late duplicate makes it a member again, until its session ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinGroup {
    /// The group.
    pub group: GroupName,
    /// The member, chosen by the client.
    pub member: MemberId,
    /// What others find at the member. `None` is null.
    pub value: Option<Bytes>,
    /// Media type of the value.
    pub content_type: Option<Arc<str>>,
}
