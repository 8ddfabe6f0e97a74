//! This node's copy of the state, with everything that changes together with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mutant::Mutant;
use parking_lot::{Mutex, RwLock};
use raft_core::codec::Batch;
use raft_core::command::{Command, Moment, Request, RestoreStep};
use raft_core::event::Event;
use raft_core::ids::Zxid;
use raft_core::members::Member;
use raft_core::outcome::{Outcome, Reply};
use raft_core::state::State;
use raft_types::{LogId, Membership, NodeId, PeerAddress, StoredMembership};
use tokio::sync::watch;

use crate::claim_waiters::ClaimWaiters;
use crate::deadlocks::Deadlocks;
use crate::digests::Digests;
use crate::events::EventLog;
use crate::metrics::ApplyMetrics;
use crate::pending::Pending;
use crate::quota_log::QuotaLog;
use crate::replay::decode;

/// How far this node has applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// The last applied log entry.
    pub(crate) log_id: Option<LogId>,
    /// The last applied command.
    pub(crate) zxid: Zxid,
}

impl Applied {
    /// Term of the last applied entry; 0 before any.
    pub(crate) fn term(&self) -> u64 {
        self.log_id.as_ref().map_or(0, |id| *id.leader_id)
    }

    /// Index of the last applied entry; 0 before any.
    pub(crate) fn index(&self) -> u64 {
        self.log_id.as_ref().map_or(0, |id| id.index)
    }
}

/// Shared by apply (which writes) and by everybody who reads.
pub(crate) struct Replica {
    pub(crate) node: NodeId,
    pub(crate) incarnation: u64,
    state: RwLock<State>,
    membership: Mutex<StoredMembership>,
    applied: watch::Sender<Applied>,
    pub(crate) events: Arc<EventLog>,
    pub(crate) waiters: ClaimWaiters,
    pub(crate) pending: Arc<Pending>,
    pub(crate) digests: Digests,
    pub(crate) metrics: Arc<ApplyMetrics>,
    quota_log: QuotaLog,
    pub(crate) deadlocks: Deadlocks,
}

/// What a replica starts from.
pub(crate) struct ReplicaStart {
    pub(crate) node: NodeId,
    pub(crate) incarnation: u64,
    pub(crate) state: State,
    pub(crate) log_id: Option<LogId>,
    pub(crate) membership: StoredMembership,
    pub(crate) events: Arc<EventLog>,
    pub(crate) pending: Arc<Pending>,
    pub(crate) metrics: Arc<ApplyMetrics>,
}

/// The bytes of a committed entry cannot be applied. Going on would fork the replicas: the node
/// stops.
#[derive(Debug, thiserror::Error)]
#[error(
    "entry {index} cannot be decoded ({cause}); it was written by a newer version or the log is damaged: \
         do not start this node again before it is upgraded or its data directory checked with `holdfast doctor`"
)]
pub(crate) struct Undecodable {
    pub(crate) index: u64,
    pub(crate) cause: String,
}

/// What a command leaves to be told.
struct Told {
    moment: Moment,
    events: Vec<Event>,
    /// Everything was replaced: no list of events says how.
    restored: bool,
}

/// The members as the state is told of them.
pub(crate) fn members_in(membership: &Membership) -> BTreeMap<NodeId, Member> {
    let voters: BTreeSet<NodeId> = membership.voter_ids().collect();
    let member = |(id, address): (&NodeId, &PeerAddress)| {
        let member = Member {
            voter: voters.contains(id),
            peer: address.peer.clone(),
            api: address.api.clone(),
        };
        (*id, member)
    };
    membership.nodes().map(member).collect()
}

fn finishes_a_restore(request: &Request) -> bool {
    matches!(
        request.command,
        Command::Restore(RestoreStep::Finish { .. })
    )
}

impl Replica {
    pub(crate) fn new(start: ReplicaStart) -> Replica {
        let applied = Applied {
            log_id: start.log_id,
            zxid: start.state.last_zxid(),
        };
        Replica {
            node: start.node,
            incarnation: start.incarnation,
            state: RwLock::new(start.state),
            membership: Mutex::new(start.membership),
            applied: watch::Sender::new(applied),
            events: start.events,
            waiters: ClaimWaiters::default(),
            pending: start.pending,
            digests: Digests::default(),
            metrics: start.metrics,
            quota_log: QuotaLog::default(),
            deadlocks: Deadlocks::default(),
        }
    }

    /// Reads the state under a shared lock: keep it short, use [`Replica::state`] for long scans.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.read())
    }

    /// The state as it is now; O(1).
    pub(crate) fn state(&self) -> State {
        self.state.read().clone()
    }

    /// Reads the state and something that must fit it exactly, such as the head of the event log.
    pub(crate) fn read_with<T>(&self, read: impl FnOnce(&State, &Arc<EventLog>) -> T) -> T {
        read(&self.state.read(), &self.events)
    }

    pub(crate) fn applied(&self) -> Applied {
        self.applied.borrow().clone()
    }

    pub(crate) fn watch_applied(&self) -> watch::Receiver<Applied> {
        self.applied.subscribe()
    }

    pub(crate) fn membership(&self) -> StoredMembership {
        self.membership.lock().clone()
    }

    /// Where in the log the applied membership stands.
    pub(crate) fn membership_log_id(&self) -> Option<LogId> {
        *self.membership.lock().log_id()
    }

    /// Applies a batch of commands: state and events under one write lock, then the answers.
    ///
    /// The last step of a restore may take seconds. It is applied to a copy (O(1) to make), so that
    /// nobody who reads the state meanwhile has to wait, and the copy takes the state's place.
    /// Apply alone changes the state, so none of it is lost.
    pub(crate) fn apply_batch(
        &self,
        log_id: LogId,
        bytes: &bytes::Bytes,
    ) -> Result<(), Undecodable> {
        let (batch, requests) = decode(log_id.index, bytes)?;
        let mut answers: Vec<(u64, Outcome)> = Vec::new();
        let mut former = None;
        let state = if requests.iter().any(finishes_a_restore) {
            let mut copy = self.state();
            let told: Vec<Told> = requests
                .iter()
                .map(|request| self.step(&mut copy, &batch, request, &mut answers))
                .collect();
            let mut state = self.state.write();
            former = Some(std::mem::replace(&mut *state, copy));
            told.into_iter().for_each(|told| self.tell(told));
            state
        } else {
            let mut state = self.state.write();
            for request in &requests {
                let told = self.step(&mut state, &batch, request, &mut answers);
                self.tell(told);
            }
            state
        };
        let zxid = state.last_zxid();
        self.events.announce(zxid);
        self.digests.note(log_id.index, zxid, || state.digest());
        drop(state);
        self.advance(log_id, zxid);
        for (sequence, outcome) in answers {
            // By the node that was asked: not by every replica, and not again when it starts anew and
            // applies its log.
            self.quota_log.note(&outcome);
            self.pending.complete(sequence, outcome);
        }
        // Freeing a large state takes time, too: after everybody has an answer.
        drop(former);
        Ok(())
    }

    /// Applies one command to `state`.
    fn step(
        &self,
        state: &mut State,
        batch: &Batch,
        request: &Request,
        answers: &mut Vec<(u64, Outcome)>,
    ) -> Told {
        let mut outcome = state.apply(batch.stamp, request);
        self.metrics.command_applied(outcome.result.is_ok());
        self.deadlocks.note(state, &outcome);
        let told = Told {
            moment: Moment {
                zxid: state.last_zxid(),
                ..outcome.moment
            },
            // The answer needs no events; they live in the event log.
            events: std::mem::take(&mut outcome.events),
            restored: matches!(outcome.result, Ok(Reply::Restored(_))),
        };
        if self.is_ours(request) {
            answers.push((request.id.sequence, outcome));
        }
        told
    }

    /// Tells streams and waiters, while the state cannot be read.
    fn tell(&self, told: Told) {
        if told.restored {
            self.events.reset(told.moment.zxid);
            self.waiters.signal_all();
            return;
        }
        for event in &told.events {
            self.waiters.signal(&event.kind);
        }
        self.events.push(told.moment, told.events);
    }

    fn is_ours(&self, request: &Request) -> bool {
        request.id.origin == self.node && request.id.incarnation == self.incarnation
    }

    /// Applies an entry that carries no commands.
    pub(crate) fn apply_blank(&self, log_id: LogId) {
        if mutant::is(Mutant::LocksForgotten) {
            self.state.write().forget_claims();
        }
        let zxid = self.read(State::last_zxid);
        self.advance(log_id, zxid);
    }

    /// Applies a change of membership.
    pub(crate) fn apply_membership(&self, log_id: LogId, membership: StoredMembership) {
        let members = members_in(membership.membership());
        let zxid = {
            let mut state = self.state.write();
            state.note_members(&members);
            // Under the same lock: whoever compares digests must see which membership is in one.
            *self.membership.lock() = membership;
            state.last_zxid()
        };
        self.advance(log_id, zxid);
    }

    fn advance(&self, log_id: LogId, zxid: Zxid) {
        let former_term = self.applied.borrow().term();
        let applied = Applied {
            log_id: Some(log_id),
            zxid,
        };
        // Before anybody may send under the new term: what was sent under an earlier one comes first
        // again, so that the requests of one caller stay in the order it made them.
        let entered = applied.term() > former_term;
        if entered {
            self.pending.entered_term(applied.term());
        }
        self.applied.send_replace(applied);
        if entered {
            self.pending.work.notify_one();
        }
    }

    /// Replaces everything by a snapshot.
    pub(crate) fn install(
        &self,
        state: State,
        log_id: Option<LogId>,
        membership: StoredMembership,
    ) {
        let zxid = state.last_zxid();
        {
            let mut current = self.state.write();
            *current = state;
            *self.membership.lock() = membership;
            self.events.reset(zxid);
        }
        self.pending.skipped();
        let term = {
            let applied = Applied { log_id, zxid };
            let term = applied.term();
            self.applied.send_replace(applied);
            term
        };
        self.pending.entered_term(term);
        self.waiters.signal_all();
    }
}
