//! What a node is to ZooKeeper clients. Words, commands and metrics all ask here and nowhere else.

use node::Role;

use super::Door;

/// How a node serves ZooKeeper clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerMode {
    /// It leads.
    Leader,
    /// It votes and follows.
    Follower,
    /// It follows without a vote.
    Observer,
}

/// How this node serves. `None`: it does not, for want of a leader, or because it leads and has not
/// heard from a majority for as long as a node may be without a leader.
pub(crate) fn server_mode(door: &Door) -> Option<ServerMode> {
    let node = &door.node;
    if !node.knows_a_leader() {
        return None;
    }
    let status = node.status();
    match status.role {
        Role::Leader => {
            let silence = status.quorum_age.unwrap_or_default();
            let is_heard = silence <= door.settings.leaderless_max || is_alone(door);
            is_heard.then_some(ServerMode::Leader)
        }
        Role::Follower | Role::Candidate => Some(ServerMode::Follower),
        Role::Learner => Some(ServerMode::Observer),
        Role::Stopped => None,
    }
}

/// Whether this node is a majority by itself.
fn is_alone(door: &Door) -> bool {
    let members = door.node.members_known();
    members.iter().filter(|member| member.voter).count() == 1
}

impl ServerMode {
    /// `Mode:` of `srvr`, `server_state` of `mntr`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            ServerMode::Leader => "leader",
            ServerMode::Follower => "follower",
            ServerMode::Observer => "observer",
        }
    }

    /// `peer_state` of `mntr`.
    pub(crate) const fn peer_state(self) -> &'static str {
        match self {
            ServerMode::Leader => "leading - broadcast",
            ServerMode::Follower => "following - broadcast",
            ServerMode::Observer => "observing - broadcast",
        }
    }

    /// Whether it refuses writes.
    pub(crate) const fn is_read_only(self) -> bool {
        match self {
            ServerMode::Leader | ServerMode::Follower | ServerMode::Observer => false,
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
