//! One attempt to acquire a lock, and what its client is told.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use http_types::problem::ErrorCode;
use node::{AcquireOutcome, ClaimStanding};
use raft_core::command::{Acquire, Command};
use raft_core::ids::{LogTime, Zxid};
use raft_core::lock::{Claim, ClaimEnd, ClaimState, EndedClaim};
use raft_core::outcome::{ClaimReply, HolderSummary, Outcome, Refusal, Reply as Replied};

use crate::call::{Call, Done};
use crate::error::{Check, Problem};
use crate::extract::path::claim_url;
use crate::keeper::Keeper;
use crate::limits::HOLDERS_SHOWN_MAX;
use crate::reply::Reply;
use crate::routes::claims::{unexpected, view};

/// One attempt to acquire.
pub(super) struct Acquisition<'a> {
    call: &'a Call,
    acquire: Acquire,
}

/// What is known of a live claim after an attempt.
struct Standing {
    status: StatusCode,
    reply: Box<ClaimReply>,
    zxid: Zxid,
    /// A log time not before the request was sent.
    as_of: Option<LogTime>,
    replayed: bool,
}

impl<'a> Acquisition<'a> {
    pub(super) fn new(call: &'a Call, acquire: Acquire) -> Acquisition<'a> {
        Acquisition { call, acquire }
    }

    pub(super) async fn run(self, wait: Duration) -> Result<Reply, Problem> {
        let call = self.call;
        let draft = call.draft(Command::Acquire(self.acquire.clone()))?;
        let url = claim_url(&self.acquire.lock, &self.acquire.claim);
        let is_repeatable = call.method == Method::PUT || draft.idempotency.is_some();
        let check = Check::at(url).repeatable_if(is_repeatable);
        let mut keeper = Keeper::of(call);
        let acquiring = call.api.node.acquire(draft, wait, call.time_left());
        let outcome = call.unless_stopping(keeper.during(acquiring)).await;
        let Some(outcome) = outcome else {
            let detail = "this node is stopping while the claim waits: ask another one";
            return Err(Problem::unknown(detail.to_owned(), check));
        };
        let outcome = outcome.map_err(|error| Problem::of_propose(error, check))?;
        let standing = match outcome {
            AcquireOutcome::Decided(outcome) => self.decided(outcome).await?,
            AcquireOutcome::Waiting(reply, zxid) => {
                let status = StatusCode::ACCEPTED;
                Standing {
                    status,
                    reply,
                    zxid,
                    as_of: None,
                    replayed: false,
                }
            }
            AcquireOutcome::Granted(reply, zxid) => {
                // It was granted while this request waited, so after it was sent.
                let as_of = granted_at(&reply.claim);
                Standing {
                    status: StatusCode::CREATED,
                    reply,
                    zxid,
                    as_of,
                    replayed: false,
                }
            }
            AcquireOutcome::Ended(ended, zxid) => return Err(self.ended(ended).at_index(zxid)),
        };
        self.answer(standing, &mut keeper, wait).await
    }

    async fn decided(&self, outcome: Outcome) -> Result<Standing, Problem> {
        let Done {
            reply,
            moment,
            replayed,
        } = self.call.done(outcome)?;
        let Replied::Claim(reply) = reply else {
            return Err(unexpected("acquire"));
        };
        if replayed {
            return self.replayed().await;
        }
        let status = match (reply.claim.is_held(), reply.created) {
            (true, true) => StatusCode::CREATED,
            (true, false) => StatusCode::OK,
            (false, _) => StatusCode::ACCEPTED,
        };
        let as_of = Some(moment.log_time);
        Ok(Standing {
            status,
            reply,
            zxid: moment.zxid,
            as_of,
            replayed,
        })
    }

    /// The remembered answer says how the claim stood once; what counts is how it stands.
    async fn replayed(&self) -> Result<Standing, Problem> {
        let Acquire { lock, claim, .. } = &self.acquire;
        let node = &self.call.api.node;
        let (standing, zxid) = node.await_claim(lock, claim, Duration::ZERO).await;
        match standing {
            ClaimStanding::Live(reply) => {
                let held = reply.claim.is_held();
                let status = if held {
                    StatusCode::OK
                } else {
                    StatusCode::ACCEPTED
                };
                Ok(Standing {
                    status,
                    reply,
                    zxid,
                    as_of: None,
                    replayed: true,
                })
            }
            ClaimStanding::Ended(ended) => Err(self.ended(ended).at_index(zxid)),
            ClaimStanding::Unknown => Err(Problem::new(
                ErrorCode::ClaimEnded,
                "the claim made under this idempotency key has ended and is forgotten",
            )),
        }
    }

    /// The wait was over before its turn: the lock is held. Every other end is told as it is.
    fn ended(&self, ended: Box<EndedClaim>) -> Problem {
        if ended.end != ClaimEnd::WaitElapsed || ended.held {
            return self.call.refused(&Refusal::ClaimEnded(ended));
        }
        let refusal = self.call.api.node.peek(|state| {
            let holders = state.holders(&ended.lock, HOLDERS_SHOWN_MAX);
            let view = state.lock(&ended.lock);
            Refusal::LockHeld {
                lock: ended.lock.clone(),
                holders: holders.into_iter().map(summary_of).collect(),
                waiters: view.as_ref().map_or(0, |view| view.lock.waiters),
                delayed_ms: view.and_then(|view| view.delayed_ms),
            }
        });
        self.call.refused(&refusal)
    }

    async fn answer(
        self,
        standing: Standing,
        keeper: &mut Keeper,
        wait: Duration,
    ) -> Result<Reply, Problem> {
        let Acquire { lock, claim, .. } = &self.acquire;
        let Standing {
            status,
            reply,
            zxid,
            as_of,
            replayed,
        } = standing;
        let safe_ms = keeper.safe_hold(&reply.claim, as_of).await;
        let view = view(self.call, (lock, claim), &reply, safe_ms);
        let mut answer = Reply::json(status, &view)?
            .at(zxid)
            .location(&claim_url(lock, claim))
            .replayed(replayed);
        if self.call.prefer.wait.is_some() {
            answer = answer.preferred(&format!("wait={}", wait.as_secs()));
        }
        Ok(answer)
    }
}

fn granted_at(claim: &Claim) -> Option<LogTime> {
    match &claim.state {
        ClaimState::Held { granted, .. } => Some(granted.log_time),
        ClaimState::Waiting { .. } => None,
    }
}

fn summary_of(claim: &Claim) -> HolderSummary {
    HolderSummary {
        claim: claim.id.clone(),
        session: claim.session,
        fence: claim.fence,
        mode: claim.mode,
    }
}
