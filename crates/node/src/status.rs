//! How this node and its cluster get on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raft_core::ids::Zxid;
use raft_types::{ClusterId, NodeId};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::Node;
use crate::audit::Divergence;
use crate::error::ReadError;
use crate::members::millis;
use crate::runtime::Runtime;
use crate::wire::{self, kind};

pub use membership::Role;

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

impl Node {
    /// What this node knows of itself.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        self.runtime.node_status()
    }

    /// Whether this node knows an established leader. Cheap.
    #[must_use]
    pub fn knows_a_leader(&self) -> bool {
        self.runtime
            .consensus()
            .leadership()
            .borrow()
            .leader
            .is_some()
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
                runtime
                    .call(leader, kind::CLUSTER, &(), left)
                    .await
                    .ok()
                    .flatten()
            }
            None => None,
        };
        status.ok_or(ReadError::NoLeader {
            waited: started.elapsed(),
        })
    }
}

impl Runtime {
    pub(crate) async fn serve_cluster_status(self: &Arc<Self>) -> Bytes {
        let leads = self.leadership().is_leader();
        let status = if leads {
            Some(self.cluster_status_here().await)
        } else {
            None
        };
        wire::encode(&status)
    }

    fn node_status(&self) -> NodeStatus {
        let status = self.consensus().status();
        let applied = self.replica.applied();
        let leader = status.leadership.leader;
        let apis: BTreeMap<NodeId, String> = status
            .members
            .addresses
            .iter()
            .map(|(id, a)| (*id, a.api.clone()))
            .collect();
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
        let (quorum, acknowledged) = self.is_acknowledged(&status.leadership);
        let caught_up = self.replica.applied().term() == status.leadership.term
            && self.caught_up.with(&status.leadership);
        let divergence = self.audit.divergence();
        let check = |name, ok, detail: String| Check { name, ok, detail };
        vec![
            check("leader", leader.is_some(), led),
            check("quorum", quorum, acknowledged.to_owned()),
            check(
                "caught_up",
                caught_up,
                format!("applied index {}", self.replica.applied().index()),
            ),
            check(
                "consensus",
                status.halted.is_none(),
                status
                    .halted
                    .clone()
                    .unwrap_or_else(|| "running".to_owned()),
            ),
            check(
                "replicas_equal",
                divergence.is_none(),
                divergence.map_or("no divergence found".to_owned(), |d| format!("{d:?}")),
            ),
            check(
                "announced",
                self.is_announced(),
                match &self.clients {
                    Some(address) => format!("ZooKeeper clients are told {address}"),
                    None => "no port for ZooKeeper clients".to_owned(),
                },
            ),
            check(
                "signing",
                self.signer.is_settled(),
                "the key for fence tokens is looked after".to_owned(),
            ),
            check(
                "accepting",
                !self.draining.is_cancelled(),
                "not shutting down".to_owned(),
            ),
        ]
    }

    /// Whether this node may expect to get answers, as far as it sees, in words too.
    fn is_acknowledged(&self, leadership: &membership::Leadership) -> (bool, &'static str) {
        if leadership.is_leader() {
            match self.consensus().has_quorum() {
                true => (true, "a quorum acknowledges this leader"),
                false => (false, "no quorum acknowledges this leader"),
            }
        } else {
            match self.consensus().hears_leader() {
                true => (true, "the leader is heard of"),
                false => (false, "the leader was not heard of lately"),
            }
        }
    }

    async fn cluster_status_here(&self) -> ClusterStatus {
        let status = self.consensus().status();
        let asked = status.members.addresses.keys().map(|id| async {
            let own = *id == self.id;
            let answer = if own {
                Some(self.own_status())
            } else {
                self.status_of(*id).await
            };
            (*id, answer)
        });
        let answers: BTreeMap<_, _> = futures::future::join_all(asked).await.into_iter().collect();
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
                    lag_entries: if own {
                        Some(0)
                    } else {
                        progress.map(|p| p.lag)
                    },
                    ack_age_ms: progress.and_then(|p| p.ack_age).map(millis),
                    version: answer.map(|a| a.version.clone()),
                }
            })
            .collect();
        let voters = status.members.voters.len();
        let quorum = voters / 2 + 1;
        let up = members
            .iter()
            .filter(|m| m.voter && m.applied.is_some())
            .count();
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
