//! How the door behaves under load.

use std::time::Duration;

/// Limits and times of the HTTP door. Every field has a default that suits a small server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// How long a request may take when it names no `Holdfast-Timeout`, not counting the time it
    /// asked to wait.
    pub request_timeout: Duration,
    /// Longest `Holdfast-Timeout`.
    pub request_timeout_max: Duration,
    /// Longest time one request waits for a lock or a change (`Prefer: wait`); asking for more is
    /// answered after this time as if it had been asked for.
    pub wait_max: Duration,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long the head of a request may take to arrive, and a connection may idle.
    pub header_timeout: Duration,
    /// Requests being served at a time, those that wait among them.
    pub requests_max: usize,
    /// Event streams open at a time.
    pub streams_max: usize,
    /// Event streams one client address may have open.
    pub streams_per_client_max: usize,
    /// Connections open at a time; further ones wait in the listen queue.
    pub connections_max: usize,
    /// Silence on a stream after which a comment is sent.
    pub heartbeat: Duration,
    /// Unanswered data on a connection for longer than this means that the client is gone.
    pub peer_timeout: Duration,
    /// How long open requests may go on after shutdown began.
    pub drain_timeout: Duration,
    /// How long a signed fence token says that it is valid.
    pub fence_token_lifetime: Duration,
}

impl Default for ApiSettings {
    fn default() -> Self {
        ApiSettings {
            request_timeout: Duration::from_secs(10),
            request_timeout_max: Duration::from_secs(60),
            wait_max: Duration::from_secs(300),
            body_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(75),
            requests_max: 16_384,
            streams_max: 10_000,
            streams_per_client_max: 1_000,
            connections_max: 32_768,
            heartbeat: Duration::from_secs(15),
            peer_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
            fence_token_lifetime: Duration::from_secs(3600),
        }
    }
}
