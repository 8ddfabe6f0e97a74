//! The peer protocol as bytes. Everything here is pure: no socket, no clock.
//!
//! All integers are little-endian. openraft's types are never serialised by their own `serde`
//! form: an openraft upgrade must not change a byte on the wire (its `ForwardToLeader` once gained
//! a field and broke every positional format).
//!
//! A connection starts with [`hello`] in both directions and then carries [`frame`]s whose payloads
//! are the [`message`]s of its lane. Decoding never panics, never allocates more than the bytes that
//! arrived justify, and refuses trailing bytes.

pub(crate) mod codec;
pub(crate) mod frame;
pub(crate) mod hello;
pub(crate) mod message;

#[cfg(test)]
mod tests;

/// Version of the peer protocol. Nodes of different versions refuse each other with a reason; a
/// rolling upgrade needs a version that speaks both.
pub const PEER_PROTOCOL_VERSION: u16 = 1;

/// What a connection is for. One connection per lane, so that bulk traffic of one kind cannot delay
/// another: a heartbeat must never queue behind a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Pipelined log replication.
    Append,
    /// Heartbeats, votes, pre-votes, leader transfer.
    Control,
    /// One snapshot transfer per connection.
    Snapshot,
    /// Calls of the application (`PeerService`).
    App,
}

impl Lane {
    /// Largest frame accepted on this lane, in bytes after the length field.
    ///
    /// `Append` must hold the largest batch a log entry may carry, with room for the entries that
    /// travel beside it.
    pub const fn frame_bytes_max(self) -> usize {
        match self {
            Lane::Append => 64 << 20,
            Lane::Control => 1 << 20,
            Lane::Snapshot => 4 << 20,
            Lane::App => 32 << 20,
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Lane::Append => 1,
            Lane::Control => 2,
            Lane::Snapshot => 3,
            Lane::App => 4,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Lane::Append),
            2 => Some(Lane::Control),
            3 => Some(Lane::Snapshot),
            4 => Some(Lane::App),
            _ => None,
        }
    }
}
