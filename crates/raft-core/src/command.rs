//! Everything that may enter the log.
//!
//! A [`Request`] is a [`Command`] with what is needed to judge it: who asks, for which session,
//! under which fences. It is encoded once, where it enters the cluster.

mod barrier;
mod election;
mod group;
mod lock;
mod queue;
mod restore;
mod service;
mod session;
mod znode;

use serde::{Deserialize, Serialize};

pub use self::barrier::EnterBarrier;
pub use self::election::{Campaign, TermGuard, TransferLeadership};
pub use self::group::JoinGroup;
pub use self::lock::{
    Acquire, AcquireAll, ClaimPart, ClaimSession, LockKind, LockMode, LockSettings, RequestRelease,
};
pub use self::queue::{Delivery, GiveBackItem, PutItem};
pub use self::restore::RestoreStep;
pub use self::service::{
    Filter, Pick, RegisterInstance, Selection, ServiceCommand, ServiceOp, Strategy,
};
pub use self::session::{ExpireSession, OpenSession, Owner};
pub use self::znode::{Create, CreateKind, Guard, SetData, Txn, TxnOp, ZnodeOp};
use crate::acl::Identity;
use crate::ids::{
    BarrierName, CandidateId, ClaimId, CounterName, ElectionName, Fence, GroupName, ItemId,
    LockName, LogTime, MemberId, PublicKey, QueueName, ResourceName, SessionId, SessionName,
    WallTime, ZnodePath, Zxid,
};
use crate::queue::QueueSettings;

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
    /// Leaderships that must still last, or nothing is done (`Holdfast-Term`). In the bytes they follow the
    /// request, in a version of their own: [`codec`](crate::codec).
    #[serde(skip)]
    pub terms: Vec<TermGuard>,
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
    /// By number, and only while the client is attached as it was when it got this: the `zxid` of
    /// the [`Command::AttachSession`], or of the opening.
    Attached(SessionId, Zxid),
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
    /// A client takes its session up on another connection. From then on whatever was sent for
    /// it by way of an earlier one is refused.
    AttachSession {
        /// The session.
        session: SessionId,
        /// Its secret.
        password: [u8; 16],
        /// Silence after which it may be expired from now on, milliseconds.
        timeout_ms: u64,
        /// Where the client is now: what its owner's host says from now on. `None` leaves it.
        host: Option<String>,
    },
    /// Replaces everything by a snapshot, step by step.
    Restore(RestoreStep),
    /// A member says where ZooKeeper clients reach it.
    AnnounceClients {
        /// Which.
        node: u64,
        /// `host:port`; `None`: nowhere.
        address: Option<String>,
    },
    /// Shows in `/zookeeper/config` the membership in force. Proposed by the leader when it has
    /// changed: a change itself takes no zxid, so it could fire no watch.
    PublishMembers,
    /// Stands for election.
    Campaign(Campaign),
    /// Ends a candidacy, and the leadership if it leads.
    Resign {
        /// The election.
        election: ElectionName,
        /// The candidate.
        candidate: CandidateId,
    },
    /// Hands a leadership over to another candidate.
    TransferLeadership(TransferLeadership),
    /// Adds to a counter; makes it, at 0, when it does not exist.
    AddToCounter {
        /// The counter.
        counter: CounterName,
        /// How much; less than 0 takes away.
        delta: i64,
    },
    /// Shows a fence for a resource outside; refused when a higher one was shown before.
    AdvanceFence {
        /// The resource.
        resource: ResourceName,
        /// The fence.
        fence: Fence,
    },
    /// Forgets what fences were shown for a resource.
    ForgetFence {
        /// The resource.
        resource: ResourceName,
    },
    /// Makes the acting session a member of a group.
    JoinGroup(JoinGroup),
    /// Ends a membership of the acting session.
    LeaveGroup {
        /// The group.
        group: GroupName,
        /// The member.
        member: MemberId,
    },
    /// Makes the acting session a party of a barrier.
    EnterBarrier(EnterBarrier),
    /// Takes a party of the acting session out of a barrier.
    LeaveBarrier {
        /// The barrier.
        barrier: BarrierName,
        /// The party.
        party: MemberId,
    },
    /// Asks a holder to release.
    RequestRelease(RequestRelease),
    /// The holder that was asked says how much longer it needs.
    AnswerRelease {
        /// The lock.
        lock: LockName,
        /// Its claim.
        claim: ClaimId,
        /// How long from now, milliseconds.
        needs_ms: u64,
    },
    /// Stands in the queues of several locks.
    AcquireAll(AcquireAll),
    /// One operation on a service.
    Service(ServiceCommand),
    /// A member says with which key it signs from now on. Proposed by that member only.
    PublishSigningKey {
        /// Which.
        node: u64,
        /// The public half.
        key: PublicKey,
        /// How long it is to be used, counted from its first publication, milliseconds.
        lifetime_ms: u64,
    },
    /// Has members make new keys.
    ReplaceSigningKeys {
        /// Which; `None`: all of them.
        node: Option<u64>,
    },
    /// A key may be in other hands: nothing that it has signed counts from now on.
    RevokeSigningKey {
        /// The public half.
        key: PublicKey,
    },
    /// Puts an item into a work queue.
    PutItem(PutItem),
    /// The acting session takes the first items of a work queue that nobody has.
    TakeItems {
        /// The queue.
        queue: QueueName,
        /// How many at most.
        most: u32,
    },
    /// The acting session has done what an item asked for: the item goes.
    AckItem(Delivery),
    /// The acting session gives an item back.
    GiveBackItem(GiveBackItem),
    /// Sets how a work queue behaves, and makes its znodes persistent.
    ConfigureQueue {
        /// The queue.
        queue: QueueName,
        /// Its settings. `None` drops them: the queue lasts as long as there is something in it.
        settings: Option<QueueSettings>,
    },
    /// Puts dead letters back into their queue, as items that were never tried.
    Redrive {
        /// The queue.
        queue: QueueName,
        /// Which one. `None`: the first ones.
        item: Option<ItemId>,
        /// How many at most.
        most: u32,
    },
}

impl Command {
    /// The claim that an acquire asks for; of several locks that of the first in order of name.
    #[must_use]
    pub fn claim_asked_for(&self) -> Option<(&LockName, &ClaimId)> {
        if let Command::Acquire(acquire) = self {
            Some((&acquire.lock, &acquire.claim))
        } else if let Command::AcquireAll(ask) = self {
            let first = ask.all_of.iter().map(|part| &part.lock).min()?;
            Some((first, &ask.claim))
        } else {
            None
        }
    }
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
