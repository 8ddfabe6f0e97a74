//! What can be set.

use std::collections::BTreeSet;
use std::time::Duration;

use super::words::WORDS_DEFAULT;
use crate::proto::frame::PAYLOAD_BYTES_MAX_DEFAULT;

/// Settings of the door. The defaults are ZooKeeper's where it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorSettings {
    /// Bytes of one request (`jute.maxbuffer`); a longer one closes the connection.
    pub frame_bytes_max: usize,
    /// Connections from one address (`maxClientCnxns`); further ones are closed.
    pub connections_per_address_max: usize,
    /// Requests of one connection that are under way: further ones are not read.
    pub outstanding_max: usize,
    /// Watch events that wait for one connection to read them; past it the connection is closed.
    pub events_waiting_max: usize,
    /// Shortest session timeout (`minSessionTimeout`); a wish below is raised to it.
    pub session_timeout_min: Duration,
    /// Longest session timeout (`maxSessionTimeout`).
    pub session_timeout_max: Duration,
    /// How long a connection may take to say what it wants.
    pub handshake_timeout: Duration,
    /// How long this node may hear of no quorum before it closes its connections, so that clients look
    /// elsewhere.
    pub leaderless_max: Duration,
    /// Whether it then serves reads to clients that take a read-only server
    /// (`readonlymode.enabled`).
    pub read_only: bool,
    /// Whether clients may change the members (`reconfigEnabled`).
    pub reconfig: bool,
    /// Four-letter words that are answered (`4lw.commands.whitelist`); `*`: all.
    pub words: BTreeSet<String>,
    /// `digest` identity that passes every access list (`superDigest`), as `super:hash`.
    pub super_digest: Option<String>,
}

impl Default for DoorSettings {
    fn default() -> Self {
        DoorSettings {
            frame_bytes_max: PAYLOAD_BYTES_MAX_DEFAULT,
            connections_per_address_max: 10_000,
            outstanding_max: 1000,
            events_waiting_max: 100_000,
            session_timeout_min: Duration::from_secs(4),
            session_timeout_max: Duration::from_secs(40),
            handshake_timeout: Duration::from_secs(10),
            leaderless_max: Duration::from_secs(2),
            read_only: false,
            reconfig: false,
            words: WORDS_DEFAULT.split(',').map(str::to_owned).collect(),
            super_digest: None,
        }
    }
}

impl DoorSettings {
    /// The timeout granted for a wish in milliseconds.
    pub(crate) fn granted(&self, wish_ms: i32) -> Duration {
        let wish = Duration::from_millis(u64::try_from(wish_ms).unwrap_or(0));
        wish.clamp(self.session_timeout_min, self.session_timeout_max)
    }
}
