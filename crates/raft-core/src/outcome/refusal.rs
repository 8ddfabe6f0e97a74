//! Why a command did nothing.

use serde::{Deserialize, Serialize};

use super::{Excluded, HolderSummary, LeaderSummary, Wait};
use crate::election::EndedCandidate;
use crate::ids::{
    BarrierName, CandidateId, ClaimId, ElectionName, Fence, GroupName, InstanceId, InvalidName,
    ItemId, LockName, MemberId, PublicKey, QueueName, ResourceName, ServiceName, SessionId,
    SessionName, Term, ZnodePath, Zxid,
};
use crate::lock::EndedClaim;
use crate::path::InvalidPath;
use crate::quota::Counted;
use crate::session::EndedSession;

/// It did not happen: the closed set of "no". Nothing changed but the zxid counter and the
/// remembered outcome (I-7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The path breaks a rule.
    #[error(transparent)]
    InvalidPath(#[from] InvalidPath),
    /// A name breaks a rule.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The operation makes no sense as asked.
    #[error("{0}")]
    BadArguments(String),
    /// The access list is empty, malformed, or names `auth` without an identity.
    #[error("the access list for {path} is not valid: {why}")]
    InvalidAcl {
        /// Which znode.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The znode, or the parent for a create, does not exist.
    #[error("znode {path} not found")]
    NoNode {
        /// Which.
        path: ZnodePath,
    },
    /// Create of what exists.
    #[error("znode {path} exists already")]
    NodeExists {
        /// Which.
        path: ZnodePath,
        /// Its version.
        version: i32,
    },
    /// Delete of a znode with children, or of a subtree larger than allowed.
    #[error("znode {path} is not empty: {count} znodes are below it")]
    NotEmpty {
        /// Which.
        path: ZnodePath,
        /// Znodes below it (counted up to the limit).
        count: u32,
    },
    /// The version is another.
    #[error("znode {path} has version {actual}, expected {expected}")]
    BadVersion {
        /// Which.
        path: ZnodePath,
        /// What the request expected.
        expected: i32,
        /// What it is.
        actual: i32,
    },
    /// Ephemerals have no children.
    #[error("znode {path} is ephemeral and cannot have children")]
    NoChildrenForEphemerals {
        /// The would-be parent.
        path: ZnodePath,
    },
    /// The access list does not allow it.
    #[error("the access list of {path} gives you no permission to {need}")]
    NoAuth {
        /// Which znode's list.
        path: ZnodePath,
        /// `read`, `write`, `create`, `delete` or `admin`.
        need: String,
    },
    /// The session does not exist, never did, or is long forgotten.
    #[error("session {session} is not known")]
    NoSession {
        /// Its name or number.
        session: String,
    },
    /// The session has ended.
    #[error("session {} has ended ({:?})", .0.id, .0.end)]
    SessionEnded(Box<EndedSession>),
    /// A session of this name is open with other parameters.
    #[error("session {name} is open with other parameters")]
    SessionMismatch {
        /// Its name.
        name: SessionName,
    },
    /// The operation needs a session and none was named.
    #[error("this needs a session: {what}")]
    SessionRequired {
        /// What needs it.
        what: String,
    },
    /// Its client has attached to the session elsewhere since.
    #[error("session {session} is attached to another connection by now")]
    SessionMoved {
        /// Which.
        session: SessionId,
    },
    /// The session was heard of after the leader decided to expire it.
    #[error("session {session} has been active since")]
    SessionActive {
        /// Which.
        session: SessionId,
    },
    /// A fence named by the request is not that of a present holder.
    #[error("fence {fence} no longer holds lock {lock}")]
    FenceStale {
        /// The lock.
        lock: LockName,
        /// The fence named.
        fence: Fence,
        /// Who holds it now.
        holders: Vec<HolderSummary>,
    },
    /// Try without success, or the wait of this claim is over.
    #[error("lock {lock} is held by another claim")]
    LockHeld {
        /// The lock.
        lock: LockName,
        /// Who holds it (the first few).
        holders: Vec<HolderSummary>,
        /// Claims in the queue.
        waiters: u32,
        /// Why else it cannot be had now: a lock delay runs until then, log time.
        delayed_ms: Option<u64>,
    },
    /// The claim id is in use with other parameters.
    #[error("claim {claim} of lock {lock} was made with other parameters")]
    ClaimMismatch {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
    },
    /// The claim has ended and its id cannot be used again.
    #[error("claim {} of lock {} has ended ({:?})", .0.id, .0.lock, .0.end)]
    ClaimEnded(Box<EndedClaim>),
    /// No such claim, or long forgotten.
    #[error("claim {claim} of lock {lock} is not known")]
    NoClaim {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
    },
    /// The claim belongs to another session.
    #[error("claim {claim} of lock {lock} belongs to another session")]
    NotOwner {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
    },
    /// The claim waits, the operation needs a holder.
    #[error("claim {claim} does not hold lock {lock}")]
    NotHolder {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
    },
    /// The lock does not take claims of this mode, or with this limit.
    #[error("lock {lock} cannot be taken like this: {why}")]
    ModeMismatch {
        /// The lock.
        lock: LockName,
        /// What does not fit.
        why: String,
    },
    /// Guards of a transaction without `otherwise` did not hold.
    #[error("{} of the guards did not hold", .failed.len())]
    GuardsFailed {
        /// Which and why.
        failed: Vec<FailedGuard>,
    },
    /// The idempotency key was used with another request.
    #[error("this idempotency key was used with another request")]
    IdempotencyMismatch {
        /// Where that request stood.
        zxid: Zxid,
    },
    /// A limit of `limits.rs` is reached.
    #[error("the limit of {limit} {what} is reached")]
    LimitReached {
        /// What is limited, with its unit.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// Not restored.
    #[error(transparent)]
    Restore(#[from] RestoreRefusal),
    /// The subtree would use more than a hard limit of its quota.
    #[error(
        "the quota of {quota} allows {limit} {what}; {usage} are in use and this would make it {wanted}. \
         It is set by znode {}{quota}/{}",
        crate::path::QUOTA,
        crate::quota::LIMITS
    )]
    QuotaExceeded {
        /// The path the quota is set on.
        quota: ZnodePath,
        /// What there would be too much of.
        what: Counted,
        /// The hard limit.
        limit: u64,
        /// What is used now.
        usage: u64,
        /// What would be used.
        wanted: u64,
    },
    /// Nobody stands in the election.
    #[error("nobody stands in election {election}")]
    NoElection {
        /// Which.
        election: ElectionName,
    },
    /// No such candidate, or long forgotten.
    #[error("candidate {candidate} of election {election} is not known")]
    NoCandidate {
        /// The election.
        election: ElectionName,
        /// The candidate.
        candidate: CandidateId,
    },
    /// The candidate has ended and its session cannot use its id again.
    #[error("candidate {candidate} of election {election} has ended ({:?})", .ended.end)]
    CandidateEnded {
        /// The election.
        election: ElectionName,
        /// The candidate.
        candidate: CandidateId,
        /// How.
        ended: Box<EndedCandidate>,
    },
    /// Another session stands under this id.
    #[error("candidate {candidate} of election {election} belongs to another session")]
    CandidateTaken {
        /// The election.
        election: ElectionName,
        /// The candidate.
        candidate: CandidateId,
    },
    /// The session stands in the election under another id.
    #[error("this session stands in election {election} already, as {candidate}")]
    StandsAlready {
        /// The election.
        election: ElectionName,
        /// As whom.
        candidate: CandidateId,
    },
    /// The candidate belongs to another session, or no session acts.
    #[error("candidate {candidate} of election {election} is not that of the acting session")]
    NotCandidate {
        /// The election.
        election: ElectionName,
        /// The candidate.
        candidate: CandidateId,
    },
    /// A term named by the request is not the present one.
    #[error("term {term} of election {election} is over")]
    TermStale {
        /// The election.
        election: ElectionName,
        /// The term named.
        term: Term,
        /// Who leads now; `None`: nobody stands.
        leader: Option<LeaderSummary>,
    },
    /// The data of the znode is no number.
    #[error(
        "znode {path} is no counter: its data is neither a whole number of 64 bits as text nor 8 bytes"
    )]
    NotACounter {
        /// Which.
        path: ZnodePath,
    },
    /// The sum is out of range.
    #[error(
        "counter {path} is at {value}: with {delta} added it would leave the range of its form"
    )]
    CounterOverflow {
        /// Its znode.
        path: ZnodePath,
        /// What it is at.
        value: i64,
        /// What was to be added.
        delta: i64,
    },
    /// A higher fence was shown for the resource before.
    #[error("fence {fence} is too late for resource {resource}: {highest} has been shown")]
    FenceRegisterStale {
        /// The resource.
        resource: ResourceName,
        /// The fence that was shown now.
        fence: Fence,
        /// The highest so far.
        highest: Fence,
    },
    /// No fence was shown for the resource, or it was forgotten.
    #[error("no fence has been shown for resource {resource}")]
    NoFenceRegister {
        /// The resource.
        resource: ResourceName,
    },
    /// Waiting for the lock would never end.
    #[error("waiting would never end: {}", cycle_in_words(.cycle))]
    Deadlock {
        /// Who waits for whom; the first is the one that was refused.
        cycle: Vec<Wait>,
    },
    /// Another session is the member of this id.
    #[error("member {member} of group {group} belongs to another session")]
    MemberTaken {
        /// The group.
        group: GroupName,
        /// The member.
        member: MemberId,
    },
    /// Another session is the party of this id.
    #[error("party {party} of barrier {barrier} belongs to another session")]
    PartyTaken {
        /// The barrier.
        barrier: BarrierName,
        /// The party.
        party: MemberId,
    },
    /// Others in the barrier wait for another number.
    #[error("barrier {barrier} is for {parties} parties now, not {named}")]
    PartiesDiffer {
        /// The barrier.
        barrier: BarrierName,
        /// The number named.
        named: u32,
        /// The number the others named.
        parties: u32,
    },
    /// All have met, and not all have left.
    #[error("barrier {barrier} is open and {inside} have not left yet")]
    BarrierOpen {
        /// The barrier.
        barrier: BarrierName,
        /// How many are in it.
        inside: u32,
    },
    /// Nobody asked for the release of this hold.
    #[error("nobody asked claim {claim} of lock {lock} to release")]
    NotAsked {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
    },
    /// No such instance, or not the one that was checked.
    #[error("instance {instance} of service {service} is not registered (any more)")]
    NoInstance {
        /// The service.
        service: ServiceName,
        /// The instance.
        instance: InstanceId,
    },
    /// Something else keeps the instance of this id: another session, or a deadline.
    #[error("instance {instance} of service {service} is registered by somebody else")]
    InstanceTaken {
        /// The service.
        service: ServiceName,
        /// The instance.
        instance: InstanceId,
    },
    /// Nothing can be picked.
    #[error("no instance of service {service} can be picked now: {}", excluded_in_words(*.instances, .excluded))]
    NoInstanceAvailable {
        /// The service.
        service: ServiceName,
        /// How many it has.
        instances: u32,
        /// Why each of them was excluded; only the first
        /// [`EXCLUDED_SHOWN_MAX`](crate::limits::EXCLUDED_SHOWN_MAX).
        excluded: Vec<Excluded>,
    },
    /// The key is that of another node, or its node has stopped signing with it: nobody takes it up
    /// again.
    #[error("signing key {key} was used by node {node} before")]
    SigningKeyUsed {
        /// The public half.
        key: PublicKey,
        /// By whom.
        node: u64,
    },
    /// No node has published the key, or it is forgotten.
    #[error("signing key {key} is not known")]
    NoSigningKey {
        /// The public half.
        key: PublicKey,
    },
    /// A work queue has as many items as its settings allow.
    #[error("queue {queue} is full: it has {limit} items")]
    QueueFull {
        /// The queue.
        queue: QueueName,
        /// How many it may have.
        limit: u32,
    },
    /// Another session has the item in this delivery.
    #[error("delivery {number} of item {item} of queue {queue} belongs to another session")]
    ItemNotYours {
        /// The queue.
        queue: QueueName,
        /// The item.
        item: ItemId,
        /// Number of the delivery.
        number: Zxid,
    },
    /// The delivery is over: the item was acknowledged or given back, or somebody removed what says that it is taken.
    #[error("delivery {number} of item {item} of queue {queue} is over")]
    DeliveryEnded {
        /// The queue.
        queue: QueueName,
        /// The item.
        item: ItemId,
        /// Number of the delivery.
        number: Zxid,
    },
    /// There is no such dead letter.
    #[error("queue {queue} has no dead letter {item}")]
    NoDeadLetter {
        /// The queue.
        queue: QueueName,
        /// Its name.
        item: ItemId,
    },
    /// One operation of a multi or transaction was refused; none was done.
    ///
    /// Last, and never decoded: a type that contains itself could be nested by garbage until the
    /// stack ends. A remembered answer stores the cause and the index apart.
    #[serde(skip_deserializing)]
    #[error("operation {index} was refused, nothing was done: {cause}")]
    MultiFailed {
        /// Which, from 0.
        index: u32,
        /// Why.
        cause: Box<Refusal>,
    },
}

impl Refusal {
    /// A limit of `limits.rs` is reached: `what` names it with its unit.
    #[must_use]
    pub(crate) fn limit(what: &str, limit: u64) -> Refusal {
        Refusal::LimitReached {
            what: what.to_owned(),
            limit,
        }
    }
}

/// `session 5 waits for a, session 6 for b`.
fn cycle_in_words(cycle: &[Wait]) -> String {
    let step = |(at, wait): (usize, &Wait)| {
        let task = wait
            .task
            .as_ref()
            .map_or(String::new(), |task| format!(" ({task})"));
        let waits = if at == 0 { " waits" } else { "" };
        format!("session {}{task}{waits} for {}", wait.session, wait.lock)
    };
    let steps: Vec<String> = cycle.iter().enumerate().map(step).collect();
    steps.join(", ")
}

/// `2 are registered, web-1 is draining, web-2 is not in zone b`.
fn excluded_in_words(instances: u32, excluded: &[Excluded]) -> String {
    if instances == 0 {
        return "none is registered".to_owned();
    }
    let mut text = format!("{instances} registered");
    for Excluded { instance, why } in excluded {
        text.push_str(&format!(", {instance} {why}"));
    }
    if excluded.len() < instances as usize {
        text.push_str(", and more");
    }
    text
}

/// Why nothing was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum RestoreRefusal {
    /// The cluster holds data and the restore does not say that it may replace it.
    #[error(
        "the cluster holds {znodes} znodes and fence registers, and a restore would replace them"
    )]
    NotEmpty {
        /// Znodes besides the system's own, and fence registers.
        znodes: u64,
    },
    /// Another restore is under way.
    #[error(
        "another restore is under way (upload {upload}); one that stands still is dropped after {} s",
        crate::limits::RESTORE_IDLE_MS / 1000
    )]
    InProgress {
        /// Which.
        upload: Zxid,
    },
    /// No such upload, or dropped.
    #[error("upload {upload} is not under way (any more)")]
    UnknownUpload {
        /// Which.
        upload: Zxid,
    },
    /// A part does not follow the ones before it.
    #[error("the next part begins at byte {expected}")]
    WrongOffset {
        /// Where the next one begins.
        expected: u64,
    },
    /// The bytes are not a whole snapshot.
    #[error("the upload cannot be restored: {0}")]
    Unreadable(String),
}

/// A guard that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedGuard {
    /// Which, from 0.
    pub index: u32,
    /// What was expected, in words.
    pub expected: String,
    /// What was found, in words.
    pub actual: String,
}
