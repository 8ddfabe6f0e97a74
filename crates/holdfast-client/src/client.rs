//! The handle everything starts from.

use std::sync::Arc;
use std::time::Duration;

use http_types::duration::TextDuration;
use http_types::headers::{self, Consistency};
use tokio_util::task::TaskTracker;

use crate::endpoints::Endpoints;
use crate::error::Error;
use crate::options::Options;
use crate::transport::{Answer, Call, Transport};

/// A cluster, as seen by a client. Cheap to clone; clones share connections.
///
/// It holds no connection open by itself: the first call connects, and a node that fails is left
/// for the next one in the list.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
    /// Releases that were begun by dropping a guard.
    pub(crate) background: TaskTracker,
    consistency: Consistency,
}

impl Client {
    /// A client of the nodes at these base URLs (`http://host:port`, or `host:port`). Nothing is
    /// sent yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the list is empty or an entry is no such URL.
    pub fn connect<I>(endpoints: I) -> Result<Client, Error>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Client::with_options(endpoints, Options::default())
    }

    /// As [`connect`](Client::connect), with other settings.
    ///
    /// # Errors
    /// As [`connect`](Client::connect).
    pub fn with_options<I>(endpoints: I, options: Options) -> Result<Client, Error>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let endpoints = Endpoints::new(endpoints.into_iter().map(Into::into))?;
        Ok(Client {
            transport: Arc::new(Transport::new(endpoints, options)?),
            background: TaskTracker::new(),
            consistency: Consistency::Linearizable,
        })
    }

    /// The same client whose reads take the asked node's own state, at most `max_age` old, instead
    /// of asking the leader. They still never go back behind what this client has seen.
    #[must_use]
    pub fn stale_reads(&self, max_age: Option<Duration>) -> Client {
        let max_age = max_age.map(TextDuration::from);
        Client {
            consistency: Consistency::Stale { max_age },
            ..self.clone()
        }
    }

    /// The base URLs it was given.
    #[must_use]
    pub fn endpoints(&self) -> &[String] {
        self.transport.endpoints.all()
    }

    /// Highest position (zxid) any answer so far reflected.
    #[must_use]
    pub fn seen_index(&self) -> u64 {
        self.transport.seen()
    }

    /// Waits for releases that were begun by dropping guards and sessions. Call it before a process
    /// ends, or those locks are freed only when their sessions expire.
    ///
    /// Cancel safe.
    pub async fn finish_background(&self) {
        self.background.close();
        self.background.wait().await;
        self.background.reopen();
    }

    /// Sends a read with the consistency of this handle.
    pub(crate) async fn read(&self, mut call: Call) -> Result<Answer, Error> {
        if self.consistency != Consistency::Linearizable {
            call = call
                .header(headers::CONSISTENCY, self.consistency.to_string())
                .header(headers::MIN_INDEX, self.transport.seen().to_string());
        }
        self.transport.send(&call).await
    }

    /// Sends a write.
    pub(crate) async fn write(&self, call: Call) -> Result<Answer, Error> {
        self.transport.send(&call).await
    }

    /// Runs something to its end, if there is a runtime left to run it.
    pub(crate) fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.background.spawn_on(work, &runtime);
        }
    }
}
