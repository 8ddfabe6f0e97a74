//! What was asked for and is not had yet, taken back if nobody waits for it any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_types::problem::Effect;
use tokio::time::Instant;

use crate::client::Client;
use crate::error::Error;
use crate::transport::Call;

/// Time for a call in the background. Whatever it cannot do in time, the end of the session does.
pub(crate) const BACKGROUND_BUDGET: Duration = Duration::from_secs(10);

/// Withdraws when dropped before it is [`done`](Withdrawal::done): a claim nobody waits for would block
/// a queue until the end of its session, and a candidate nobody waits for would lead.
pub(crate) struct Withdrawal {
    client: Client,
    call: Call,
    settled: AtomicBool,
}

impl Withdrawal {
    /// By this call, which must be repeatable.
    pub(crate) fn by(client: &Client, call: Call) -> Withdrawal {
        Withdrawal {
            client: client.clone(),
            call,
            settled: AtomicBool::new(false),
        }
    }

    /// It is had: whoever has it gives it back from now on.
    pub(crate) fn done(self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    /// It failed; if it certainly did not happen, there is nothing to withdraw.
    pub(crate) fn settle(&self, error: &Error) {
        if error.outcome() == Effect::NotApplied {
            self.settled.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        if !self.settled.load(Ordering::Relaxed) {
            send_in_background(&self.client, self.call.clone());
        }
    }
}

/// Sends a call without anybody waiting for it.
pub(crate) fn send_in_background(client: &Client, mut call: Call) {
    call.deadline = Some(Instant::now() + BACKGROUND_BUDGET);
    let sender = client.clone();
    client.in_background(async move {
        if let Err(error) = sender.write(call).await {
            tracing::debug!(%error, "giving back in the background failed; the session's end does it");
        }
    });
}
