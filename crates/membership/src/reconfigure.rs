//! Membership changes, one at a time: planned, checked, carried out, and finished when a leader
//! dies half way.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError};
use openraft::storage::RaftStateMachine;
use openraft::{ChangeMembers, Precondition};
use raft_types::snapshot::Snapshot;
use raft_types::{LogId, NodeId, PeerAddress, TypeConfig};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::ReconfigureError;
use crate::raft::Consensus;
use crate::status::{PeerProgress, Status};

pub mod plan;

pub use crate::raft::MemberHistory;
use plan::{Change, Plan, View};

type Members = ChangeMembers<NodeId, PeerAddress>;

/// How a change is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeOptions {
    /// Overrides the refusals that can be overridden.
    pub force: bool,
    /// For the whole change, catching up included.
    pub within: Duration,
}

impl<SM> Consensus<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    /// What `change` would do, without doing it.
    ///
    /// # Errors
    /// [`ReconfigureError::NotLeader`]: only the leader knows who is reachable and caught up.
    pub fn plan(&self, change: &Change) -> Result<Plan, ReconfigureError> {
        self.plan_hearing(change, self.timing().leader_lease())
    }

    /// The same, counting as reachable who was heard of within `recent`.
    fn plan_hearing(&self, change: &Change, recent: Duration) -> Result<Plan, ReconfigureError> {
        let status = self.status();
        if !status.leadership.is_leader() {
            return Err(ReconfigureError::NotLeader {
                leader: status.leadership.leader,
            });
        }
        let history = self.member_history();
        let view = View {
            me: status.node,
            members: &status.members,
            peers: &status.peers,
            heard: Self::heard(&status, recent),
            caught_up_entries: self.settings().caught_up_entries,
            ever_used: &|id| history(id),
        };
        Ok(view.plan(change))
    }

    /// Plans and carries out `change`. Runs in a task of its own: dropping the future does not stop
    /// it half way.
    ///
    /// # Errors
    /// See [`ReconfigureError`]; only `Unknown` may still take effect.
    pub async fn change(
        &self,
        change: Change,
        options: ChangeOptions,
    ) -> Result<Plan, ReconfigureError> {
        let consensus = self.clone();
        let work = async move { consensus.carry_out(change, options).await };
        match self.tracker().spawn(work).await {
            Ok(result) => result,
            Err(error) => Err(ReconfigureError::Unknown(error.to_string())),
        }
    }

    /// How a member gets on; `None` when it is not a member or this node does not lead.
    pub fn progress(&self, id: NodeId) -> Option<PeerProgress> {
        self.status().peers.get(&id).copied()
    }

    /// Waits until member `id` lacks at most `caught_up_entries` entries and answers. Cancel safe.
    ///
    /// # Errors
    /// `NotCaughtUp` when the time is over, `NotLeader` when this node does not lead (any more).
    pub async fn wait_caught_up(
        &self,
        id: NodeId,
        within: Duration,
    ) -> Result<PeerProgress, ReconfigureError> {
        let deadline = Instant::now() + within;
        let mut metrics = self.raft().metrics();
        loop {
            let status = self.status();
            if !status.leadership.is_leader() {
                return Err(ReconfigureError::NotLeader {
                    leader: status.leadership.leader,
                });
            }
            let progress = status.peers.get(&id).copied();
            let enough = self.settings().caught_up_entries;
            if let Some(progress) = progress
                && progress.matched.is_some()
                && progress.lag <= enough
            {
                return Ok(progress);
            }
            let changed = timeout_at(deadline, metrics.changed()).await;
            if !matches!(changed, Ok(Ok(()))) {
                let lag = progress.map(|progress| progress.lag);
                return Err(ReconfigureError::NotCaughtUp {
                    id,
                    lag,
                    waited: within,
                });
            }
        }
    }

    /// A plan that is allowed, or one that is refused for longer than a moment: a leader that was
    /// just elected has not heard of everybody yet, and must not refuse for that. Waits at most the
    /// leader lease.
    async fn settled_plan(
        &self,
        change: &Change,
        force: bool,
        deadline: Instant,
    ) -> Result<Plan, ReconfigureError> {
        let (asked, lease) = (Instant::now(), self.timing().leader_lease());
        let deadline = deadline.min(asked + lease);
        let mut metrics = self.raft().metrics();
        loop {
            // Only who answered since the change was asked for: a voter that died a moment ago
            // still counts within the lease, and its vote would be missing for the change itself.
            let plan = self.plan_hearing(change, asked.elapsed().min(lease))?;
            if plan.is_allowed(force) || !plan.is_allowed(true) {
                return Ok(plan);
            }
            if !matches!(timeout_at(deadline, metrics.changed()).await, Ok(Ok(()))) {
                return Ok(plan);
            }
        }
    }

    async fn carry_out(
        &self,
        change: Change,
        options: ChangeOptions,
    ) -> Result<Plan, ReconfigureError> {
        let deadline = Instant::now() + options.within;
        let Ok(_one_at_a_time) = timeout_at(deadline, self.changing().lock()).await else {
            return Err(ReconfigureError::Conflict);
        };
        let plan = self.settled_plan(&change, options.force, deadline).await?;
        if !plan.is_allowed(options.force) {
            return Err(ReconfigureError::Refused(Box::new(plan)));
        }
        tracing::info!(
            ?change,
            force = options.force,
            voters_before = ?plan.before.voters,
            voters_after = ?plan.after.voters,
            "changing membership"
        );
        let voters = Members::ReplaceAllVoters(plan.after.voters.clone());
        match &change {
            Change::AddLearner { id, address } => {
                let add = Members::AddNodes([(*id, address.clone())].into());
                self.write(add, true, plan.based_on, deadline).await?;
            }
            Change::Promote { .. } | Change::Demote { .. } => {
                self.write(voters, true, plan.based_on, deadline).await?;
            }
            Change::Remove { id } if plan.before.voters.contains(id) => {
                self.write(voters, false, plan.based_on, deadline).await?;
            }
            Change::Remove { id } => {
                let remove = Members::RemoveNodes(BTreeSet::from([*id]));
                self.write(remove, false, plan.based_on, deadline).await?;
            }
            Change::Replace { new, address, .. } => {
                let mut based_on = plan.based_on;
                if !plan.before.learners.contains(new) {
                    let add = Members::AddNodes([(*new, address.clone())].into());
                    based_on = Some(self.write(add, true, based_on, deadline).await?);
                }
                let left = deadline.saturating_duration_since(Instant::now());
                self.wait_caught_up(*new, left).await?;
                self.write(voters, false, based_on, deadline).await?;
            }
        }
        Ok(plan)
    }

    /// Writes one change, unless the membership is no longer the one it was planned on.
    async fn write(
        &self,
        members: Members,
        retain: bool,
        based_on: Option<LogId>,
        deadline: Instant,
    ) -> Result<LogId, ReconfigureError> {
        let unchanged = Precondition::LastMembershipLogId {
            last_membership_log_id: based_on,
        };
        let write = self
            .raft()
            .change_membership_if(members, retain, [unchanged]);
        match timeout_at(deadline, write).await {
            Ok(Ok(written)) => Ok(written.log_id),
            Ok(Err(error)) => Err(self.refused(error, based_on)),
            Err(_) => Err(ReconfigureError::Unknown(
                "no quorum agreed in time".to_owned(),
            )),
        }
    }

    fn refused(
        &self,
        error: RaftError<TypeConfig, ClientWriteError<TypeConfig>>,
        based_on: Option<LogId>,
    ) -> ReconfigureError {
        let error = match error {
            RaftError::APIError(error) => error,
            RaftError::Fatal(fatal) => return ReconfigureError::Unknown(fatal.to_string()),
        };
        match error {
            // The first of two steps may have been written before leadership was lost.
            ClientWriteError::ForwardToLeader(forward)
                if self.status().members.log_id == based_on =>
            {
                ReconfigureError::NotLeader {
                    leader: forward.leader_id,
                }
            }
            error @ (ClientWriteError::ForwardToLeader(_)
            | ClientWriteError::LogEntryDiscarded(_)) => {
                ReconfigureError::Unknown(error.to_string())
            }
            ClientWriteError::ChangeMembershipError(ChangeMembershipError::InProgress(_))
            | ClientWriteError::PreconditionFailed(_) => ReconfigureError::Conflict,
            ClientWriteError::ChangeMembershipError(error) => {
                ReconfigureError::NotApplied(error.to_string())
            }
        }
    }

    /// Members heard of within `recent`, this node included.
    fn heard(status: &Status, recent: Duration) -> BTreeSet<NodeId> {
        let answering = status
            .peers
            .iter()
            .filter(|(_, progress)| progress.ack_age.is_some_and(|age| age <= recent));
        answering.map(|(id, _)| *id).chain([status.node]).collect()
    }

    /// Finishes changes that a dead leader left half way: as long as two configurations are in
    /// force, a quorum of both is needed for everything.
    ///
    /// Those that lose their vote stay as learners, whatever was meant: what was meant is not
    /// recorded, a learner can still be removed, and a removed id never comes back.
    pub(crate) async fn reconcile(self) {
        let mut metrics = self.raft().metrics();
        let stop = self.stop_token().clone();
        loop {
            let status = self.status();
            let half_way = status.leadership.is_leader() && status.members.is_joint();
            if half_way && let Ok(_one_at_a_time) = self.changing().try_lock() {
                let is_finished = self.finish_joint().await;
                // An attempt changes the metrics even if nothing comes of it, as while the first half
                // is not committed yet: waiting for a change alone would be no waiting.
                let pause = self.timing().heartbeat;
                if !is_finished && timeout(pause, stop.cancelled()).await.is_ok() {
                    return;
                }
            }
            // A running change holds the lock and changes the metrics when it is through; the pause
            // covers what changes nothing.
            let changed = timeout(self.timing().election_max, metrics.changed());
            tokio::select! {
                changed = changed => {
                    if matches!(changed, Ok(Err(_))) {
                        return;
                    }
                }
                () = stop.cancelled() => return,
            }
        }
    }

    /// Whether there is nothing left to finish.
    async fn finish_joint(&self) -> bool {
        let status = self.status();
        if !status.leadership.is_leader() || !status.members.is_joint() {
            return true;
        }
        tracing::info!(configs = ?status.members.configs, "finishing a membership change");
        let deadline = Instant::now() + self.timing().append_timeout;
        let nothing_more = Members::AddVoterIds(BTreeSet::new());
        let result = self
            .write(nothing_more, true, status.members.log_id, deadline)
            .await;
        if let Err(error) = &result {
            tracing::info!(%error, "membership change not finished yet");
        }
        result.is_ok()
    }
}
