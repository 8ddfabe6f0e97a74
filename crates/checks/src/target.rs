//! What is checked, how, and what is said of it.

use std::time::Duration;

/// One thing to check. `K` names it, and says nothing to this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<K> {
    /// Its name; unique in a list.
    pub key: K,
    /// Where it is: an address (IPv6 with or without brackets), or a host name, looked up for each probe.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// How it is checked.
    pub spec: Spec,
    /// The verdict so far: whether it passes. `None`: there is none yet.
    pub known: Option<bool>,
}

impl<K: PartialEq> Target<K> {
    /// Whether results for one say something about the other.
    pub(crate) fn is_checked_like(&self, other: &Target<K>) -> bool {
        self.key == other.key
            && self.address == other.address
            && self.port == other.port
            && self.spec == other.spec
    }
}

/// How a target is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What is asked of it.
    pub kind: Kind,
    /// From the beginning of one probe to that of the next.
    pub interval: Duration,
    /// How long a probe may take in all: looking the name up, connecting, the answer.
    pub timeout: Duration,
    /// Failed probes in a row until the verdict is that it does not pass; 0 counts as 1.
    pub fail_after: u32,
    /// Passed probes in a row until the verdict is that it passes; 0 counts as 1.
    pub pass_after: u32,
}

/// What is asked of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A GET over HTTP/1.1 without TLS. Passed with a status from 200 to 299; a redirect is not followed, and fails.
    Http {
        /// Path and query, with the slash it begins with.
        path: String,
        /// The field `Host`; `None`: address and port.
        host: Option<String>,
    },
    /// A connection. Passed when it is accepted; nothing is sent.
    Tcp,
}

/// Something to be told of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<K> {
    /// Of which.
    pub key: K,
    /// Whether it passes now.
    pub passing: bool,
    /// The probe that decided, for people: `GET http://10.0.0.7:8080/livez: 503 Service Unavailable`. At most
    /// [`TEXT_BYTES_MAX`](crate::limits::TEXT_BYTES_MAX) bytes, without control characters. Parts of it were
    /// chosen by the target.
    pub text: String,
}
