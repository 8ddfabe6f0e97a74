//! The transition function: one request in, one outcome out.
//!
//! The order of checks decides what a client sees, so it stands here in one place: remembered
//! answer, bounds of the request, acting session, fences, and then the command itself.

mod acquire;
mod answer;
mod barrier;
mod claim;
mod configure;
mod counter;
mod due;
mod election;
mod fence_register;
mod grant;
mod group;
mod members;
mod multi;
mod planted;
mod queue;
mod quota;
mod restore;
mod room;
mod service;
mod session;
mod signing_key;
mod subtree;
mod tree;
mod txn;
mod znode;

use std::collections::BTreeMap;

use mutant::Mutant;

use crate::acl::{self, Identity};
use crate::command::{Command, FenceGuard, Moment, Request, SessionRef, Stamp, TermGuard};
use crate::event::{Event, EventKind};
use crate::ids::{BarrierName, CandidateId, ElectionName, SessionId, ZnodePath, Zxid};
use crate::limits;
use crate::outcome::{Outcome, OverQuota, Refusal, Reply};
use crate::query::session::SessionStatus;
use crate::state::State;

/// One command being applied: the state, and what it has changed so far.
pub(crate) struct Step<'a> {
    /// The state, changed in place. Undone by assignment where several changes stand or fall
    /// together.
    pub(crate) state: &'a mut State,
    /// This command's position and time.
    pub(crate) now: Moment,
    /// The acting session, checked to be live.
    pub(crate) session: Option<SessionId>,
    /// Who asks.
    pub(crate) identities: &'a [Identity],
    /// What changed so far, in order.
    pub(crate) events: Vec<EventKind>,
    /// Soft limits of quotas that were exceeded so far.
    pub(crate) over_quota: Vec<OverQuota>,
    /// Znodes that were looked at so far to set quotas.
    pub(crate) counted: u64,
    /// Elections whose leader has gone, each with who is to lead next if somebody was named.
    pub(crate) leaderless: BTreeMap<ElectionName, Option<CandidateId>>,
    /// Barriers into which something came (`true`), or out of which something only went.
    pub(crate) touched_barriers: BTreeMap<BarrierName, bool>,
    /// Items that came back without being acknowledged, each with why.
    pub(crate) returned_items: BTreeMap<ZnodePath, Option<String>>,
}

impl State {
    /// Applies one request of the log. Takes exactly one zxid, also when it refuses.
    ///
    /// A refusal changes nothing but the clock and, with an idempotency key, the remembered answer
    /// (I-7). The same requests with the same stamps give the same outcomes and the same state on
    /// every replica (I-9).
    ///
    /// # Panics
    /// When an invariant is broken: going on would fork the replicas.
    pub fn apply(&mut self, stamp: Stamp, request: &Request) -> Outcome {
        let now = self.advance(stamp);
        if let Some(outcome) = request
            .idempotency
            .as_ref()
            .and_then(|key| self.recall(now, key))
        {
            return outcome;
        }
        let before = self.table_digests();
        let mut step = Step::new(self, now, &request.identities);
        let result = step.run(request);
        let Step {
            session,
            events,
            mut over_quota,
            ..
        } = step;
        match &result {
            Ok(_) => self.note_activity(session),
            Err(_) if mutant::is(Mutant::TxnNotAtomic) => {}
            Err(refusal) => {
                over_quota.clear();
                assert!(
                    events.is_empty(),
                    "I-7: {refusal} came with events {events:?}"
                );
                let after = self.table_digests();
                assert!(
                    before == after,
                    "I-7: {refusal} changed {before:?} to {after:?}"
                );
            }
        }
        if let Some(key) = &request.idempotency {
            self.remember(now, key, &result);
        }
        Outcome {
            moment: now,
            result,
            replayed: false,
            events: numbered(now, session, events),
            over_quota,
        }
    }

    /// The next position, with the stamp clamped so that no time goes back (I-1).
    fn advance(&mut self, stamp: Stamp) -> Moment {
        let former = self.clock;
        let zxid = Zxid(former.zxid.0.saturating_add(1));
        assert!(
            former.zxid < zxid,
            "I-1: {zxid} does not follow {}",
            former.zxid
        );
        self.clock = Moment {
            zxid,
            log_time: former.log_time.max(stamp.log_time),
            wall: former.wall.max(stamp.wall),
        };
        self.clock
    }

    /// Counts an accepted command of a session, unless the command ended it.
    fn note_activity(&mut self, session: Option<SessionId>) {
        if let Some(id) = session {
            self.sessions.update(&id, |session| {
                session.activity = session.activity.saturating_add(1);
            });
        }
    }
}

impl<'a> Step<'a> {
    /// Nothing has changed yet, and nobody acts.
    pub(crate) fn new(state: &'a mut State, now: Moment, identities: &'a [Identity]) -> Step<'a> {
        Step {
            state,
            now,
            session: None,
            identities,
            events: Vec::new(),
            over_quota: Vec::new(),
            counted: 0,
            leaderless: BTreeMap::new(),
            touched_barriers: BTreeMap::new(),
            returned_items: BTreeMap::new(),
        }
    }
}

impl Step<'_> {
    fn run(&mut self, request: &Request) -> Result<Reply, Refusal> {
        check_bounds(request)?;
        if let Some(session) = &request.session {
            match self.live_session(session) {
                Ok(session) => self.session = Some(session),
                Err(refusal) => return self.of_ended_session(&request.command, refusal),
            }
        }
        for FenceGuard { lock, fence } in &request.fences {
            self.state.verify(lock, *fence)?;
        }
        for TermGuard { election, term } in &request.terms {
            self.state.verify_term(election, *term)?;
        }
        let reply = self.dispatch(&request.command)?;
        self.settle_elections();
        self.settle_barriers();
        self.settle_queues();
        Ok(reply)
    }

    #[expect(
        clippy::too_many_lines,
        reason = "a flat match, one arm for each command"
    )]
    fn dispatch(&mut self, command: &Command) -> Result<Reply, Refusal> {
        match command {
            Command::OpenSession(open) => self.open_session(open),
            Command::CloseSession(session) => self.close_session(session),
            Command::ExpireSession(expire) => self.expire_session(expire),
            Command::Znode(op) => self.znode_op(op).map(Reply::Znode),
            Command::Multi(ops) => self.multi(ops).map(Reply::Multi),
            Command::Txn(txn) => self.txn(txn),
            Command::DeleteSubtree { path, max } => self
                .delete_subtree(path, *max)
                .map(|count| Reply::SubtreeDeleted { count }),
            Command::ConfigureLock {
                lock,
                settings,
                expect,
            } => self.configure_lock(lock, settings, *expect),
            Command::Acquire(acquire) => self.acquire(acquire),
            Command::AcquireAll(ask) => self.acquire_all(ask),
            Command::AcknowledgeGrant { lock, claim } => self.acknowledge_grant(lock, claim),
            Command::ExtendClaim {
                lock,
                claim,
                ttl_ms,
                reason,
            } => self.extend_claim(lock, claim, *ttl_ms, reason.as_deref()),
            Command::ReleaseClaim { lock, claim } => self
                .release_claim(lock, claim)
                .map(|ended| Reply::ClaimEnded(Box::new(ended))),
            Command::BreakClaim {
                lock,
                fence,
                reason,
            } => self.break_claim(lock, *fence, reason),
            Command::ExpireDue => self.expire_due(),
            Command::AttachSession {
                session,
                password,
                timeout_ms,
                host,
            } => self.attach_session(*session, password, *timeout_ms, host.as_deref()),
            Command::Restore(step) => self.restore(step),
            Command::AnnounceClients { node, address } => {
                self.announce_clients(*node, address.as_deref())
            }
            Command::PublishMembers => self.publish_members(),
            Command::Campaign(campaign) => self.campaign(campaign),
            Command::Resign {
                election,
                candidate,
            } => self.resign(election, candidate),
            Command::TransferLeadership(ask) => self.transfer_leadership(ask),
            Command::AddToCounter { counter, delta } => self.add_to_counter(counter, *delta),
            Command::AdvanceFence { resource, fence } => self.advance_fence(resource, *fence),
            Command::ForgetFence { resource } => self.forget_fence(resource),
            Command::JoinGroup(join) => self.join_group(join),
            Command::LeaveGroup { group, member } => self.leave_group(group, member),
            Command::EnterBarrier(enter) => self.enter_barrier(enter),
            Command::LeaveBarrier { barrier, party } => self.leave_barrier(barrier, party),
            Command::RequestRelease(ask) => self.request_release(ask),
            Command::AnswerRelease {
                lock,
                claim,
                needs_ms,
            } => self.answer_release(lock, claim, *needs_ms),
            Command::Service(command) => self.service_op(command).map(Reply::Service),
            Command::PublishSigningKey {
                node,
                key,
                lifetime_ms,
            } => self.publish_signing_key(*node, *key, *lifetime_ms),
            Command::ReplaceSigningKeys { node } => self.replace_signing_keys(*node),
            Command::RevokeSigningKey { key } => self.revoke_signing_key(*key),
            Command::PutItem(put) => self.put_item(put),
            Command::TakeItems { queue, most } => self.take_items(queue, *most),
            Command::AckItem(delivery) => self.ack_item(delivery),
            Command::GiveBackItem(give) => self.give_back_item(give),
            Command::ConfigureQueue { queue, settings } => self.configure_queue(queue, *settings),
            Command::Redrive { queue, item, most } => self.redrive(queue, item.as_ref(), *most),
        }
    }

    /// The live session named, or why it cannot act.
    pub(crate) fn live_session(&self, session: &SessionRef) -> Result<SessionId, Refusal> {
        match self.state.session(session) {
            SessionStatus::Live(live) => match session {
                SessionRef::Attached(id, attached) if *attached != live.attached => {
                    Err(Refusal::SessionMoved { session: *id })
                }
                SessionRef::Attached(..) | SessionRef::Id(_) | SessionRef::Name(_) => Ok(live.id),
            },
            SessionStatus::Ended(ended) => Err(Refusal::SessionEnded(Box::new(ended.clone()))),
            SessionStatus::Unknown => Err(Refusal::NoSession {
                session: match session {
                    SessionRef::Id(id) | SessionRef::Attached(id, _) => id.to_string(),
                    SessionRef::Name(name) => name.to_string(),
                },
            }),
        }
    }

    /// Does several changes that stand or fall together: when `change` refuses, state and events
    /// are as before. Costs a clone of the state, which is O(1), and the sharing it brings: every
    /// tree node touched afterwards is copied once. Not for the hot path.
    pub(crate) fn all_or_nothing<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let state = self.state.clone();
        let events = self.events.len();
        let result = change(self);
        if result.is_err() && !mutant::is(Mutant::TxnNotAtomic) {
            *self.state = state;
            self.events.truncate(events);
        }
        result
    }
}

/// Bounds that hold for every request, whatever it asks.
fn check_bounds(request: &Request) -> Result<(), Refusal> {
    acl::check_identities(&request.identities)?;
    let guards = request.fences.len().saturating_add(request.terms.len());
    if guards > limits::GUARDS_PER_REQUEST_MAX {
        return Err(Refusal::limit(
            "fences and terms per request",
            limits::GUARDS_PER_REQUEST_MAX as u64,
        ));
    }
    match &request.idempotency {
        Some(key) if key.key.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX => Err(Refusal::limit(
            "bytes per idempotency key",
            limits::IDEMPOTENCY_KEY_BYTES_MAX as u64,
        )),
        Some(_) | None => Ok(()),
    }
}

/// The events of one command, in order (I-8).
fn numbered(moment: Moment, by: Option<SessionId>, kinds: Vec<EventKind>) -> Vec<Event> {
    let count = kinds.len();
    let events = kinds.into_iter().zip(0_u32..).enumerate();
    events
        .map(|(index, (kind, ordinal))| Event {
            moment,
            ordinal,
            last: index.saturating_add(1) == count,
            by,
            kind,
        })
        .collect()
}
