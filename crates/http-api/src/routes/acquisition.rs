//! One attempt to acquire a lock, and what its client is told.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use http_types::problem::ErrorCode;
use http_types::v1::locks as v1;
use node::{AcquireOutcome, ClaimStanding};
use raft_core::command::{Acquire, AcquireAll, Command};
use raft_core::ids::{ClaimId, LockName, LogTime, Zxid};
use raft_core::lock::{Claim, ClaimEnd, ClaimState, EndedClaim};
use raft_core::outcome::{ClaimReply, HolderSummary, Outcome, Refusal, Reply as Replied};
use raft_core::query::lock::ClaimStatus;

use crate::call::{Call, Done};
use crate::convert::lock::{self, Counts};
use crate::error::{Check, Problem};
use crate::extract::path::claim_url;
use crate::keeper::Keeper;
use crate::limits::HOLDERS_SHOWN_MAX;
use crate::reply::Reply;
use crate::routes::claims::{unexpected, view};

/// One attempt to acquire.
pub(super) struct Acquisition<'a> {
    call: &'a Call,
    command: Command,
    /// The claim it asks for; of several locks that of the first in order of name, which stands for all.
    lock: LockName,
    claim: ClaimId,
    /// Whether it is answered as a claim of several locks.
    of_all: bool,
    /// Whether the client chose the claim's id, so that it can ask again.
    is_named: bool,
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
    pub(super) fn of_one(call: &'a Call, acquire: Acquire) -> Acquisition<'a> {
        Acquisition {
            call,
            lock: acquire.lock.clone(),
            claim: acquire.claim.clone(),
            command: Command::Acquire(acquire),
            of_all: false,
            is_named: call.method == Method::PUT,
        }
    }

    /// `first`: the first of its locks in order of name.
    pub(super) fn of_all(
        call: &'a Call,
        (first, is_named): (LockName, bool),
        ask: AcquireAll,
    ) -> Acquisition<'a> {
        Acquisition {
            call,
            lock: first,
            claim: ask.claim.clone(),
            command: Command::AcquireAll(ask),
            of_all: true,
            is_named,
        }
    }

    pub(super) async fn run(self, wait: Duration) -> Result<Reply, Problem> {
        let call = self.call;
        let draft = call.draft(self.command.clone())?;
        let url = claim_url(&self.lock, &self.claim);
        let is_repeatable = self.is_named || draft.idempotency.is_some();
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
        let node = &self.call.api.node;
        let (standing, zxid) = node
            .await_claim(&self.lock, &self.claim, Duration::ZERO)
            .await;
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
        let Standing {
            status,
            reply,
            zxid,
            as_of,
            replayed,
        } = standing;
        let safe_ms = keeper.safe_hold(&reply.claim, as_of).await;
        let view = view(self.call, (&self.lock, &self.claim), &reply, safe_ms);
        let answer = if self.of_all {
            Reply::json(status, &self.all(view, &reply, safe_ms)?)?
        } else {
            Reply::json(status, &view)?
        };
        let mut answer = answer
            .at(zxid)
            .location(&claim_url(&self.lock, &self.claim))
            .replayed(replayed);
        if self.call.prefer.wait.is_some() {
            answer = answer.preferred(&format!("wait={}", wait.as_secs()));
        }
        Ok(answer)
    }
}

impl Acquisition<'_> {
    /// How the claim stands at all of its locks, seen in one state.
    fn all(
        &self,
        first: v1::Claim,
        reply: &ClaimReply,
        safe_ms: Option<u64>,
    ) -> Result<v1::Claims, Problem> {
        let wall_ms = self.call.api.wall_ms();
        let seen = self.call.api.node.peek(|state| {
            let at = |other: &LockName| match state.claim(other, &self.claim) {
                ClaimStatus::Live(view) => {
                    let known = (Counts::of_view(&view), safe_ms);
                    Ok(lock::claim(state, wall_ms, view.claim, known))
                }
                ClaimStatus::Ended(ended) => Err(Refusal::ClaimEnded(Box::new(ended.clone()))),
                ClaimStatus::Unknown => Err(Refusal::NoClaim {
                    lock: other.clone(),
                    claim: self.claim.clone(),
                }),
            };
            reply.claim.others().map(at).collect::<Result<Vec<_>, _>>()
        });
        let others = seen.map_err(|refusal| self.call.refused(&refusal))?;
        Ok(v1::Claims {
            id: first.claim.clone(),
            state: first.state,
            fence: first.fence,
            session: first.session.clone(),
            release: first.release.clone(),
            claims: std::iter::once(first).chain(others).collect(),
        })
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
