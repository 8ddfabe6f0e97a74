//! Sessions that only this node knows: those of clients it serves reads only.
//!
//! Nothing can be made in such a session, so there is nothing to be kept when its connection ends:
//! it lives as long as the connection. Its id is one that no session of the cluster ever has, and
//! no node takes it up again: it is answered as expired.

use raft_core::ids::SessionId;

use super::Door;

/// Set in the id of a local session. Sessions of the cluster have the zxid that opened them, and
/// zxids end far below (`RESTORE_ZXID_MAX` and what can be written after it).
const LOCAL: u64 = 1 << 62;

/// Whether a session is one of some node alone.
pub(crate) fn is_local(session: SessionId) -> bool {
    session.0 & LOCAL != 0
}

/// A new id. What is in the way on the wire is the sign alone.
pub(crate) fn fresh(door: &Door) -> SessionId {
    SessionId(LOCAL | (door.node.entropy().next_u64() >> 2))
}
