//! Starting and stopping a node.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use membership::peer::network::PeerNetwork;
use membership::{Consensus, FoundError, Founded, RaftSettings, Timing, TransferOutcome};
use openraft::storage::RaftLogStorage;
use raft_core::state::State;
use raft_types::seam::{Clock, Entropy, offload};
use raft_types::snapshot::{SnapshotMeta, SnapshotStore};
use raft_types::{ClusterId, NodeId, PeerAddress, TypeConfig};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::Admission;
use crate::ahead::Ahead;
use crate::caught_up::{self, CaughtUp};
use crate::dry_run::DryRuns;
use crate::events::{EventLog, RingLimits};
use crate::inbox::Inbox;
use crate::log_growth::{self, LogGrowth};
use crate::metrics::{ApplyMetrics, Metrics};
use crate::overruled::drop_overruled;
use crate::pending::Pending;
use crate::renewals::Renewals;
use crate::replica::{Replica, ReplicaStart};
use crate::runtime::Runtime;
use crate::service::Service;
use crate::settings::NodeSettings;
use crate::signing::{self, Signer, Signing};
use crate::state_machine::{StateMachine, restore};
use crate::{
    Node, TransferError, TransferReport, audit, health_checks, keep_alive, proposer, publish, read,
    session_clock,
};

/// What a node is made of.
pub struct StartOptions<LS> {
    /// This node.
    pub id: NodeId,
    /// Its cluster.
    pub cluster: ClusterId,
    /// `host:port` to listen on for peers.
    pub peer_listen: String,
    /// `host:port` where ZooKeeper clients reach this node; `None`: it has no such port.
    pub clients: Option<String>,
    /// Times of consensus.
    pub timing: Timing,
    /// Sizes and counts of consensus.
    pub raft: RaftSettings,
    /// Limits and times of the runtime.
    pub settings: NodeSettings,
    /// Log, vote and markers.
    pub log_store: LS,
    /// Snapshots.
    pub snapshots: Arc<dyn SnapshotStore>,
    /// How peers are reached.
    pub network: Arc<dyn PeerNetwork>,
    /// Clocks.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// How it signs fence tokens; `None`: it signs none.
    pub signing: Option<Signing>,
}

/// Why a node did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The current snapshot cannot be read; the error names the file.
    #[error("restore the current snapshot")]
    Snapshot(#[source] io::Error),
    /// The log cannot be read, or what a snapshot overruled of it cannot be removed.
    #[error("read the log")]
    Log(#[source] io::Error),
    /// The node's own key cannot be read; the error says what to do.
    #[error("read the signing key")]
    SigningKey(#[source] io::Error),
    /// Consensus did not start.
    #[error("start consensus")]
    Consensus(#[from] membership::StartError),
}

impl Node {
    /// Starts a node: restores its snapshot, recovers its log, opens its peer port. Whether it
    /// belongs to a cluster yet is another question: see [`Node::found`].
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start<LS>(mut options: StartOptions<LS>) -> Result<Node, StartError>
    where
        LS: RaftLogStorage<TypeConfig>,
    {
        let restored = restore_current(&options.snapshots).await?;
        drop_overruled(&mut options.log_store, restored.meta.last_log_id)
            .await
            .map_err(StartError::Log)?;
        let signing = options.signing.take();
        let signer = offload(move || Signer::open(signing)).await;
        let signer = signer.and_then(|opened| opened);
        let signer = signer.map_err(StartError::SigningKey)?;
        let runtime = Arc::new(assemble(&options, restored, signer));
        let history = Arc::clone(&runtime.replica);
        let consensus = Consensus::start(membership::StartOptions {
            node_id: options.id,
            cluster_id: options.cluster,
            listen: options.peer_listen,
            timing: options.timing,
            settings: options.raft,
            log_store: options.log_store,
            state_machine: StateMachine::new(
                Arc::clone(&runtime.replica),
                Arc::clone(&options.snapshots),
                Arc::clone(&runtime.log_growth),
            ),
            snapshots: options.snapshots,
            network: options.network,
            service: Arc::new(Service {
                runtime: Arc::downgrade(&runtime),
            }),
            entropy: options.entropy,
            member_history: Arc::new(move |id| history.read(|s| s.is_retired_member(id))),
        })
        .await?;
        // Nobody else sets it; a second value could only come from a second start.
        let _ = runtime.consensus.set(consensus);
        runtime.tasks.spawn(proposer::run(Arc::clone(&runtime)));
        runtime.tasks.spawn(read::run(Arc::clone(&runtime)));
        runtime.tasks.spawn(caught_up::run(Arc::clone(&runtime)));
        runtime.tasks.spawn(keep_alive::run(Arc::clone(&runtime)));
        runtime
            .tasks
            .spawn(session_clock::run(Arc::clone(&runtime)));
        if runtime.settings.service_checks {
            runtime
                .tasks
                .spawn(health_checks::run(Arc::clone(&runtime)));
        }
        runtime.tasks.spawn(log_growth::run(Arc::clone(&runtime)));
        runtime.tasks.spawn(audit::run(Arc::clone(&runtime)));
        runtime.tasks.spawn(publish::announce(Arc::clone(&runtime)));
        runtime.tasks.spawn(publish::publish(Arc::clone(&runtime)));
        runtime.tasks.spawn(signing::run(Arc::clone(&runtime)));
        Ok(Node { runtime })
    }

    /// Founds the cluster with all its voters at once; harmless where it was founded before.
    ///
    /// # Errors
    /// See [`FoundError`].
    pub async fn found(
        &self,
        members: BTreeMap<NodeId, PeerAddress>,
    ) -> Result<Founded, FoundError> {
        self.runtime.consensus().found(members).await
    }

    /// What the peer port really is.
    #[must_use]
    pub fn peer_address(&self) -> String {
        self.runtime.consensus().local_peer_address().to_owned()
    }

    /// Resolves with the reason when consensus has ended by itself: the process should exit.
    pub async fn halted(&self) -> String {
        self.runtime.consensus().halted().await
    }

    /// Tells the doors and their streams to end: the first step of stopping.
    pub fn drain(&self) {
        self.runtime.draining.cancel();
    }

    /// If this node leads, hands leadership over; requests under way go on through the new leader.
    /// `None` when it did not lead.
    pub async fn hand_over(
        &self,
        within: Duration,
    ) -> Option<Result<TransferReport, TransferError>> {
        if !self.runtime.leadership().is_leader() {
            return None;
        }
        Some(self.transfer_leadership(None, within).await)
    }

    /// Stops: hands leadership over, ends every task. The log store is free afterwards. `within`
    /// limits the hand-over.
    pub async fn stop(&self, within: Duration) -> Option<TransferOutcome> {
        let runtime = &self.runtime;
        runtime.draining.cancel();
        runtime
            .holding_back
            .store(true, std::sync::atomic::Ordering::SeqCst);
        let outcome = runtime.consensus().stop(within).await;
        runtime.stop.cancel();
        runtime.pending.close();
        runtime.tasks.close();
        runtime.tasks.wait().await;
        outcome
    }
}

/// What a node begins with.
#[derive(Default)]
struct Restored {
    state: State,
    meta: SnapshotMeta,
    /// Bytes of the snapshot.
    bytes: u64,
}

async fn restore_current(snapshots: &Arc<dyn SnapshotStore>) -> Result<Restored, StartError> {
    let snapshots = Arc::clone(snapshots);
    let restored = offload(move || -> io::Result<Restored> {
        let Some(snapshot) = snapshots.current()? else {
            return Ok(Restored::default());
        };
        Ok(Restored {
            state: restore(&snapshot)?,
            meta: snapshot.meta().clone(),
            bytes: snapshot.content_len(),
        })
    });
    let restored = restored.await.map_err(StartError::Snapshot)?;
    restored.map_err(StartError::Snapshot)
}

fn assemble<LS>(options: &StartOptions<LS>, restored: Restored, signer: Signer) -> Runtime {
    let Restored { state, meta, bytes } = restored;
    let settings = options.settings.clone();
    let incarnation = options.entropy.next_u64();
    let apply_metrics = Arc::new(ApplyMetrics::default());
    let pending = Arc::new(Pending::default());
    let limits = RingLimits {
        commits: settings.event_commits_max,
        bytes: settings.event_bytes_max,
    };
    let replica = Replica::new(ReplicaStart {
        node: options.id,
        incarnation,
        events: EventLog::new(state.last_zxid(), limits),
        state,
        log_id: meta.last_log_id,
        membership: meta.last_membership,
        pending: Arc::clone(&pending),
        metrics: Arc::clone(&apply_metrics),
    });
    Runtime {
        id: options.id,
        cluster: options.cluster,
        incarnation,
        clock: Arc::clone(&options.clock),
        entropy: Arc::clone(&options.entropy),
        replica: Arc::new(replica),
        snapshots: Arc::clone(&options.snapshots),
        pending,
        ahead: Ahead::default(),
        inbox: Inbox::new(settings.forwarded_queue_max),
        admission: Admission::new(&settings),
        barrier: read::Barrier::default(),
        dry_runs: DryRuns::default(),
        caught_up: CaughtUp::default(),
        keep_alives: keep_alive::KeepAlives::default(),
        renewals: Renewals::default(),
        session_clock: session_clock::SessionClock::default(),
        leader_clock: crate::leader_clock::LeaderClock::default(),
        audit: audit::Verdict::default(),
        log_growth: Arc::new(LogGrowth::new(settings.snapshot_log_bytes, bytes)),
        metrics: Metrics::new(&apply_metrics),
        consensus: OnceLock::new(),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
        draining: CancellationToken::new(),
        holding_back: AtomicBool::new(false),
        signer,
        clients: options.clients.clone(),
        reconfiguring: AtomicBool::new(false),
        reconfigured: Notify::new(),
        settings,
    }
}
