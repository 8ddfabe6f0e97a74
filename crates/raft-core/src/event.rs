//! What a command changed, in order. Events are not replicated: every node gets the same ones out
//! of apply.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::acl::AclEntry;
use crate::command::{LockMode, Moment};
use crate::data::Data;
use crate::election::CandidateEnd;
use crate::ids::{
    CandidateId, ClaimId, ElectionName, Fence, InstanceId, LockName, ServiceName, SessionId,
    SessionName, Term, ZnodePath,
};
use crate::lock::ClaimEnd;
use crate::service::InstanceEnd;
use crate::session::SessionEnd;
use crate::znode::Stat;

/// One change. Its id is `zxid.ordinal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When; events of one command share it.
    pub moment: Moment,
    /// Position within the command, from 0.
    pub ordinal: u32,
    /// Whether it is the last of its command.
    pub last: bool,
    /// The session that caused it.
    pub by: Option<SessionId>,
    /// What.
    pub kind: EventKind,
}

impl EventKind {
    /// The access list that decides who is shown data in this event: that of the znode when the
    /// event happened, so that a stream resumed later shows the same. `None` for events without
    /// data.
    #[must_use]
    pub fn acl(&self) -> Option<&[AclEntry]> {
        match self {
            EventKind::NodeCreated { acl, .. }
            | EventKind::NodeChanged { acl, .. }
            | EventKind::NodeDeleted { acl, .. } => Some(acl),
            EventKind::NodeAclChanged { .. }
            | EventKind::ClaimQueued { .. }
            | EventKind::ClaimGranted { .. }
            | EventKind::ClaimEnded { .. }
            | EventKind::ClaimExtended { .. }
            | EventKind::ReleaseRequested { .. }
            | EventKind::ReleaseAnswered { .. }
            | EventKind::LockConfigured { .. }
            | EventKind::SessionOpened { .. }
            | EventKind::SessionEnded { .. }
            | EventKind::CandidateJoined { .. }
            | EventKind::CandidateChanged { .. }
            | EventKind::CandidateLeft { .. }
            | EventKind::LeaderElected { .. }
            | EventKind::LeadershipEnded { .. }
            | EventKind::TransferAsked { .. }
            | EventKind::TransferCancelled { .. }
            | EventKind::Instance { .. } => None,
        }
    }
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// `node.created`
    NodeCreated {
        /// Which.
        path: ZnodePath,
        /// Its data.
        value: Option<Data>,
        /// Media type of the data.
        content_type: Option<Arc<str>>,
        /// Its stat.
        stat: Stat,
        /// Who may read it.
        acl: Arc<[AclEntry]>,
    },
    /// `node.changed`
    NodeChanged {
        /// Which.
        path: ZnodePath,
        /// Its data now.
        value: Option<Data>,
        /// Its data before.
        previous: Option<Data>,
        /// Media type of the data.
        content_type: Option<Arc<str>>,
        /// Its stat now.
        stat: Stat,
        /// Who may read it.
        acl: Arc<[AclEntry]>,
    },
    /// `node.acl_changed`
    NodeAclChanged {
        /// Which.
        path: ZnodePath,
        /// Its stat now.
        stat: Stat,
    },
    /// `node.deleted`
    NodeDeleted {
        /// Which.
        path: ZnodePath,
        /// Its data before.
        previous: Option<Data>,
        /// Its stat before.
        stat: Stat,
        /// Who might read it.
        acl: Arc<[AclEntry]>,
    },
    /// `lock.queued`
    ClaimQueued {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
        /// Its fence-to-be.
        fence: Fence,
        /// Its owner.
        session: SessionId,
        /// How it wants the lock.
        mode: LockMode,
        /// Waiters up to and including it.
        position: u32,
    },
    /// `lock.granted`
    ClaimGranted {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
        /// Its fence.
        fence: Fence,
        /// Its owner.
        session: SessionId,
        /// How it has the lock.
        mode: LockMode,
        /// Whether it waited: then it must pick the hand-over up.
        handed_over: bool,
    },
    /// `lock.released` for every end of a hold; `lock.left` for every end of a wait.
    ClaimEnded {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
        /// Its fence.
        fence: Fence,
        /// Its owner.
        session: SessionId,
        /// Whether it held the lock.
        held: bool,
        /// How it ended.
        end: ClaimEnd,
        /// Why, where somebody said so.
        reason: Option<String>,
    },
    /// `lock.extended`
    ClaimExtended {
        /// The lock.
        lock: LockName,
        /// The claim.
        claim: ClaimId,
        /// Its fence.
        fence: Fence,
    },
    /// `lock.release_requested`: a holder is asked to release.
    ReleaseRequested {
        /// The lock.
        lock: LockName,
        /// The claim that holds it.
        claim: ClaimId,
        /// Its fence.
        fence: Fence,
        /// Its owner.
        session: SessionId,
        /// Who asks, in one line.
        who: String,
        /// By when it is wanted, milliseconds; nothing happens then.
        within_ms: u64,
        /// Why.
        reason: String,
    },
    /// `lock.release_answered`: the holder says how much longer it needs.
    ReleaseAnswered {
        /// The lock.
        lock: LockName,
        /// The claim that holds it.
        claim: ClaimId,
        /// Its fence.
        fence: Fence,
        /// Its owner.
        session: SessionId,
        /// How long from now, milliseconds.
        needs_ms: u64,
    },
    /// `lock.configured`
    LockConfigured {
        /// The lock.
        lock: LockName,
    },
    /// `session.opened`
    SessionOpened {
        /// Its number.
        session: SessionId,
        /// Its name.
        name: Option<SessionName>,
    },
    /// `session.closed`, `session.expired`
    SessionEnded {
        /// Its number.
        session: SessionId,
        /// Its name.
        name: Option<SessionName>,
        /// Why.
        end: SessionEnd,
    },
    /// `election.joined`
    CandidateJoined {
        /// The election.
        election: ElectionName,
        /// The candidate.
        candidate: CandidateId,
        /// Its owner.
        session: SessionId,
        /// Its weight.
        weight: u32,
    },
    /// `election.changed`: its value or its weight.
    CandidateChanged {
        /// The election.
        election: ElectionName,
        /// The candidate.
        candidate: CandidateId,
        /// Its owner.
        session: SessionId,
        /// Its weight now.
        weight: u32,
    },
    /// `election.left`
    CandidateLeft {
        /// The election.
        election: ElectionName,
        /// The candidate.
        candidate: CandidateId,
        /// Its owner.
        session: SessionId,
        /// How.
        end: CandidateEnd,
    },
    /// `election.elected`
    LeaderElected {
        /// The election.
        election: ElectionName,
        /// Who leads.
        candidate: CandidateId,
        /// Its owner.
        session: SessionId,
        /// In which term.
        term: Term,
        /// Whether the leadership was handed over to it.
        handed_over: bool,
    },
    /// `election.ended`: a leadership is over.
    LeadershipEnded {
        /// The election.
        election: ElectionName,
        /// Who led.
        candidate: CandidateId,
        /// Its owner.
        session: SessionId,
        /// In which term.
        term: Term,
        /// How.
        end: CandidateEnd,
    },
    /// `election.transfer`: the leader is asked to hand over.
    TransferAsked {
        /// The election.
        election: ElectionName,
        /// Who leads.
        leader: CandidateId,
        /// Its owner.
        session: SessionId,
        /// Who is to lead.
        to: CandidateId,
        /// After how long it happens without the leader, milliseconds.
        within_ms: u64,
        /// Why, where somebody said so.
        reason: Option<String>,
    },
    /// `election.transfer_cancelled`: who was to lead stands no more.
    TransferCancelled {
        /// The election.
        election: ElectionName,
        /// Who was to lead.
        to: CandidateId,
    },
    /// An instance of a service is, or can be picked, other than before.
    Instance {
        /// The service.
        service: ServiceName,
        /// The instance.
        instance: InstanceId,
        /// The session that keeps it.
        session: Option<SessionId>,
        /// What happened.
        change: InstanceChange,
    },
}

/// What happened to an instance of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceChange {
    /// `service.registered`
    Registered,
    /// `service.changed`: what it says of itself.
    Changed,
    /// `service.draining`: no new work is sent to it.
    Draining,
    /// `service.up`: new work is sent to it again.
    Up,
    /// `service.passing`: its checks pass.
    Passing,
    /// `service.failing`: its checks fail.
    Failing,
    /// `service.set_aside`: too many calls failed in a row.
    SetAside,
    /// `service.back`: it is set aside no more.
    Back,
    /// `service.left`
    Left(InstanceEnd),
}
