//! Who is in, how everybody gets on, and changes of both: asked on any node, done by the leader.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use membership::{
    CallError, Change, ChangeOptions, Plan, ReconfigureError, TransferOutcome, TransferRefusal,
};
use raft_core::ids::Zxid;
use raft_types::{ClusterId, NodeId, PeerAddress};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::Node;
use crate::audit::Divergence;
use crate::error::ReadError;
use crate::runtime::Runtime;
use crate::wire::{self, kind};

pub use membership::Role;

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
    fn into_change(self) -> Change {
        match self {
            MemberChange::AddLearner { id, peer, api } => {
                Change::AddLearner { id, address: PeerAddress { peer, api } }
            }
            MemberChange::Promote { id } => Change::Promote { id },
            MemberChange::Demote { id } => Change::Demote { id },
            MemberChange::Remove { id } => Change::Remove { id },
            MemberChange::Replace { old, new, peer, api } => {
                Change::Replace { old, new, address: PeerAddress { peer, api } }
            }
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

/// One condition of readiness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Short name.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// In words.
    pub detail: String,
}

/// What this node knows of itself without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// This node.
    pub id: NodeId,
    /// Its cluster.
    pub cluster_id: ClusterId,
    /// Highest term known.
    pub term: u64,
    /// Leader of that term.
    pub leader: Option<NodeId>,
    /// Its API.
    pub leader_api: Option<String>,
    /// What this node is.
    pub role: Role,
    /// Last applied command.
    pub applied: Zxid,
    /// Last applied log entry.
    pub applied_index: u64,
    /// Last entry in the log.
    pub last_index: u64,
    /// On the leader: time since a quorum acknowledged it.
    pub quorum_age: Option<Duration>,
    /// Time since a read round last confirmed this node to be up to date.
    pub confirmed_age: Option<Duration>,
    /// APIs of all members.
    pub apis: BTreeMap<NodeId, String>,
    /// Proposals of this node's clients without an outcome yet.
    pub proposals_in_flight: usize,
    /// The first divergence of replicas found by this process.
    pub divergence: Option<Divergence>,
    /// Position up to which replicas were last found equal.
    pub compared: Option<Zxid>,
    /// Conditions of readiness.
    pub checks: Vec<Check>,
}

impl NodeStatus {
    /// Whether clients should be sent here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

/// One member as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Its id.
    pub id: NodeId,
    /// `host:port` of its peer port.
    pub peer: String,
    /// Base URL of its HTTP API.
    pub api: String,
    /// Whether it votes.
    pub voter: bool,
    /// Whether it leads.
    pub leader: bool,
    /// Last command it has applied; `None` when it does not answer.
    pub applied: Option<Zxid>,
    /// Digest of its state there.
    pub digest: Option<u128>,
    /// Log entries it lacks.
    pub lag_entries: Option<u64>,
    /// Milliseconds since it last acknowledged the leader.
    pub ack_age_ms: Option<u64>,
    /// Its version.
    pub version: Option<String>,
}

/// The cluster as its leader sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// Its id.
    pub cluster_id: u128,
    /// The leader's term.
    pub term: u64,
    /// The leader.
    pub leader: NodeId,
    /// All members by id.
    pub members: Vec<MemberStatus>,
    /// Votes needed.
    pub quorum: u64,
    /// Voters that may fail, of those that are up now, with the cluster still working.
    pub failure_tolerance: u64,
    /// The leader's time since a quorum acknowledged it, milliseconds.
    pub quorum_age_ms: Option<u64>,
    /// Position up to which replicas were last found equal.
    pub compared: Option<Zxid>,
    /// The first divergence found.
    pub divergence: Option<Divergence>,
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

fn millis(duration: Duration) -> u64 {
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
        let ask = ChangeAsk { change, dry_run, force, within_ms: millis(deadline) };
        let runtime = &self.runtime;
        match runtime.leadership().leader {
            Some(leader) if leader == runtime.id => runtime.change_here(ask).await,
            Some(leader) => {
                let sent = runtime.call(leader, kind::CHANGE_MEMBERS, &ask, deadline).await;
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
        let ask = TransferAsk { to, within_ms: millis(deadline) };
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

    /// What this node knows of itself.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        self.runtime.node_status()
    }

    /// The cluster as its leader sees it.
    ///
    /// # Errors
    /// When no leader answered in time.
    pub async fn cluster_status(&self, deadline: Duration) -> Result<ClusterStatus, ReadError> {
        let started = Instant::now();
        let until = started + deadline;
        let runtime = &self.runtime;
        let mut leadership = runtime.consensus().leadership();
        let known = timeout_at(until, leadership.wait_for(|l| l.leader.is_some())).await;
        let leader = known.ok().and_then(Result::ok).and_then(|l| l.leader);
        let status = match leader {
            Some(leader) if leader == runtime.id => Some(runtime.cluster_status_here().await),
            Some(leader) => {
                let left = until.saturating_duration_since(Instant::now());
                runtime.call(leader, kind::CLUSTER, &(), left).await.ok().flatten()
            }
            None => None,
        };
        status.ok_or(ReadError::NoLeader { waited: started.elapsed() })
    }
}

impl Runtime {
    async fn call<A: Serialize, T: serde::de::DeserializeOwned>(
        &self,
        to: NodeId,
        kind: u8,
        ask: &A,
        within: Duration,
    ) -> Result<T, CallError> {
        let answer = self.consensus().peers().call(to, kind, wire::encode(ask), within).await?;
        let reason = "the answer is of another version".to_owned();
        wire::decode(&answer).ok_or(CallError::Unknown { to, reason })
    }

    pub(crate) async fn serve_member_change(self: &Arc<Self>, body: &[u8]) -> Bytes {
        let Some(ask) = wire::decode::<ChangeAsk>(body) else { return Bytes::new() };
        wire::encode(&self.change_here(ask).await)
    }

    pub(crate) async fn serve_transfer(self: &Arc<Self>, body: &[u8]) -> Bytes {
        let Some(ask) = wire::decode::<TransferAsk>(body) else { return Bytes::new() };
        wire::encode(&self.transfer_here(ask).await)
    }

    pub(crate) async fn serve_cluster_status(self: &Arc<Self>) -> Bytes {
        let leads = self.leadership().is_leader();
        let status = if leads { Some(self.cluster_status_here().await) } else { None };
        wire::encode(&status)
    }

    async fn change_here(&self, ask: ChangeAsk) -> Result<MemberChangeReport, ChangeError> {
        let change = ask.change.into_change();
        if ask.dry_run {
            let plan = self.consensus().plan(&change)?;
            return Ok(MemberChangeReport::of(&plan, false));
        }
        let within = Duration::from_millis(ask.within_ms);
        let options = ChangeOptions { force: ask.force, within };
        let plan = self.consensus().change(change, options).await?;
        Ok(MemberChangeReport::of(&plan, true))
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

    fn node_status(&self) -> NodeStatus {
        let status = self.consensus().status();
        let applied = self.replica.applied();
        let leader = status.leadership.leader;
        let apis: BTreeMap<NodeId, String> =
            status.members.addresses.iter().map(|(id, a)| (*id, a.api.clone())).collect();
        NodeStatus {
            id: self.id,
            cluster_id: self.cluster,
            term: status.leadership.term,
            leader,
            leader_api: leader.and_then(|id| apis.get(&id).cloned()),
            role: status.leadership.role,
            applied: applied.zxid,
            applied_index: applied.index(),
            last_index: status.log.last.unwrap_or(0),
            quorum_age: status.quorum_ack_age,
            confirmed_age: self.barrier.age(),
            apis,
            proposals_in_flight: self.admission.in_flight(),
            divergence: self.audit.divergence(),
            compared: self.audit.compared(),
            checks: self.checks(&status),
        }
    }

    fn checks(&self, status: &membership::Status) -> Vec<Check> {
        let leader = status.leadership.leader;
        let led = match leader {
            Some(id) => format!("node {id} leads term {}", status.leadership.term),
            None => format!("no leader known in term {}", status.leadership.term),
        };
        let quorum = !status.leadership.is_leader() || self.consensus().has_quorum();
        let caught_up = self.replica.applied().term() == status.leadership.term;
        let divergence = self.audit.divergence();
        let check = |name, ok, detail: String| Check { name, ok, detail };
        vec![
            check("leader", leader.is_some(), led),
            check("quorum", quorum, "the leader is acknowledged by a quorum".to_owned()),
            check("caught_up", caught_up, format!("applied index {}", self.replica.applied().index())),
            check(
                "consensus",
                status.halted.is_none(),
                status.halted.clone().unwrap_or_else(|| "running".to_owned()),
            ),
            check(
                "replicas_equal",
                divergence.is_none(),
                divergence.map_or("no divergence found".to_owned(), |d| format!("{d:?}")),
            ),
            check("accepting", !self.draining.is_cancelled(), "not shutting down".to_owned()),
        ]
    }

    async fn cluster_status_here(&self) -> ClusterStatus {
        let status = self.consensus().status();
        let asked = status.members.addresses.keys().map(|id| async {
            let own = *id == self.id;
            let answer = if own { Some(self.own_status()) } else { self.status_of(*id).await };
            (*id, answer)
        });
        let answers: BTreeMap<_, _> =
            futures::future::join_all(asked).await.into_iter().collect();
        let members: Vec<MemberStatus> = status
            .members
            .addresses
            .iter()
            .map(|(id, address)| {
                let answer = answers.get(id).and_then(Option::as_ref);
                let progress = status.peers.get(id);
                let own = *id == self.id;
                MemberStatus {
                    id: *id,
                    peer: address.peer.clone(),
                    api: address.api.clone(),
                    voter: status.members.voters.contains(id),
                    leader: own,
                    applied: answer.map(|a| a.applied),
                    digest: answer.map(|a| a.digest),
                    lag_entries: if own { Some(0) } else { progress.map(|p| p.lag) },
                    ack_age_ms: progress.and_then(|p| p.ack_age).map(millis),
                    version: answer.map(|a| a.version.clone()),
                }
            })
            .collect();
        let voters = status.members.voters.len();
        let quorum = voters / 2 + 1;
        let up = members.iter().filter(|m| m.voter && m.applied.is_some()).count();
        ClusterStatus {
            cluster_id: self.cluster.0,
            term: status.leadership.term,
            leader: self.id,
            members,
            quorum: quorum as u64,
            failure_tolerance: up.saturating_sub(quorum) as u64,
            quorum_age_ms: status.quorum_ack_age.map(millis),
            compared: self.audit.compared(),
            divergence: self.audit.divergence(),
        }
    }
}
