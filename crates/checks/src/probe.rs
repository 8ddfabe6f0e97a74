//! One probe: a connection, at most one request, and what came of it.

mod connect;
mod http;
mod text;

use std::sync::Arc;

use rustix::io::Errno;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use self::text::{describe, host_and_port};
use crate::limits::{INTERVAL_MAX, LOOKUPS_MAX};
use crate::target::{Kind, Target};

/// What a probe showed. The texts say what was probed and what came of it, as [`Verdict::text`] does.
///
/// [`Verdict::text`]: crate::Verdict::text
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target did what was asked for.
    Passed(String),
    /// It did not, or not in time.
    Failed(String),
    /// Nothing was learned: the trouble is on this machine, such as no more file descriptors. Not the target's fault,
    /// and no reason to take it out.
    NotProbed(String),
}

/// Why a probe did not pass.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// The target's.
    #[error("{0}")]
    Target(String),
    /// This machine's.
    #[error("{0}")]
    Here(String),
}

impl Trouble {
    fn target(what: impl Into<String>) -> Trouble {
        Trouble::Target(what.into())
    }

    fn of(error: &std::io::Error) -> Trouble {
        match Errno::from_io_error(error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                Trouble::Here(format!("not probed: {error}"))
            }
            // Short where the system's message has a number behind it: "connection refused".
            Some(_) => Trouble::Target(error.kind().to_string()),
            None => Trouble::Target(error.to_string()),
        }
    }
}

/// Makes probes. One for all of them: it bounds how many names are looked up at a time.
#[derive(Clone, Debug)]
pub struct Prober {
    lookups: Arc<Semaphore>,
}

impl Default for Prober {
    fn default() -> Self {
        Prober {
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
        }
    }
}

impl Prober {
    /// Probes a target once, within its timeout. The connection is closed in any case.
    ///
    /// Cancel safe: when it is dropped the connection is closed. A name that is being looked up then is looked up to
    /// the end, and counts until then.
    pub async fn probe<K>(&self, target: &Target<K>) -> Outcome {
        let subject = describe(target);
        let said = |what: &dyn std::fmt::Display| text::verdict(&subject, what);
        match self.ask(target).await {
            Ok(finding) => Outcome::Passed(said(&finding)),
            Err(trouble @ Trouble::Target(_)) => Outcome::Failed(said(&trouble)),
            Err(trouble @ Trouble::Here(_)) => Outcome::NotProbed(said(&trouble)),
        }
    }

    /// What was found, when it passes.
    async fn ask<K>(&self, target: &Target<K>) -> Result<String, Trouble> {
        let timeout = target.spec.timeout.min(INTERVAL_MAX);
        let until = Instant::now() + timeout;
        let request = match &target.spec.kind {
            Kind::Tcp => None,
            Kind::Http { path, host } => {
                let host = host
                    .clone()
                    .unwrap_or_else(|| host_and_port(&target.address, target.port));
                Some(http::request(path, &host)?)
            }
        };
        let late = |what: &str| Trouble::Target(format!("{what} within {timeout:?}"));
        let addresses = connect::resolve(&self.lookups, &target.address, target.port, until)
            .await?
            .ok_or_else(|| late("no answer from name servers"))?;
        let stream = connect::first(&addresses, until)
            .await?
            .ok_or_else(|| late("no connection"))?;
        match request {
            None => Ok("connected".to_owned()),
            Some(request) => timeout_at(until, http::exchange(stream, &request))
                .await
                .map_err(|_| late("no answer"))?,
        }
    }
}
