//! Handing leadership over, and stopping without leaving a gap.

use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::storage::RaftStateMachine;
use raft_types::snapshot::Snapshot;
use raft_types::{NodeId, TypeConfig};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{TransferOutcome, TransferRefusal};
use crate::raft::Consensus;
use crate::status::Status;

/// A successor must have answered within this many heartbeats.
const HEARD_WITHIN_HEARTBEATS: u32 = 3;

impl<SM> Consensus<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    /// Hands leadership to `target`, or to the best voter, and watches what comes of it.
    ///
    /// openraft stops taking writes the moment a transfer is triggered and cannot call it off, so
    /// nothing is triggered before a successor is known to answer and to have the whole log. Under
    /// heavy writes that moment may not come by itself within `within`: pause proposing first.
    /// Cancel safe before the trigger; after it, whoever watches leadership sees the outcome.
    pub async fn transfer(&self, target: Option<NodeId>, within: Duration) -> TransferOutcome {
        let deadline = Instant::now() + within;
        let (successor, term) = match self.successor(target, deadline, within).await {
            Ok(found) => found,
            Err(refusal) => return TransferOutcome::NotTransferred(refusal),
        };
        tracing::info!(successor, term, "handing leadership over");
        if let Err(error) = self.raft().trigger().transfer_leader(successor).await {
            let refusal = TransferRefusal::Halted(error.to_string());
            return TransferOutcome::NotTransferred(refusal);
        }
        self.await_successor(term, deadline).await
    }

    /// Waits for a voter that answers and has everything.
    async fn successor(
        &self,
        target: Option<NodeId>,
        deadline: Instant,
        within: Duration,
    ) -> Result<(NodeId, u64), TransferRefusal> {
        let mut metrics = self.raft().metrics();
        loop {
            let status = self.status();
            if let Some(successor) = self.ready_successor(&status, target)? {
                return Ok((successor, status.leadership.term));
            }
            match timeout_at(deadline, metrics.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(TransferRefusal::Halted(error.to_string())),
                Err(_) => return Err(TransferRefusal::NoneCaughtUp(within)),
            }
        }
    }

    fn ready_successor(
        &self,
        status: &Status,
        target: Option<NodeId>,
    ) -> Result<Option<NodeId>, TransferRefusal> {
        if let Some(halted) = &status.halted {
            return Err(TransferRefusal::Halted(halted.clone()));
        }
        if !status.leadership.is_leader() {
            return Err(TransferRefusal::NotLeader);
        }
        let another = |id: NodeId| id != status.node && status.members.voters.contains(&id);
        if let Some(id) = target.filter(|id| !another(*id)) {
            return Err(TransferRefusal::NotAnotherVoter(id));
        }
        if !status.members.voters.iter().any(|id| another(*id)) {
            return Err(TransferRefusal::NoOtherVoter);
        }
        let heard_within = self
            .timing()
            .heartbeat
            .saturating_mul(HEARD_WITHIN_HEARTBEATS);
        let ready = status.peers.iter().filter(|(id, progress)| {
            another(**id)
                && target.is_none_or(|target| target == **id)
                && progress.lag == 0
                && progress.ack_age.is_some_and(|age| age <= heard_within)
        });
        // The freshest answer: the least likely to have died meanwhile.
        Ok(ready
            .min_by_key(|(_, progress)| progress.ack_age)
            .map(|(id, _)| *id))
    }

    async fn await_successor(&self, term: u64, deadline: Instant) -> TransferOutcome {
        let mut leadership = self.leadership();
        let me = self.node_id();
        let replaced = leadership
            .wait_for(|now| now.term > term && now.leader.is_some_and(|leader| leader != me));
        match timeout_at(deadline, replaced).await {
            Ok(Ok(now)) => match now.leader {
                Some(leader) => TransferOutcome::Transferred {
                    leader,
                    term: now.term,
                },
                None => TransferOutcome::Unknown,
            },
            Ok(Err(_)) | Err(_) => TransferOutcome::Unknown,
        }
    }

    /// Leaves in good order: hands leadership over if this node leads, ends consensus, closes the
    /// peer port and waits for every task of this crate. openraft's own replication tasks hold log
    /// readers and end by themselves a moment later.
    ///
    /// `within` limits the hand-over; the rest takes as long as the tasks under way (a log write
    /// in progress) take. Returns what came of the hand-over, `None` if this node did not lead.
    pub async fn stop(&self, within: Duration) -> Option<TransferOutcome> {
        let leads = self.leadership().borrow().is_leader();
        let outcome = if leads {
            let outcome = self.transfer(None, within).await;
            tracing::info!(?outcome, "leaving the cluster's lead");
            Some(outcome)
        } else {
            None
        };
        self.halt().await;
        outcome
    }

    /// Ends consensus in this process without handing anything over.
    pub async fn halt(&self) {
        // openraft first: peers then see an orderly close instead of a leader that went silent.
        let core = self.raft().shutdown();
        if timeout(self.timing().append_timeout, core).await.is_err() {
            tracing::warn!("consensus did not end in time; its tasks are abandoned");
        }
        self.stop_token().cancel();
        self.tracker().close();
        self.tracker().wait().await;
    }
}
