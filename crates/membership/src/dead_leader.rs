//! The shortcut of decision 17: a leader whose process died is replaced without waiting for its
//! lease to run out.
//!
//! # What is seen, and what it proves
//! When a process dies its kernel closes its sockets, so every follower sees its connections end.
//! That alone proves nothing (a connection may be reset by anything in between), so the follower
//! asks at once whether the process is still there, by connecting to its peer port:
//! - connection refused: the host answers and nothing listens. The process is gone.
//! - a welcome with another incarnation: it was restarted. openraft is configured never to restore
//!   leadership (`enable_leader_restore: false`), so the new process cannot lead the old term.
//! - a welcome with the same incarnation: it lives. Nothing happens.
//! - anything else (a timeout above all): nothing is known, and the lease decides as ever. A cut
//!   link looks like this, so the shortcut does not make partitions any more disruptive.
//!
//! # What is done with it
//! openraft refuses votes and pre-votes while a leader's lease lasts, here and at the other
//! followers. Each follower that has its *own* proof voids the lease of exactly that leader and term
//! through openraft's public handler for leader transfers (`Raft::handle_transfer_leader` with a
//! successor that is not this node: it compares the vote and drops the lease, nothing more; see
//! `RaftMsg::HandleTransferLeader` in openraft's `core/raft_core.rs`). Then it holds an ordinary
//! pre-vote (`Raft::trigger().elect(true)`), the lowest id first, the others a heartbeat apart, so
//! that they do not split the vote. A follower without proof still refuses, so one mistaken node
//! deposes nobody: a quorum has to have seen the leader die.
//!
//! # Why it is safe
//! Raft's safety rests on persisted votes and the up-to-date check, which are untouched. The lease
//! only protects a working leader from disturbance, plus openraft's `LeaseRead` and its admission
//! of writes. `LeaseRead` is forbidden here (decision 12); admission is advisory, since a write
//! still needs a quorum. And the process whose lease is voided does not exist any more.
//!
//! If the proof was wrong after all (something on the way answers with a reset for a living
//! process, for a quorum of followers), a working leader is replaced by an ordinary election: a hiccup, no loss.
//! The voided lease of that one follower stays void until the next term.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openraft::Raft;
use openraft::async_runtime::WatchReceiver;
use openraft::raft::TransferLeaderRequest;
use openraft::storage::RaftStateMachine;
use raft_types::snapshot::Snapshot;
use raft_types::{NodeId, TypeConfig, Vote};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::peer::Lane;
use crate::peer::gone::PeerGone;
use crate::peer::pool::{DialError, PeerPool};
use crate::peer::wire::hello::Identity;
use crate::timing::Timing;

/// Between two probes while the dying process's port still accepts: its sockets are closed one
/// after the other.
const PROBE_PAUSE: Duration = Duration::from_millis(5);
/// Lets the other followers find out as well before the first campaign.
const SETTLE: Duration = Duration::from_millis(10);
/// Campaigns per dead leader; after them the ordinary timers are left to it.
const CAMPAIGNS_MAX: u32 = 5;

/// A leader that replicated to this node.
#[derive(Clone, Copy, Debug)]
struct LeaderSeen {
    /// Its vote.
    vote: Vote,
    /// Which process it was.
    incarnation: u64,
    /// The last time.
    at: Instant,
}

/// What this node itself has seen of the current leader.
pub(crate) struct Evidence {
    seen: Mutex<Option<LeaderSeen>>,
    /// True while the death of the leader is being looked into.
    probing: watch::Sender<bool>,
    settle_within: Duration,
}

impl Evidence {
    pub(crate) fn new(timing: &Timing) -> Self {
        Evidence {
            seen: Mutex::default(),
            probing: watch::Sender::new(false),
            settle_within: timing.heartbeat,
        }
    }

    /// Notes who leads; called for every AppendEntries.
    pub(crate) fn leader_seen(&self, from: Identity, vote: &Vote) {
        if !vote.committed || vote.leader_id.voted_for != from.node {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Late messages of an older term must not hide the current one.
        let older = seen.is_some_and(|known| vote.leader_id.term < known.vote.leader_id.term);
        if !older {
            *seen = Some(LeaderSeen {
                vote: *vote,
                incarnation: from.incarnation,
                at: Instant::now(),
            });
        }
    }

    fn was_led_by(&self, vote: &Vote, incarnation: u64) -> bool {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_some_and(|seen| seen.vote == *vote && seen.incarnation == incarnation)
    }

    /// How long ago the leader of this term was last heard of; `None`: never.
    pub(crate) fn silence_of(&self, term: u64) -> Option<Duration> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.filter(|seen| seen.vote.leader_id.term == term)?;
        Some(seen.at.elapsed())
    }

    /// Waits while the leader's death is being looked into, at most a heartbeat.
    pub(crate) async fn settled(&self) {
        let mut probing = self.probing.subscribe();
        let settled = probing.wait_for(|probing| !probing);
        let _ = timeout(self.settle_within, settled).await;
    }
}

/// What connecting to a process shows that is closing its sockets.
const CLOSED_WHILE_GREETING: [io::ErrorKind; 4] = [
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::UnexpectedEof,
];

/// Looks into ended connections and campaigns when the leader's process is gone.
pub(crate) struct DeadLeaderWatch<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    pub(crate) raft: Raft<TypeConfig, SM>,
    pub(crate) pool: Arc<PeerPool>,
    pub(crate) evidence: Arc<Evidence>,
    pub(crate) stop: CancellationToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Dead,
    Alive,
    Inconclusive,
}

impl<SM> DeadLeaderWatch<SM>
where
    SM: RaftStateMachine<TypeConfig, SnapshotData = Snapshot>,
{
    /// Runs until stopped.
    pub(crate) async fn run(self, mut reports: mpsc::Receiver<PeerGone>) {
        let work = async {
            while let Some(gone) = reports.recv().await {
                self.look_into(gone).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn look_into(&self, gone: PeerGone) {
        let Some(vote) = self.suspicious(gone) else {
            return;
        };
        self.evidence.probing.send_replace(true);
        let verdict = self.probe(gone).await;
        if verdict == Verdict::Dead {
            self.void_lease(vote).await;
        }
        self.evidence.probing.send_replace(false);
        tracing::debug!(
            leader = gone.node,
            ?verdict,
            "a connection of the leader ended"
        );
        if verdict == Verdict::Dead {
            self.campaign(vote).await;
        }
    }

    /// The vote of the leader whose connection ended, if this node may replace it.
    fn suspicious(&self, gone: PeerGone) -> Option<Vote> {
        let me = self.pool.me.node;
        let vote = self.current_vote();
        let leads = vote.committed && vote.leader_id.voted_for == gone.node && gone.node != me;
        let is_voter = self.raft.voter_ids().any(|id| id == me);
        (leads && is_voter && self.evidence.was_led_by(&vote, gone.incarnation)).then_some(vote)
    }

    fn current_vote(&self) -> Vote {
        self.raft.metrics().borrow_watched().vote
    }

    /// Is the process still there? Takes at most a heartbeat interval.
    async fn probe(&self, gone: PeerGone) -> Verdict {
        let deadline = Instant::now() + self.pool.timing.heartbeat;
        let probing = async {
            loop {
                match self.probe_once(gone).await {
                    Some(verdict) => return verdict,
                    None => tokio::time::sleep(PROBE_PAUSE).await,
                }
            }
        };
        timeout_at(deadline, probing)
            .await
            .unwrap_or(Verdict::Inconclusive)
    }

    /// `None`: it accepted and then closed; it may be dying right now.
    async fn probe_once(&self, gone: PeerGone) -> Option<Verdict> {
        match self.pool.open(gone.node, Lane::Control).await {
            Ok(opened) if opened.peer.incarnation == gone.incarnation => Some(Verdict::Alive),
            Ok(_) => Some(Verdict::Dead),
            Err(DialError::Unreachable {
                kind: io::ErrorKind::ConnectionRefused,
                ..
            }) => Some(Verdict::Dead),
            Err(DialError::Unreachable { kind, .. }) if CLOSED_WHILE_GREETING.contains(&kind) => {
                None
            }
            Err(
                DialError::Unreachable { .. }
                | DialError::UnknownPeer(_)
                | DialError::TimedOut { .. }
                | DialError::WrongPeer { .. }
                | DialError::Stopping,
            ) => Some(Verdict::Inconclusive),
        }
    }

    /// Ends the lease of exactly this leader in exactly this term.
    async fn void_lease(&self, vote: Vote) {
        let dead = vote.leader_id.voted_for;
        // The successor named is the dead node itself: "not this node" is all that matters, it
        // keeps openraft from campaigning without a pre-vote.
        let request = TransferLeaderRequest::new(vote, dead, None);
        if let Err(error) = self.raft.handle_transfer_leader(request).await {
            tracing::debug!(%error, "lease of the dead leader not voided");
        }
    }

    async fn campaign(&self, vote: Vote) {
        let dead = vote.leader_id.voted_for;
        let me = self.pool.me.node;
        let survivors: Vec<NodeId> = self.raft.voter_ids().filter(|id| *id != dead).collect();
        let rank = survivors.iter().filter(|id| **id < me).count();
        let heartbeat = self.pool.timing.heartbeat;
        let slots = |count: usize| heartbeat.saturating_mul(u32::try_from(count).unwrap_or(1));
        let (term, leader) = (vote.leader_id.term, dead);
        tracing::info!(
            term,
            leader,
            rank,
            "the leader's process is gone; not waiting for its lease"
        );
        let mut delay = SETTLE.saturating_add(slots(rank));
        for _ in 0..CAMPAIGNS_MAX {
            if self.replaced_within(vote, delay).await {
                return;
            }
            if self.raft.trigger().elect(true).await.is_err() {
                return;
            }
            // Everybody's next turn comes after everybody's first.
            delay = slots(survivors.len().max(1));
        }
    }

    /// Whether another vote than that of the dead leader is known before `delay` is over.
    async fn replaced_within(&self, vote: Vote, delay: Duration) -> bool {
        let mut metrics = self.raft.server_metrics();
        let replaced = async {
            loop {
                if self.current_vote() != vote {
                    return;
                }
                if metrics.changed().await.is_err() {
                    return;
                }
            }
        };
        timeout(delay, replaced).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft_types::{ClusterId, LeaderId};

    fn vote(term: u64, node: u64, committed: bool) -> Vote {
        Vote {
            leader_id: LeaderId {
                term,
                voted_for: node,
            },
            committed,
        }
    }

    fn process(node: u64, incarnation: u64) -> Identity {
        Identity {
            cluster: ClusterId(1),
            node,
            incarnation,
        }
    }

    #[test]
    fn only_the_process_that_led_this_very_term_counts() {
        let evidence = Evidence::new(&Timing::default());
        evidence.leader_seen(process(1, 10), &vote(3, 1, true));
        assert!(evidence.was_led_by(&vote(3, 1, true), 10));
        assert!(!evidence.was_led_by(&vote(3, 1, true), 11));
        assert!(!evidence.was_led_by(&vote(4, 1, true), 10));

        // A late message of an older term and a relayed vote change nothing.
        evidence.leader_seen(process(2, 20), &vote(2, 2, true));
        evidence.leader_seen(process(2, 20), &vote(5, 1, true));
        evidence.leader_seen(process(1, 10), &vote(5, 1, false));
        assert!(evidence.was_led_by(&vote(3, 1, true), 10));

        evidence.leader_seen(process(1, 12), &vote(6, 1, true));
        assert!(!evidence.was_led_by(&vote(3, 1, true), 10));
        assert!(evidence.was_led_by(&vote(6, 1, true), 12));
    }
}
