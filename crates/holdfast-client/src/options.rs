//! How a client behaves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A request about to be sent, for an observer (the command line shows it as a curl command).
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Method.
    pub method: &'a str,
    /// Full URL.
    pub url: &'a str,
    /// Headers that belong to the contract.
    pub headers: &'a [(&'static str, String)],
    /// Body.
    pub body: Option<&'a [u8]>,
}

/// Called with every request before it is sent. Must not block.
pub type Observer = Arc<dyn Fn(&Outgoing<'_>) + Send + Sync>;

/// How a client behaves.
#[derive(Clone)]
pub struct Options {
    /// Time to open a connection. Short, since another node is waiting to be asked.
    pub connect_timeout: Duration,
    /// Time for one attempt, on top of the time the server was asked to wait.
    pub attempt_timeout: Duration,
    /// Time for all attempts of one call together, on top of the time the server was asked to wait.
    pub budget: Duration,
    /// Sees every request before it is sent.
    pub observer: Option<Observer>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connect_timeout: Duration::from_secs(1),
            attempt_timeout: Duration::from_secs(10),
            budget: Duration::from_secs(20),
            observer: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("connect_timeout", &self.connect_timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
