//! `POST /v1/txn`: guards, and what to do when all hold or when one does not.
//!
//! On the wire a guard or step is a flat object told by its keys (`{"node":"/a","version":7}`,
//! `{"set":"/a","value":"x"}`); in Rust it is an enum.

mod form;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use form::{GuardForm, InvalidForm, OpForm};

use super::Encoding;
use super::locks::EndedClaim;
use super::nodes::{Node, NodeMode, Stat};
use crate::duration::TextDuration;

/// The whole transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TxnRequest {
    /// All must hold.
    #[serde(rename = "if", default)]
    #[schema(value_type = Vec<GuardForm>)]
    pub guards: Vec<Guard>,
    /// Done when they do.
    #[serde(default)]
    #[schema(value_type = Vec<OpForm>)]
    pub then: Vec<TxnOp>,
    /// Done when they do not. Left out: 412 with the guards that failed.
    #[serde(rename = "else", default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<OpForm>>)]
    pub otherwise: Option<Vec<TxnOp>>,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "GuardForm", into = "GuardForm")]
pub enum Guard {
    /// `{"node":"/app/cfg","version":7}`: the znode exists in this version.
    Version {
        /// Which.
        node: String,
        /// Its data version.
        version: i32,
    },
    /// `{"node":"/app/lockdown","exists":false}`: the znode exists, or does not.
    Exists {
        /// Which.
        node: String,
        /// Whether it must.
        exists: bool,
    },
    /// `{"node":"/app/cfg","value":"old"}`: the znode's data is exactly this.
    Value {
        /// Which.
        node: String,
        /// Its data.
        value: String,
        /// How the data is written.
        encoding: Encoding,
    },
    /// `{"claim":"orders/42","fence":18231}`: the claim with this fence still holds this lock.
    Fence {
        /// The lock.
        lock: String,
        /// The fence of its holder.
        fence: u64,
    },
    /// `{"election":"app","term":18231}`: the leadership of this term still lasts.
    Term {
        /// The election.
        election: String,
        /// The term of its leader.
        term: u64,
    },
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OpForm", into = "OpForm")]
pub enum TxnOp {
    /// `{"create":"/a","value":"x"}`: makes a znode.
    Create {
        /// Path; with `sequential` the suffix is appended to it.
        path: String,
        /// Its data.
        data: Option<Text>,
        /// Append the parent's ten-digit counter.
        sequential: bool,
        /// What ends it.
        mode: NodeMode,
        /// Time to live, for mode `ttl`.
        ttl: Option<TextDuration>,
        /// Make missing parents.
        parents: bool,
    },
    /// `{"set":"/a","value":"x","version":7}`: replaces the data of a znode that exists.
    Set {
        /// Which.
        path: String,
        /// The new data.
        data: Option<Text>,
        /// Version it must have.
        version: Option<i32>,
    },
    /// `{"put":"/a","value":"x"}`: replaces the data, or makes the znode.
    Put {
        /// Which.
        path: String,
        /// The new data.
        data: Option<Text>,
        /// Make missing parents.
        parents: bool,
    },
    /// `{"delete":"/a","version":7}`: removes a znode without children.
    Delete {
        /// Which.
        path: String,
        /// Version it must have.
        version: Option<i32>,
    },
    /// `{"get":"/a"}`: reads a znode as it is at this step.
    Get {
        /// Which.
        path: String,
    },
    /// `{"release":"orders/42","claim":"c1"}`: releases a claim.
    Release {
        /// The lock.
        lock: String,
        /// The claim.
        claim: String,
    },
}

/// Bytes as written in a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub value: String,
    /// How to read it.
    pub encoding: Encoding,
    /// Media type of the bytes.
    pub content_type: Option<String>,
}

/// Which steps were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    /// The guards held.
    Then,
    /// One did not.
    Else,
}

/// What a transaction did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TxnAnswer {
    /// Which steps were done.
    pub branch: Branch,
    /// Position of the transaction.
    pub index: u64,
    /// One for each step.
    pub results: Vec<TxnResult>,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum TxnResult {
    /// Made a znode.
    Create {
        /// Its path, with any suffix.
        path: String,
        /// Version of its data.
        version: i32,
        /// The rest of its numbers.
        stat: Stat,
    },
    /// Replaced the data (`set` and `put`).
    Set {
        /// Version of the data.
        version: i32,
        /// The rest of its numbers.
        stat: Stat,
    },
    /// Removed a znode.
    Delete,
    /// Read a znode.
    Get {
        /// Null when there is none.
        node: Option<Node>,
    },
    /// Released a claim.
    Release(EndedClaim),
}
