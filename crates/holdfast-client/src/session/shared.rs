//! What the handles of a session and its background task share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_types::v1::locks::{Claim, ClaimState};
use http_types::v1::sessions::Keepalive;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::loss::Loss;

/// A session's clock may run faster here than there; so much of every promise is not used.
const MARGIN_DIVISOR: u32 = 20;

/// The end of a promise made in answer to a request that was sent at `sent`.
pub(crate) fn safe_until(sent: Instant, promised: Duration) -> Instant {
    sent + (promised - promised / MARGIN_DIVISOR)
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) id: String,
    pub(crate) ttl: Duration,
    /// Fires on loss and on close; parent of every guard's token.
    pub(crate) lost: CancellationToken,
    /// A guard's deadline changed.
    pub(super) changed: Notify,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    safe_until: Instant,
    loss: Option<Loss>,
    guards: BTreeMap<u64, Guarded>,
    next_key: u64,
}

/// A hold somebody relies on.
#[derive(Debug)]
struct Guarded {
    lock: String,
    fence: u64,
    /// A keep-alive answer older than this cannot know of it.
    granted_index: u64,
    /// End of its own time to hold.
    deadline: Option<Instant>,
    loss: Option<Loss>,
    lost: CancellationToken,
}

/// A guard's entry; removed when dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    shared: Arc<Shared>,
    key: u64,
    pub(crate) lost: CancellationToken,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.shared.state.lock().guards.remove(&self.key);
    }
}

impl Registration {
    /// Why the hold is lost, if it is.
    pub(crate) fn loss(&self) -> Option<Loss> {
        let state = self.shared.state.lock();
        let own = state
            .guards
            .get(&self.key)
            .and_then(|guard| guard.loss.clone());
        own.or_else(|| state.loss.clone())
    }

    /// Until when the hold is certain.
    pub(crate) fn safe_until(&self) -> Instant {
        let state = self.shared.state.lock();
        let own = state.guards.get(&self.key).and_then(|guard| guard.deadline);
        own.map_or(state.safe_until, |own| own.min(state.safe_until))
    }

    /// The cluster gave the hold so much time.
    pub(crate) fn extended(&self, sent: Instant, time: Option<Duration>) {
        let mut state = self.shared.state.lock();
        if let Some(guard) = state.guards.get_mut(&self.key) {
            guard.deadline = time.map(|time| safe_until(sent, time));
        }
        drop(state);
        self.shared.changed.notify_one();
    }

    /// The cluster said the hold is no more.
    pub(crate) fn lose(&self, loss: Loss) {
        if let Some(guard) = self.shared.state.lock().guards.get_mut(&self.key) {
            guard.lose(loss);
        }
    }
}

impl Guarded {
    fn lose(&mut self, loss: Loss) {
        self.loss.get_or_insert(loss);
        self.lost.cancel();
    }
}

impl Shared {
    pub(super) fn new(
        client: Client,
        id: String,
        ttl: Duration,
        sent: Instant,
        safe: Duration,
    ) -> Shared {
        Shared {
            client,
            id,
            ttl,
            lost: CancellationToken::new(),
            changed: Notify::new(),
            state: Mutex::new(State {
                safe_until: safe_until(sent, safe),
                loss: None,
                guards: BTreeMap::new(),
                next_key: 0,
            }),
        }
    }

    pub(crate) fn safe_until(&self) -> Instant {
        self.state.lock().safe_until
    }

    pub(crate) fn loss(&self) -> Option<Loss> {
        self.state.lock().loss.clone()
    }

    /// The first reason stays.
    pub(crate) fn lose(&self, loss: Loss) {
        self.state.lock().loss.get_or_insert(loss);
        self.lost.cancel();
    }

    /// Watches over a hold that was granted in answer to a request sent at `sent`.
    pub(crate) fn register(self: &Arc<Shared>, claim: &Claim, sent: Instant) -> Registration {
        let lost = self.lost.child_token();
        let mut state = self.state.lock();
        let key = state.next_key;
        state.next_key += 1;
        let deadline = claim
            .expires_ms
            .map(|ms| safe_until(sent, Duration::from_millis(ms)));
        state.guards.insert(
            key,
            Guarded {
                lock: claim.lock.clone(),
                fence: claim.fence,
                granted_index: claim.granted_index.unwrap_or(claim.fence),
                deadline,
                loss: None,
                lost: lost.clone(),
            },
        );
        drop(state);
        self.changed.notify_one();
        Registration {
            shared: Arc::clone(self),
            key,
            lost,
        }
    }

    /// The next moment at which something is lost unless something is heard.
    pub(super) fn next_deadline(&self) -> Instant {
        let state = self.state.lock();
        let guards = state.guards.values().filter(|guard| guard.loss.is_none());
        guards
            .filter_map(|guard| guard.deadline)
            .fold(state.safe_until, Instant::min)
    }

    /// Reports what is lost by now for want of news.
    pub(super) fn expire_overdue(&self, now: Instant) {
        let mut state = self.state.lock();
        for guard in state.guards.values_mut() {
            if guard.loss.is_none() && guard.deadline.is_some_and(|deadline| deadline <= now) {
                guard.lose(Loss::TimeToHoldOver);
            }
        }
        let session_over = state.safe_until <= now;
        drop(state);
        if session_over {
            self.lose(Loss::Unconfirmed);
        }
    }

    /// Takes in a keep-alive's answer: more time, and holds that are no more.
    pub(super) fn renewed(&self, answer: &Keepalive, sent: Instant) {
        let mut state = self.state.lock();
        let promised = safe_until(sent, Duration::from_millis(answer.safe_ms));
        state.safe_until = state.safe_until.max(promised);
        for guard in state.guards.values_mut() {
            if guard.loss.is_some() || answer.index < guard.granted_index {
                continue;
            }
            // By lock and fence, not by claim: a re-entry shares the hold of another claim.
            let held = answer.holds.iter().any(|hold| {
                hold.state == ClaimState::Held
                    && hold.fence == guard.fence
                    && hold.lock == guard.lock
            });
            if !held {
                let end = answer.ended.iter().find(|ended| ended.lock == guard.lock);
                let how = end.map_or_else(
                    || "it is no longer among the holds of the session".to_owned(),
                    |ended| match &ended.reason {
                        Some(reason) => format!("{:?} ({reason})", ended.state),
                        None => format!("{:?}", ended.state),
                    },
                );
                guard.lose(Loss::ClaimEnded(how));
            }
        }
    }
}
