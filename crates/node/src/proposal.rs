//! Proposing: from a draft to an outcome, a "did not happen", or an "unknown".

use std::time::Duration;

use bytes::Bytes;
use raft_core::acl::Identity;
use raft_core::codec::{self, EncodeError};
use raft_core::command::{
    Command, FenceGuard, IdempotencyKey, Request, RequestId, SessionRef, TermGuard,
};
use raft_core::ids::{ClaimId, LockName, Zxid};
use raft_core::lock::{ClaimState, EndedClaim};
use raft_core::outcome::{ClaimReply, Outcome, Reply};
use raft_core::query::lock::ClaimStatus;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{NotApplied, ProposeError, Unknown};
use crate::pending::{Fate, GaveUp};
use crate::runtime::Runtime;

/// A request before it has a number: what a door knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who asks.
    pub identities: Vec<Identity>,
    /// The session they act for.
    pub session: Option<SessionRef>,
    /// Holds that must still stand.
    pub fences: Vec<FenceGuard>,
    /// Leaderships that must still last.
    pub terms: Vec<TermGuard>,
    /// Makes it repeatable.
    pub idempotency: Option<IdempotencyKey>,
    /// What is asked.
    pub command: Command,
}

impl Draft {
    /// A command of the system itself.
    pub(crate) fn internal(command: Command) -> Draft {
        Draft {
            identities: Vec::new(),
            session: None,
            fences: Vec::new(),
            terms: Vec::new(),
            idempotency: None,
            command,
        }
    }

    pub(crate) fn numbered(self, id: RequestId) -> Request {
        let Draft {
            identities,
            session,
            fences,
            terms,
            idempotency,
            command,
        } = self;
        Request {
            id,
            identities,
            session,
            fences,
            terms,
            idempotency,
            command,
        }
    }
}

/// How an acquire ended within the time its request was willing to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "returned once and taken apart at once"
)]
pub enum AcquireOutcome {
    /// The command decided it at once: held, or refused.
    Decided(Outcome),
    /// Still in the queue.
    Waiting(Box<ClaimReply>, Zxid),
    /// Granted while the request waited; where it has to be picked up, that this was done is committed.
    Granted(Box<ClaimReply>, Zxid),
    /// Ended while the request waited.
    Ended(Box<EndedClaim>, Zxid),
}

/// How a claim stands, as a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimStanding {
    /// In the queue or holding.
    Live(Box<ClaimReply>),
    /// Ended, and remembered.
    Ended(Box<EndedClaim>),
    /// Not known.
    Unknown,
}

/// Gives the place up when the caller goes away.
struct Place<'a> {
    runtime: &'a Runtime,
    sequence: u64,
    settled: bool,
}

impl Place<'_> {
    fn give_up(mut self) -> GaveUp {
        self.settled = true;
        self.runtime.pending.give_up(self.sequence)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.runtime.pending.give_up(self.sequence);
        }
    }
}

impl Runtime {
    /// See [`Node::propose`](crate::Node::propose).
    pub(crate) async fn propose(
        &self,
        draft: Draft,
        deadline: Duration,
    ) -> Result<Outcome, ProposeError> {
        let mut permit = self.admission.admit()?;
        let started = Instant::now();
        let (sequence, bytes, answer) = self.register(None, draft)?;
        let place = Place {
            runtime: self,
            sequence,
            settled: false,
        };
        self.admission.admit_bytes(&mut permit, bytes)?;
        let fate = timeout(deadline, answer).await;
        let waited = started.elapsed();
        self.conclude(place, fate.ok(), waited)
    }

    /// Proposes for the time of one term only, past the admission of clients: the system's own
    /// expiries must get through when clients fill the node.
    pub(crate) async fn propose_in_term(
        &self,
        term: u64,
        draft: Draft,
    ) -> Result<Outcome, ProposeError> {
        let started = Instant::now();
        let (sequence, _, answer) = self.register(Some(term), draft)?;
        let place = Place {
            runtime: self,
            sequence,
            settled: false,
        };
        let fate = answer.await;
        self.conclude(place, Some(fate), started.elapsed())
    }

    fn register(
        &self,
        bound: Option<u64>,
        draft: Draft,
    ) -> Result<(u64, usize, oneshot::Receiver<Fate>), NotApplied> {
        let mut size = 0;
        let encode = |sequence| -> Result<Bytes, NotApplied> {
            let bytes = codec::encode_request(&draft.numbered(self.request_id(sequence)));
            let bytes =
                bytes.map_err(
                    |EncodeError::TooLarge { limit, length }| NotApplied::TooLarge {
                        limit,
                        actual: length,
                    },
                )?;
            size = bytes.len();
            Ok(bytes)
        };
        match self.pending.register(bound, encode)? {
            Some((sequence, answer)) => Ok((sequence, size, answer)),
            None => Err(NotApplied::ShuttingDown),
        }
    }

    fn conclude(
        &self,
        mut place: Place<'_>,
        fate: Option<Result<Fate, oneshot::error::RecvError>>,
        waited: Duration,
    ) -> Result<Outcome, ProposeError> {
        let request = self.request_id(place.sequence);
        let unknown = |why| {
            ProposeError::Unknown(Unknown {
                request,
                waited,
                why,
            })
        };
        match fate {
            Some(Ok(Fate::Applied(outcome))) => {
                place.settled = true;
                Ok(*outcome)
            }
            Some(Ok(Fate::Skipped)) => Err(unknown(
                "this node took over a snapshot that may contain it",
            )),
            Some(Ok(Fate::Dropped)) => Err(NotApplied::ShuttingDown.into()),
            Some(Err(_)) => Err(unknown("this node is shutting down")),
            None => match place.give_up() {
                GaveUp::NeverSent => Err(NotApplied::NoLeader { waited }.into()),
                GaveUp::MaybeSent => Err(unknown(
                    "a leader may have taken it, and no quorum answered in time",
                )),
            },
        }
    }

    /// See [`Node::acquire`](crate::Node::acquire).
    pub(crate) async fn acquire(
        &self,
        draft: Draft,
        wait: Duration,
        deadline: Duration,
    ) -> Result<AcquireOutcome, ProposeError> {
        let Some((lock, claim)) = draft.command.claim_asked_for() else {
            let outcome = self.propose(draft, deadline).await?;
            return Ok(AcquireOutcome::Decided(outcome));
        };
        let (lock, claim) = (lock.clone(), claim.clone());
        let again = draft.clone();
        let until = Instant::now() + wait;
        let answer_by = until + deadline;
        let outcome = self.propose(draft, deadline).await?;
        let waiting = match &outcome.result {
            Ok(Reply::Claim(reply)) if !reply.claim.is_held() => reply.clone(),
            Ok(_) | Err(_) => return Ok(AcquireOutcome::Decided(outcome)),
        };
        let (standing, zxid) = self.await_claim(&lock, &claim, until).await;
        match standing {
            ClaimStanding::Live(reply) if must_be_picked_up(&reply) => {
                self.pick_up(again, &reply, answer_by).await
            }
            ClaimStanding::Live(reply) if reply.claim.is_held() => {
                Ok(AcquireOutcome::Granted(reply, zxid))
            }
            ClaimStanding::Live(reply) => Ok(AcquireOutcome::Waiting(reply, zxid)),
            ClaimStanding::Ended(ended) => Ok(AcquireOutcome::Ended(ended, zxid)),
            // Not remembered any more: what is known of it is where it stood when it queued.
            ClaimStanding::Unknown => Ok(AcquireOutcome::Waiting(waiting, outcome.moment.zxid)),
        }
    }

    /// Waits until a claim holds or has ended, or until `until`. Gives the position of the state
    /// it was seen in.
    ///
    /// Cancel safe.
    pub(crate) async fn await_claim(
        &self,
        lock: &LockName,
        claim: &ClaimId,
        until: Instant,
    ) -> (ClaimStanding, Zxid) {
        let waiter = self.replica.waiters.register(lock, claim);
        loop {
            let mut wake = std::pin::pin!(waiter.wake().notified());
            // From here on a change is not missed, so the look comes after.
            wake.as_mut().enable();
            let seen = self.standing(lock, claim);
            let waits = matches!(&seen.0, ClaimStanding::Live(reply) if !reply.claim.is_held());
            if !waits {
                return seen;
            }
            if timeout_at(until, wake).await.is_err() {
                return self.standing(lock, claim);
            }
        }
    }

    /// How a claim stands in the local state, and the position of that state: from one look, so
    /// that nobody is told a position whose effects were not seen.
    fn standing(&self, lock: &LockName, claim: &ClaimId) -> (ClaimStanding, Zxid) {
        self.replica.read(|state| {
            let standing = match state.claim(lock, claim) {
                ClaimStatus::Live(view) => ClaimStanding::Live(Box::new(ClaimReply {
                    claim: view.claim.clone(),
                    created: false,
                    position: view.position,
                    holders: view.holders,
                    waiters: view.waiters,
                })),
                ClaimStatus::Ended(ended) => ClaimStanding::Ended(Box::new(ended.clone())),
                ClaimStatus::Unknown => ClaimStanding::Unknown,
            };
            (standing, state.last_zxid())
        })
    }

    /// Tells the state that the hand-over was picked up by the request that waited for it, and
    /// answers that request only when this is committed (P-LOCK, P-SESS).
    ///
    /// Answering first and telling the state behind it saves one commit per hand-over, but when this
    /// node dies or is cut off in between, a client that was told `held` loses the lock after
    /// `ack_within`. A `safe_ms` that ends there would not help: the client renews its session,
    /// which then is safe for its whole timeout, and a session says nothing of one hold.
    ///
    /// Where it cannot be committed in time the answer is "unknown": the claim may be held, and a
    /// repeat of the acquire picks it up.
    async fn pick_up(
        &self,
        draft: Draft,
        reply: &ClaimReply,
        answer_by: Instant,
    ) -> Result<AcquireOutcome, ProposeError> {
        let (lock, claim) = (reply.claim.lock.clone(), reply.claim.id.clone());
        let draft = Draft {
            command: Command::AcknowledgeGrant { lock, claim },
            fences: Vec::new(),
            terms: Vec::new(),
            idempotency: None,
            ..draft
        };
        let started = Instant::now();
        // Past the admission: this request was admitted when it queued.
        let (sequence, _, answer) = self.register(None, draft)?;
        let place = Place {
            runtime: self,
            sequence,
            settled: false,
        };
        // Not only for `ack_within`: behind that the log tells that it was too late.
        let fate = timeout_at(answer_by, answer).await;
        let outcome = self.conclude(place, fate.ok(), started.elapsed());
        let outcome = outcome.map_err(|_| Unknown {
            request: self.request_id(sequence),
            waited: started.elapsed(),
            why: "the lock was handed over, and no quorum confirmed in time that this was picked up",
        })?;
        match &outcome.result {
            Ok(Reply::Claim(reply)) => {
                Ok(AcquireOutcome::Granted(reply.clone(), outcome.moment.zxid))
            }
            // It ended in between: refused, with how it ended.
            Ok(_) | Err(_) => Ok(AcquireOutcome::Decided(outcome)),
        }
    }

    pub(crate) fn request_id(&self, sequence: u64) -> RequestId {
        RequestId {
            origin: self.id,
            incarnation: self.incarnation,
            sequence,
        }
    }
}

fn must_be_picked_up(reply: &ClaimReply) -> bool {
    matches!(
        reply.claim.state,
        ClaimState::Held {
            acknowledge_by: Some(_),
            ..
        }
    )
}
