//! A claim that was asked for and is not held yet.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_types::problem::Effect;
use tokio::time::Instant;

use crate::client::Client;
use crate::error::Error;
use crate::session::Session;

use super::remote::release_call;

/// Time for a release in the background. Whatever it cannot do in time, the end of the session does.
const RELEASE_BUDGET: Duration = Duration::from_secs(10);

/// Withdraws the claim when dropped before it is [`done`](PendingClaim::done): a claim nobody
/// waits for would block the queue until the end of its session.
pub(super) struct PendingClaim {
    client: Client,
    session: String,
    lock: String,
    claim: String,
    settled: AtomicBool,
}

impl PendingClaim {
    pub(super) fn new(session: &Session, lock: &str, claim: &str) -> PendingClaim {
        PendingClaim {
            client: session.client().clone(),
            session: session.id().to_owned(),
            lock: lock.to_owned(),
            claim: claim.to_owned(),
            settled: AtomicBool::new(false),
        }
    }

    /// Held: the guard releases it from now on.
    pub(super) fn done(self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    /// It failed; if it certainly did not happen, there is nothing to withdraw.
    pub(super) fn settle(&self, error: &Error) {
        if error.outcome() == Effect::NotApplied {
            self.settled.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for PendingClaim {
    fn drop(&mut self) {
        if !self.settled.load(Ordering::Relaxed) {
            release_in_background(&self.client, &self.lock, &self.claim, &self.session);
        }
    }
}

/// Releases a claim without anybody waiting for it.
pub(super) fn release_in_background(client: &Client, lock: &str, claim: &str, session: &str) {
    let mut call = release_call(lock, claim, Some(session));
    call.deadline = Some(Instant::now() + RELEASE_BUDGET);
    let sender = client.clone();
    client.in_background(async move {
        if let Err(error) = sender.write(call).await {
            tracing::debug!(%error, "release in the background failed; the session's end does it");
        }
    });
}
