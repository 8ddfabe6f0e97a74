//! Waiting for one's turn: the same PUT again and again, each held back by the node for a while.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Answer, Call};

/// Longest time one request waits at a node for its turn.
pub(crate) const POLL: Duration = Duration::from_secs(15);
/// Least time between two requests of one wait, should a node not wait at all.
pub(crate) const POLL_MIN: Duration = Duration::from_millis(100);

/// How long to wait.
pub(crate) struct Patience {
    /// Longest time for one request.
    pub(crate) poll: Duration,
    /// The wait is bounded.
    pub(crate) end: Option<Instant>,
}

/// Repeats `call`, which must be repeatable, until `is_ours` says so of its answer. Gives the answer
/// and when its request was sent.
///
/// While it waits, nodes may come and go: the end of the session or of the wait is the only bound.
pub(crate) async fn wait_for_turn<T: DeserializeOwned>(
    client: &Client,
    call: &Call,
    patience: Patience,
    mut is_ours: impl FnMut(&T) -> bool,
) -> Result<(T, Instant), Error> {
    let Patience { poll, end } = patience;
    let budget = client.transport.options.budget;
    loop {
        let begun = Instant::now();
        let left = end.map_or(poll, |end| end.saturating_duration_since(begun));
        let mut attempt = call.clone().prefer_wait(whole_ms(left.min(poll)));
        // The first answer is not waited for longer than usual.
        attempt.deadline = Some(end.unwrap_or(begun).max(begun + attempt.patience) + budget);
        let answer: Answer = client.write(attempt).await?;
        let found: T = answer.json()?;
        if is_ours(&found) {
            return Ok((found, answer.sent));
        }
        tokio::time::sleep_until(begun + POLL_MIN).await;
    }
}

fn whole_ms(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
