//! Reads that see everything acknowledged before they began, on any node.
//!
//! One round serves all who wait: while a round is under way newcomers gather for the next one.
//! The leader confirms with a quorum that it still leads (Raft's ReadIndex, thesis section 6.4) and
//! names its commit index; a node that has applied that far is up to date. Lease reads are not
//! used: a restarted voter forgets the lease it gave (decision 12).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use mutant::Mutant;
use openraft::raft::linearizable_read::LinearizerOption;
use parking_lot::Mutex;
use raft_core::ids::Zxid;
use raft_types::NodeId;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use crate::error::ReadError;
use crate::runtime::Runtime;
use crate::wire::{self, ReadIndexAnswer, kind};

/// How current a read must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// It sees every write acknowledged before the read began.
    #[default]
    Linearizable,
    /// What this node has, if a round of the above confirmed it within `max_age`; otherwise such a
    /// round is made. `None`: whatever it has.
    Stale {
        /// Oldest acceptable confirmation.
        max_age: Option<Duration>,
    },
}

/// What a read demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// How current.
    pub consistency: Consistency,
    /// And not before this node has applied that much.
    pub min_zxid: Option<Zxid>,
}

/// A read's value, and which state it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was read.
    pub value: T,
    /// The state's position.
    pub zxid: Zxid,
    /// For stale reads: how long ago this node was last known to be up to date.
    pub age: Option<Duration>,
}

/// Rounds are numbered; a round that began after a waiter arrived covers it.
#[derive(Clone, Copy, Debug, Default)]
struct Rounds {
    begun: u64,
    confirmed: u64,
    confirmed_at: Option<Instant>,
}

/// The coalescing barrier.
#[derive(Debug)]
pub(crate) struct Barrier {
    rounds: watch::Sender<Rounds>,
    wanted: Notify,
    waiters: Mutex<Waiters>,
}

/// Who waits for rounds.
#[derive(Clone, Copy, Debug, Default)]
struct Waiters {
    count: usize,
    /// The latest round one of them came for. Those whose round is confirmed are still counted until they have been
    /// woken; no further round is made for them.
    needed: u64,
}

impl Default for Barrier {
    fn default() -> Self {
        Barrier {
            rounds: watch::Sender::new(Rounds::default()),
            wanted: Notify::new(),
            waiters: Mutex::default(),
        }
    }
}

struct Waiting<'a>(&'a Barrier);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiters.lock().count -= 1;
    }
}

impl Barrier {
    /// Waits until this node's state shows everything acknowledged before the call.
    ///
    /// Cancel safe.
    pub(crate) async fn pass(&self, deadline: Instant) -> Result<(), ReadError> {
        let started = Instant::now();
        let mut rounds = self.rounds.subscribe();
        // A round that has begun may have asked before we came: the next one counts.
        let needed = rounds.borrow().begun.saturating_add(1);
        {
            let mut waiters = self.waiters.lock();
            waiters.count += 1;
            waiters.needed = waiters.needed.max(needed);
        }
        let _waiting = Waiting(self);
        self.wanted.notify_one();
        match timeout_at(deadline, rounds.wait_for(|r| r.confirmed >= needed)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(ReadError::ShuttingDown),
            Err(_) => Err(ReadError::NoLeader {
                waited: started.elapsed(),
            }),
        }
    }

    /// How long ago the last round that was confirmed began.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.rounds.borrow().confirmed_at.map(|at| at.elapsed())
    }

    fn is_wanted(&self) -> bool {
        let waiters = *self.waiters.lock();
        waiters.count > 0 && waiters.needed > self.rounds.borrow().confirmed
    }
}

/// The loop that makes rounds. Runs until the node stops.
pub(crate) async fn run(runtime: Arc<Runtime>) {
    let barrier = &runtime.barrier;
    loop {
        tokio::select! {
            () = runtime.stop.cancelled() => return,
            () = barrier.wanted.notified() => {}
        }
        while barrier.is_wanted() && !runtime.stop.is_cancelled() {
            let began = Instant::now();
            let round = barrier.rounds.borrow().begun.saturating_add(1);
            barrier.rounds.send_modify(|r| r.begun = round);
            if one_round(&runtime).await {
                barrier.rounds.send_modify(|r| {
                    r.confirmed = round;
                    r.confirmed_at = Some(began);
                });
            } else {
                tokio::time::sleep(runtime.settings.retry_interval).await;
            }
        }
    }
}

/// Asks the leader for its commit index and waits until this node has applied it.
async fn one_round(runtime: &Runtime) -> bool {
    let Some(leader) = runtime.consensus().leadership().borrow().leader else {
        return false;
    };
    let index = if leader == runtime.id {
        confirm_leadership(runtime).await
    } else {
        ask_leader(runtime, leader).await
    };
    let Some(index) = index else { return false };
    let mut applied = runtime.replica.watch_applied();
    let caught_up = applied.wait_for(|applied| applied.index() >= index);
    tokio::time::timeout(runtime.settings.peer_call_timeout, caught_up)
        .await
        .is_ok_and(|waited| waited.is_ok())
}

/// On the leader: a quorum confirms that it still leads, asked after this call began. Gives the
/// index up to which a state must be applied to show everything acknowledged before.
pub(crate) async fn confirm_leadership(runtime: &Runtime) -> Option<u64> {
    if mutant::is(Mutant::LeaderReadsAlone) {
        let leads = runtime.leading_term().is_some();
        return leads.then(|| runtime.replica.applied().index());
    }
    let read_index = LinearizerOption::new(Some(Duration::ZERO), true)
        .with_wait_timeout(runtime.settings.peer_call_timeout);
    let linearizer = runtime
        .consensus()
        .raft()
        .get_read_linearizer(read_index)
        .await
        .ok()?;
    Some(linearizer.read_log_id().log_id().index)
}

async fn ask_leader(runtime: &Runtime, leader: NodeId) -> Option<u64> {
    let within = runtime.settings.peer_call_timeout;
    let peers = runtime.consensus().peers();
    let answer = peers
        .call(leader, kind::READ_INDEX, Bytes::new(), within)
        .await
        .ok()?;
    match wire::decode(&answer)? {
        ReadIndexAnswer::Index(index) => Some(index),
        ReadIndexAnswer::NotLeader => None,
    }
}

impl Runtime {
    /// Waits until a read with these options may look at the local state; gives the age of that
    /// state where a stale one was accepted.
    pub(crate) async fn ready_to_read(
        &self,
        options: ReadOptions,
        deadline: Instant,
    ) -> Result<Option<Duration>, ReadError> {
        let age = match options.consistency {
            Consistency::Linearizable if mutant::is(Mutant::StaleRead) => None,
            Consistency::Linearizable
                if mutant::is(Mutant::ReadBeforeReplay) && self.is_replaying() =>
            {
                None
            }
            Consistency::Linearizable => {
                self.barrier.pass(deadline).await?;
                None
            }
            Consistency::Stale { max_age } => {
                let age = self.barrier.age();
                match (max_age, age) {
                    (None, age) => age,
                    (Some(max), Some(age)) if age <= max => Some(age),
                    (Some(_), _) => {
                        self.barrier.pass(deadline).await?;
                        self.barrier.age()
                    }
                }
            }
        };
        if let Some(wanted) = options.min_zxid {
            self.await_zxid(wanted, deadline).await?;
        }
        Ok(age)
    }

    /// `m03`: no leader was heard of since the start, or nothing of the present term is applied yet.
    fn is_replaying(&self) -> bool {
        let leadership = self.leadership();
        match leadership.leader {
            Some(_) => self.replica.applied().term() < leadership.term,
            None => self.barrier.age().is_none(),
        }
    }

    /// Waits until this node has applied the command at `wanted`.
    pub(crate) async fn await_zxid(
        &self,
        wanted: Zxid,
        deadline: Instant,
    ) -> Result<(), ReadError> {
        let started = Instant::now();
        let mut applied = self.replica.watch_applied();
        let waited =
            timeout_at(deadline, applied.wait_for(|a| a.zxid >= wanted)).map(|r| r.is_ok());
        if waited.await {
            return Ok(());
        }
        let applied = self.replica.applied().zxid;
        Err(ReadError::NotCaughtUp {
            applied,
            wanted,
            waited: started.elapsed(),
        })
    }
}
