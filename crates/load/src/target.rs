//! What a workload asks of a service, whatever protocol it is asked in.

use std::fmt;
use std::future::Future;

use bytes::Bytes;

use crate::plan::Reading;

/// A service that can be put under load: how to become a client of it.
pub trait Target: Clone + Send + Sync + 'static {
    /// A client with a connection of its own.
    type Client: Client;

    /// What reports call it, for example `http`.
    fn name(&self) -> &'static str;

    /// Connects client number `number`; servers are dealt out in turn. Takes no session and no lease.
    ///
    /// # Errors
    /// Nobody answers there.
    fn connect(&self, number: usize) -> impl Future<Output = Result<Self::Client, Trouble>> + Send;
}

/// One client, one connection, one request at a time.
///
/// None of these is cancel safe: after a dropped call the client must be thrown away.
pub trait Client: Send + 'static {
    /// Makes a znode, or leaves the one that is there.
    fn ensure(&mut self, path: &str) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Makes a znode that is not there yet.
    fn create(
        &mut self,
        path: &str,
        value: &Bytes,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Replaces the value of a znode that is there.
    fn write(
        &mut self,
        path: &str,
        value: &Bytes,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Reads a value.
    fn read(
        &mut self,
        path: &str,
        reading: Reading,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Opens the session that locks are taken under and that [`keep_alive`](Client::keep_alive) renews. Called
    /// once, before either.
    fn open_session(&mut self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Tells the service that the session lives.
    fn keep_alive(&mut self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Stands in the queue of a lock until it is held. `name` has no slash at its ends.
    fn acquire(&mut self, name: &str) -> impl Future<Output = Result<Grant, Trouble>> + Send;

    /// Releases what [`acquire`](Client::acquire) gave.
    fn release(
        &mut self,
        name: &str,
        grant: Grant,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Begins to watch a znode.
    fn watch(&mut self, path: &str) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Waits until the watched znode has changed once more, and returns the number that its value begins with.
    /// Changes may be missed where the protocol's watches fire once.
    fn changed(&mut self, path: &str) -> impl Future<Output = Result<u64, Trouble>> + Send;
}

/// A lock is held.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Grows from one holder to the next.
    pub fence: u64,
    /// What the driver needs to release it.
    pub key: Bytes,
}

/// What is known of an operation that was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It did not happen.
    NotDone,
    /// It may have happened.
    Unknown,
}

/// An operation was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{kind}")]
pub struct Trouble {
    /// The service's own word for it, or what the socket said: few different ones, for they are counted.
    pub kind: String,
    /// What is known of the operation.
    pub outcome: Outcome,
    /// Whether the connection can still be used.
    pub connected: bool,
}

impl Trouble {
    /// The service refused: it did not happen.
    #[must_use]
    pub fn refused(kind: impl fmt::Display) -> Trouble {
        Trouble {
            kind: kind.to_string(),
            outcome: Outcome::NotDone,
            connected: true,
        }
    }

    /// The service does not know.
    #[must_use]
    pub fn unknown(kind: impl fmt::Display) -> Trouble {
        Trouble {
            kind: kind.to_string(),
            outcome: Outcome::Unknown,
            connected: true,
        }
    }

    /// The connection was lost while an answer was due.
    #[must_use]
    pub fn cut(kind: impl fmt::Display) -> Trouble {
        Trouble {
            kind: kind.to_string(),
            outcome: Outcome::Unknown,
            connected: false,
        }
    }

    /// No connection was made.
    #[must_use]
    pub fn unreachable(kind: impl fmt::Display) -> Trouble {
        Trouble {
            kind: kind.to_string(),
            outcome: Outcome::NotDone,
            connected: false,
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Trouble {
        Trouble::cut(error.kind())
    }
}
