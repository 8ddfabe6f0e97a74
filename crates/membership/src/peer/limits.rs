//! Bounds of the peer connections, in one place.

use std::time::Duration;

/// Inbound connections, those not yet identified included. A peer uses four or five.
pub const INBOUND_CONNECTIONS_MAX: usize = 1024;
/// Frames queued for a socket.
pub const OUTGOING_FRAMES_MAX: usize = 512;
/// AppendEntries requests of one stream sent and not answered.
pub const APPENDS_IN_FLIGHT_MAX: usize = 256;
/// Bytes of them; one request larger than this still goes, alone.
pub const APPEND_BYTES_IN_FLIGHT_MAX: usize = 8 << 20;
/// AppendEntries requests a server holds for openraft.
pub const APPENDS_QUEUED_MAX: usize = 64;
/// Control requests of one connection worked on at once.
pub const CONTROL_IN_FLIGHT_MAX: usize = 64;
/// Application calls of one connection worked on at once.
pub const CALLS_IN_FLIGHT_MAX: usize = 4096;
/// Bytes of application calls to one peer, sent and not answered.
pub const CALL_BYTES_IN_FLIGHT_MAX: usize = 64 << 20;
/// Snapshot chunks between disk and socket.
pub const SNAPSHOT_CHUNKS_QUEUED_MAX: usize = 4;
/// Reports of ended connections waiting to be looked at; more are dropped, since one is enough.
pub const GONE_QUEUED_MAX: usize = 64;
/// At most one warning of a kind in this time; the rest are counted.
pub const WARN_INTERVAL: Duration = Duration::from_secs(10);
/// Pause after a failed accept (out of descriptors, usually), so that the loop does not spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
