//! Everything that may enter the log.
//!
//! A [`Request`] is a [`Command`] with what is needed to judge it: who asks, for which session,
//! under which fences. It is encoded once, where it enters the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::acl::{AclEntry, Identity};
use crate::ids::{
    ClaimId, Fence, LockName, LogTime, SessionId, SessionName, WallTime, ZnodePath, Zxid,
};

/// Names one request of one process for ever, so that the node it entered by finds its caller
/// again when the entry is applied.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RequestId {
    /// The node the request entered by.
    pub origin: u64,
    /// Random number of that process's start.
    pub incarnation: u64,
    /// Counts up from 1 within the incarnation.
    pub sequence: u64,
}

/// The time of a log entry, put there by the leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The cluster's own clock; clamped in apply so that it never goes back.
    pub log_time: LogTime,
    /// The leader's wall clock; clamped likewise.
    pub wall: WallTime,
}

/// One client request on its way through the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Which request.
    pub id: RequestId,
    /// Who the client is, as established when the request was read. Without any, only what
    /// `world:anyone` may do is allowed.
    pub identities: Vec<Identity>,
    /// The session the client acts for.
    pub session: Option<SessionRef>,
    /// Holds that must still stand, or nothing is done (`Holdfast-Fence`).
    pub fences: Vec<FenceGuard>,
    /// Makes a POST repeatable.
    pub idempotency: Option<IdempotencyKey>,
    /// What is asked.
    pub command: Command,
}

/// A session by its number (ZooKeeper) or its name (HTTP).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SessionRef {
    /// By number.
    Id(SessionId),
    /// By name.
    Name(SessionName),
}

/// "Only if the claim with this fence still holds this lock."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceGuard {
    /// The lock.
    pub lock: LockName,
    /// The fence its holder was given.
    pub fence: Fence,
}

/// `Idempotency-Key` with a fingerprint of the request, so that the same key with another request
/// is refused instead of answered wrongly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// The client's key, scoped by the door to its principal.
    pub key: String,
    /// Hash of method, path and body.
    pub fingerprint: u64,
}

/// What may be asked of the state machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Opens a session, or finds the open one of the same name.
    OpenSession(OpenSession),
    /// Ends a session and with it every ephemeral and claim it owns.
    CloseSession(SessionRef),
    /// Ends a session that was silent for longer than its timeout. Proposed by the leader only.
    ExpireSession(ExpireSession),
    /// One znode operation.
    Znode(ZnodeOp),
    /// Several znode operations, all or none (ZooKeeper's multi).
    Multi(Vec<ZnodeOp>),
    /// Guards, and what to do when all hold or when one does not.
    Txn(Txn),
    /// Removes a znode and everything below it, refused when that is more than `max` znodes.
    DeleteSubtree {
        /// Top of the subtree.
        path: ZnodePath,
        /// Most znodes to remove.
        max: u32,
    },
    /// Sets how a lock behaves; makes its znode persistent.
    ConfigureLock {
        /// The lock.
        lock: LockName,
        /// Its settings.
        settings: LockSettings,
        /// Version of the lock's znode the settings were read at.
        expect: Expect,
    },
    /// Stands in the queue of a lock, or says where the claim of this id stands.
    Acquire(Acquire),
    /// The client has learnt of a hand-over.
    AcknowledgeGrant {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
    },
    /// Changes a live claim: its own deadline, its reason. Of a hold it renews the deadline, and
    /// counts as picking up the hand-over.
    ExtendClaim {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
        /// New time to hold from now, milliseconds. `None`: the one it has, from now anew.
        ttl_ms: Option<u64>,
        /// New reason. `None` leaves it.
        reason: Option<String>,
    },
    /// Releases a hold or leaves the queue.
    ReleaseClaim {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
    },
    /// Takes a lock from its holder.
    BreakClaim {
        /// The lock.
        lock: LockName,
        /// The fence of the hold to break, so that nobody else's is broken by mistake.
        fence: Fence,
        /// Why; kept with the ended claim.
        reason: String,
    },
    /// Ends whatever reached its deadline in log time: waits, holds, hand-overs nobody picked up,
    /// TTL znodes, empty containers, memories. Proposed by the leader only.
    ExpireDue,
}

/// Which version a conditional write expects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expect {
    /// Any (ZooKeeper's -1).
    #[default]
    Any,
    /// Exactly this one.
    Version(i32),
}

/// Opens a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// The client's name for it; opening the same name again finds the same session.
    pub name: Option<SessionName>,
    /// Silence after which it may be expired, milliseconds.
    pub timeout_ms: u64,
    /// Secret for re-attaching by number (ZooKeeper); random bytes made by the door.
    pub password: [u8; 16],
    /// Who is behind it.
    pub owner: Owner,
    /// After this session ends other than by close, its locks are granted to nobody for this
    /// long, milliseconds.
    pub lock_delay_ms: u64,
}

/// Who is behind a session: shown to people who wait for its locks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Program or service.
    pub service: Option<String>,
    /// Host it runs on.
    pub host: Option<String>,
    /// Process id.
    pub pid: Option<u32>,
    /// Version of the program.
    pub version: Option<String>,
    /// Where to look for more.
    pub url: Option<String>,
    /// Why the session exists.
    pub reason: Option<String>,
    /// Anything else.
    pub labels: BTreeMap<String, String>,
}

/// Expires a session, unless it was heard of since the leader decided to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpireSession {
    /// The session.
    pub session: SessionId,
    /// The session's [`Session::activity`](crate::session::Session::activity) as the leader saw it.
    pub activity: u64,
}

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

/// How a claim wants the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LockMode {
    /// Alone.
    Exclusive,
    /// Together with other shared claims.
    Shared,
    /// So many permits of a semaphore.
    Permits(u32),
}

/// Who owns the claim's znode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimSession {
    /// The session the request acts for; without one the request is refused.
    Acting,
    /// A session made for this claim alone. It needs no keep-alive: it lives until the claim ends,
    /// and the claim ends at its own deadline.
    Implicit,
}

/// Stands in the queue of a lock.
///
/// Repeating it changes nothing and answers how the claim stands, also after it ended (for
/// [`TOMBSTONE_MS`](crate::limits::TOMBSTONE_MS)). A repeat by the owner of a hold counts as
/// picking up the hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acquire {
    /// The lock.
    pub lock: LockName,
    /// The claim, chosen by the client.
    pub claim: ClaimId,
    /// How.
    pub mode: LockMode,
    /// Permits of the semaphore, when the lock is not configured: the first claim in an empty
    /// queue decides, the others must agree.
    pub limit: Option<u32>,
    /// Whose.
    pub session: ClaimSession,
    /// How long it may stand in the queue, milliseconds. `Some(0)`: take it now or not at all.
    /// `None`: as long as its session lives (refused for implicit sessions).
    pub wait_ms: Option<u64>,
    /// How long it may hold, milliseconds from the grant or the last extension. `None`: as long as
    /// its session lives (implicit sessions: a default).
    pub ttl_ms: Option<u64>,
    /// How long a hand-over may go unnoticed, milliseconds. `None`: a default.
    pub ack_within_ms: Option<u64>,
    /// Join the exclusive hold this session already has by a claim with this flag, instead of
    /// queueing behind it: the id becomes one more of that hold, with its fence, ttl and znode.
    pub reentrant: bool,
    /// Shown to those who wait.
    pub reason: Option<String>,
    /// Shown to those who wait.
    pub labels: BTreeMap<String, String>,
}

/// How a lock behaves, when the default (exclusive and shared claims, no delay) will not do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockSettings {
    /// What it accepts.
    pub kind: LockKind,
    /// After an involuntary end, grant to nobody for this long, milliseconds.
    pub lock_delay_ms: u64,
    /// Longest hold, milliseconds; `None`: no bound.
    pub max_hold_ms: Option<u64>,
    /// Longest queue; `None`: the general limit.
    pub max_waiters: Option<u32>,
    /// Anything else.
    pub labels: BTreeMap<String, String>,
}

/// What a lock accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockKind {
    /// Exclusive claims only.
    Mutex,
    /// Exclusive and shared claims.
    #[default]
    ReadWrite,
    /// Permits, so many in all.
    Semaphore {
        /// Permits in all.
        limit: u32,
    },
}

/// A zxid together with the time it was stamped with; what every change records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The position.
    pub zxid: Zxid,
    /// Log time, after clamping.
    pub log_time: LogTime,
    /// Wall time, after clamping.
    pub wall: WallTime,
}
