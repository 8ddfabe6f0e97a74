//! What a node is to ZooKeeper clients, as administrators are told. Words, commands and metrics all
//! ask here and nowhere else; whether it serves at all is [`Door::mode`]'s to say.

use node::Role;

use super::Door;
use super::serving::Mode;

/// How a node serves ZooKeeper clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerMode {
    /// It leads.
    Leader,
    /// It votes and follows.
    Follower,
    /// It follows without a vote.
    Observer,
    /// It has lost its quorum and goes on answering reads of clients that take that.
    ReadOnly,
}

/// How this node serves. `None`: it does not.
pub(crate) fn server_mode(door: &Door) -> Option<ServerMode> {
    match door.mode() {
        Mode::Nothing => None,
        Mode::ReadOnly => Some(ServerMode::ReadOnly),
        Mode::ReadWrite => match door.node.status().role {
            Role::Leader => Some(ServerMode::Leader),
            Role::Follower | Role::Candidate => Some(ServerMode::Follower),
            Role::Learner => Some(ServerMode::Observer),
            Role::Stopped => None,
        },
    }
}

impl ServerMode {
    /// `Mode:` of `srvr`, `server_state` of `mntr`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            ServerMode::Leader => "leader",
            ServerMode::Follower => "follower",
            ServerMode::Observer => "observer",
            ServerMode::ReadOnly => "read-only",
        }
    }

    /// `peer_state` of `mntr`.
    pub(crate) const fn peer_state(self) -> &'static str {
        match self {
            ServerMode::Leader => "leading - broadcast",
            ServerMode::Follower => "following - broadcast",
            ServerMode::Observer => "observing - broadcast",
            ServerMode::ReadOnly => "looking",
        }
    }

    /// Whether it refuses writes.
    pub(crate) const fn is_read_only(self) -> bool {
        match self {
            ServerMode::Leader | ServerMode::Follower | ServerMode::Observer => false,
            ServerMode::ReadOnly => true,
        }
    }
}

/// The answer to `isro`, which clients compare byte by byte.
pub(crate) fn read_only_word(mode: Option<ServerMode>) -> &'static str {
    match mode {
        None => "null",
        Some(mode) if mode.is_read_only() => "ro",
        Some(_) => "rw",
    }
}
