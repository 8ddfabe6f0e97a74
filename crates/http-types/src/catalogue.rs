//! Every kind of problem: status, text, whether it happened, whether to try again. This is the one
//! place; `GET /errors/{code}`, the OpenAPI document and the reference pages come out of it.

mod texts;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Effect;

/// The kinds of problems; written `lock_held` in JSON and `lock-held` in `/errors/lock-held`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is malformed.
    BadRequest,
    /// The path of a znode breaks a rule.
    InvalidPath,
    /// A name breaks a rule.
    InvalidName,
    /// The access list is not valid.
    InvalidAcl,
    /// This needs a session.
    SessionRequired,
    /// The access list does not allow it.
    Forbidden,
    /// There is no such resource.
    NotFound,
    /// The znode does not exist.
    NoNode,
    /// The lock does not exist.
    NoLock,
    /// The claim is not known.
    NoClaim,
    /// Nobody stands in the election.
    NoElection,
    /// The candidate is not known.
    NoCandidate,
    /// Nobody is in the group under this id.
    NoGroupMember,
    /// The party is not in the barrier.
    NoParty,
    /// The instance is not registered.
    NoInstance,
    /// The item is not in the queue.
    NoItem,
    /// The queue has no such dead letter.
    NoDeadLetter,
    /// The session is not known.
    NoSession,
    /// The snapshot does not exist.
    NoSnapshot,
    /// No fence was shown for the resource.
    NoFenceRegister,
    /// No node has published this key.
    NoFenceKey,
    /// The cluster holds data that a restore would replace.
    ClusterNotEmpty,
    /// Another restore is under way, or this one was interrupted.
    RestoreConflict,
    /// The node is not a member.
    NoMember,
    /// The resource does not have this method.
    MethodNotAllowed,
    /// The request was not received in time.
    RequestTimeout,
    /// The znode exists already.
    NodeExists,
    /// The znode has children.
    NodeNotEmpty,
    /// An ephemeral znode cannot have children.
    NoChildrenForEphemerals,
    /// The claim id is in use with other parameters.
    ClaimMismatch,
    /// The session is open with other parameters.
    SessionMismatch,
    /// The lock cannot be taken like this.
    LockModeMismatch,
    /// Waiting would never end.
    Deadlock,
    /// The claim belongs to another session.
    NotOwner,
    /// The claim does not hold the lock.
    NotHolder,
    /// The candidate does not lead.
    NotLeading,
    /// The key was used before.
    FenceKeyUsed,
    /// Nobody asked for the release of the hold.
    NotAsked,
    /// The candidate belongs to another session.
    CandidateTaken,
    /// The session stands in this election already.
    StandsAlready,
    /// The member of the group, or party of the barrier, belongs to another session.
    MemberTaken,
    /// Something else keeps the instance of this id.
    InstanceTaken,
    /// No instance of the service can be picked.
    NoInstanceAvailable,
    /// Others in the barrier wait for another number of parties.
    PartiesDiffer,
    /// The parties of the barrier have not all left.
    BarrierOpen,
    /// The queue has as many items as it may.
    QueueFull,
    /// Another session has the item.
    ItemNotYours,
    /// A request with this idempotency key is still running.
    InProgress,
    /// The membership change could cost the cluster its quorum.
    UnsafeChange,
    /// Another membership change is running.
    MembershipBusy,
    /// The data of the znode is no number.
    NotACounter,
    /// The sum is out of range.
    CounterOverflow,
    /// The claim has ended.
    ClaimEnded,
    /// The candidate has ended.
    CandidateEnded,
    /// The delivery is over.
    DeliveryEnded,
    /// The session has ended.
    SessionExpired,
    /// The events asked for are gone.
    HistoryCompacted,
    /// The fence no longer holds the lock.
    FenceStale,
    /// The term is over.
    TermStale,
    /// A higher fence was shown for the resource.
    FenceRegisterStale,
    /// The version is another.
    VersionMismatch,
    /// The guards of the transaction did not hold.
    GuardsFailed,
    /// The request is too large.
    TooLarge,
    /// The body has the wrong media type.
    UnsupportedMediaType,
    /// The idempotency key was used with another request.
    IdempotencyMismatch,
    /// The lock is held by another claim.
    LockHeld,
    /// This needs If-Match.
    PreconditionRequired,
    /// Too many requests.
    RateLimited,
    /// The server made a mistake.
    Internal,
    /// There is no leader.
    NoLeader,
    /// The node has no published key to sign with.
    FenceKeyPending,
    /// The node is behind.
    NotCaughtUp,
    /// The node is stopping.
    ShuttingDown,
    /// The node has too much to do.
    Overloaded,
    /// It is not known whether this happened.
    OutcomeUnknown,
    /// A limit of the stored state is reached.
    QuotaExceeded,
    /// The quota of a subtree does not allow it.
    NodeQuotaExceeded,
    /// A code this version does not know; never sent.
    #[serde(other)]
    Unrecognised,
}

/// What is known about a kind of problem.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// As in JSON.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Whether the request happened.
    pub outcome: Effect,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// One sentence.
    pub title: &'static str,
    /// What leads to it.
    pub cause: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl ErrorCode {
    /// Every code that is sent, in order of status.
    pub const ALL: &[ErrorCode] = &[
        ErrorCode::BadRequest,
        ErrorCode::InvalidPath,
        ErrorCode::InvalidName,
        ErrorCode::InvalidAcl,
        ErrorCode::SessionRequired,
        ErrorCode::Forbidden,
        ErrorCode::NotFound,
        ErrorCode::NoNode,
        ErrorCode::NoLock,
        ErrorCode::NoClaim,
        ErrorCode::NoElection,
        ErrorCode::NoCandidate,
        ErrorCode::NoGroupMember,
        ErrorCode::NoParty,
        ErrorCode::NoInstance,
        ErrorCode::NoItem,
        ErrorCode::NoDeadLetter,
        ErrorCode::NoSession,
        ErrorCode::NoSnapshot,
        ErrorCode::NoFenceRegister,
        ErrorCode::NoFenceKey,
        ErrorCode::ClusterNotEmpty,
        ErrorCode::RestoreConflict,
        ErrorCode::NoMember,
        ErrorCode::MethodNotAllowed,
        ErrorCode::RequestTimeout,
        ErrorCode::NodeExists,
        ErrorCode::NodeNotEmpty,
        ErrorCode::NoChildrenForEphemerals,
        ErrorCode::ClaimMismatch,
        ErrorCode::SessionMismatch,
        ErrorCode::LockModeMismatch,
        ErrorCode::Deadlock,
        ErrorCode::NotOwner,
        ErrorCode::NotHolder,
        ErrorCode::NotLeading,
        ErrorCode::FenceKeyUsed,
        ErrorCode::NotAsked,
        ErrorCode::CandidateTaken,
        ErrorCode::StandsAlready,
        ErrorCode::MemberTaken,
        ErrorCode::InstanceTaken,
        ErrorCode::NoInstanceAvailable,
        ErrorCode::PartiesDiffer,
        ErrorCode::BarrierOpen,
        ErrorCode::QueueFull,
        ErrorCode::ItemNotYours,
        ErrorCode::InProgress,
        ErrorCode::UnsafeChange,
        ErrorCode::MembershipBusy,
        ErrorCode::NotACounter,
        ErrorCode::CounterOverflow,
        ErrorCode::ClaimEnded,
        ErrorCode::CandidateEnded,
        ErrorCode::DeliveryEnded,
        ErrorCode::SessionExpired,
        ErrorCode::HistoryCompacted,
        ErrorCode::FenceStale,
        ErrorCode::TermStale,
        ErrorCode::FenceRegisterStale,
        ErrorCode::VersionMismatch,
        ErrorCode::GuardsFailed,
        ErrorCode::TooLarge,
        ErrorCode::UnsupportedMediaType,
        ErrorCode::IdempotencyMismatch,
        ErrorCode::LockHeld,
        ErrorCode::PreconditionRequired,
        ErrorCode::RateLimited,
        ErrorCode::Internal,
        ErrorCode::NoLeader,
        ErrorCode::FenceKeyPending,
        ErrorCode::NotCaughtUp,
        ErrorCode::ShuttingDown,
        ErrorCode::Overloaded,
        ErrorCode::OutcomeUnknown,
        ErrorCode::QuotaExceeded,
        ErrorCode::NodeQuotaExceeded,
    ];

    /// Everything known about it.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a flat match, one arm for each code")]
    pub fn explanation(self) -> &'static Explanation {
        match self {
            ErrorCode::BadRequest => &texts::BAD_REQUEST,
            ErrorCode::InvalidPath => &texts::INVALID_PATH,
            ErrorCode::InvalidName => &texts::INVALID_NAME,
            ErrorCode::InvalidAcl => &texts::INVALID_ACL,
            ErrorCode::SessionRequired => &texts::SESSION_REQUIRED,
            ErrorCode::Forbidden => &texts::FORBIDDEN,
            ErrorCode::NotFound => &texts::NOT_FOUND,
            ErrorCode::NoNode => &texts::NO_NODE,
            ErrorCode::NoLock => &texts::NO_LOCK,
            ErrorCode::NoClaim => &texts::NO_CLAIM,
            ErrorCode::NoElection => &texts::NO_ELECTION,
            ErrorCode::NoCandidate => &texts::NO_CANDIDATE,
            ErrorCode::NoGroupMember => &texts::NO_GROUP_MEMBER,
            ErrorCode::NoParty => &texts::NO_PARTY,
            ErrorCode::NoInstance => &texts::NO_INSTANCE,
            ErrorCode::NoItem => &texts::NO_ITEM,
            ErrorCode::NoDeadLetter => &texts::NO_DEAD_LETTER,
            ErrorCode::NoSession => &texts::NO_SESSION,
            ErrorCode::NoSnapshot => &texts::NO_SNAPSHOT,
            ErrorCode::NoFenceRegister => &texts::NO_FENCE_REGISTER,
            ErrorCode::NoFenceKey => &texts::NO_FENCE_KEY,
            ErrorCode::ClusterNotEmpty => &texts::CLUSTER_NOT_EMPTY,
            ErrorCode::RestoreConflict => &texts::RESTORE_CONFLICT,
            ErrorCode::NoMember => &texts::NO_MEMBER,
            ErrorCode::MethodNotAllowed => &texts::METHOD_NOT_ALLOWED,
            ErrorCode::RequestTimeout => &texts::REQUEST_TIMEOUT,
            ErrorCode::NodeExists => &texts::NODE_EXISTS,
            ErrorCode::NodeNotEmpty => &texts::NODE_NOT_EMPTY,
            ErrorCode::NoChildrenForEphemerals => &texts::NO_CHILDREN_FOR_EPHEMERALS,
            ErrorCode::ClaimMismatch => &texts::CLAIM_MISMATCH,
            ErrorCode::SessionMismatch => &texts::SESSION_MISMATCH,
            ErrorCode::LockModeMismatch => &texts::LOCK_MODE_MISMATCH,
            ErrorCode::Deadlock => &texts::DEADLOCK,
            ErrorCode::NotOwner => &texts::NOT_OWNER,
            ErrorCode::NotHolder => &texts::NOT_HOLDER,
            ErrorCode::NotLeading => &texts::NOT_LEADING,
            ErrorCode::FenceKeyUsed => &texts::FENCE_KEY_USED,
            ErrorCode::NotAsked => &texts::NOT_ASKED,
            ErrorCode::CandidateTaken => &texts::CANDIDATE_TAKEN,
            ErrorCode::StandsAlready => &texts::STANDS_ALREADY,
            ErrorCode::MemberTaken => &texts::MEMBER_TAKEN,
            ErrorCode::InstanceTaken => &texts::INSTANCE_TAKEN,
            ErrorCode::NoInstanceAvailable => &texts::NO_INSTANCE_AVAILABLE,
            ErrorCode::PartiesDiffer => &texts::PARTIES_DIFFER,
            ErrorCode::BarrierOpen => &texts::BARRIER_OPEN,
            ErrorCode::QueueFull => &texts::QUEUE_FULL,
            ErrorCode::ItemNotYours => &texts::ITEM_NOT_YOURS,
            ErrorCode::InProgress => &texts::IN_PROGRESS,
            ErrorCode::UnsafeChange => &texts::UNSAFE_CHANGE,
            ErrorCode::MembershipBusy => &texts::MEMBERSHIP_BUSY,
            ErrorCode::NotACounter => &texts::NOT_A_COUNTER,
            ErrorCode::CounterOverflow => &texts::COUNTER_OVERFLOW,
            ErrorCode::ClaimEnded => &texts::CLAIM_ENDED,
            ErrorCode::CandidateEnded => &texts::CANDIDATE_ENDED,
            ErrorCode::DeliveryEnded => &texts::DELIVERY_ENDED,
            ErrorCode::SessionExpired => &texts::SESSION_EXPIRED,
            ErrorCode::HistoryCompacted => &texts::HISTORY_COMPACTED,
            ErrorCode::FenceStale => &texts::FENCE_STALE,
            ErrorCode::TermStale => &texts::TERM_STALE,
            ErrorCode::FenceRegisterStale => &texts::FENCE_REGISTER_STALE,
            ErrorCode::VersionMismatch => &texts::VERSION_MISMATCH,
            ErrorCode::GuardsFailed => &texts::GUARDS_FAILED,
            ErrorCode::TooLarge => &texts::TOO_LARGE,
            ErrorCode::UnsupportedMediaType => &texts::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::IdempotencyMismatch => &texts::IDEMPOTENCY_MISMATCH,
            ErrorCode::LockHeld => &texts::LOCK_HELD,
            ErrorCode::PreconditionRequired => &texts::PRECONDITION_REQUIRED,
            ErrorCode::RateLimited => &texts::RATE_LIMITED,
            ErrorCode::Internal => &texts::INTERNAL,
            ErrorCode::NoLeader => &texts::NO_LEADER,
            ErrorCode::FenceKeyPending => &texts::FENCE_KEY_PENDING,
            ErrorCode::NotCaughtUp => &texts::NOT_CAUGHT_UP,
            ErrorCode::ShuttingDown => &texts::SHUTTING_DOWN,
            ErrorCode::Overloaded => &texts::OVERLOADED,
            ErrorCode::OutcomeUnknown => &texts::OUTCOME_UNKNOWN,
            ErrorCode::QuotaExceeded => &texts::QUOTA_EXCEEDED,
            ErrorCode::NodeQuotaExceeded => &texts::NODE_QUOTA_EXCEEDED,
            ErrorCode::Unrecognised => &texts::UNRECOGNISED,
        }
    }

    /// As in JSON: `lock_held`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.explanation().code
    }

    /// HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.explanation().status
    }

    /// One sentence.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.explanation().title
    }

    /// Whether the request happened, unless the occurrence says otherwise.
    #[must_use]
    pub fn outcome(self) -> Effect {
        self.explanation().outcome
    }

    /// Whether the same request can succeed later.
    #[must_use]
    pub fn retryable(self) -> bool {
        self.explanation().retryable
    }

    /// As in addresses: `lock-held`.
    #[must_use]
    pub fn slug(self) -> String {
        self.as_str().replace('_', "-")
    }

    /// Address of the explanation: `/errors/lock-held`.
    #[must_use]
    pub fn type_path(self) -> String {
        format!("/errors/{}", self.slug())
    }

    /// The code of an address's last part.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<ErrorCode> {
        ErrorCode::ALL
            .iter()
            .copied()
            .find(|code| code.slug() == slug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_agree_with_names() {
        for code in ErrorCode::ALL {
            let json = serde_json::to_value(code).unwrap();
            assert_eq!(json, code.as_str());
            assert_eq!(ErrorCode::from_slug(&code.slug()), Some(*code));
            assert!((400..600).contains(&code.status()), "{code:?}");
        }
    }

    #[test]
    fn only_what_reached_a_leader_can_be_unknown() {
        let unknown: Vec<_> = ErrorCode::ALL
            .iter()
            .filter(|code| code.outcome() == Effect::Unknown)
            .collect();
        assert_eq!(unknown, [&ErrorCode::Internal, &ErrorCode::OutcomeUnknown]);
    }

    #[test]
    fn texts_are_sentences() {
        for code in ErrorCode::ALL {
            let Explanation {
                title,
                cause,
                remedy,
                ..
            } = code.explanation();
            assert!(!title.ends_with('.'), "{title}");
            assert!(cause.ends_with('.') && remedy.ends_with('.'), "{code:?}");
        }
    }
}
