//! Locks: taking one, and the guard that says how long it is safe.

mod asking;
mod guard;
mod remote;
mod together;

use std::time::Duration;

use http_types::duration::TextDuration;
use http_types::headers;
use http_types::paths;
use http_types::v1::locks::{AcquireRequest, Claim, ClaimPart, ClaimState, Mode};
use reqwest::Method;
use tokio::time::Instant;

pub use asking::{ReleaseAsked, ReleaseRequests};
pub use guard::LockGuard;
use remote::release_call;

use crate::client::Client;
use crate::error::Error;
use crate::loss::Loss;
use crate::session::Session;
use crate::transport::{Call, Repeat, random_id};
use crate::turn::{POLL, POLL_MIN, Patience, wait_for_turn};
use crate::withdrawal::Withdrawal;

type OnWait = Box<dyn FnMut(&Claim) + Send>;

/// How to take a lock; see [`Client::lock`].
#[must_use = "a lock is taken by acquire"]
pub struct LockBuilder {
    client: Client,
    name: String,
    claim: String,
    /// Locks that are wanted together with it.
    others: Vec<ClaimPart>,
    request: AcquireRequest,
    poll: Duration,
    on_wait: Option<OnWait>,
}

impl std::fmt::Debug for LockBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockBuilder")
            .field("name", &self.name)
            .field("claim", &self.claim)
            .field("others", &self.others)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Begins to describe a claim on a lock: exclusive, waiting in the queue as long as its session
    /// lives. Its id is chosen here, so everything below may be repeated.
    pub fn lock(&self, name: impl Into<String>) -> LockBuilder {
        LockBuilder {
            client: self.clone(),
            name: name.into(),
            claim: random_id("c"),
            others: Vec::new(),
            request: AcquireRequest::default(),
            poll: POLL,
            on_wait: None,
        }
    }
}

impl LockBuilder {
    /// Alone (the default).
    pub fn exclusive(mut self) -> LockBuilder {
        self.request.mode = Some(Mode::Exclusive);
        self
    }

    /// Together with other shared claims.
    pub fn shared(mut self) -> LockBuilder {
        self.request.mode = Some(Mode::Shared);
        self
    }

    /// So many permits of a semaphore.
    pub fn permits(mut self, permits: u32) -> LockBuilder {
        self.request.mode = Some(Mode::Permits);
        self.request.permits = Some(permits);
        self
    }

    /// Permits in all, for a semaphore nobody configured: all its users must name the same.
    pub fn limit(mut self, limit: u32) -> LockBuilder {
        self.request.limit = Some(limit);
        self
    }

    /// Stands in the queue at most so long; the cluster watches the time.
    pub fn wait(mut self, wait: Duration) -> LockBuilder {
        self.request.wait = Some(TextDuration::from(wait));
        self
    }

    /// Takes it now or not at all.
    pub fn try_now(self) -> LockBuilder {
        self.wait(Duration::ZERO)
    }

    /// Holds at most so long from the grant or the last [`extend`](LockGuard::extend).
    pub fn ttl(mut self, ttl: Duration) -> LockBuilder {
        self.request.ttl = Some(TextDuration::from(ttl));
        self
    }

    /// Joins the hold this session already has instead of queueing behind it.
    pub fn reentrant(mut self) -> LockBuilder {
        self.request.reentrant = true;
        self
    }

    /// Shown to those who wait.
    pub fn reason(mut self, reason: impl Into<String>) -> LockBuilder {
        self.request.reason = Some(reason.into());
        self
    }

    /// Shown to those who wait.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> LockBuilder {
        self.request.labels.insert(key.into(), value.into());
        self
    }

    /// Which of the session's tasks wants the lock. Whoever shares a session among tasks that lock
    /// independently names them, so that one task's wait is not taken for that of all of them
    /// ([`ErrorCode::Deadlock`](crate::ErrorCode::Deadlock)).
    pub fn task(self, task: impl Into<String>) -> LockBuilder {
        self.label("task", task)
    }

    /// Another claim id than the random one, to find the claim again after a crash. Never use an
    /// id for two turns.
    pub fn claim_id(mut self, id: impl Into<String>) -> LockBuilder {
        self.claim = id.into();
        self
    }

    /// Called with the claim's place in the queue, about every `every`, while it waits.
    pub fn on_wait(
        mut self,
        every: Duration,
        call: impl FnMut(&Claim) + Send + 'static,
    ) -> LockBuilder {
        self.poll = every.clamp(POLL_MIN, POLL);
        self.on_wait = Some(Box::new(call));
        self
    }

    /// Stands in the queue until the lock is ours.
    ///
    /// # Errors
    /// [`ErrorCode::LockHeld`](crate::ErrorCode::LockHeld) when the wait is over without a turn;
    /// [`ErrorCode::Deadlock`](crate::ErrorCode::Deadlock) when it would never end;
    /// [`Error::SessionLost`]; as every write.
    ///
    /// Cancel safety: dropping the future withdraws the claim in the background.
    pub async fn acquire(self, session: &Session) -> Result<LockGuard, Error> {
        if let Some(loss) = session.loss() {
            return Err(Error::SessionLost(loss));
        }
        let release = release_call(&self.name, &self.claim, Some(session.id()));
        let pending = Withdrawal::by(session.client(), release);
        let owner = Some(session.id().to_owned());
        let (claim, sent) = tokio::select! {
            biased;
            () = session.lost() => {
                return Err(Error::SessionLost(session.loss().unwrap_or(Loss::Unconfirmed)));
            }
            held = self.run(owner) => held.inspect_err(|error| pending.settle(error))?,
        };
        pending.done();
        let registration = session.shared().register(&claim, sent);
        Ok(LockGuard::new(session.clone(), claim, registration))
    }

    /// Stands in the queue without a session of its own and without a guard: the claim lives by its
    /// `ttl` (60 s when none is named) and must be extended and released by hand.
    ///
    /// # Errors
    /// As [`acquire`](LockBuilder::acquire). A wait must be bounded, since nothing else ends it.
    ///
    /// Cancel safety: dropping the future leaves the claim in the queue until its wait is over.
    pub async fn acquire_detached(self) -> Result<Claim, Error> {
        Ok(self.run(None).await?.0)
    }

    /// As [`acquire_detached`](LockBuilder::acquire_detached), for a session that somebody else
    /// keeps alive.
    ///
    /// # Errors
    /// As [`acquire`](LockBuilder::acquire).
    pub async fn acquire_for(self, session: &str) -> Result<Claim, Error> {
        Ok(self.run(Some(session.to_owned())).await?.0)
    }

    /// Repeats the same request until the claim holds.
    async fn run(mut self, session: Option<String>) -> Result<(Claim, Instant), Error> {
        if !self.others.is_empty() {
            return self.run_together(session).await;
        }
        let path = paths::claim(&self.name, &self.claim);
        let mut call = Call::new(Method::PUT, path, Repeat::ById).json(&self.request)?;
        if let Some(session) = session {
            call = call.header(headers::SESSION, session);
        }
        let patience = self.patience();
        wait_for_turn(&self.client, &call, patience, |claim: &Claim| {
            tell_of_wait(&mut self.on_wait, claim)
        })
        .await
    }

    fn patience(&self) -> Patience {
        let wait = self.request.wait;
        Patience {
            poll: self.poll,
            end: wait.map(|wait| Instant::now() + wait.as_duration()),
        }
    }
}

/// Whether the claim holds; who wants to know is told how it waits.
fn tell_of_wait(on_wait: &mut Option<OnWait>, claim: &Claim) -> bool {
    let held = claim.state == ClaimState::Held;
    if let (false, Some(on_wait)) = (held, on_wait) {
        on_wait(claim);
    }
    held
}
