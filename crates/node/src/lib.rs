//! The runtime around the pure core: what both doors call.
//!
//! A [`Node`] takes drafts of commands and gives outcomes, answers reads as current as asked for,
//! keeps sessions alive and expires them, and hands out events in order. It knows neither HTTP nor
//! ZooKeeper's protocol nor RocksDB; consensus comes from `membership`, disk through traits of
//! `raft-types`, meaning from `raft-core`.
//!
//! Reading order, along the way of a write: [`proposal`] (a draft becomes a numbered request),
//! `pending` (what is known of it), `proposer` (requests become a log entry), `state_machine` and
//! `replica` (entries are applied, events published, callers answered). Beside it: `read`,
//! `keep_alive` and `session_clock`, `events`, `members`, `reconfigure`, `publish`, `signing`, `status`, and
//! `replay` (a log applied away from any cluster). `OVERVIEW.md` has the drawing.

mod admission;
mod ahead;
mod audit;
mod caught_up;
mod claim_waiters;
mod deadlocks;
mod digests;
mod dry_run;
mod error;
mod events;
mod health_checks;
mod inbox;
mod keep_alive;
mod leader_clock;
mod log_growth;
mod members;
mod members_known;
mod metrics;
mod overruled;
mod pending;
mod proposal;
mod proposer;
mod publish;
mod quota_log;
mod read;
mod reconfigure;
mod renewals;
mod replay;
mod replica;
mod restore;
mod runtime;
mod service;
mod session_clock;
mod settings;
mod signing;
mod snapshot_end;
mod snapshots;
mod start;
mod state_machine;
mod status;
mod subtrees;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use raft_core::dry_run::DryRun;
use raft_core::ids::{ClaimId, LockName, SessionId, Zxid};
use raft_core::outcome::Outcome;
use raft_core::state::State;
use raft_types::seam::{Clock, Entropy};
use raft_types::{ClusterId, NodeId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use admission::PROPOSALS;
pub use audit::Divergence;
pub use deadlocks::{DEADLOCKS_KEPT_MAX, Deadlock, LOCK_ORDERS_MAX, LockOrder, Waiting, beginning};
pub use dry_run::DryRunError;
pub use error::{NotApplied, ProposeError, ReadError, Unknown};
pub use events::{Commit, EventId, EventStream, HistoryGone};
pub use keep_alive::KeepAlive;
pub use members::{
    ChangeError, MemberChange, MemberChangeReport, Quorum, TransferError, TransferReport,
};
pub use members_known::{FollowerLimits, KnownMember};
pub use metrics::{EntrySizes, Metrics};
pub use proposal::{AcquireOutcome, ClaimStanding, Draft};
pub use read::{Answer, Consistency, ReadOptions};
pub use reconfigure::{Reconfiguration, ReconfigureFailure, WantedMember};
pub use replay::{Content, NotDecoded, Replay, Replayed};
pub use restore::RestoreFailure;
pub use settings::NodeSettings;
pub use signing::{KeyStore, Signing};
pub use snapshot_end::SnapshotEnd;
pub use snapshots::{KeptSnapshot, SnapshotError, SnapshotInfo};
pub use start::{StartError, StartOptions};
pub use state_machine::{SnapshotBuilder, StateMachine};
pub use status::{Check, ClusterStatus, MemberStatus, NodeStatus, Role};
pub use subtrees::{Subtree, Subtrees, SubtreesAsked, SubtreesNotInTime, subtrees};

use runtime::Runtime;

/// One running node. Cheap to clone; the node stops by [`Node::stop`], not by dropping.
#[derive(Clone)]
pub struct Node {
    runtime: Arc<Runtime>,
}

impl Node {
    /// This node's id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.runtime.id
    }

    /// The cluster it belongs to.
    #[must_use]
    pub fn cluster_id(&self) -> ClusterId {
        self.runtime.cluster
    }

    /// Random number of this start of the process.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.runtime.incarnation
    }

    /// Randomness for ids that the door makes.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.runtime.entropy
    }

    /// This node's clocks.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.runtime.clock
    }

    /// Proposes a command and waits for its outcome, at most `deadline`. Works on every node;
    /// survives a change of leader as long as the deadline allows, without being applied twice.
    ///
    /// Not cancel safe: a dropped call may or may not have happened.
    ///
    /// # Errors
    /// [`ProposeError::NotApplied`] when it certainly did not happen, [`ProposeError::Unknown`]
    /// when it may have. A refusal by the state is an `Ok` outcome: it is definite.
    pub async fn propose(&self, draft: Draft, deadline: Duration) -> Result<Outcome, ProposeError> {
        self.runtime.propose(draft, deadline).await
    }

    /// Proposes an acquire and then waits up to `wait` for the claim to be granted or to end. A
    /// grant that is told this way is picked up, by commit; one whose caller went away is not.
    ///
    /// # Errors
    /// As [`Node::propose`], for the proposal; [`ProposeError::Unknown`] also when the lock was
    /// handed over and nobody could confirm in time that this was picked up.
    pub async fn acquire(
        &self,
        draft: Draft,
        wait: Duration,
        deadline: Duration,
    ) -> Result<AcquireOutcome, ProposeError> {
        self.runtime.acquire(draft, wait, deadline).await
    }

    /// What a command would do, found out on a copy of the state: `tell` sees the state before and
    /// after, and what would come of the command. Nothing changes, the log takes no entry, an
    /// idempotency key is left out. Off the async workers, and a few at a time; `tell` runs there.
    /// Cancel safe.
    ///
    /// # Errors
    /// As [`Node::query`], and when this node has too many dry runs to compute. What the state would
    /// refuse is no error: it is in the outcome.
    pub async fn dry_run<T: Send + 'static>(
        &self,
        draft: Draft,
        options: ReadOptions,
        deadline: Duration,
        tell: impl FnOnce(&DryRun) -> T + Send + 'static,
    ) -> Result<Answer<T>, DryRunError> {
        let until = Instant::now() + deadline;
        self.runtime.dry_run(draft, options, until, tell).await
    }

    /// Waits until a claim holds or has ended, at most `wait`; looks at the local state only, and
    /// says at which position. Cancel safe.
    pub async fn await_claim(
        &self,
        lock: &LockName,
        claim: &ClaimId,
        wait: Duration,
    ) -> (ClaimStanding, Zxid) {
        self.runtime
            .await_claim(lock, claim, Instant::now() + wait)
            .await
    }

    /// Reads the state as current as `options` demand. `read` runs under a shared lock: keep it
    /// short, and use [`Node::state`] afterwards for long scans. Cancel safe.
    ///
    /// # Errors
    /// When nobody could confirm in time that the state is current enough. Nothing happened.
    pub async fn query<T>(
        &self,
        options: ReadOptions,
        deadline: Duration,
        read: impl FnOnce(&State) -> T,
    ) -> Result<Answer<T>, ReadError> {
        let age = self
            .runtime
            .ready_to_read(options, Instant::now() + deadline)
            .await?;
        let (value, zxid) = self
            .runtime
            .replica
            .read(|state| (read(state), state.last_zxid()));
        Ok(Answer { value, zxid, age })
    }

    /// Reads the local state as it is.
    pub fn peek<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        self.runtime.replica.read(read)
    }

    /// Waits that were refused because they would never have ended, newest first; those that this node has
    /// applied since it started.
    #[must_use]
    pub fn deadlocks(&self) -> Vec<Deadlock> {
        self.runtime.replica.deadlocks.refused()
    }

    /// Beginnings of names of locks that are taken in both orders, as this node has seen since it started:
    /// of each pair the more usual order first.
    #[must_use]
    pub fn lock_order_conflicts(&self) -> Vec<(LockOrder, LockOrder)> {
        self.runtime.replica.deadlocks.conflicts()
    }

    /// How often a lock like `other` was asked for while one like `one` was held, and the other way round.
    #[must_use]
    pub fn lock_orders_of(&self, one: &LockName, other: &LockName) -> (u64, u64) {
        self.runtime.replica.deadlocks.orders_of(one, other)
    }

    /// The local state as it is, for long scans. O(1).
    #[must_use]
    pub fn state(&self) -> State {
        self.runtime.replica.state()
    }

    /// Position of the last applied command.
    #[must_use]
    pub fn applied(&self) -> Zxid {
        self.runtime.replica.applied().zxid
    }

    /// Takes signs of life and confirms them with the leader and a quorum. Cancel safe.
    ///
    /// # Errors
    /// When no leader confirmed in time; then nothing is promised.
    pub async fn keep_alive(
        &self,
        sessions: Vec<SessionId>,
        deadline: Duration,
    ) -> Result<Vec<KeepAlive>, ReadError> {
        self.runtime.keep_alive(sessions, deadline).await
    }

    /// When a session was last renewed through this node with the confirmation of leader and quorum, if that was a
    /// moment ago: from then on nobody will expire it for its whole timeout.
    #[must_use]
    pub fn last_renewed(&self, session: SessionId) -> Option<tokio::time::Instant> {
        self.runtime.renewals.last(session)
    }

    /// A sign of life nobody waits for.
    pub fn touch(&self, session: SessionId) {
        self.runtime.keep_alives.touch(session);
    }

    /// On the leader: how long ago a session was last heard of.
    #[must_use]
    pub fn session_contact(&self, session: SessionId) -> Option<Duration> {
        let now = self.runtime.session_time();
        self.runtime.session_clock.contact(now, session)
    }

    /// On the leader: sessions in order of their numbers, and how long each may still be silent; at
    /// most `limit` of those after `after`. Signs of life wait while this looks: keep pieces small.
    #[must_use]
    pub fn session_time_left(
        &self,
        after: Option<SessionId>,
        limit: usize,
    ) -> Option<Vec<(SessionId, Duration)>> {
        let now = self.runtime.session_time();
        self.runtime.session_clock.time_left(now, after, limit)
    }

    /// On the leader: how long it has led.
    #[must_use]
    pub fn leading_for(&self) -> Option<Duration> {
        let now = self.runtime.session_time();
        self.runtime.session_clock.leading_for(now)
    }

    /// Events after a position.
    ///
    /// # Errors
    /// When some of them are no longer in this node's memory.
    pub fn events_after(&self, after: EventId) -> Result<EventStream, HistoryGone> {
        self.runtime.replica.events.stream(after)
    }

    /// Waits until this node has applied the command at `zxid`; a stream resumed on a node that
    /// lags must not begin before that. Cancel safe.
    ///
    /// # Errors
    /// When it did not get there in time.
    pub async fn await_applied(&self, zxid: Zxid, deadline: Duration) -> Result<(), ReadError> {
        self.runtime
            .await_zxid(zxid, Instant::now() + deadline)
            .await
    }

    /// Events from now on.
    #[must_use]
    pub fn events_from_now(&self) -> EventStream {
        self.runtime.state_and_events().1
    }

    /// The state, and the events that follow exactly after it.
    #[must_use]
    pub fn state_and_events(&self) -> (State, EventStream) {
        self.runtime.state_and_events()
    }

    /// What consensus knows of itself at this moment.
    #[must_use]
    pub fn consensus_status(&self) -> membership::Status {
        self.runtime.consensus().status()
    }

    /// What this node counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.runtime.metrics
    }

    /// Fires when the node is about to stop: streams say so to their clients and end.
    #[must_use]
    pub fn shutting_down(&self) -> CancellationToken {
        self.runtime.draining.clone()
    }
}
