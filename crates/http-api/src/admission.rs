//! How many requests and streams at a time. What is over a limit is refused before it costs
//! anything: it did not happen.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_types::quota::Quota;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Problem;
use crate::settings::ApiSettings;

/// Open streams of each client that has any.
type StreamsByClient = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

/// Counts what is being served.
#[derive(Debug)]
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    requests_max: Quota,
    streams: Arc<Semaphore>,
    streams_max: Quota,
    by_client: StreamsByClient,
    by_client_max: Quota,
    verifications: Arc<Semaphore>,
    walks: Arc<Semaphore>,
}

/// Verifications of a snapshot at a time: each needs the memory of a second state.
const VERIFICATIONS: Quota = Quota {
    name: "verifications",
    limit: 1,
};
/// Walks over the whole state at a time: each keeps a core busy.
const WALKS: Quota = Quota {
    name: "walks",
    limit: 2,
};

/// The right to one stream; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    _stream: OwnedSemaphorePermit,
    client: Option<(IpAddr, StreamsByClient)>,
    /// The quotas it counts for, with what was left of each when it was given.
    pub(crate) quotas: Vec<(Quota, usize)>,
}

/// The right to one walk over the whole state; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Walk {
    _permit: OwnedSemaphorePermit,
}

impl Walk {
    /// Does `work` on a thread of its own. Dropping the future does not stop it, and the right is kept until it
    /// ends: clients that ask and go away must not keep more cores busy than those that wait.
    ///
    /// # Errors
    /// 500 when the work panics or the node stops.
    pub(crate) async fn through<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let walking = tokio::task::spawn_blocking(move || {
            let _right = self;
            work()
        });
        let walked = walking.await;
        walked.map_err(|_| Problem::internal("a walk over the state broke off"))
    }
}

impl Admission {
    pub(crate) fn new(settings: &ApiSettings) -> Admission {
        let quota = |name, limit| Quota { name, limit };
        Admission {
            requests: Arc::new(Semaphore::new(settings.requests_max)),
            requests_max: quota("requests", settings.requests_max),
            streams: Arc::new(Semaphore::new(settings.streams_max)),
            streams_max: quota("streams", settings.streams_max),
            by_client: Arc::default(),
            by_client_max: quota("streams-per-client", settings.streams_per_client_max),
            verifications: Arc::new(Semaphore::new(VERIFICATIONS.limit)),
            walks: Arc::new(Semaphore::new(WALKS.limit)),
        }
    }

    /// Admits one request. Says nothing of what is left: all clients share it, and it is another a
    /// moment later.
    ///
    /// # Errors
    /// 503 when as many are being served as may be.
    pub(crate) fn request(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.requests)
            .try_acquire_owned()
            .map_err(|_| Problem::overloaded("requests", self.requests_max))
    }

    /// Admits one verification of a snapshot.
    ///
    /// # Errors
    /// 503 when one is under way.
    pub(crate) fn verification(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.verifications)
            .try_acquire_owned()
            .map_err(|_| Problem::overloaded("verification of a snapshot", VERIFICATIONS))
    }

    /// Admits one walk over the whole state, once there is room for it.
    ///
    /// # Errors
    /// 503 when there is none within this time.
    pub(crate) async fn walk(&self, within: Duration) -> Result<Walk, Problem> {
        let permit = Arc::clone(&self.walks).acquire_owned();
        match tokio::time::timeout(within, permit).await {
            Ok(Ok(permit)) => Ok(Walk { _permit: permit }),
            Ok(Err(_)) | Err(_) => Err(Problem::overloaded("walks over the whole state", WALKS)),
        }
    }

    /// Admits one stream of a client.
    ///
    /// # Errors
    /// 429 when the client, or all clients together, have as many open as they may.
    pub(crate) fn stream(&self, client: Option<IpAddr>) -> Result<StreamPermit, Problem> {
        let permit = Arc::clone(&self.streams)
            .try_acquire_owned()
            .map_err(|_| Problem::rate_limited("event streams of this node", self.streams_max))?;
        let of_all = (self.streams_max, self.streams.available_permits());
        let Some(address) = client else {
            return Ok(StreamPermit {
                _stream: permit,
                client: None,
                quotas: vec![of_all],
            });
        };
        let mut by_client = self.by_client.lock();
        let open = by_client.entry(address).or_default();
        if *open >= self.by_client_max.limit {
            return Err(Problem::rate_limited(
                "event streams of one client",
                self.by_client_max,
            ));
        }
        *open = open.saturating_add(1);
        let of_client = (
            self.by_client_max,
            self.by_client_max.limit.saturating_sub(*open),
        );
        drop(by_client);
        let client = Some((address, Arc::clone(&self.by_client)));
        Ok(StreamPermit {
            _stream: permit,
            client,
            quotas: vec![of_client, of_all],
        })
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let Some((address, by_client)) = &self.client else {
            return;
        };
        let mut by_client = by_client.lock();
        if let Some(open) = by_client.get_mut(address) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                by_client.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Admission {
        Admission::new(&ApiSettings {
            requests_max: 1,
            streams_max: 3,
            streams_per_client_max: 2,
            ..ApiSettings::default()
        })
    }

    #[test]
    fn a_finished_request_makes_room() {
        let admission = admission();
        let first = admission.request().unwrap();
        assert!(admission.request().is_err());
        drop(first);
        assert!(admission.request().is_ok());
    }

    #[test]
    fn one_client_cannot_take_all_streams() {
        let admission = admission();
        let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let first = admission.stream(Some(one)).unwrap();
        let _second = admission.stream(Some(one)).unwrap();
        assert!(admission.stream(Some(one)).is_err());
        let _third = admission.stream(Some(other)).unwrap();
        assert!(admission.stream(None).is_err(), "all streams are taken");
        drop(first);
        assert!(admission.stream(Some(one)).is_ok());
    }

    #[test]
    fn a_stream_says_what_is_left_of_its_quotas() {
        let admission = admission();
        let client = Some("10.0.0.1".parse().unwrap());
        let left = |permit: &StreamPermit| {
            let left = permit
                .quotas
                .iter()
                .map(|(quota, left)| (quota.name, *left));
            left.collect::<Vec<_>>()
        };
        let first = admission.stream(client).unwrap();
        assert_eq!(left(&first), [("streams-per-client", 1), ("streams", 2)]);
        let second = admission.stream(client).unwrap();
        assert_eq!(left(&second), [("streams-per-client", 0), ("streams", 1)]);
        assert_eq!(left(&admission.stream(None).unwrap()), [("streams", 0)]);
    }

    #[test]
    fn nothing_is_remembered_of_clients_that_left() {
        let admission = admission();
        drop(admission.stream(Some("10.0.0.1".parse().unwrap())));
        assert!(admission.by_client.lock().is_empty());
    }

    #[tokio::test]
    async fn a_walk_that_nobody_waits_for_keeps_its_place_until_it_ends() {
        let admission = admission();
        let (end, ended) = std::sync::mpsc::sync_channel::<()>(0);
        let (begin, begun) = tokio::sync::oneshot::channel();
        let walk = admission.walk(Duration::ZERO).await.unwrap();
        let walking = tokio::spawn(walk.through(move || {
            let _ = begin.send(());
            let _ = ended.recv();
        }));
        begun.await.unwrap();
        walking.abort();
        assert!(walking.await.unwrap_err().is_cancelled());
        let _second = admission.walk(Duration::ZERO).await.unwrap();
        assert!(admission.walk(Duration::ZERO).await.is_err());
        drop(end);
        assert!(admission.walk(Duration::from_secs(30)).await.is_ok());
    }
}
