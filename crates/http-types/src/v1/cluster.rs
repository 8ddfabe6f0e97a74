//! `/v1/cluster`: who is in, and changes of it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::flag;

/// A member's part in consensus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Counts for the quorum.
    Voter,
    /// Receives everything, counts for nothing.
    #[default]
    Learner,
}

/// One node of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// Its name: `n` and its number.
    pub id: String,
    /// Its part.
    pub role: Role,
    /// Whether it leads.
    pub leader: bool,
    /// `host:port` of its peer port.
    pub peer: String,
    /// Base URL of its HTTP API.
    pub api: String,
    /// Position it has applied, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_index: Option<u64>,
    /// Log entries it is behind the leader, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_entries: Option<u64>,
    /// Age of the leader's last contact with it, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact_ms: Option<u64>,
    /// Whether the answering node could reach it.
    pub reachable: bool,
    /// Its program version, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// `GET /v1/cluster`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cluster {
    /// Its id, chosen when it was founded.
    pub cluster_id: String,
    /// Term of the leader.
    pub term: u64,
    /// The leader, if there is one.
    pub leader: Option<String>,
    /// Who answered.
    pub node: String,
    /// In order of number.
    pub members: Vec<Member>,
    /// Voters that must agree.
    pub quorum: u32,
    /// Voters that may still fail, of those that are reachable.
    pub failure_tolerance: u32,
    /// Digest of the state all reachable members agreed on last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// A node's state in one number. Nodes that applied the same index must show the same digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Digest {
    /// Position.
    pub index: u64,
    /// 32 hexadecimal digits.
    pub digest: String,
}

/// Query of `GET /v1/cluster/digest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DigestQuery {
    /// Also the digests of the subtrees down to so many levels below `path`, at most 8; 0 is `path`
    /// alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Where to begin; left out: at the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// `GET /v1/cluster/digest`: the digest of the answering node's state, and of parts of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateDigest {
    /// Position.
    pub index: u64,
    /// Of the whole state, 32 hexadecimal digits. Nodes that applied the same index must show the
    /// same.
    pub digest: String,
    /// Subtrees of znodes, where asked for: level by level, in order of path within a level.
    /// Without those that the caller may not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtrees: Option<Vec<SubtreeDigest>>,
    /// Whether there are more subtrees than are listed, where asked for. They count in the subtrees
    /// around them; begin at one of those to see them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
}

/// A znode and everything below it in one number. It depends on these znodes alone, so nodes at
/// different indexes show the same as long as nothing in it has changed in between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubtreeDigest {
    /// Its top.
    pub path: String,
    /// Znodes in it, the top among them.
    pub znodes: u64,
    /// 32 hexadecimal digits. Comparable between nodes of one version.
    pub digest: String,
}

/// `PUT /v1/cluster/members/{id}`: add a learner, or change the role of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MemberRequest {
    /// `host:port` of its peer port.
    pub peer: String,
    /// Base URL of its HTTP API.
    pub api: String,
    /// Must be `learner`; a learner becomes a voter by `promote` once it has caught up.
    pub role: Role,
}

/// `POST /v1/cluster/members/-/replace`: a new node for a lost one, in one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceRequest {
    /// The member that goes.
    pub old: String,
    /// The member that comes.
    pub new: String,
    /// `host:port` of its peer port.
    pub peer: String,
    /// Base URL of its HTTP API.
    pub api: String,
}

/// Query of every membership change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ChangeQuery {
    /// Say what would happen, change nothing.
    #[serde(deserialize_with = "flag")]
    pub dry_run: bool,
    /// Do what the arithmetic calls unsafe.
    #[serde(deserialize_with = "flag")]
    pub force: bool,
}

/// Voters and what they can bear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Arithmetic {
    /// The voters.
    pub voters: Vec<String>,
    /// How many must agree.
    pub quorum: u32,
    /// How many may fail.
    pub failure_tolerance: u32,
}

/// Answer to a membership change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberChange {
    /// Whether it was done.
    pub applied: bool,
    /// Whether it was only asked what would happen.
    pub dry_run: bool,
    /// Before.
    pub before: Arithmetic,
    /// After.
    pub after: Arithmetic,
    /// What happens, in one sentence.
    pub summary: String,
    /// What to think about.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// `POST /v1/cluster/leader`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TransferRequest {
    /// Who shall lead; left out: whoever is most up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Leadership was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transfer {
    /// Who led.
    pub from: String,
    /// Who leads.
    pub to: String,
    /// Term of the new leader.
    pub term: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// Name of a node from its number: `n2`.
#[must_use]
pub fn node_name(number: u64) -> String {
    format!("n{number}")
}

/// Number of a node from its name: `n2` or `2`.
#[must_use]
pub fn parse_node(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('n').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_by_number() {
        assert_eq!(parse_node(&node_name(2)), Some(2));
        assert_eq!(parse_node("2"), Some(2));
        for bad in ["", "n", "n+2", "nn2", "n-1", "99999999999999999999"] {
            assert_eq!(parse_node(bad), None, "{bad}");
        }
    }
}
