//! What consensus knows of itself, in one consistent view.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::{Instant, RaftMetrics};
use raft_types::{LogId, NodeId, PeerAddress, StoredMembership, TypeConfig};

use crate::leadership::Leadership;

/// Consensus at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// This node.
    pub node: NodeId,
    /// Who leads.
    pub leadership: Leadership,
    /// Positions in the log.
    pub log: LogPositions,
    /// The membership in force, committed or not.
    pub members: Members,
    /// On the leader: time since a quorum last acknowledged it. `None` before the first
    /// acknowledgement and on other nodes.
    pub quorum_ack_age: Option<Duration>,
    /// On the leader: how each other member gets on.
    pub peers: BTreeMap<NodeId, PeerProgress>,
    /// Why consensus ended in this process, if it did. The process should end too.
    pub halted: Option<String>,
}

/// Log indexes; `None` where there is nothing yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPositions {
    /// Last entry in the log.
    pub last: Option<u64>,
    /// Last entry known to be committed and present here.
    pub committed: Option<u64>,
    /// Last entry applied.
    pub applied: Option<u64>,
    /// Last entry contained in the snapshot.
    pub snapshot: Option<u64>,
    /// Last entry removed from the log.
    pub purged: Option<u64>,
}

/// Who is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Where this membership stands in the log; `None` before founding or joining.
    pub log_id: Option<LogId>,
    /// Voters; while joint, of both configurations.
    pub voters: BTreeSet<NodeId>,
    /// Members without a vote.
    pub learners: BTreeSet<NodeId>,
    /// Where each member is reached.
    pub addresses: BTreeMap<NodeId, PeerAddress>,
    /// The voter sets that must each agree: one, or two in the middle of a change.
    pub configs: Vec<BTreeSet<NodeId>>,
}

impl Members {
    pub(crate) fn of(stored: &StoredMembership) -> Self {
        Members {
            log_id: *stored.log_id(),
            voters: stored.voter_ids().collect(),
            learners: stored.membership().learner_ids().collect(),
            addresses: stored
                .nodes()
                .map(|(id, node)| (*id, node.clone()))
                .collect(),
            configs: stored.get_joint_config().clone(),
        }
    }

    /// Whether a change is half way.
    pub fn is_joint(&self) -> bool {
        self.configs.len() > 1
    }
}

/// Another member as the leader sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerProgress {
    /// Last entry it is known to have.
    pub matched: Option<u64>,
    /// Entries it lacks.
    pub lag: u64,
    /// Time since it last acknowledged the leader; `None` if it never did.
    pub ack_age: Option<Duration>,
}

impl Status {
    pub(crate) fn of(metrics: &RaftMetrics<TypeConfig>) -> Self {
        let leadership = Leadership::of(metrics);
        let index = |id: &Option<LogId>| id.map(|id| id.index);
        let peers = if leadership.is_leader() {
            peers(metrics)
        } else {
            BTreeMap::new()
        };
        let acked = metrics.last_quorum_acked.filter(|_| leadership.is_leader());
        Status {
            node: metrics.id,
            leadership,
            log: LogPositions {
                last: metrics.last_log_index,
                committed: index(&metrics.local_committed),
                applied: index(&metrics.last_applied),
                snapshot: index(&metrics.snapshot),
                purged: index(&metrics.purged),
            },
            members: Members::of(&metrics.membership_config),
            quorum_ack_age: acked.map(|at| at.elapsed()),
            peers,
            halted: metrics
                .running_state
                .as_ref()
                .err()
                .map(ToString::to_string),
        }
    }
}

fn peers(metrics: &RaftMetrics<TypeConfig>) -> BTreeMap<NodeId, PeerProgress> {
    let next = |index: Option<u64>| index.map_or(0, |index| index.saturating_add(1));
    let mut peers: BTreeMap<NodeId, PeerProgress> = BTreeMap::new();
    for (id, matched) in metrics.replication.iter().flatten() {
        if *id != metrics.id {
            let matched = matched.map(|id| id.index);
            let lag = next(metrics.last_log_index).saturating_sub(next(matched));
            peers.insert(
                *id,
                PeerProgress {
                    matched,
                    lag,
                    ack_age: None,
                },
            );
        }
    }
    for (id, acked) in metrics.heartbeat.iter().flatten() {
        if let Some(progress) = peers.get_mut(id) {
            progress.ack_age = acked.map(|at| at.elapsed());
        }
    }
    peers
}
