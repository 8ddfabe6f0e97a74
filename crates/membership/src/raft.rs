//! Puts openraft, the peer protocol and the watching tasks together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openraft::Raft;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{InitializeError, RaftError};
use openraft::storage::{RaftLogStorage, RaftStateMachine};
use raft_types::seam::Entropy;
use raft_types::snapshot::{Snapshot, SnapshotStore};
use raft_types::{ClusterId, NodeId, PeerAddress, TypeConfig};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dead_leader::{DeadLeaderWatch, Evidence};
use crate::error::{FoundError, StartError};
use crate::leadership::{self, Leadership};
use crate::peer::MEMBERS_MAX;
use crate::peer::client::PeerClient;
use crate::peer::gone::{GoneReporter, PeerGone};
use crate::peer::network::{PeerListener, PeerNetwork};
use crate::peer::pool::{PeerPool, PoolParts};
use crate::peer::raft_client::RaftPeers;
use crate::peer::server::{PeerServer, PeerService, ServerState};
use crate::peer::wire::hello::Identity;
use crate::settings::RaftSettings;
use crate::status::Status;
use crate::timing::Timing;

/// Answers whether an id was ever a member's, for all of the cluster's history. Kept by the
/// replicated state, which sees every membership entry.
pub type MemberHistory = Arc<dyn Fn(NodeId) -> bool + Send + Sync>;

/// Who this node is and what it is made of.
pub struct StartOptions<LS, SM> {
    /// This node.
    pub node_id: NodeId,
    /// Its cluster.
    pub cluster_id: ClusterId,
    /// `host:port` to listen on for peers; port 0 takes a free one.
    pub listen: String,
    /// Times.
    pub timing: Timing,
    /// Sizes and counts.
    pub settings: RaftSettings,
    /// Log, vote and markers.
    pub log_store: LS,
    /// What entries are applied to.
    pub state_machine: SM,
    /// Where received snapshots are put.
    pub snapshots: Arc<dyn SnapshotStore>,
    /// How peers are reached.
    pub network: Arc<dyn PeerNetwork>,
    /// What their calls reach. Calls may arrive before `start` returns.
    pub service: Arc<dyn PeerService>,
    /// For the incarnation of this process.
    pub entropy: Arc<dyn Entropy>,
    /// Which ids were ever used.
    pub member_history: MemberHistory,
}

/// A complete node that does not run yet.
struct Parts<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    server: Arc<PeerServer<SM>>,
    pool: Arc<PeerPool>,
    settings: RaftSettings,
    member_history: MemberHistory,
}

impl<SM> Parts<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    /// Lets openraft run and spawns the tasks around it; all of them belong to one tracker.
    ///
    /// # Errors
    /// What is stored cannot be taken up.
    async fn run(
        self,
        listener: Box<dyn PeerListener>,
        reports: mpsc::Receiver<PeerGone>,
    ) -> Result<Consensus<SM>, StartError> {
        let Parts {
            server,
            pool,
            settings,
            member_history,
        } = self;
        let (raft, tracker, stop) = (&server.raft, &server.tracker, &server.stop);
        let local_peer_address = listener.local_address();
        raft.run();
        // Its first report comes when it has taken up the stored vote: until then it would say that
        // it knows no term.
        raft.with_raft_state(|_| ())
            .await
            .map_err(|fatal| StartError::Recover(fatal.to_string()))?;
        let known = Leadership::of(&raft.metrics().borrow_watched().clone());
        let (publish, leadership) = watch::channel(known);
        tracker.spawn(server.clone().accept(listener));
        tracker.spawn(leadership::follow(
            raft.clone(),
            pool.clone(),
            publish,
            stop.clone(),
        ));
        let dead_leader = DeadLeaderWatch {
            raft: raft.clone(),
            pool: pool.clone(),
            evidence: server.evidence.clone(),
            stop: stop.clone(),
        };
        tracker.spawn(dead_leader.run(reports));
        let consensus = Consensus {
            inner: Arc::new(Inner {
                raft: raft.clone(),
                peers: PeerClient::new(pool),
                server: server.clone(),
                leadership,
                settings,
                member_history,
                changing: tokio::sync::Mutex::new(()),
                local_peer_address,
            }),
        };
        tracker.spawn(consensus.clone().reconcile());
        Ok(consensus)
    }
}

/// What founding came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Founded {
    /// This call wrote the first membership.
    Now,
    /// The node had a log or a vote already: founded or joined before.
    Before,
}

/// The running consensus of this process. Cheap to clone.
///
/// It has to be ended with [`stop`](Consensus::stop) or [`halt`](Consensus::halt); dropping the
/// last clone leaves its tasks running.
pub struct Consensus<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    inner: Arc<Inner<SM>>,
}

impl<SM> Clone for Consensus<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    fn clone(&self) -> Self {
        Consensus {
            inner: self.inner.clone(),
        }
    }
}

struct Inner<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    raft: Raft<TypeConfig, SM>,
    peers: PeerClient,
    server: Arc<PeerServer<SM>>,
    leadership: watch::Receiver<Leadership>,
    settings: RaftSettings,
    member_history: MemberHistory,
    changing: tokio::sync::Mutex<()>,
    local_peer_address: String,
}

impl<SM> Consensus<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    /// Starts consensus: opens the peer port, recovers the stored state, and only then lets openraft
    /// run, so that the first peer finds a complete node.
    ///
    /// A node with an empty store neither votes nor campaigns until it founds a cluster or is added
    /// to one.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running.
    pub async fn start<LS>(options: StartOptions<LS, SM>) -> Result<Self, StartError>
    where
        LS: RaftLogStorage<TypeConfig>,
    {
        options.timing.check()?;
        let config = options
            .settings
            .config(options.cluster_id, &options.timing)
            .map_err(|error| StartError::Settings(error.to_string()))?;
        let me = Identity {
            cluster: options.cluster_id,
            node: options.node_id,
            incarnation: options.entropy.next_u64(),
        };
        let (gone, reports) = GoneReporter::new();
        let listener = options
            .network
            .listen(&options.listen)
            .await
            .map_err(|source| StartError::Listen {
                address: options.listen.clone(),
                source,
            })?;
        let pool = PeerPool::new(PoolParts {
            me,
            timing: options.timing,
            network: options.network,
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            gone: gone.clone(),
        });
        let peers = RaftPeers::new(pool.clone());
        let (log, state) = (options.log_store, options.state_machine);
        let raft = Raft::build(me.node, Arc::new(config), peers, log, state)
            .await
            .map_err(|fatal| StartError::Recover(fatal.to_string()))?;
        let server = Arc::new(PeerServer {
            me,
            timing: options.timing,
            raft,
            service: options.service,
            snapshots: options.snapshots,
            tracker: pool.tracker.clone(),
            stop: pool.stop.clone(),
            gone,
            evidence: Arc::new(Evidence::new(&options.timing)),
            state: ServerState::default(),
        });
        let parts = Parts {
            server,
            pool,
            settings: options.settings,
            member_history: options.member_history,
        };
        parts.run(listener, reports).await
    }

    /// Founds the cluster with all its voters at once. An explicit act of an operator on one node
    /// (the same members on several are harmless, different ones are two clusters): doing it because
    /// a directory is empty would make a node that lost its disk a cluster of its own.
    ///
    /// # Errors
    /// See [`FoundError`]. Having been founded before is not one.
    pub async fn found(
        &self,
        members: BTreeMap<NodeId, PeerAddress>,
    ) -> Result<Founded, FoundError> {
        if members.is_empty() || members.len() > MEMBERS_MAX {
            return Err(FoundError::Size(members.len()));
        }
        match self.raft().initialize(members).await {
            Ok(()) => Ok(Founded::Now),
            Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(Founded::Before),
            Err(RaftError::APIError(InitializeError::NotInMembers(_))) => {
                Err(FoundError::NotAMember(self.node_id()))
            }
            Err(RaftError::Fatal(fatal)) => Err(FoundError::Halted(fatal.to_string())),
        }
    }

    /// openraft itself, for writes and reads. Membership and elections go through this type.
    pub fn raft(&self) -> &Raft<TypeConfig, SM> {
        &self.inner.raft
    }

    /// Calls to the application at other nodes.
    pub fn peers(&self) -> &PeerClient {
        &self.inner.peers
    }

    /// Who leads, now and on every change.
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.inner.leadership.clone()
    }

    /// One consistent view of everything.
    pub fn status(&self) -> Status {
        let metrics = self.raft().metrics();
        // Cloned at once: holding the borrow would block openraft's core.
        let now = metrics.borrow_watched().clone();
        Status::of(&now)
    }

    /// On the leader, time since a quorum last acknowledged it; `None` elsewhere and before that.
    pub fn quorum_ack_age(&self) -> Option<Duration> {
        self.status().quorum_ack_age
    }

    /// Whether this node leads and a quorum acknowledged that within the lease. openraft goes on
    /// calling itself leader without one.
    pub fn has_quorum(&self) -> bool {
        let status = self.status();
        let alone = status.members.voters.len() == 1;
        let lease = self.timing().leader_lease();
        status.leadership.is_leader()
            && (alone || status.quorum_ack_age.is_some_and(|age| age <= lease))
    }

    /// Whether this node has heard of the leader of its term within twice the longest time after which
    /// followers campaign. openraft goes on naming a leader that is gone while nobody can be elected.
    pub fn hears_leader(&self) -> bool {
        let term = self.status().leadership.term;
        let bound = self.timing().election_max.saturating_mul(2);
        let silence = self.inner.server.evidence.silence_of(term);
        silence.is_some_and(|silence| silence <= bound)
    }

    /// Resolves with the reason once consensus has ended in this process, by itself or by
    /// [`stop`](Consensus::stop). When it ended by itself (a disk error) the process should exit:
    /// nothing in it will make progress again.
    pub async fn halted(&self) -> String {
        let mut metrics = self.raft().metrics();
        loop {
            let running = metrics.borrow_watched().running_state.clone();
            if let Err(fatal) = running {
                return fatal.to_string();
            }
            if metrics.changed().await.is_err() {
                return "consensus has ended".to_owned();
            }
        }
    }

    /// This node.
    pub fn node_id(&self) -> NodeId {
        self.inner.server.me.node
    }

    /// Its cluster.
    pub fn cluster_id(&self) -> ClusterId {
        self.inner.server.me.cluster
    }

    /// The times in use.
    pub fn timing(&self) -> &Timing {
        &self.inner.server.timing
    }

    /// What the peer port really is.
    pub fn local_peer_address(&self) -> &str {
        &self.inner.local_peer_address
    }

    /// Connections closed because what they sent was not the peer protocol.
    pub fn garbage_connections(&self) -> u64 {
        self.inner.server.state.garbage()
    }

    pub(crate) fn settings(&self) -> &RaftSettings {
        &self.inner.settings
    }

    pub(crate) fn member_history(&self) -> &MemberHistory {
        &self.inner.member_history
    }

    pub(crate) fn changing(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.changing
    }

    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.inner.server.tracker
    }

    pub(crate) fn stop_token(&self) -> &CancellationToken {
        &self.inner.server.stop
    }
}
