//! Changes of who is in and who leads: asked on any node, done by the leader.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use membership::{
    CallError, Change, ChangeOptions, Plan, ReconfigureError, TransferOutcome, TransferRefusal,
};
use raft_types::{NodeId, PeerAddress};
use serde::{Deserialize, Serialize};

use crate::Node;
use crate::runtime::Runtime;
use crate::wire::{self, kind};

/// A change of who is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberChange {
    /// A new node begins to receive the log.
    AddLearner {
        /// Its id, never used before in this cluster.
        id: NodeId,
        /// `host:port` of its peer port.
        peer: String,
        /// Base URL of its HTTP API.
        api: String,
    },
    /// A learner gets a vote.
    Promote {
        /// Which.
        id: NodeId,
    },
    /// A voter loses its vote and goes on receiving the log.
    Demote {
        /// Which.
        id: NodeId,
    },
    /// A member leaves for ever.
    Remove {
        /// Which.
        id: NodeId,
    },
    /// A new node takes the place of a voter.
    Replace {
        /// The voter that leaves.
        old: NodeId,
        /// The node that comes.
        new: NodeId,
        /// `host:port` of its peer port.
        peer: String,
        /// Base URL of its HTTP API.
        api: String,
    },
}

impl MemberChange {
    pub(crate) fn into_change(self) -> Change {
        match self {
            MemberChange::AddLearner { id, peer, api } => Change::AddLearner {
                id,
                address: PeerAddress { peer, api },
            },
            MemberChange::Promote { id } => Change::Promote { id },
            MemberChange::Demote { id } => Change::Demote { id },
            MemberChange::Remove { id } => Change::Remove { id },
            MemberChange::Replace {
                old,
                new,
                peer,
                api,
            } => Change::Replace {
                old,
                new,
                address: PeerAddress { peer, api },
            },
        }
    }
}

/// Voters and what they tolerate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// Who votes.
    pub voters: BTreeSet<NodeId>,
    /// Votes needed.
    pub quorum: u64,
    /// Voters that may fail with the cluster still working.
    pub tolerates: u64,
    /// Voters the leader hears of.
    pub reachable: BTreeSet<NodeId>,
}

/// What a change does, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChangeReport {
    /// Whether it was done; false for a dry run.
    pub done: bool,
    /// Before.
    pub before: Quorum,
    /// After.
    pub after: Quorum,
    /// Why it is or would be refused; empty when it is not.
    pub refusals: Vec<String>,
    /// Whether every refusal can be overridden.
    pub can_be_forced: bool,
    /// What to know before going on.
    pub warnings: Vec<String>,
}

impl MemberChangeReport {
    fn of(plan: &Plan, done: bool) -> MemberChangeReport {
        let quorum = |side: &membership::Arithmetic| Quorum {
            voters: side.voters.clone(),
            quorum: side.quorum as u64,
            tolerates: side.tolerates as u64,
            reachable: side.reachable.clone(),
        };
        MemberChangeReport {
            done,
            before: quorum(&plan.before),
            after: quorum(&plan.after),
            refusals: plan.refusals.iter().map(ToString::to_string).collect(),
            can_be_forced: plan.is_allowed(true),
            warnings: plan.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ChangeError {
    /// No leader could be reached. It did not happen.
    #[error("no leader was reachable")]
    NoLeader,
    /// It is unsafe or makes no sense; the report says why. It did not happen.
    #[error("the change is refused: {}", .0.refusals.join("; "))]
    Refused(Box<MemberChangeReport>),
    /// Another change came first. It did not happen; look again.
    #[error("the membership changed meanwhile")]
    Conflict,
    /// It did not happen for another reason.
    #[error("the change was not made: {0}")]
    NotApplied(String),
    /// The new node is a learner now and did not catch up in time; no vote changed.
    #[error("node {id} has not caught up: it lacks {} entries", .lag.map_or("many".to_owned(), |lag| lag.to_string()))]
    NotCaughtUp {
        /// Which.
        id: NodeId,
        /// Entries it lacks.
        lag: Option<u64>,
    },
    /// It may have happened, or may still happen: look at the members.
    #[error("the outcome of the change is unknown: {0}")]
    Unknown(String),
}

impl From<ReconfigureError> for ChangeError {
    fn from(error: ReconfigureError) -> ChangeError {
        match error {
            ReconfigureError::NotLeader { .. } => ChangeError::NoLeader,
            ReconfigureError::Refused(plan) => {
                ChangeError::Refused(Box::new(MemberChangeReport::of(&plan, false)))
            }
            ReconfigureError::Conflict => ChangeError::Conflict,
            ReconfigureError::NotApplied(why) => ChangeError::NotApplied(why),
            ReconfigureError::NotCaughtUp { id, lag, .. } => ChangeError::NotCaughtUp { id, lag },
            ReconfigureError::Unknown(why) => ChangeError::Unknown(why),
        }
    }
}

/// Leadership after a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferReport {
    /// Who leads now.
    pub leader: NodeId,
    /// In which term.
    pub term: u64,
}

/// Why leadership did not move as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum TransferError {
    /// No leader could be reached. Nothing happened.
    #[error("no leader was reachable")]
    NoLeader,
    /// Nothing happened.
    #[error("leadership was not handed over: {0}")]
    NotTransferred(String),
    /// It was begun; who leads now has to be looked up.
    #[error("the outcome of the hand-over is not known yet")]
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct ChangeAsk {
    change: MemberChange,
    dry_run: bool,
    force: bool,
    within_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct TransferAsk {
    to: Option<NodeId>,
    within_ms: u64,
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Node {
    /// Changes who is in, or says what a change would do. Runs on the leader, wherever it is asked.
    ///
    /// # Errors
    /// See [`ChangeError`]; only its `Unknown` may still take effect.
    pub async fn change_members(
        &self,
        change: MemberChange,
        dry_run: bool,
        force: bool,
        deadline: Duration,
    ) -> Result<MemberChangeReport, ChangeError> {
        let ask = ChangeAsk {
            change,
            dry_run,
            force,
            within_ms: millis(deadline),
        };
        let runtime = &self.runtime;
        match runtime.leadership().leader {
            Some(leader) if leader == runtime.id => runtime.change_here(ask).await,
            Some(leader) => {
                let sent = runtime
                    .call(leader, kind::CHANGE_MEMBERS, &ask, deadline)
                    .await;
                sent.map_err(|error| match error {
                    CallError::NotSent { .. } => ChangeError::NoLeader,
                    CallError::Unknown { reason, .. } => ChangeError::Unknown(reason),
                })?
            }
            None => Err(ChangeError::NoLeader),
        }
    }

    /// Hands leadership to `to`, or to the best voter.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn transfer_leadership(
        &self,
        to: Option<NodeId>,
        deadline: Duration,
    ) -> Result<TransferReport, TransferError> {
        let ask = TransferAsk {
            to,
            within_ms: millis(deadline),
        };
        let runtime = &self.runtime;
        match runtime.leadership().leader {
            Some(leader) if leader == runtime.id => runtime.transfer_here(ask).await,
            Some(leader) => {
                let sent = runtime.call(leader, kind::TRANSFER, &ask, deadline).await;
                sent.map_err(|error| match error {
                    CallError::NotSent { .. } => TransferError::NoLeader,
                    CallError::Unknown { .. } => TransferError::Unknown,
                })?
            }
            None => Err(TransferError::NoLeader),
        }
    }
}

impl Runtime {
    pub(crate) async fn call<A: Serialize, T: serde::de::DeserializeOwned>(
        &self,
        to: NodeId,
        kind: u8,
        ask: &A,
        within: Duration,
    ) -> Result<T, CallError> {
        let answer = self
            .consensus()
            .peers()
            .call(to, kind, wire::encode(ask), within)
            .await?;
        let reason = "the answer is of another version".to_owned();
        wire::decode(&answer).ok_or(CallError::Unknown { to, reason })
    }

    pub(crate) async fn serve_member_change(self: &Arc<Self>, body: &[u8]) -> Bytes {
        let Some(ask) = wire::decode::<ChangeAsk>(body) else {
            return Bytes::new();
        };
        wire::encode(&self.change_here(ask).await)
    }

    pub(crate) async fn serve_transfer(self: &Arc<Self>, body: &[u8]) -> Bytes {
        let Some(ask) = wire::decode::<TransferAsk>(body) else {
            return Bytes::new();
        };
        wire::encode(&self.transfer_here(ask).await)
    }

    async fn change_here(&self, ask: ChangeAsk) -> Result<MemberChangeReport, ChangeError> {
        let change = ask.change.into_change();
        if ask.dry_run {
            let plan = self.consensus().plan(&change)?;
            return Ok(MemberChangeReport::of(&plan, false));
        }
        let within = Duration::from_millis(ask.within_ms);
        let options = ChangeOptions {
            force: ask.force,
            within,
        };
        let plan = self.consensus().change(change, options).await?;
        self.hand_on_without_a_vote(&plan.change).await;
        Ok(MemberChangeReport::of(&plan, true))
    }

    /// A leader that took its own vote away hands over: openraft would let it lead as a learner for
    /// as long as it lives, and operators expect it to be out of the way. Should nobody be ready, it
    /// leads on, which is safe, and can be promoted again.
    pub(crate) async fn hand_on_without_a_vote(&self, change: &Change) {
        if *change != (Change::Demote { id: self.id }) {
            return;
        }
        let timing = *self.consensus().timing();
        let ask = TransferAsk {
            to: None,
            within_ms: millis(timing.election_max),
        };
        if let Err(error) = self.transfer_here(ask).await {
            // It leads on, or nobody knows yet who does: the error says which.
            tracing::warn!(%error, "a leader without a vote did not hand over at once");
        }
    }

    /// A successor needs the whole log, so nothing new is written while one is looked for; what
    /// arrives meanwhile waits and goes to the new leader.
    async fn transfer_here(&self, ask: TransferAsk) -> Result<TransferReport, TransferError> {
        let within = Duration::from_millis(ask.within_ms);
        self.holding_back.store(true, Ordering::SeqCst);
        let outcome = self.consensus().transfer(ask.to, within).await;
        self.holding_back.store(false, Ordering::SeqCst);
        self.pending.work.notify_one();
        match outcome {
            TransferOutcome::Transferred { leader, term } => Ok(TransferReport { leader, term }),
            TransferOutcome::NotTransferred(TransferRefusal::NotLeader) => {
                Err(TransferError::NoLeader)
            }
            TransferOutcome::NotTransferred(refusal) => {
                Err(TransferError::NotTransferred(refusal.to_string()))
            }
            TransferOutcome::Unknown => Err(TransferError::Unknown),
        }
    }
}
