//! `/v1/snapshots`: copies of the whole state.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One snapshot file of the answering node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// Its id; `GET /v1/snapshots/{id}` streams it.
    pub id: String,
    /// The node that has it.
    pub node: String,
    /// Position of the state in it, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Position in the Raft log, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    /// Its size.
    pub bytes: u64,
    /// When the file was completed on the node's disk (its time of modification), where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

/// `GET /v1/snapshots`: those of the answering node, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotList {
    /// Newest first.
    pub snapshots: Vec<Snapshot>,
}

/// `POST /v1/snapshots/-/verify`: the body is a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotVerified {
    /// Always true; a damaged snapshot is a problem document that says what is wrong.
    pub valid: bool,
    /// Position of the state in it.
    pub index: u64,
    /// Digest of the state in it, 32 hexadecimal digits.
    pub digest: String,
    /// Bytes read.
    pub bytes: u64,
}
