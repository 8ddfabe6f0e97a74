//! Version numbers of everything that is persisted or sent between nodes. A number changes when
//! the bytes change meaning; what older numbers mean is decoded for ever (`tests/golden`).

/// First byte of an encoded [`Request`](crate::command::Request).
pub const REQUEST: u8 = 1;
/// First byte of one that is done only while leaderships last.
pub const REQUEST_WITH_TERMS: u8 = 2;
/// First byte of a batch of requests, the payload of one log entry.
pub const BATCH: u8 = 1;
/// What a snapshot begins with, before its version.
pub const SNAPSHOT_MAGIC: [u8; 8] = *b"holdfast";
/// Version of the snapshot format, after the magic. Versions 1 to 4 are refused by name: no release
/// wrote them; the sessions of 1 say nothing of where their clients are attached, the members of 2
/// nothing of where they are reached, and the digest of 4 is one without elections.
pub const SNAPSHOT: u16 = 5;
