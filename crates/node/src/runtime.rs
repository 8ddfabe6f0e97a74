//! Everything one node's tasks share. Each part guards itself; nothing here is locked as a whole.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use membership::{Consensus, Leadership};
use raft_core::command::Stamp;
use raft_core::state::State;
use raft_types::seam::{Clock, Entropy};
use raft_types::snapshot::SnapshotStore;
use raft_types::{ClusterId, NodeId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::Admission;
use crate::ahead::Ahead;
use crate::audit::Verdict;
use crate::caught_up::CaughtUp;
use crate::dry_run::DryRuns;
use crate::events::EventStream;
use crate::inbox::Inbox;
use crate::keep_alive::KeepAlives;
use crate::leader_clock::{self, LeaderClock};
use crate::log_growth::LogGrowth;
use crate::metrics::Metrics;
use crate::pending::Pending;
use crate::read::Barrier;
use crate::renewals::Renewals;
use crate::replica::Replica;
use crate::session_clock::SessionClock;
use crate::settings::NodeSettings;
use crate::signing::Signer;
use crate::state_machine::StateMachine;

/// See the module.
pub(crate) struct Runtime {
    pub(crate) id: NodeId,
    pub(crate) cluster: ClusterId,
    pub(crate) incarnation: u64,
    pub(crate) settings: NodeSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) replica: Arc<Replica>,
    pub(crate) snapshots: Arc<dyn SnapshotStore>,
    pub(crate) pending: Arc<Pending>,
    /// Of a planted bug; empty in every other build.
    pub(crate) ahead: Ahead,
    pub(crate) inbox: Inbox,
    pub(crate) admission: Admission,
    pub(crate) barrier: Barrier,
    pub(crate) dry_runs: DryRuns,
    pub(crate) caught_up: CaughtUp,
    pub(crate) keep_alives: KeepAlives,
    pub(crate) renewals: Renewals,
    pub(crate) session_clock: SessionClock,
    pub(crate) leader_clock: LeaderClock,
    pub(crate) audit: Verdict,
    pub(crate) log_growth: Arc<LogGrowth>,
    pub(crate) metrics: Metrics,
    /// Set once, before any task starts: consensus needs our service, and the service consensus.
    pub(crate) consensus: OnceLock<Consensus<StateMachine>>,
    /// Set while this leader looks for a successor: nothing new is written.
    pub(crate) holding_back: AtomicBool,
    /// This node's own key pairs.
    pub(crate) signer: Signer,
    /// Where this node's ZooKeeper clients reach it.
    pub(crate) clients: Option<String>,
    /// Set while a reconfiguration runs here: what ZooKeeper clients are told of it waits for its end.
    pub(crate) reconfiguring: AtomicBool,
    /// Its end.
    pub(crate) reconfigured: Notify,
    pub(crate) tasks: TaskTracker,
    /// Ends the tasks.
    pub(crate) stop: CancellationToken,
    /// Tells the doors that the node is about to stop.
    pub(crate) draining: CancellationToken,
}

impl Runtime {
    /// The consensus handle.
    ///
    /// # Panics
    /// Before [`Node::start`](crate::Node::start) has set it; nothing runs before that.
    #[expect(clippy::expect_used, reason = "set before the first task is spawned")]
    pub(crate) fn consensus(&self) -> &Consensus<StateMachine> {
        self.consensus
            .get()
            .expect("consensus is set before any task starts")
    }

    pub(crate) fn leadership(&self) -> Leadership {
        *self.consensus().leadership().borrow()
    }

    /// The term this node leads, once it has applied an entry of it: then its state shows
    /// everything that earlier leaders committed.
    pub(crate) fn leading_term(&self) -> Option<u64> {
        let leadership = self.leadership();
        let leads = leadership.is_leader() && leadership.leader == Some(self.id);
        (leads && self.replica.applied().term() == leadership.term).then_some(leadership.term)
    }

    /// Waits until this node leads, in the sense of [`leading_term`](Self::leading_term). `None`: it stops first.
    pub(crate) async fn await_leading(&self) -> Option<u64> {
        let mut leadership = self.consensus().leadership();
        let mut applied = self.replica.watch_applied();
        while !self.stop.is_cancelled() {
            leadership.mark_unchanged();
            applied.mark_unchanged();
            if let Some(term) = self.leading_term() {
                return Some(term);
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                changed = leadership.changed() => changed.ok()?,
                changed = applied.changed() => changed.ok()?,
            }
        }
        None
    }

    /// Waits until this node no longer leads `term`.
    pub(crate) async fn await_not_leading(&self, term: u64) {
        let mut leadership = self.consensus().leadership();
        loop {
            leadership.mark_unchanged();
            if self.leading_term() != Some(term) || leadership.changed().await.is_err() {
                return;
            }
        }
    }

    /// The time by which sessions end: of this node, monotonic.
    pub(crate) fn session_time(&self) -> Duration {
        leader_clock::session_time(&*self.clock)
    }

    /// The stamp of an entry this leader writes now.
    pub(crate) fn stamp(&self, term: u64) -> Stamp {
        let taken_over = || self.replica.read(State::log_time);
        self.leader_clock.stamp(term, &*self.clock, taken_over)
    }

    /// Whether a deadline of the state has passed.
    pub(crate) fn is_something_due(&self, term: u64) -> bool {
        let due = self.replica.read(State::next_due);
        due.is_some_and(|due| due <= self.stamp(term).log_time)
    }

    /// The state, and a stream that goes on exactly after it.
    pub(crate) fn state_and_events(&self) -> (State, EventStream) {
        self.replica
            .read_with(|state, events| (state.clone(), events.stream_from(state.last_zxid())))
    }
}
