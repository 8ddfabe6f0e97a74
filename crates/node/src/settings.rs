//! Limits and times of the runtime. Limits of the replicated state are in `raft_core::limits`.

use std::time::Duration;

/// How one node behaves under load. Every field has a default that suits a small server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// Proposals of this node's own clients without an outcome yet.
    pub proposals_in_flight_max: usize,
    /// Bytes of those proposals.
    pub proposal_bytes_in_flight_max: usize,
    /// Requests of other nodes that this leader has accepted and not yet written.
    pub forwarded_queue_max: usize,
    /// Log entries this leader has written and not yet seen applied.
    pub batches_in_flight_max: usize,
    /// Commands' worth of events kept for resuming streams.
    pub event_commits_max: usize,
    /// Bytes of those events.
    pub event_bytes_max: usize,
    /// A snapshot is taken after so many bytes of log, or as many as the last one had, if that is more.
    pub snapshot_log_bytes: u64,
    /// How often the leader looks for silent sessions and passed deadlines.
    pub expiry_interval: Duration,
    /// How long a proposal or read waits before it asks again after a refusal for want of a leader.
    pub retry_interval: Duration,
    /// How long one peer call of the runtime may take.
    pub peer_call_timeout: Duration,
    /// How often the leader compares digests with its peers.
    pub audit_interval: Duration,
    /// Whether this node, while it leads, connects to instances of services that ask to be checked.
    /// These are sockets of the system, also in a simulation.
    pub service_checks: bool,
}

impl Default for NodeSettings {
    fn default() -> Self {
        NodeSettings {
            proposals_in_flight_max: 16_384,
            proposal_bytes_in_flight_max: 256 << 20,
            forwarded_queue_max: 65_536,
            batches_in_flight_max: 64,
            event_commits_max: 100_000,
            event_bytes_max: 32 << 20,
            snapshot_log_bytes: 128 << 20,
            expiry_interval: Duration::from_millis(50),
            retry_interval: Duration::from_millis(10),
            peer_call_timeout: Duration::from_secs(2),
            audit_interval: Duration::from_secs(5),
            service_checks: true,
        }
    }
}
