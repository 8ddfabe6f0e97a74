//! The members as this node knows them, without asking anybody.

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

impl Node {
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
