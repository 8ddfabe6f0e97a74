//! What came of a request: a reply or a refusal, and the events.

mod refusal;
mod service;

use std::sync::Arc;

use crate::data::Data;
use serde::{Deserialize, Serialize};

use crate::command::{LockMode, Moment};
use crate::election::{Election, EndedCandidate, Transfer};
use crate::event::Event;
use crate::fence_register::FenceRegister;
use crate::ids::{CandidateId, ClaimId, Fence, ItemId, LockName, SessionId, Term, ZnodePath, Zxid};
use crate::lock::{Claim, EndedClaim};
use crate::quota::Counted;
use crate::session::{EndedSession, Session};
use crate::signing_key::SigningKey;
use crate::znode::Stat;

pub use self::refusal::{FailedGuard, Refusal, RestoreRefusal};
pub use self::service::{Considered, Excluded, Exclusion, Picked, PickedInstance, ServiceReply};

/// What came of one request. Definite: it happened as `result` says, on every replica alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The position the attempt took. For a replayed answer the position of the first time.
    pub moment: Moment,
    /// Reply or refusal.
    pub result: Result<Reply, Refusal>,
    /// Whether this is the remembered answer to an idempotency key.
    pub replayed: bool,
    /// What changed, in order; empty for a refusal.
    pub events: Vec<Event>,
    /// Soft limits of quotas that this made a subtree exceed, or exceed by more. Each once, with the
    /// last usage; empty for a refusal. For the log of the node that was asked.
    pub over_quota: Vec<OverQuota>,
}

/// A subtree uses more than a soft limit of its quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverQuota {
    /// The path the quota is set on.
    pub quota: ZnodePath,
    /// What there is too much of.
    pub what: Counted,
    /// The soft limit.
    pub limit: u64,
    /// What is used.
    pub usage: u64,
}

/// It happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The session, opened now or before.
    SessionOpened {
        /// As it is.
        session: Session,
        /// Whether this request opened it.
        created: bool,
    },
    /// The session has ended, now or before.
    SessionEnded(EndedSession),
    /// Of a single znode operation.
    Znode(ZnodeReply),
    /// Of a multi, one for each operation.
    Multi(Vec<ZnodeReply>),
    /// Of a transaction.
    Txn {
        /// Whether the guards held.
        then: bool,
        /// One for each step of the branch taken.
        results: Vec<TxnReply>,
    },
    /// Znodes removed by a recursive delete.
    SubtreeDeleted {
        /// How many.
        count: u32,
    },
    /// The lock was configured.
    LockConfigured {
        /// Stat of its znode.
        stat: Stat,
    },
    /// How a claim stands.
    Claim(Box<ClaimReply>),
    /// The claim has ended, now or before, by its owner's wish.
    ClaimEnded(Box<EndedClaim>),
    /// Deadlines handled.
    ExpiredDue {
        /// How many.
        count: u32,
        /// Whether more were due than one command handles.
        more: bool,
    },
    /// An upload was begun, went on or was dropped.
    RestoreStaged {
        /// Which.
        upload: Zxid,
        /// Bytes of it so far.
        received: u64,
    },
    /// Everything was replaced by a snapshot.
    Restored(Restored),
    /// `/zookeeper/config` shows the membership.
    MembersPublished {
        /// Its version.
        version: Zxid,
    },
    /// How a candidate stands.
    Candidate(Box<CandidateReply>),
    /// The candidate has ended, now or before, by its owner's wish.
    CandidateEnded(Box<EndedCandidate>),
    /// Who leads after a transfer was asked for, or done.
    LeadershipTransfer(LeaderSummary),
    /// A counter was added to.
    CounterChanged {
        /// Its value before; 0 where there was no counter.
        previous: i64,
        /// Its value now.
        value: i64,
        /// Version of its znode now.
        version: i32,
    },
    /// The fence is the highest that was shown for the resource.
    FenceAdvanced {
        /// The register now.
        register: FenceRegister,
        /// Whether it was lower, or not there, before.
        moved: bool,
    },
    /// A register was forgotten: what was in it.
    FenceForgotten(FenceRegister),
    /// A member of a group is there.
    GroupJoined {
        /// Whether this request made it.
        created: bool,
        /// Stat of its znode.
        stat: Stat,
    },
    /// A member of a group is not there.
    GroupLeft {
        /// Whether this request ended it.
        left: bool,
    },
    /// How a barrier stands for a party that is in it.
    Barrier(BarrierReply),
    /// A party of a barrier is not in it.
    BarrierLeft {
        /// Whether this request took it out.
        left: bool,
        /// How the barrier stands.
        barrier: BarrierReply,
    },
    /// Of an operation on a service.
    Service(ServiceReply),
    /// How a signing key stands.
    SigningKey(SigningKey),
    /// Nodes are to make new keys.
    SigningKeysDue {
        /// How many.
        count: u32,
    },
    /// An item is in its queue.
    ItemPut {
        /// Its name.
        item: ItemId,
    },
    /// Items are taken; none where nobody put any, or others have them all.
    ItemsTaken {
        /// Number of the delivery, the same for each.
        delivery: Zxid,
        /// Which, the first first.
        items: Vec<ItemId>,
    },
    /// An item is done, and gone.
    ItemAcked,
    /// An item was given back.
    ItemGivenBack {
        /// Tries that it has had.
        tries: u32,
        /// Whether that was the last one: it is a dead letter now.
        died: bool,
    },
    /// A work queue was configured, or its settings were dropped.
    QueueConfigured,
    /// Dead letters were put back.
    Redriven {
        /// How many.
        moved: u32,
        /// How many are left.
        left: u32,
    },
}

/// What a restore did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Position of the state now: the next command takes the one after it.
    pub zxid: Zxid,
    /// Position the snapshot was taken at, in the cluster it is from.
    pub taken_at: Zxid,
    /// Znodes there are now.
    pub znodes: u64,
    /// Sessions of this cluster that ended.
    pub sessions_ended: u64,
}

/// How a live claim stands after the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimReply {
    /// The claim.
    pub claim: Claim,
    /// Whether this request made it.
    pub created: bool,
    /// Waiters up to and including it; 0 when it holds.
    pub position: u32,
    /// Claims that hold the lock.
    pub holders: u32,
    /// Claims in the queue.
    pub waiters: u32,
}

/// How a candidate stands after the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateReply {
    /// Whether this request made it stand.
    pub created: bool,
    /// Its term, when it leads.
    pub term: Option<Term>,
    /// Candidates that would lead before it, and itself; 0 when it leads.
    pub position: u32,
    /// Who leads.
    pub leader: LeaderSummary,
}

/// Who leads an election.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderSummary {
    /// The candidate.
    pub leader: CandidateId,
    /// Its term.
    pub term: Term,
    /// The transfer under way.
    pub transfer: Option<Transfer>,
}

impl LeaderSummary {
    /// Of this election.
    #[must_use]
    pub fn of(election: &Election) -> LeaderSummary {
        LeaderSummary {
            leader: election.leader.clone(),
            term: election.term,
            transfer: election.transfer.clone(),
        }
    }
}

/// How a barrier stands after the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarrierReply {
    /// Whether this request made the party.
    pub created: bool,
    /// Whether all have met, and not all have left.
    pub is_open: bool,
    /// Position at which it opened, where that is known.
    pub opened: Option<Zxid>,
    /// How many are in it.
    pub inside: u32,
}

/// Of one znode operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ZnodeReply {
    /// Created, under this path.
    Created {
        /// The path with any suffix.
        path: ZnodePath,
        /// Its stat.
        stat: Stat,
    },
    /// Deleted.
    Deleted,
    /// Data set.
    DataSet {
        /// Its stat.
        stat: Stat,
    },
    /// ACL set.
    AclSet {
        /// Its stat.
        stat: Stat,
    },
    /// The check held.
    Checked,
}

/// Of one step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TxnReply {
    /// Of a znode operation.
    Znode(ZnodeReply),
    /// Of a read.
    Got(Option<ReadZnode>),
    /// Of a release.
    Released(Box<EndedClaim>),
}

/// A znode as a transaction read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadZnode {
    /// Data.
    pub data: Option<Data>,
    /// Media type.
    pub content_type: Option<Arc<str>>,
    /// Stat.
    pub stat: Stat,
}

/// One step of a cycle of waits: each waits for the next, and the last for the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Who waits.
    pub session: SessionId,
    /// Which of its tasks, where its claim names one.
    pub task: Option<String>,
    /// For which lock.
    pub lock: LockName,
    /// The claim of the next that is ahead there.
    pub claim: ClaimId,
}

/// Somebody who has the lock, for messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderSummary {
    /// The claim.
    pub claim: ClaimId,
    /// Its session.
    pub session: SessionId,
    /// Its fence.
    pub fence: Fence,
    /// How it has the lock.
    pub mode: LockMode,
}
