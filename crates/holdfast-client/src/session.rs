//! Sessions: kept alive in the background, lost in time.

mod keeper;
mod remote;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use http_types::duration::TextDuration;
use http_types::paths;
use http_types::v1::sessions::{self as wire, EndedSession, OnEnd, OpenSessionRequest, Owner};
use parking_lot::Mutex;
use reqwest::Method;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use shared::{Registration, Shared, safe_until};

use crate::client::Client;
use crate::error::Error;
use crate::loss::Loss;
use crate::transport::{Answer, Call, Repeat, random_id};

/// Time for the release that a dropped session begins.
const DROP_RELEASE_BUDGET: Duration = Duration::from_secs(5);

/// How to open a session.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Silence after which the cluster may expire it.
    pub ttl: Duration,
    /// Who is behind it; shown to people who wait for its locks.
    pub owner: Owner,
    /// After it expires, its locks are granted to nobody for this long.
    pub lock_delay: Duration,
    /// Its id; left out: a random one.
    pub id: Option<String>,
}

impl Default for SessionOptions {
    /// 15 s, owned by this process.
    fn default() -> SessionOptions {
        let program = std::env::current_exe().ok();
        let service = program.and_then(|p| Some(p.file_name()?.to_string_lossy().into_owned()));
        SessionOptions {
            ttl: Duration::from_secs(15),
            owner: Owner {
                service,
                pid: Some(std::process::id()),
                ..Owner::default()
            },
            lock_delay: Duration::ZERO,
            id: None,
        }
    }
}

impl SessionOptions {
    fn request(&self) -> OpenSessionRequest {
        OpenSessionRequest {
            ttl: Some(TextDuration::from(self.ttl)),
            owner: self.owner.clone(),
            lock_delay: Some(TextDuration::from(self.lock_delay)),
            on_end: OnEnd::Release,
        }
    }
}

/// A session kept alive in the background. Cheap to clone; when the last clone and the last
/// [`LockGuard`](crate::LockGuard) under it are dropped, it is ended in the background.
///
/// A keep-alive is sent every third of its time to live. Each moves [`safe_until`](Session::safe_until)
/// forward; when that passes without one, the session counts as lost here and now, before the
/// cluster can have expired it.
#[derive(Clone, Debug)]
pub struct Session {
    handle: Arc<Handle>,
}

/// Owns the background task.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.shared.loss().is_some() {
            return;
        }
        self.shared.lose(Loss::Closed);
        let (client, call) = (self.shared.client.clone(), close_call(&self.shared.id));
        let mut call = call;
        call.deadline = Some(Instant::now() + DROP_RELEASE_BUDGET);
        self.shared.client.in_background(async move {
            if let Err(error) = client.write(call).await {
                tracing::debug!(%error, "ending a dropped session failed; it will expire");
            }
        });
    }
}

fn close_call(id: &str) -> Call {
    Call::new(Method::DELETE, paths::session(id), Repeat::ById)
}

impl Client {
    /// Opens a session and keeps it alive until it is closed, dropped or lost.
    ///
    /// # Errors
    /// As every write. The id is chosen before the first attempt, so attempts do not add up to
    /// several sessions.
    pub async fn open_session(&self, options: SessionOptions) -> Result<Session, Error> {
        let (opened, sent) = self.put_session(&options).await?;
        let ttl = Duration::from_millis(opened.ttl_ms);
        let safe = Duration::from_millis(opened.safe_ms.unwrap_or(opened.ttl_ms));
        let shared = Arc::new(Shared::new(self.clone(), opened.id, ttl, sent, safe));
        let task = tokio::spawn(keeper::run(Arc::clone(&shared)));
        Ok(Session {
            handle: Arc::new(Handle {
                shared,
                task: Mutex::new(Some(task)),
            }),
        })
    }

    /// Opens a session without keeping it alive: for whoever renews it by other means.
    ///
    /// # Errors
    /// As every write.
    pub async fn create_session(&self, options: &SessionOptions) -> Result<wire::Session, Error> {
        Ok(self.put_session(options).await?.0)
    }

    async fn put_session(
        &self,
        options: &SessionOptions,
    ) -> Result<(wire::Session, Instant), Error> {
        let id = options.id.clone().unwrap_or_else(|| random_id("s"));
        let call =
            Call::new(Method::PUT, paths::session(&id), Repeat::ById).json(&options.request())?;
        let answer: Answer = self.write(call).await?;
        Ok((answer.json()?, answer.sent))
    }
}

impl Session {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.handle.shared.id
    }

    /// The client it belongs to.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.handle.shared.client
    }

    /// Silence after which the cluster may expire it, as the cluster granted it.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.handle.shared.ttl
    }

    /// Until then it is certainly alive, unless somebody ends it on purpose: the moment the last
    /// successful keep-alive was sent, plus what the cluster promised, less a margin for the
    /// difference between clocks.
    #[must_use]
    pub fn safe_until(&self) -> Instant {
        self.handle.shared.safe_until()
    }

    /// Fires when the session is lost or closed. Every guard's token fires with it.
    #[must_use]
    pub fn lost_token(&self) -> CancellationToken {
        self.handle.shared.lost.child_token()
    }

    /// Waits until the session is lost or closed. Cancel safe.
    pub async fn lost(&self) {
        self.handle.shared.lost.cancelled().await;
    }

    /// Why it is lost, if it is.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        self.handle.shared.loss()
    }

    /// Ends it: its locks are released, its ephemeral znodes removed. Guards report loss *before*
    /// the request is sent, so that nobody works on while the next in line begins.
    ///
    /// # Errors
    /// As every write; if it fails, the session expires by itself.
    pub async fn close(self) -> Result<EndedSession, Error> {
        self.handle.shared.lose(Loss::Closed);
        let task = self.handle.task.lock().take();
        if let Some(task) = task {
            // The task ends by itself once the session is lost; a panic in it was already reported.
            let _ = task.await;
        }
        self.client().write(close_call(self.id())).await?.json()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}
