//! Who leads, as a watch: derived from openraft's metrics, changing only when leadership does.

use std::sync::Arc;

use openraft::async_runtime::WatchReceiver;
use openraft::storage::RaftStateMachine;
use openraft::{Raft, RaftMetrics, ServerState};
use raft_types::snapshot::Snapshot;
use raft_types::{LogId, NodeId, TypeConfig};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::peer::pool::PeerPool;

/// What this node is to its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Established leader of its term. Says nothing about a quorum: see
    /// [`Consensus::has_quorum`](crate::Consensus::has_quorum).
    Leader,
    /// Voter that follows.
    Follower,
    /// Voter that campaigns.
    Candidate,
    /// Receives the log without a vote, or is not a member (yet, or any more).
    Learner,
    /// Consensus has ended in this process.
    Stopped,
}

/// Leadership as this node knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// The highest term known. When `leader` is known it is that leader's term.
    pub term: u64,
    /// The established leader of `term`; `None` during an election.
    pub leader: Option<NodeId>,
    /// What this node is.
    pub role: Role,
}

impl Leadership {
    /// From one consistent view of openraft's state.
    pub(crate) fn of(metrics: &RaftMetrics<TypeConfig>) -> Self {
        let role = if metrics.running_state.is_err() {
            Role::Stopped
        } else {
            match metrics.state {
                ServerState::Leader => Role::Leader,
                ServerState::Follower => Role::Follower,
                ServerState::Candidate => Role::Candidate,
                ServerState::Learner => Role::Learner,
                ServerState::Shutdown => Role::Stopped,
            }
        };
        let leader = if role == Role::Stopped {
            None
        } else {
            metrics.current_leader
        };
        Leadership {
            term: metrics.current_term,
            leader,
            role,
        }
    }

    /// Whether this node is the established leader.
    pub fn is_leader(&self) -> bool {
        self.role == Role::Leader
    }
}

/// Follows openraft's metrics: publishes leadership, and teaches the pool where members live.
pub(crate) async fn follow<SM>(
    raft: Raft<TypeConfig, SM>,
    pool: Arc<PeerPool>,
    leadership: watch::Sender<Leadership>,
    stop: CancellationToken,
) where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    let mut metrics = raft.metrics();
    let mut membership_seen: Option<Option<LogId>> = None;
    loop {
        // Cloned at once: holding the borrow would block openraft's core.
        let now = metrics.borrow_watched().clone();
        let current = Leadership::of(&now);
        leadership.send_if_modified(|known| {
            let changed = *known != current;
            if changed {
                let Leadership { term, leader, role } = current;
                tracing::info!(term, ?leader, ?role, "leadership");
                *known = current;
            }
            changed
        });
        let membership = *now.membership_config.log_id();
        if membership_seen != Some(membership) {
            membership_seen = Some(membership);
            for (id, address) in now.membership_config.nodes() {
                pool.set_address(*id, &address.peer);
            }
            pool.keep_only(&now.membership_config.nodes().map(|(id, _)| *id).collect());
        }
        let ended = tokio::select! {
            changed = metrics.changed() => changed.is_err(),
            () = stop.cancelled() => true,
        };
        if ended {
            leadership.send_modify(|known| {
                known.leader = None;
                known.role = Role::Stopped;
            });
            return;
        }
    }
}
