//! The session of a command that runs something: open while that lasts, and no longer.

use std::time::Duration;

use holdfast_client::{Session, SessionOptions};
use tokio::time::timeout;

use super::signals::{Signals, by_signal};
use super::{App, session};
use crate::exit::{Context as _, Failure};

/// Time for tidying up at the end. What it does not manage, the end of the session does.
const TIDY_TIME: Duration = Duration::from_secs(3);

/// Opens a session that ends after a silence of `ttl`, does `work` under it, and closes it, however the work
/// ended. From before it is opened, signals reach nobody but `work`; one that comes before that ends this.
/// `what` is what the user asked for, as it reads on after "cannot".
pub(super) async fn run(
    app: &App,
    ttl: Duration,
    what: &str,
    work: impl AsyncFnOnce(&Session, &mut Signals) -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    let mut signals = Signals::listen()?;
    let options = SessionOptions {
        ttl,
        owner: session::own_owner(),
        lock_delay: Duration::ZERO,
        id: None,
    };
    let session = tokio::select! {
        opened = app.client.open_session(options) => opened.cannot(|| what.to_owned())?,
        signal = signals.next() => return Ok(by_signal(signal)),
    };
    let ended = work(&session, &mut signals).await;
    // First what was begun by dropping guards: it needs the session.
    let tidied = timeout(TIDY_TIME, async {
        app.client.finish_background().await;
        session.close().await
    });
    if let Ok(Err(error)) = tidied.await {
        tracing::debug!(%error, "closing the session failed; it will expire");
    }
    ended
}
