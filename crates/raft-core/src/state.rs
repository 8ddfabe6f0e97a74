//! What is replicated.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use crate::acl::{AclEntry, Perms};
use crate::command::Moment;
use crate::data::Data;
use crate::election::{Candidate, Election, EndedCandidate};
use crate::fence_register::FenceRegister;
use crate::history::History;
use crate::ids::{
    CandidateId, ClaimId, ElectionName, Fence, LockName, LogTime, PublicKey, ReservationId,
    ResourceName, ServiceName, SessionId, SessionName, WallTime, ZnodePath, Zxid,
};
use crate::lock::{Claim, EndedClaim, Lock};
use crate::members::MemberEver;
use crate::outcome::{Refusal, Reply};
use crate::path;
use crate::quota::Quota;
use crate::rare::Rare;
use crate::service::{GlobalCursor, Instance, InstanceKey, Reservation};
use crate::session::{EndedSession, Session};
use crate::signing_key::SigningKey;
use crate::staging::{StagedPart, Staging};
use crate::table::Table;
use crate::znode::Znode;

/// The whole replicated state. Cloning is O(1).
///
/// Everything is in tables (with a digest each) and in `Index`, which is derived from them: it
/// is left out of digest and snapshot and rebuilt on restore.
#[derive(Clone, Debug)]
pub struct State {
    /// Position and time of the last applied command.
    pub(crate) clock: Moment,
    /// The tree.
    pub(crate) znodes: Table<ZnodePath, Znode>,
    /// Live sessions.
    pub(crate) sessions: Table<SessionId, Session>,
    /// Remembered ended sessions.
    pub(crate) ended_sessions: Table<SessionId, EndedSession>,
    /// Locks that have claims or settings.
    pub(crate) locks: Table<LockName, Lock>,
    /// Live claims in queue order within each lock.
    pub(crate) claims: Table<(LockName, Fence), Claim>,
    /// Remembered ended claims.
    pub(crate) ended_claims: Table<(LockName, ClaimId), EndedClaim>,
    /// Remembered answers to idempotency keys.
    pub(crate) answers: Table<String, Answer>,
    /// Every server node that was ever a member, and where those that are in are reached. Ids are
    /// never used twice.
    pub(crate) members_ever: Table<u64, MemberEver>,
    /// The snapshot on its way in, by the zxid it began at; one at most.
    pub(crate) staging: Table<Zxid, Staging>,
    /// Its bytes, by their offset.
    pub(crate) staged_parts: Table<u64, StagedPart>,
    /// Elections, each with its leader.
    pub(crate) elections: Table<ElectionName, Election>,
    /// Who stands in them.
    pub(crate) candidates: Table<(ElectionName, CandidateId), Candidate>,
    /// Remembered ended candidates.
    pub(crate) ended_candidates: Table<(ElectionName, CandidateId), EndedCandidate>,
    /// The highest fences shown for resources outside.
    pub(crate) fence_registers: Table<ResourceName, FenceRegister>,
    /// The last holds of each lock that ended.
    pub(crate) histories: Table<LockName, History>,
    /// Instances of services.
    pub(crate) instances: Table<InstanceKey, Instance>,
    /// Open reservations of their services.
    pub(crate) reservations: Table<(ServiceName, ReservationId), Reservation>,
    /// Whose turn it is in each service that was picked from by the replicated cursor.
    pub(crate) cursors: Table<ServiceName, GlobalCursor>,
    /// Public keys of server nodes.
    pub(crate) signing_keys: Table<PublicKey, SigningKey>,
    /// Derived look-ups.
    pub(crate) index: Index,
}

/// A remembered answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Fingerprint of the request it answers.
    pub(crate) fingerprint: u64,
    /// When that request was applied.
    pub(crate) moment: Moment,
    /// What came of it.
    pub(crate) result: StoredResult,
    /// When this memory may be dropped.
    pub(crate) forget_at: LogTime,
    /// Bytes it counts for against [`IDEMPOTENCY_BYTES_MAX`](crate::limits::IDEMPOTENCY_BYTES_MAX).
    pub(crate) bytes: u64,
}

/// A result as it is stored: the cause of a failed multi stands beside its index instead of inside
/// another refusal, so that decoding cannot recurse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StoredResult {
    /// It happened.
    Done(Reply),
    /// It did not.
    Refused(Refusal),
    /// It did not, because of this operation of a multi or transaction.
    MultiFailed(u32, Refusal),
}

impl StoredResult {
    pub(crate) fn of(result: &Result<Reply, Refusal>) -> StoredResult {
        match result {
            Ok(reply) => StoredResult::Done(reply.clone()),
            Err(Refusal::MultiFailed { index, cause }) => {
                StoredResult::MultiFailed(*index, Refusal::clone(cause))
            }
            Err(refusal) => StoredResult::Refused(refusal.clone()),
        }
    }

    pub(crate) fn into_result(self) -> Result<Reply, Refusal> {
        match self {
            StoredResult::Done(reply) => Ok(reply),
            StoredResult::Refused(refusal) => Err(refusal),
            StoredResult::MultiFailed(index, cause) => Err(Refusal::MultiFailed {
                index,
                cause: Box::new(cause),
            }),
        }
    }

    /// Bytes of its encoding.
    #[expect(clippy::expect_used, reason = "a Vec takes any bytes")]
    pub(crate) fn encoded_bytes(&self) -> u64 {
        postcard::to_allocvec(self)
            .expect("encoding into a Vec cannot fail")
            .len() as u64
    }
}

/// Look-ups derived from the tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// Live sessions by name.
    pub(crate) session_names: OrdMap<SessionName, SessionId>,
    /// The most recently ended session of each name, while remembered.
    pub(crate) ended_session_names: OrdMap<SessionName, SessionId>,
    /// Ephemeral znodes (claims among them) by owner.
    pub(crate) ephemerals: OrdMap<SessionId, OrdSet<ZnodePath>>,
    /// Live claims, re-entries included, by id.
    pub(crate) claim_ids: OrdMap<(LockName, ClaimId), Fence>,
    /// Claims that wait, by owner.
    pub(crate) waiting: OrdMap<SessionId, OrdSet<(LockName, Fence)>>,
    /// Remembered ended claims, oldest first: which one goes when there are too many.
    pub(crate) ended_claims_by_age: OrdSet<(LogTime, LockName, ClaimId)>,
    /// The same by owner, oldest first: what a session has lost.
    pub(crate) ended_claims_by_session: OrdMap<SessionId, OrdSet<(LogTime, LockName, ClaimId)>>,
    /// Remembered ended sessions, oldest first.
    pub(crate) ended_sessions_by_age: OrdSet<(LogTime, SessionId)>,
    /// Remembered ended candidates, oldest first.
    pub(crate) ended_candidates_by_age: OrdSet<(LogTime, ElectionName, CandidateId)>,
    /// Histories of locks, the one to be forgotten first first.
    pub(crate) histories_by_age: OrdSet<(LogTime, LockName)>,
    /// Holds in all histories.
    pub(crate) past_holds: usize,
    /// Everything with a deadline, in order of time.
    pub(crate) due: OrdSet<(LogTime, Due)>,
    /// Bytes of data in all znodes.
    pub(crate) data_bytes: u64,
    /// Keys of remembered answers, oldest first.
    pub(crate) answers_by_age: OrdMap<Zxid, String>,
    /// Sum of [`Answer::bytes`].
    pub(crate) answer_bytes: u64,
    /// Items of work queues that nobody has taken, in the order of paths: those of one queue stand together, the
    /// first to be taken first.
    pub(crate) free_items: OrdSet<ZnodePath>,
    /// Quotas by the path they are set on, as text: so the quotas above a znode are found without
    /// making a path for each of its ancestors.
    pub(crate) quotas: OrdMap<Arc<str>, Quota>,
    /// Services, and how much each has.
    pub(crate) services: OrdMap<ServiceName, ServiceCounts>,
    /// Instances by the session that keeps them.
    pub(crate) instances_by_session: OrdMap<SessionId, OrdSet<InstanceKey>>,
    /// Instances that the cluster is to check.
    pub(crate) checked: OrdSet<InstanceKey>,
    /// Open reservations by instance.
    pub(crate) reservations_of: OrdMap<InstanceKey, OrdSet<ReservationId>>,
}

/// How much a service has. There is none without instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceCounts {
    /// Instances.
    pub(crate) instances: usize,
    /// Open reservations.
    pub(crate) reservations: usize,
}

/// Something that happens at a time. Exactly one entry of [`Index::due`] stands for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A waiting claim leaves the queue.
    ClaimWait(LockName, Fence),
    /// A hold ends.
    ClaimHold(LockName, Fence),
    /// A hand-over is abandoned.
    ClaimAcknowledge(LockName, Fence),
    /// A lock delay is over.
    LockDelay(LockName),
    /// A TTL znode may go. The time is that of its last write plus its ttl.
    ZnodeTtl(ZnodePath),
    /// An empty container may go.
    Container(ZnodePath),
    /// A remembered claim is forgotten.
    ForgetClaim(LockName, ClaimId),
    /// A remembered session is forgotten.
    ForgetSession(SessionId),
    /// A remembered answer is forgotten.
    ForgetAnswer(String),
    /// An upload that stands still is dropped.
    ForgetStaging(Zxid),
    /// A leadership is handed over.
    Transfer(ElectionName),
    /// A remembered candidate is forgotten.
    ForgetCandidate(ElectionName, CandidateId),
    /// The history of a lock is forgotten.
    ForgetHistory(LockName),
    /// An instance was not renewed.
    InstanceTtl(InstanceKey),
    /// An instance is set aside no more.
    SetAside(InstanceKey),
    /// A reservation ends.
    Reservation(ServiceName, ReservationId),
    /// A node is to make another key.
    ReplaceKey(PublicKey),
    /// A key that is not used any more is forgotten.
    ForgetKey(PublicKey),
}

impl Default for State {
    fn default() -> State {
        State::new()
    }
}

impl State {
    /// The state before the first command: the root and the system's own znodes, at zxid 0. They
    /// count as children but not as creates, so a fresh tree shows ZooKeeper's cversions: -1 for
    /// the root and -2 for `/zookeeper`.
    #[must_use]
    pub fn new() -> State {
        let mut state = State::empty();
        let open: Arc<[AclEntry]> = Arc::from([AclEntry::open()]);
        let everybody_reads = Arc::from([AclEntry {
            perms: Perms::READ,
            ..AclEntry::open()
        }]);
        let paths = ["/"]
            .into_iter()
            .chain(path::SYSTEM)
            .flat_map(ZnodePath::parse);
        for path in paths {
            let is_config = path.as_str() == path::CONFIG;
            let acl = if is_config {
                Arc::clone(&everybody_reads)
            } else {
                Arc::clone(&open)
            };
            if let Some(parent) = path.parent() {
                state
                    .znodes
                    .update(&parent, |znode| znode.rare.num_children += 1);
            }
            let unset = if is_config { -1 } else { 0 };
            let mut znode = Znode {
                version: unset,
                ..genesis_znode(acl)
            };
            znode.rare.aversion = unset;
            state.znodes.insert(path, znode);
        }
        state
    }

    /// Nothing at all: what a snapshot is restored into.
    pub(crate) fn empty() -> State {
        State {
            clock: Moment {
                zxid: Zxid(0),
                log_time: LogTime(0),
                wall: WallTime(0),
            },
            znodes: Table::default(),
            sessions: Table::default(),
            ended_sessions: Table::default(),
            locks: Table::default(),
            claims: Table::default(),
            ended_claims: Table::default(),
            answers: Table::default(),
            members_ever: Table::default(),
            staging: Table::default(),
            staged_parts: Table::default(),
            elections: Table::default(),
            candidates: Table::default(),
            ended_candidates: Table::default(),
            fence_registers: Table::default(),
            histories: Table::default(),
            instances: Table::default(),
            reservations: Table::default(),
            cursors: Table::default(),
            signing_keys: Table::default(),
            index: Index::default(),
        }
    }

    /// Position of the last applied command.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.clock.zxid
    }

    /// Log time of the last applied command.
    #[must_use]
    pub fn log_time(&self) -> LogTime {
        self.clock.log_time
    }

    /// When the next deadline of the state is due, if there is one: then the leader proposes
    /// [`Command::ExpireDue`](crate::command::Command::ExpireDue).
    #[must_use]
    pub fn next_due(&self) -> Option<LogTime> {
        self.index.due.get_min().map(|(at, _)| *at)
    }

    /// Whether a snapshot to restore is on its way in: then one of the next commands may take as long
    /// as reading all of it.
    #[must_use]
    pub fn is_restoring(&self) -> bool {
        self.staging.len() > 0
    }
}

/// A znode that exists from the beginning.
fn genesis_znode(acl: Arc<[AclEntry]>) -> Znode {
    Znode {
        data: Some(Data::default()),
        acl,
        czxid: Zxid(0),
        mzxid: Zxid(0),
        ctime: WallTime(0),
        mtime: WallTime(0),
        version: 0,
        rare: Rare::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::StoredResult;
    use crate::outcome::Refusal;

    /// Garbage could otherwise nest it until the stack ends.
    #[test]
    fn a_refusal_that_contains_itself_is_stored_flat_and_never_decoded() {
        let cause = Refusal::BadArguments("no".to_owned());
        let nested = Refusal::MultiFailed {
            index: 3,
            cause: Box::new(cause),
        };
        let bytes = postcard::to_allocvec(&nested).unwrap();
        assert!(postcard::from_bytes::<Refusal>(&bytes).is_err());

        let stored = StoredResult::of(&Err(nested.clone()));
        let bytes = postcard::to_allocvec(&stored).unwrap();
        let decoded: StoredResult = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(decoded.into_result(), Err(nested));
    }

    /// The variant left out of decoding is the last one, so that it shifts none of the others.
    #[test]
    fn other_refusals_decode_to_themselves() {
        let last = Refusal::limit("things", 3);
        let bytes = postcard::to_allocvec(&last).unwrap();
        assert_eq!(postcard::from_bytes::<Refusal>(&bytes), Ok(last));
    }
}
