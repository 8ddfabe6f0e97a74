//! How many requests and streams at a time. What is over a limit is refused before it costs
//! anything: it did not happen.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

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
    requests_max: usize,
    streams: Arc<Semaphore>,
    streams_max: usize,
    by_client: StreamsByClient,
    by_client_max: usize,
    verifications: Arc<Semaphore>,
}

/// The right to one stream; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    _stream: OwnedSemaphorePermit,
    client: Option<(IpAddr, StreamsByClient)>,
}

impl Admission {
    pub(crate) fn new(settings: &ApiSettings) -> Admission {
        Admission {
            requests: Arc::new(Semaphore::new(settings.requests_max)),
            requests_max: settings.requests_max,
            streams: Arc::new(Semaphore::new(settings.streams_max)),
            streams_max: settings.streams_max,
            by_client: Arc::default(),
            by_client_max: settings.streams_per_client_max,
            verifications: Arc::new(Semaphore::new(1)),
        }
    }

    /// Admits one request.
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
            .map_err(|_| Problem::overloaded("verification of a snapshot", 1))
    }

    /// Admits one stream of a client.
    ///
    /// # Errors
    /// 429 when the client, or all clients together, have as many open as they may.
    pub(crate) fn stream(&self, client: Option<IpAddr>) -> Result<StreamPermit, Problem> {
        let permit = Arc::clone(&self.streams)
            .try_acquire_owned()
            .map_err(|_| Problem::rate_limited("event streams of this node", self.streams_max))?;
        let Some(address) = client else {
            return Ok(StreamPermit {
                _stream: permit,
                client: None,
            });
        };
        let mut by_client = self.by_client.lock();
        let open = by_client.entry(address).or_default();
        if *open >= self.by_client_max {
            return Err(Problem::rate_limited(
                "event streams of one client",
                self.by_client_max,
            ));
        }
        *open = open.saturating_add(1);
        drop(by_client);
        let client = Some((address, Arc::clone(&self.by_client)));
        Ok(StreamPermit {
            _stream: permit,
            client,
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
    fn nothing_is_remembered_of_clients_that_left() {
        let admission = admission();
        drop(admission.stream(Some("10.0.0.1".parse().unwrap())));
        assert!(admission.by_client.lock().is_empty());
    }
}
