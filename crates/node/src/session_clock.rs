//! On the leader: which session was last heard of when, and what reached its deadline.
//!
//! Liveness is the leader's memory only; a new leader starts every session with a full timeout.
//! Expiry is a proposal bound to this leader's term; the state refuses it when the session has
//! acted since ([`raft_core::command::ExpireSession`]). Once it is proposed, signs of life of that
//! session are no longer accepted: the entry decides.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use mutant::Mutant;
use parking_lot::Mutex;
use raft_core::command::{Command, ExpireSession, SessionRef};
use raft_core::event::EventKind;
use raft_core::ids::SessionId;
use raft_core::outcome::{Outcome, Reply};
use raft_core::query::session::SessionStatus;
use raft_core::session::{Session, SessionKind};

use crate::events::{Commit, EventStream};
use crate::proposal::Draft;
use crate::runtime::Runtime;

/// Expiries proposed at the same time: a crowd that went away together must not fill the log at
/// once.
const EXPIRIES_IN_FLIGHT_MAX: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Heard {
    at: Duration,
    timeout: Duration,
    expiring: bool,
}

/// One leader's memory. All times are this node's monotonic clock.
#[derive(Debug, Default)]
struct Seat {
    sessions: BTreeMap<SessionId, Heard>,
    /// By the earliest time at which a look is worthwhile; moved lazily, so that a sign of life
    /// costs one look-up.
    looks: BTreeSet<(Duration, SessionId)>,
    /// When this leader took its seat.
    since: Duration,
}

impl Seat {
    fn add(&mut self, now: Duration, session: &Session) {
        if session.kind == SessionKind::Implicit {
            return;
        }
        let timeout = Duration::from_millis(session.timeout_ms);
        let heard = Heard {
            at: now,
            timeout,
            expiring: false,
        };
        self.sessions.insert(session.id, heard);
        self.looks.insert((now + timeout, session.id));
    }

    /// Adds one that is not known yet.
    fn add_new(&mut self, now: Duration, session: &Session) {
        if !self.sessions.contains_key(&session.id) {
            self.add(now, session);
        }
    }

    /// Sessions silent for longer than their timeout, at most `max`.
    fn silent(&mut self, now: Duration, max: usize) -> Vec<SessionId> {
        let mut silent = Vec::new();
        while silent.len() < max {
            let Some((look, id)) = self.looks.first().copied().filter(|(look, _)| *look < now)
            else {
                break;
            };
            self.looks.remove(&(look, id));
            let Some(heard) = self.sessions.get_mut(&id) else {
                continue;
            };
            let due = heard.at + heard.timeout;
            if due < now {
                heard.expiring = true;
                silent.push(id);
            } else {
                self.looks.insert((due, id));
            }
        }
        silent
    }

    /// The expiry did not come about: the session goes on from `now`.
    fn spare(&mut self, now: Duration, id: SessionId) {
        if let Some(heard) = self.sessions.get_mut(&id) {
            heard.expiring = false;
            heard.at = now;
            self.looks.insert((now + heard.timeout, id));
        }
    }
}

/// See the module. Empty while this node does not lead.
#[derive(Debug, Default)]
pub(crate) struct SessionClock {
    seat: Mutex<Option<Seat>>,
}

impl SessionClock {
    /// Takes signs of life; gives those sessions that were renewed, `None` when not leading. `live`
    /// looks a session up in the state: one that was opened a moment ago is there first.
    pub(crate) fn touch(
        &self,
        now: Duration,
        sessions: &[SessionId],
        live: impl Fn(SessionId) -> Option<Session>,
    ) -> Option<Vec<SessionId>> {
        let mut seat = self.seat.lock();
        let seat = seat.as_mut()?;
        let mut renewed = Vec::with_capacity(sessions.len());
        for id in sessions {
            if !seat.sessions.contains_key(id)
                && let Some(session) = live(*id)
            {
                seat.add_new(now, &session);
            }
            if let Some(heard) = seat.sessions.get_mut(id)
                && !heard.expiring
            {
                heard.at = now;
                renewed.push(*id);
            }
        }
        Some(renewed)
    }

    /// Age of the last sign of life, on the leader.
    pub(crate) fn contact(&self, now: Duration, session: SessionId) -> Option<Duration> {
        let seat = self.seat.lock();
        let heard = seat.as_ref()?.sessions.get(&session)?;
        Some(now.saturating_sub(heard.at))
    }

    /// How long this node has led, on the leader.
    pub(crate) fn leading_for(&self, now: Duration) -> Option<Duration> {
        self.with(|seat| now.saturating_sub(seat.since))
    }

    /// On the leader: sessions and the time left to each, in order of their numbers; at most
    /// `limit` of those after `after`. Call it for pieces: signs of life wait meanwhile.
    pub(crate) fn time_left(
        &self,
        now: Duration,
        after: Option<SessionId>,
        limit: usize,
    ) -> Option<Vec<(SessionId, Duration)>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.with(|seat| {
            let sessions = seat.sessions.range((start, Bound::Unbounded));
            let left = |heard: &Heard| (heard.at + heard.timeout).saturating_sub(now);
            sessions
                .take(limit)
                .map(|(id, heard)| (*id, left(heard)))
                .collect()
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seat) -> T) -> Option<T> {
        self.seat.lock().as_mut().map(act)
    }
}

/// The loop. Runs until the node stops; works only while this node leads.
pub(crate) async fn run(runtime: Arc<Runtime>) {
    while let Some(term) = runtime.await_leading().await {
        lead(&runtime, term).await;
    }
}

/// Keeps the sessions for as long as this node leads `term`.
async fn lead(runtime: &Arc<Runtime>, term: u64) {
    let mut events = seat(runtime);
    let mut tick = tokio::time::interval(runtime.settings.expiry_interval);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut expiries = FuturesUnordered::new();
    let mut deadlines = FuturesUnordered::new();
    while runtime.leading_term() == Some(term) {
        tokio::select! {
            () = runtime.stop.cancelled() => break,
            commit = events.next() => match commit {
                Ok(commit) => follow(runtime, &commit),
                // Too many at once: start over, which only gives more time.
                Err(_) => events = seat(runtime),
            },
            _ = tick.tick() => {
                let room = EXPIRIES_IN_FLIGHT_MAX.saturating_sub(expiries.len());
                let now = runtime.session_time();
                let silent = runtime.session_clock.with(|seat| seat.silent(now, room));
                for id in silent.unwrap_or_default() {
                    expiries.push(expire(runtime, term, id));
                }
                if deadlines.is_empty() && runtime.is_something_due(term) {
                    deadlines.push(expire_due(runtime, term));
                }
            }
            Some(()) = expiries.next() => {}
            Some(()) = deadlines.next() => {}
        }
    }
    *runtime.session_clock.seat.lock() = None;
}

/// Starts with every session just heard of.
fn seat(runtime: &Runtime) -> EventStream {
    let (state, events) = runtime.state_and_events();
    let now = runtime.session_time();
    let since = runtime.session_clock.with(|seat| seat.since);
    let mut fresh = Seat {
        since: since.unwrap_or(now),
        ..Seat::default()
    };
    for session in state.sessions(None, usize::MAX) {
        let heard = if mutant::is(Mutant::DeadlinesNotExtended) {
            let age = runtime
                .clock
                .wall_ms()
                .saturating_sub(session.opened.wall.0);
            now.saturating_sub(Duration::from_millis(age))
        } else {
            now
        };
        fresh.add(heard, session);
    }
    *runtime.session_clock.seat.lock() = Some(fresh);
    events
}

fn follow(runtime: &Runtime, commit: &Commit) {
    let now = runtime.session_time();
    for event in &commit.events {
        match &event.kind {
            EventKind::SessionOpened { session, .. } => {
                if let Some(session) = runtime.live_session(*session) {
                    runtime
                        .session_clock
                        .with(|seat| seat.add_new(now, &session));
                }
            }
            EventKind::SessionEnded { session, .. } => {
                runtime
                    .session_clock
                    .with(|seat| seat.sessions.remove(session));
            }
            EventKind::NodeCreated { .. }
            | EventKind::NodeChanged { .. }
            | EventKind::NodeAclChanged { .. }
            | EventKind::NodeDeleted { .. }
            | EventKind::ClaimQueued { .. }
            | EventKind::ClaimGranted { .. }
            | EventKind::ClaimEnded { .. }
            | EventKind::ClaimExtended { .. }
            | EventKind::ReleaseRequested { .. }
            | EventKind::ReleaseAnswered { .. }
            | EventKind::LockConfigured { .. }
            | EventKind::CandidateJoined { .. }
            | EventKind::CandidateChanged { .. }
            | EventKind::CandidateLeft { .. }
            | EventKind::LeaderElected { .. }
            | EventKind::LeadershipEnded { .. }
            | EventKind::TransferAsked { .. }
            | EventKind::TransferCancelled { .. }
            | EventKind::Instance { .. } => {}
        }
    }
}

impl Runtime {
    /// A session as the local state has it.
    pub(crate) fn live_session(&self, id: SessionId) -> Option<Session> {
        self.replica
            .read(|state| match state.session(&SessionRef::Id(id)) {
                SessionStatus::Live(session) => Some(session.clone()),
                SessionStatus::Ended(_) | SessionStatus::Unknown => None,
            })
    }
}

async fn expire(runtime: &Arc<Runtime>, term: u64, id: SessionId) {
    let Some(Session { activity, .. }) = runtime.live_session(id) else {
        return;
    };
    let command = Command::ExpireSession(ExpireSession {
        session: id,
        activity,
    });
    let draft = Draft::internal(command);
    let outcome = if mutant::is(Mutant::OldLeaderExpires) {
        propose_for_ever(runtime, draft).await
    } else {
        runtime.propose_in_term(term, draft).await
    };
    match outcome.map(|outcome| outcome.result) {
        Ok(Ok(_)) => tracing::info!(session = %id, term, "session expired"),
        // It acted meanwhile, or nobody knows: it goes on.
        Ok(Err(_)) | Err(_) => {
            let now = runtime.session_time();
            runtime.session_clock.with(|seat| seat.spare(now, id));
        }
    }
}

/// `m12`: the proposal outlives this node's term, and is sent to whoever leads then.
async fn propose_for_ever(
    runtime: &Arc<Runtime>,
    draft: Draft,
) -> Result<Outcome, crate::ProposeError> {
    let own = Arc::clone(runtime);
    let proposed = runtime
        .tasks
        .spawn(async move { own.propose(draft, Duration::from_secs(60)).await });
    proposed
        .await
        .unwrap_or(Err(crate::NotApplied::ShuttingDown.into()))
}

/// Handles passed deadlines until none is left.
async fn expire_due(runtime: &Arc<Runtime>, term: u64) {
    while runtime.is_something_due(term) {
        let outcome = runtime
            .propose_in_term(term, Draft::internal(Command::ExpireDue))
            .await;
        match outcome.map(|outcome| outcome.result) {
            Ok(Ok(Reply::ExpiredDue { count, .. })) if count > 0 => {}
            _ => return,
        }
    }
}
