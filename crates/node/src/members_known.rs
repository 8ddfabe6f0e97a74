//! The members as this node knows them, without asking anybody.

use std::time::Duration;

use raft_types::NodeId;

use crate::Node;

/// Entries a member may lack and still count as in step: what is on its way to it under load.
const LAG_IN_STEP_MAX: u64 = 1000;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMember {
    /// Its id.
    pub id: NodeId,
    /// `host:port` of its peer port.
    pub peer: String,
    /// Base URL of its HTTP API.
    pub api: String,
    /// Whether it votes.
    pub voter: bool,
    /// On the leader, of the others: whether it has acknowledged the leader within the leader's
    /// lease, and lacks no more than what is on its way. `None` where that is not known.
    pub in_step: Option<bool>,
}

/// What a leader allows those who follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerLimits {
    /// To take in a snapshot.
    pub catch_up: Duration,
    /// To be silent, until it counts as gone.
    pub silence: Duration,
}

impl Node {
    /// What a leader of this node's settings allows those who follow it.
    #[must_use]
    pub fn follower_limits(&self) -> FollowerLimits {
        let timing = self.runtime.consensus().timing();
        FollowerLimits {
            catch_up: timing.install_snapshot_timeout,
            silence: timing.leader_lease(),
        }
    }

    /// All members by id, as the membership in force has them. Cheap.
    #[must_use]
    pub fn members_known(&self) -> Vec<KnownMember> {
        let consensus = self.runtime.consensus();
        let status = consensus.status();
        let lease = consensus.timing().leader_lease();
        let leads = status.leadership.is_leader();
        let member = |(id, address): (&NodeId, &raft_types::PeerAddress)| {
            let progress = status.peers.get(id).filter(|_| leads);
            KnownMember {
                id: *id,
                peer: address.peer.clone(),
                api: address.api.clone(),
                voter: status.members.voters.contains(id),
                in_step: progress.map(|progress| {
                    progress.lag <= LAG_IN_STEP_MAX
                        && progress.ack_age.is_some_and(|age| age <= lease)
                }),
            }
        };
        status.members.addresses.iter().map(member).collect()
    }
}
