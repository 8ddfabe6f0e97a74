//! Refusals of the state machine: definite, nothing changed.

use http_types::problem::{ErrorCode, FailedGuard};
use raft_core::ids::LockName;
use raft_core::outcome::{HolderSummary, Refusal, RestoreRefusal};
use raft_core::state::State;

use crate::convert;
use crate::error::Problem;
use crate::forecast::Forecast;
use crate::limits::HOLDERS_SHOWN_MAX;

/// The problem a refusal is told as. The state adds who the holders are.
pub(crate) fn problem_of(state: &State, wall_ms: u64, refusal: &Refusal) -> Problem {
    // By the names of the sessions instead of their numbers.
    let detail = if let Refusal::Deadlock { cycle } = refusal {
        convert::deadlock::in_words(&convert::deadlock::cycle(state, cycle))
    } else {
        refusal.to_string()
    };
    let problem = Problem::new(code_of(refusal), detail);
    with_details(problem, state, wall_ms, refusal)
}

/// Which kind of problem a refusal is told as.
#[must_use]
pub fn code_of(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::InvalidPath(_) => ErrorCode::InvalidPath,
        Refusal::InvalidName(_) => ErrorCode::InvalidName,
        Refusal::BadArguments(_) => ErrorCode::BadRequest,
        Refusal::InvalidAcl { .. } => ErrorCode::InvalidAcl,
        Refusal::NoNode { .. } => ErrorCode::NoNode,
        Refusal::NodeExists { .. } => ErrorCode::NodeExists,
        Refusal::NotEmpty { .. } => ErrorCode::NodeNotEmpty,
        Refusal::BadVersion { .. } => ErrorCode::VersionMismatch,
        Refusal::NoChildrenForEphemerals { .. } => ErrorCode::NoChildrenForEphemerals,
        Refusal::NoAuth { .. } => ErrorCode::Forbidden,
        Refusal::NoSession { .. } => ErrorCode::NoSession,
        Refusal::SessionEnded(_) => ErrorCode::SessionExpired,
        Refusal::SessionMismatch { .. } => ErrorCode::SessionMismatch,
        Refusal::SessionRequired { .. } => ErrorCode::SessionRequired,
        // Only the leader expires sessions, and only the ZooKeeper door attaches to them.
        Refusal::SessionActive { .. } | Refusal::SessionMoved { .. } => ErrorCode::Internal,
        Refusal::FenceStale { .. } => ErrorCode::FenceStale,
        Refusal::LockHeld { .. } => ErrorCode::LockHeld,
        Refusal::ClaimMismatch { .. } => ErrorCode::ClaimMismatch,
        Refusal::ClaimEnded(_) => ErrorCode::ClaimEnded,
        Refusal::NoClaim { .. } => ErrorCode::NoClaim,
        Refusal::NotOwner { .. } => ErrorCode::NotOwner,
        Refusal::NotHolder { .. } => ErrorCode::NotHolder,
        Refusal::Deadlock { .. } => ErrorCode::Deadlock,
        Refusal::NotAsked { .. } => ErrorCode::NotAsked,
        Refusal::NoInstance { .. } => ErrorCode::NoInstance,
        Refusal::InstanceTaken { .. } => ErrorCode::InstanceTaken,
        Refusal::NoInstanceAvailable { .. } => ErrorCode::NoInstanceAvailable,
        Refusal::NoElection { .. } => ErrorCode::NoElection,
        Refusal::NoCandidate { .. } => ErrorCode::NoCandidate,
        Refusal::CandidateTaken { .. } | Refusal::NotCandidate { .. } => ErrorCode::CandidateTaken,
        Refusal::StandsAlready { .. } => ErrorCode::StandsAlready,
        Refusal::CandidateEnded { .. } => ErrorCode::CandidateEnded,
        Refusal::MemberTaken { .. } | Refusal::PartyTaken { .. } => ErrorCode::MemberTaken,
        Refusal::PartiesDiffer { .. } => ErrorCode::PartiesDiffer,
        Refusal::BarrierOpen { .. } => ErrorCode::BarrierOpen,
        Refusal::QueueFull { .. } => ErrorCode::QueueFull,
        Refusal::ItemNotYours { .. } => ErrorCode::ItemNotYours,
        Refusal::DeliveryEnded { .. } => ErrorCode::DeliveryEnded,
        Refusal::NoDeadLetter { .. } => ErrorCode::NoDeadLetter,
        Refusal::TermStale { .. } => ErrorCode::TermStale,
        Refusal::ModeMismatch { .. } => ErrorCode::LockModeMismatch,
        Refusal::MultiFailed { cause, .. } => code_of(cause),
        Refusal::GuardsFailed { .. } => ErrorCode::GuardsFailed,
        Refusal::IdempotencyMismatch { .. } => ErrorCode::IdempotencyMismatch,
        Refusal::LimitReached { .. } => ErrorCode::QuotaExceeded,
        Refusal::QuotaExceeded { .. } => ErrorCode::NodeQuotaExceeded,
        Refusal::NotACounter { .. } => ErrorCode::NotACounter,
        Refusal::CounterOverflow { .. } => ErrorCode::CounterOverflow,
        Refusal::FenceRegisterStale { .. } => ErrorCode::FenceRegisterStale,
        Refusal::NoFenceRegister { .. } => ErrorCode::NoFenceRegister,
        Refusal::SigningKeyUsed { .. } => ErrorCode::FenceKeyUsed,
        Refusal::NoSigningKey { .. } => ErrorCode::NoFenceKey,
        Refusal::Restore(refusal) => match refusal {
            RestoreRefusal::NotEmpty { .. } => ErrorCode::ClusterNotEmpty,
            RestoreRefusal::InProgress { .. }
            | RestoreRefusal::UnknownUpload { .. }
            | RestoreRefusal::WrongOffset { .. } => ErrorCode::RestoreConflict,
            RestoreRefusal::Unreadable(_) => ErrorCode::BadRequest,
        },
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "a flat match, one arm for each refusal"
)]
fn with_details(problem: Problem, state: &State, wall_ms: u64, refusal: &Refusal) -> Problem {
    problem.with(|more| match refusal {
        Refusal::InvalidPath(_)
        | Refusal::InvalidName(_)
        | Refusal::BadArguments(_)
        | Refusal::SessionRequired { .. }
        | Refusal::SigningKeyUsed { .. }
        | Refusal::NoSigningKey { .. }
        | Refusal::Restore(_) => {}
        Refusal::InvalidAcl { path, .. } => more.path = Some(path.clone()),
        Refusal::NoNode { path }
        | Refusal::NoChildrenForEphemerals { path }
        | Refusal::NotACounter { path } => {
            more.path = Some(path.to_string());
        }
        Refusal::CounterOverflow { path, value, .. } => {
            more.path = Some(path.to_string());
            more.value = Some(*value);
        }
        Refusal::NodeExists { path, version } => {
            more.path = Some(path.to_string());
            more.actual_version = Some(*version);
        }
        Refusal::NotEmpty { path, count } => {
            more.path = Some(path.to_string());
            more.count = Some(*count);
        }
        Refusal::BadVersion {
            path,
            expected,
            actual,
        } => {
            more.path = Some(path.to_string());
            more.expected_version = Some(*expected);
            more.actual_version = Some(*actual);
        }
        Refusal::NoAuth { path, need } => {
            more.path = Some(path.to_string());
            more.need = Some(need.clone());
        }
        Refusal::NoSession { session } => more.session = Some(session.clone()),
        Refusal::SessionEnded(ended) => {
            more.ended_session = Some(convert::session::ended(ended));
        }
        Refusal::SessionMismatch { name } => more.session = Some(name.to_string()),
        Refusal::SessionActive { session } | Refusal::SessionMoved { session } => {
            more.session = Some(session.to_string())
        }
        Refusal::FenceStale {
            lock,
            fence,
            holders,
        } => {
            more.lock = Some(lock.to_string());
            more.fence = Some(convert::fence::shown(*fence));
            more.holders = Some(holders_of(state, wall_ms, (lock, holders)));
        }
        Refusal::FenceRegisterStale {
            resource,
            fence,
            highest,
        } => {
            more.resource = Some(resource.to_string());
            more.fence = Some(fence.0);
            more.highest = Some(highest.0);
        }
        Refusal::NoFenceRegister { resource } => more.resource = Some(resource.to_string()),
        Refusal::LockHeld {
            lock,
            holders,
            waiters,
            delayed_ms,
        } => {
            more.lock = Some(lock.to_string());
            more.holders = Some(holders_of(state, wall_ms, (lock, holders)));
            more.queue_length = Some(*waiters);
            more.delayed_ms = *delayed_ms;
            let forecast = Forecast::of(state, wall_ms, lock);
            more.eta_ms = forecast.map(|forecast| forecast.at(waiters.saturating_add(1)));
        }
        Refusal::ClaimEnded(ended) => {
            more.lock = Some(ended.lock.to_string());
            more.claim = Some(ended.id.to_string());
            more.ended_claim = Some(convert::lock::ended(state, ended));
        }
        Refusal::ClaimMismatch { lock, claim }
        | Refusal::NoClaim { lock, claim }
        | Refusal::NotOwner { lock, claim }
        | Refusal::NotHolder { lock, claim }
        | Refusal::NotAsked { lock, claim } => {
            more.lock = Some(lock.to_string());
            more.claim = Some(claim.to_string());
        }
        Refusal::ModeMismatch { lock, .. } => more.lock = Some(lock.to_string()),
        Refusal::Deadlock { cycle } => {
            more.lock = cycle.first().map(|wait| wait.lock.to_string());
            more.cycle = Some(convert::deadlock::cycle(state, cycle));
        }
        Refusal::NoElection { election } => more.election = Some(election.to_string()),
        Refusal::NoCandidate {
            election,
            candidate,
        }
        | Refusal::CandidateTaken {
            election,
            candidate,
        }
        | Refusal::StandsAlready {
            election,
            candidate,
        }
        | Refusal::NotCandidate {
            election,
            candidate,
        } => {
            more.election = Some(election.to_string());
            more.candidate = Some(candidate.to_string());
        }
        Refusal::CandidateEnded {
            election,
            candidate,
            ended,
        } => {
            let (name, id) = (election, candidate);
            more.election = Some(name.to_string());
            more.candidate = Some(id.to_string());
            more.ended_candidate = Some(convert::election::ended(state, (name, id), ended));
        }
        Refusal::PartyTaken { barrier, party } => {
            more.barrier = Some(barrier.to_string());
            more.member = Some(party.to_string());
        }
        Refusal::PartiesDiffer {
            barrier, parties, ..
        } => {
            more.barrier = Some(barrier.to_string());
            more.parties = Some(*parties);
        }
        Refusal::BarrierOpen { barrier, .. } => more.barrier = Some(barrier.to_string()),
        Refusal::QueueFull { queue, limit } => {
            more.queue = Some(queue.to_string());
            more.limit = Some(u64::from(*limit));
        }
        Refusal::ItemNotYours {
            queue,
            item,
            number,
        }
        | Refusal::DeliveryEnded {
            queue,
            item,
            number,
        } => {
            more.queue = Some(queue.to_string());
            more.item = Some(item.to_string());
            more.delivery = Some(number.0);
        }
        Refusal::NoDeadLetter { queue, item } => {
            more.queue = Some(queue.to_string());
            more.item = Some(item.to_string());
        }
        Refusal::MemberTaken { group, member } => {
            more.group = Some(group.to_string());
            more.member = Some(member.to_string());
        }
        Refusal::NoInstance { service, instance }
        | Refusal::InstanceTaken { service, instance } => {
            more.service = Some(service.to_string());
            more.service_instance = Some(instance.to_string());
        }
        Refusal::NoInstanceAvailable {
            service, excluded, ..
        } => {
            more.service = Some(service.to_string());
            more.considered = Some(convert::pick::excluded(excluded));
        }
        Refusal::TermStale {
            election, leader, ..
        } => {
            more.election = Some(election.to_string());
            more.candidate = leader.as_ref().map(|leader| leader.leader.to_string());
            more.term = leader.as_ref().map(|leader| leader.term.0);
        }
        Refusal::MultiFailed { index, cause } => {
            let inner = with_details(Problem::bad_request(""), state, wall_ms, cause);
            *more = *inner.document.more;
            more.operation = Some(*index);
        }
        Refusal::GuardsFailed { failed } => {
            let guard = |guard: &raft_core::outcome::FailedGuard| FailedGuard {
                index: guard.index,
                expected: guard.expected.clone(),
                actual: guard.actual.clone(),
            };
            more.failed_guards = Some(failed.iter().map(guard).collect());
        }
        Refusal::IdempotencyMismatch { zxid } => more.index = Some(zxid.0),
        Refusal::LimitReached { what, limit } => {
            more.limited = Some(what.clone());
            more.limit = Some(*limit);
        }
        Refusal::QuotaExceeded {
            quota,
            what,
            limit,
            usage,
            wanted,
        } => {
            more.path = Some(quota.to_string());
            more.limited = Some(what.to_string());
            more.limit = Some(*limit);
            more.usage = Some(*usage);
            more.actual = Some(*wanted);
        }
    })
}

fn holders_of(
    state: &State,
    wall_ms: u64,
    (lock, holders): (&LockName, &[HolderSummary]),
) -> Vec<http_types::v1::locks::Holder> {
    let shown = holders.iter().take(HOLDERS_SHOWN_MAX);
    shown
        .map(|holder| convert::lock::holder_of_summary(state, wall_ms, (lock, holder)))
        .collect()
}
