//! Version numbers of everything that is persisted or sent between nodes. A number changes when
//! the bytes change meaning; what older numbers mean is decoded for ever (`tests/golden`).

/// First byte of an encoded [`Request`](crate::command::Request).
pub const REQUEST: u8 = 1;
/// First byte of a batch of requests, the payload of one log entry.
pub const BATCH: u8 = 1;
/// What a snapshot begins with, before its version.
pub const SNAPSHOT_MAGIC: [u8; 8] = *b"holdfast";
/// Version of the snapshot format, after the magic. Versions 1 and 2 are refused by name: no release
/// wrote them; the sessions of 1 say nothing of where their clients are attached, the members of 2
/// nothing of where they are reached.
pub const SNAPSHOT: u16 = 4;
