//! Between the records of the wire and those of the state.

use raft_core::acl::{AclEntry, Perms};
use raft_core::outcome::Refusal;
use raft_core::znode::Stat as StateStat;

use crate::proto::acl::{Acl, Id};
use crate::proto::error::ErrorCode;
use crate::proto::stat::Stat;

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A position as clients see it.
pub(crate) fn zxid(zxid: raft_core::ids::Zxid) -> i64 {
    signed(zxid.0)
}

/// A stat as clients see it.
pub(crate) fn stat(stat: &StateStat) -> Stat {
    Stat {
        czxid: signed(stat.czxid.0),
        mzxid: signed(stat.mzxid.0),
        ctime: signed(stat.ctime.0),
        mtime: signed(stat.mtime.0),
        version: stat.version,
        cversion: stat.cversion,
        aversion: stat.aversion,
        ephemeral_owner: signed(stat.ephemeral_owner.0),
        data_length: i32::try_from(stat.data_length).unwrap_or(i32::MAX),
        num_children: i32::try_from(stat.num_children).unwrap_or(i32::MAX),
        pzxid: signed(stat.pzxid.0),
    }
}

/// An access list as the state keeps it. Null and empty schemes and ids are alike.
pub(crate) fn acl_in(acl: &[Acl]) -> Vec<AclEntry> {
    let entry = |acl: &Acl| AclEntry {
        perms: Perms(u8::try_from(acl.perms.0 & 31).unwrap_or(0)),
        scheme: acl.id.scheme.clone(),
        id: acl.id.id.clone(),
    };
    acl.iter().map(entry).collect()
}

/// An access list as clients see it.
pub(crate) fn acl_out(acl: &[AclEntry]) -> Vec<Acl> {
    let entry = |entry: &AclEntry| Acl {
        perms: crate::proto::acl::Perms(entry.perms.0.into()),
        id: Id {
            scheme: entry.scheme.clone(),
            id: entry.id.clone(),
        },
    };
    acl.iter().map(entry).collect()
}

/// The error a refusal is told as.
pub(crate) fn error_of(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::InvalidPath(_)
        | Refusal::InvalidName(_)
        | Refusal::BadArguments(_)
        | Refusal::SessionRequired { .. } => ErrorCode::BadArguments,
        Refusal::InvalidAcl { .. } => ErrorCode::InvalidAcl,
        Refusal::NoNode { .. } => ErrorCode::NoNode,
        Refusal::NodeExists { .. } => ErrorCode::NodeExists,
        Refusal::NotEmpty { .. } => ErrorCode::NotEmpty,
        Refusal::BadVersion { .. } => ErrorCode::BadVersion,
        Refusal::NoChildrenForEphemerals { .. } => ErrorCode::NoChildrenForEphemerals,
        Refusal::NoAuth { .. } => ErrorCode::NoAuth,
        Refusal::NoSession { .. } | Refusal::SessionEnded(_) => ErrorCode::SessionExpired,
        Refusal::SessionMoved { .. } => ErrorCode::SessionMoved,
        Refusal::MultiFailed { cause, .. } => error_of(cause),
        Refusal::LimitReached { .. } | Refusal::QuotaExceeded { .. } => ErrorCode::QuotaExceeded,
        // Only what does not queue is refused for it, which is kazoo's `Semaphore`: it tries again.
        Refusal::LockHeld { .. } => ErrorCode::OperationTimeout,
        Refusal::SessionMismatch { .. }
        | Refusal::SessionActive { .. }
        | Refusal::FenceStale { .. }
        | Refusal::ClaimMismatch { .. }
        | Refusal::ClaimEnded(_)
        | Refusal::NoClaim { .. }
        | Refusal::NotOwner { .. }
        | Refusal::NotHolder { .. }
        | Refusal::Deadlock { .. }
        | Refusal::NotAsked { .. }
        | Refusal::NoInstance { .. }
        | Refusal::InstanceTaken { .. }
        | Refusal::NoInstanceAvailable { .. }
        | Refusal::NoElection { .. }
        | Refusal::NoCandidate { .. }
        | Refusal::CandidateEnded { .. }
        | Refusal::CandidateTaken { .. }
        | Refusal::StandsAlready { .. }
        | Refusal::NotCandidate { .. }
        | Refusal::TermStale { .. }
        | Refusal::MemberTaken { .. }
        | Refusal::PartyTaken { .. }
        | Refusal::PartiesDiffer { .. }
        | Refusal::BarrierOpen { .. }
        | Refusal::QueueFull { .. }
        | Refusal::ItemNotYours { .. }
        | Refusal::DeliveryEnded { .. }
        | Refusal::NoDeadLetter { .. }
        | Refusal::ModeMismatch { .. }
        | Refusal::GuardsFailed { .. }
        | Refusal::IdempotencyMismatch { .. }
        | Refusal::Restore(_)
        | Refusal::NotACounter { .. }
        | Refusal::CounterOverflow { .. }
        | Refusal::FenceRegisterStale { .. }
        | Refusal::NoFenceRegister { .. }
        | Refusal::SigningKeyUsed { .. }
        | Refusal::NoSigningKey { .. } => ErrorCode::SystemError,
    }
}
