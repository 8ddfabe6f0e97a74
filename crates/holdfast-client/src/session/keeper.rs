//! The background task of a session: one loop that keeps it alive, one that watches the clock.
//! Both end when the session is lost or closed.

use std::sync::Arc;
use std::time::Duration;

use http_types::paths;
use http_types::problem::ErrorCode;
use http_types::v1::sessions::Keepalive;
use reqwest::Method;
use tokio::time::Instant;

use super::Shared;
use crate::error::Error;
use crate::loss::Loss;
use crate::transport::{Call, Repeat};

/// Keep-alives per time to live.
const RENEWALS_PER_TTL: u32 = 3;
/// Least time between two keep-alives, however short the time to live is.
const INTERVAL_MIN: Duration = Duration::from_millis(20);

/// Runs until the session is lost or closed.
pub(super) async fn run(shared: Arc<Shared>) {
    tokio::join!(renew_in_time(&shared), watch_deadlines(&shared));
}

async fn renew_in_time(shared: &Shared) {
    let interval = (shared.ttl / RENEWALS_PER_TTL).max(INTERVAL_MIN);
    let work = async {
        loop {
            tokio::time::sleep(interval).await;
            if let Err(error) = renew(shared, interval).await {
                tracing::debug!(session = %shared.id, %error, "keep-alive failed");
            }
        }
    };
    // Whatever is in flight is dropped: a keep-alive has no effect that could be in doubt.
    tokio::select! {
        () = shared.lost.cancelled() => {}
        () = work => {}
    }
}

/// One keep-alive, repeated at all nodes until the session is no longer safe anyway.
async fn renew(shared: &Shared, interval: Duration) -> Result<(), Error> {
    let path = paths::session_action(&shared.id, "keepalive");
    let mut call = Call::new(Method::POST, path, Repeat::Harmless);
    // A node that hangs must leave time to ask another.
    call.attempt_timeout = Some(interval);
    call.deadline = Some(shared.safe_until());
    match shared.client.write(call).await {
        Ok(answer) => {
            shared.renewed(&answer.json::<Keepalive>()?, answer.sent);
            Ok(())
        }
        Err(error) => {
            if let Some(ErrorCode::SessionExpired | ErrorCode::NoSession) = error.code() {
                shared.lose(Loss::SessionEnded(error.to_string()));
            }
            Err(error)
        }
    }
}

async fn watch_deadlines(shared: &Shared) {
    loop {
        tokio::select! {
            () = shared.lost.cancelled() => return,
            // Was the time extended meanwhile, this finds nothing overdue and looks again.
            () = tokio::time::sleep_until(shared.next_deadline()) => {
                shared.expire_overdue(Instant::now());
            }
            () = shared.changed.notified() => {}
        }
    }
}
