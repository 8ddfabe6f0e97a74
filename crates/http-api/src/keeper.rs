//! Keeps the session of a request alive while the request is served, and says what that is worth.
//!
//! `safe_ms` counts from the moment the client *sent* the request. The server knows only when it
//! arrived, which is later; so a renewal that began `t` after the arrival and is good for `n`
//! milliseconds is good for at least `t + n` counted from the sending. Nothing here relies on two
//! clocks agreeing, only on their running at the same pace.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use node::KeepAlive;
use raft_core::command::SessionRef;
use raft_core::election::Election;
use raft_core::ids::{LogTime, SessionId};
use raft_core::lock::{Claim, ClaimState};
use raft_core::query::session::SessionStatus;
use raft_core::session::SessionKind;
use tokio::time::{Instant, sleep};

use crate::api::Api;
use crate::call::Call;
use crate::millis::as_ms;

/// How long the answer to a request is held up for a renewal that no leader confirms.
const ROUND_TIME_MAX: Duration = Duration::from_secs(2);
/// How long ago a renewal may be that serves another request, too: a tenth of the session's timeout at most.
const RENEWED_WITHIN_MAX: Duration = Duration::from_secs(1);
/// How often a renewal is tried that neither came about nor found the session ended.
const RENEWALS_TRIED_MAX: usize = 3;
/// How long it is waited in between.
pub(crate) const RENEW_AGAIN: Duration = Duration::from_millis(20);

/// A round under way: when it began, and what it gave.
type Round = BoxFuture<'static, (Instant, Option<KeepAlive>)>;

/// See the module.
pub(crate) struct Keeper {
    api: Arc<Api>,
    received: Instant,
    named: Option<SessionRef>,
    /// The session, and its timeout.
    session: Option<(SessionId, Duration)>,
    round: Option<Round>,
    /// Certainly alive for so long, counted from the sending of the request.
    safe: Option<Duration>,
}

impl Keeper {
    /// For the session a request names.
    pub(crate) fn of(call: &Call) -> Keeper {
        let mut keeper = Keeper {
            api: Arc::clone(&call.api),
            received: call.received,
            named: call.session.clone(),
            session: None,
            round: None,
            safe: None,
        };
        keeper.look_up();
        keeper
    }

    /// Finds the number of the session. A node that lags may know it only once it has applied the
    /// command that acted for it.
    fn look_up(&mut self) {
        if self.session.is_some() {
            return;
        }
        let Some(named) = &self.named else { return };
        self.session = self.api.node.peek(|state| match state.session(named) {
            SessionStatus::Live(live) => Some((live.id, Duration::from_millis(live.timeout_ms))),
            SessionStatus::Ended(_) | SessionStatus::Unknown => None,
        });
    }

    fn session(&self) -> Option<SessionId> {
        self.session.map(|(id, _)| id)
    }

    /// Begins a round, unless the last one is as good: every request is a sign of life, so a session in use is
    /// renewed many times a second in any case.
    fn begin(&mut self) {
        let Some((session, timeout)) = self.session else {
            return;
        };
        if let Some(left) = self.left_of_the_last(session, timeout) {
            self.safe = Some(left);
            return;
        }
        if self.round.is_none() {
            let api = Arc::clone(&self.api);
            let within = timeout.min(ROUND_TIME_MAX);
            self.round = Some(Box::pin(async move {
                let began = Instant::now();
                let renewed = api.node.keep_alive(vec![session], within).await;
                (
                    began,
                    renewed.ok().and_then(|renewed| renewed.into_iter().next()),
                )
            }));
        }
    }

    /// What is left of the session's last renewal, counted from the sending of the request; `None` if it is long ago.
    fn left_of_the_last(&self, session: SessionId, timeout: Duration) -> Option<Duration> {
        let renewed = self.api.node.last_renewed(session)?;
        if renewed.elapsed() > RENEWED_WITHIN_MAX.min(timeout / 10) {
            return None;
        }
        let before = self.received.saturating_duration_since(renewed);
        let after = renewed.saturating_duration_since(self.received);
        Some(timeout.saturating_sub(before).saturating_add(after))
    }

    /// Waits for the round under way, if there is one.
    async fn finish(&mut self) {
        let Some(round) = self.round.as_mut() else {
            return;
        };
        let (began, renewed) = round.await;
        self.round = None;
        if let Some(renewed) = renewed.filter(|renewed| renewed.alive) {
            let late = began.saturating_duration_since(self.received);
            self.safe = Some(late.saturating_add(Duration::from_millis(renewed.safe_ms)));
        }
    }

    /// Does `work` and renews the session from its start on, three times per timeout.
    pub(crate) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let Some((_, timeout)) = self.session else {
            return work.await;
        };
        let mut work = pin!(work);
        loop {
            self.begin();
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.finish() => {}
            }
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = sleep(timeout / 3) => {}
            }
        }
    }

    /// How long the session is certainly alive, counted from the sending of the request; waits for
    /// a first renewal, not for a later one.
    pub(crate) async fn safe_ms(&mut self) -> Option<u64> {
        for attempt in 0..RENEWALS_TRIED_MAX {
            if self.safe.is_some() || self.session.is_none() {
                break;
            }
            if attempt > 0 {
                // A session opened a moment ago may not have reached the leader's session clock.
                sleep(RENEW_AGAIN).await;
            }
            self.begin();
            self.finish().await;
        }
        self.safe.map(as_ms)
    }

    /// How long a hold is certain, counted from the sending of the request: as long as its session
    /// lives and no deadline of its own is reached, that of a hand-over nobody picked up yet among
    /// them. `as_of` is a log time not before the sending.
    pub(crate) async fn safe_hold(&mut self, claim: &Claim, as_of: Option<LogTime>) -> Option<u64> {
        let ClaimState::Held {
            expires,
            acknowledge_by,
            ..
        } = &claim.state
        else {
            return None;
        };
        let deadline = expires.iter().chain(acknowledge_by).min().copied();
        self.safe_until(claim.session, deadline, as_of).await
    }

    /// How long a leadership is certain, counted from the sending of the request: as long as the
    /// leader's session lives and the time of a transfer is not up. `as_of` as in
    /// [`Keeper::safe_hold`].
    pub(crate) async fn safe_leadership(
        &mut self,
        session: SessionId,
        election: &Election,
        as_of: Option<LogTime>,
    ) -> Option<u64> {
        let deadline = election.transfer.as_ref().map(|transfer| transfer.deadline);
        self.safe_until(session, deadline, as_of).await
    }

    async fn safe_until(
        &mut self,
        owner: SessionId,
        deadline: Option<LogTime>,
        as_of: Option<LogTime>,
    ) -> Option<u64> {
        let own = match (deadline, as_of) {
            (None, _) => None,
            (Some(deadline), Some(as_of)) => Some(deadline.0.saturating_sub(as_of.0)),
            // Log time does not move on its own: an old state says nothing about now.
            (Some(_), None) => return None,
        };
        self.look_up();
        if self.session() == Some(owner) {
            let session = self.safe_ms().await?;
            return Some(own.map_or(session, |own| own.min(session)));
        }
        // A session made for this claim alone lives as long as the claim; of any other session
        // this request knows nothing.
        own.filter(|_| self.is_implicit(owner))
    }

    fn is_implicit(&self, session: SessionId) -> bool {
        self.api
            .node
            .peek(|state| match state.session(&SessionRef::Id(session)) {
                SessionStatus::Live(session) => session.kind == SessionKind::Implicit,
                SessionStatus::Ended(_) | SessionStatus::Unknown => false,
            })
    }
}
