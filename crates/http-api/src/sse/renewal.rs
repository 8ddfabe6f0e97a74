//! The renewals of a session stream.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use raft_core::ids::SessionId;
use tokio::time::{Instant, sleep_until};

use crate::api::Api;
use crate::millis::as_ms;

/// A session that a stream keeps alive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renewal {
    pub(crate) session: SessionId,
    pub(crate) timeout: Duration,
}

/// The renewals of a session stream.
pub(super) struct Renewing {
    pub(super) renewal: Renewal,
    /// When the request arrived; see [`crate::keeper`] for what is counted from where.
    received: Instant,
    pub(super) round: BoxFuture<'static, Option<u64>>,
}

impl Renewing {
    pub(super) fn new(api: &Arc<Api>, renewal: Renewal, received: Instant) -> Renewing {
        let round = Renewing::round(api, renewal, received, Instant::now());
        Renewing {
            renewal,
            received,
            round,
        }
    }

    /// Waits until `at`, renews, and says for how long the session is safe, counted from the
    /// sending of the request that opened the stream. `None` when it was not renewed.
    fn round(
        api: &Arc<Api>,
        renewal: Renewal,
        received: Instant,
        at: Instant,
    ) -> BoxFuture<'static, Option<u64>> {
        let api = Arc::clone(api);
        Box::pin(async move {
            sleep_until(at).await;
            let began = Instant::now();
            let renewed = api
                .node
                .keep_alive(vec![renewal.session], renewal.timeout)
                .await;
            let renewed = renewed.ok()?.into_iter().find(|renewed| renewed.alive)?;
            let late = as_ms(began.saturating_duration_since(received));
            Some(late.saturating_add(renewed.safe_ms))
        })
    }

    pub(super) fn again(&mut self, api: &Arc<Api>) {
        let at = Instant::now() + self.renewal.timeout / 3;
        self.round = Renewing::round(api, self.renewal, self.received, at);
    }
}
