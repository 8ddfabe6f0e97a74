//! What is asked of the tree: single operations and transactions.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::acl::AclEntry;
use crate::command::{Expect, FenceGuard, TermGuard};
use crate::ids::{ClaimId, LockName, ZnodePath};

/// What kind of znode to create.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CreateKind {
    /// Stays until deleted.
    #[default]
    Persistent,
    /// Ends with the acting session.
    Ephemeral,
    /// Removed some time after its last child.
    Container,
    /// Removed when it had no children and no write for so long.
    Ttl {
        /// Milliseconds.
        ttl_ms: u64,
    },
}

/// One operation on the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ZnodeOp {
    /// Makes a znode.
    Create(Create),
    /// Removes a znode without children.
    Delete {
        /// Which.
        path: String,
        /// Its data version.
        expect: Expect,
    },
    /// Replaces the data.
    SetData(SetData),
    /// Replaces the data, or makes the znode when it does not exist and `expect` is `Any`.
    Put {
        /// The data; `set.expect` decides as in `SetData`.
        set: SetData,
        /// What to make when there is nothing.
        kind: CreateKind,
        /// Make missing parents as persistent znodes.
        parents: bool,
    },
    /// Replaces the ACL.
    SetAcl {
        /// Which.
        path: String,
        /// The new list.
        acl: Vec<AclEntry>,
        /// Its ACL version.
        expect: Expect,
    },
    /// Fails unless the znode exists in this version.
    Check {
        /// Which.
        path: String,
        /// Its data version; `Any` still demands existence.
        expect: Expect,
    },
}

/// Makes a znode. Paths of operations are plain text here because the order of checks decides
/// which error a client sees: a bad path is found only after the session was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Create {
    /// Path; with `sequential` the suffix is appended to it.
    pub path: String,
    /// Data; `None` is ZooKeeper's null.
    pub data: Option<Bytes>,
    /// Media type of the data, for the HTTP door.
    pub content_type: Option<Arc<str>>,
    /// Access list. Must not be empty: doors put `world:anyone` where the client named none.
    pub acl: Vec<AclEntry>,
    /// Kind.
    pub kind: CreateKind,
    /// Append the parent's ten-digit counter.
    pub sequential: bool,
    /// Make missing parents as persistent znodes.
    pub parents: bool,
}

/// Replaces the data of a znode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetData {
    /// Which.
    pub path: String,
    /// The new data; `None` is ZooKeeper's null.
    pub data: Option<Bytes>,
    /// The new media type; `None` removes it.
    pub content_type: Option<Arc<str>>,
    /// Its data version.
    pub expect: Expect,
}

/// If all guards hold do `then`, otherwise `otherwise`; all or none of the chosen branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Txn {
    /// All must hold.
    pub guards: Vec<Guard>,
    /// Done when they do.
    pub then: Vec<TxnOp>,
    /// Done when they do not. `None`: refused with the guards that failed.
    pub otherwise: Option<Vec<TxnOp>>,
}

/// A condition of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guard {
    /// The znode exists in this version.
    Version {
        /// Which.
        path: ZnodePath,
        /// Its data version.
        version: i32,
    },
    /// The znode exists, or does not.
    Exists {
        /// Which.
        path: ZnodePath,
        /// Whether it must.
        exists: bool,
    },
    /// The znode's data is exactly this.
    Value {
        /// Which.
        path: ZnodePath,
        /// Its data.
        value: Bytes,
    },
    /// A hold still stands.
    Fence(FenceGuard),
    /// A leadership still lasts.
    Term(TermGuard),
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TxnOp {
    /// A znode operation.
    Znode(ZnodeOp),
    /// Reads a znode as it is at this step.
    Get {
        /// Which.
        path: ZnodePath,
    },
    /// Releases a claim.
    Release {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
    },
}
