//! What a membership change would do, worked out before anything is done. Pure.

use std::collections::{BTreeMap, BTreeSet};

use raft_types::{LogId, NodeId, PeerAddress};

use crate::peer::{ADDRESS_BYTES_MAX, MEMBERS_MAX};
use crate::status::{Members, PeerProgress};

/// A change of who is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new node begins to receive the log.
    AddLearner {
        /// Its id, never used before in this cluster.
        id: NodeId,
        /// Where it is reached.
        address: PeerAddress,
    },
    /// A learner gets a vote.
    Promote {
        /// Which.
        id: NodeId,
    },
    /// A voter loses its vote and goes on receiving the log.
    Demote {
        /// Which.
        id: NodeId,
    },
    /// A member leaves for ever. Its process is not told reliably and must be stopped.
    Remove {
        /// Which.
        id: NodeId,
    },
    /// A new node takes the place of a voter: added as learner if it is not one, waited for, then
    /// promoted and the old one removed in a single change.
    Replace {
        /// The voter that leaves.
        old: NodeId,
        /// The node that comes.
        new: NodeId,
        /// Where the new one is reached.
        address: PeerAddress,
    },
}

/// How many may fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arithmetic {
    /// Who votes.
    pub voters: BTreeSet<NodeId>,
    /// Who only receives.
    pub learners: BTreeSet<NodeId>,
    /// Voters of which the leader hears, itself included.
    pub reachable: BTreeSet<NodeId>,
    /// Votes needed.
    pub quorum: usize,
    /// Voters that may fail with the cluster still working.
    pub tolerates: usize,
}

impl Arithmetic {
    fn of(voters: BTreeSet<NodeId>, learners: BTreeSet<NodeId>, heard: &BTreeSet<NodeId>) -> Self {
        let quorum = voters.len() / 2 + 1;
        let tolerates = voters.len().saturating_sub(quorum);
        let reachable = voters.intersection(heard).copied().collect();
        Arithmetic {
            voters,
            learners,
            reachable,
            quorum,
            tolerates,
        }
    }
}

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A change is half way; it is being finished.
    #[error("another change is half way and must be finished first")]
    InProgress,
    /// Never allowed: a node with an old id replays old configurations and can elect itself under
    /// one of them.
    #[error("id {0} was used before; a node that lost its disk is a new node and needs a new id")]
    IdReused(NodeId),
    /// It is in already.
    #[error("node {0} is a member already")]
    AlreadyMember(NodeId),
    /// It is not in.
    #[error("node {0} is not a member")]
    NotMember(NodeId),
    /// Only learners are promoted.
    #[error("node {0} is not a learner")]
    NotLearner(NodeId),
    /// Only voters are demoted or replaced.
    #[error("node {0} is not a voter")]
    NotVoter(NodeId),
    /// A cluster without voters is none.
    #[error("node {0} is the last voter")]
    LastVoter(NodeId),
    /// The membership could not be encoded.
    #[error("a cluster has at most {MEMBERS_MAX} members")]
    TooManyMembers,
    /// Empty or too long.
    #[error("address {0:?} must have 1 to {ADDRESS_BYTES_MAX} bytes")]
    BadAddress(String),
    /// Two members at one address would answer for each other.
    #[error("address {address} is that of node {by}")]
    AddressTaken {
        /// The address.
        address: String,
        /// Whose it is.
        by: NodeId,
    },
    /// The cluster would stop. Can be forced.
    #[error(
        "only {reachable} of the voters after the change are reachable and {quorum} are needed"
    )]
    LosesQuorum {
        /// Voters after the change that the leader hears of.
        reachable: usize,
        /// Votes needed after it.
        quorum: usize,
    },
    /// It would count as a vote that cannot be given. Can be forced.
    #[error("node {id} lacks {lag} entries; a voter may lack {max}")]
    Lags {
        /// The learner.
        id: NodeId,
        /// Entries it lacks.
        lag: u64,
        /// Entries it may lack.
        max: u64,
    },
    /// The leader does not hear of it. Can be forced.
    #[error("node {0} does not answer")]
    Unreachable(NodeId),
}

impl Refusal {
    /// Whether an operator may insist.
    pub fn can_be_forced(&self) -> bool {
        match self {
            Refusal::LosesQuorum { .. } | Refusal::Lags { .. } | Refusal::Unreachable(_) => true,
            Refusal::InProgress
            | Refusal::IdReused(_)
            | Refusal::AlreadyMember(_)
            | Refusal::NotMember(_)
            | Refusal::NotLearner(_)
            | Refusal::NotVoter(_)
            | Refusal::LastVoter(_)
            | Refusal::TooManyMembers
            | Refusal::BadAddress(_)
            | Refusal::AddressTaken { .. } => false,
        }
    }
}

/// What an operator should know before going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// An even number of voters tolerates no more failures than one fewer.
    EvenVoters(usize),
    /// Fewer failures are tolerated than before.
    ToleratesFewer {
        /// Before.
        before: usize,
        /// After.
        after: usize,
    },
    /// The leader leaves: leadership moves a moment after the change.
    RemovesLeader,
    /// Some voters are not heard of right now.
    SomeUnreachable(usize),
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Warning::EvenVoters(count) => write!(
                f,
                "{count} voters tolerate no more failures than {}",
                count.saturating_sub(1)
            ),
            Warning::ToleratesFewer { before, after } => {
                write!(f, "{after} failures will be tolerated instead of {before}")
            }
            Warning::RemovesLeader => f.write_str("the node that leaves leads; leadership moves"),
            Warning::SomeUnreachable(count) => write!(f, "{count} voters do not answer now"),
        }
    }
}

/// A change worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What was asked.
    pub change: Change,
    /// The membership it is based on; the change is refused when another came in between.
    pub based_on: Option<LogId>,
    /// Before.
    pub before: Arithmetic,
    /// After.
    pub after: Arithmetic,
    /// Why it is refused; empty when it is not.
    pub refusals: Vec<Refusal>,
    /// What to know.
    pub warnings: Vec<Warning>,
}

impl Plan {
    /// Whether it may be carried out.
    pub fn is_allowed(&self, force: bool) -> bool {
        self.refusals
            .iter()
            .all(|refusal| force && refusal.can_be_forced())
    }

    pub(crate) fn refusals_text(&self) -> String {
        let texts: Vec<_> = self.refusals.iter().map(ToString::to_string).collect();
        texts.join("; ")
    }
}

/// What the leader knows when it plans.
pub(crate) struct View<'a> {
    pub(crate) me: NodeId,
    pub(crate) members: &'a Members,
    pub(crate) peers: &'a BTreeMap<NodeId, PeerProgress>,
    /// Members heard of within the lease, this node included.
    pub(crate) heard: BTreeSet<NodeId>,
    pub(crate) caught_up_entries: u64,
    pub(crate) ever_used: &'a dyn Fn(NodeId) -> bool,
}

impl View<'_> {
    pub(crate) fn plan(&self, change: &Change) -> Plan {
        let members = self.members;
        let (mut voters, mut learners) = (members.voters.clone(), members.learners.clone());
        let before = Arithmetic::of(voters.clone(), learners.clone(), &self.heard);
        let mut refusals = Vec::new();
        if members.is_joint() {
            refusals.push(Refusal::InProgress);
        }
        match change {
            Change::AddLearner { id, address } => {
                self.check_new(*id, address, &mut refusals);
                learners.insert(*id);
            }
            Change::Promote { id } => {
                self.check_promotion(*id, &mut refusals);
                learners.remove(id);
                voters.insert(*id);
            }
            Change::Demote { id } => {
                self.check_voter(*id, &mut refusals);
                voters.remove(id);
                learners.insert(*id);
            }
            Change::Remove { id } => {
                if !members.addresses.contains_key(id) {
                    refusals.push(Refusal::NotMember(*id));
                }
                voters.remove(id);
                learners.remove(id);
            }
            Change::Replace { old, new, address } => {
                self.check_voter(*old, &mut refusals);
                if !members.learners.contains(new) {
                    self.check_new(*new, address, &mut refusals);
                }
                voters.remove(old);
                learners.remove(new);
                voters.insert(*new);
            }
        }
        let mut heard = self.heard.clone();
        if let Change::Replace { new, .. } = change {
            // It is waited for before it gets its vote.
            heard.insert(*new);
        }
        let after = Arithmetic::of(voters, learners, &heard);
        self.check_quorum(change, &before, &after, &mut refusals);
        let warnings = self.warnings(&before, &after);
        Plan {
            change: change.clone(),
            based_on: members.log_id,
            before,
            after,
            refusals,
            warnings,
        }
    }

    fn check_new(&self, id: NodeId, address: &PeerAddress, refusals: &mut Vec<Refusal>) {
        if self.members.addresses.contains_key(&id) {
            refusals.push(Refusal::AlreadyMember(id));
        } else if (self.ever_used)(id) {
            refusals.push(Refusal::IdReused(id));
        }
        if self.members.addresses.len() >= MEMBERS_MAX {
            refusals.push(Refusal::TooManyMembers);
        }
        let api_fits = address.api.len() <= ADDRESS_BYTES_MAX;
        if address.peer.is_empty() || address.peer.len() > ADDRESS_BYTES_MAX || !api_fits {
            let shown = address.peer.chars().take(64).collect();
            refusals.push(Refusal::BadAddress(shown));
        }
        for (by, taken) in &self.members.addresses {
            if taken.peer == address.peer {
                let address = address.peer.clone();
                refusals.push(Refusal::AddressTaken { address, by: *by });
            }
        }
    }

    fn check_promotion(&self, id: NodeId, refusals: &mut Vec<Refusal>) {
        if !self.members.addresses.contains_key(&id) {
            refusals.push(Refusal::NotMember(id));
            return;
        }
        if !self.members.learners.contains(&id) {
            refusals.push(Refusal::NotLearner(id));
            return;
        }
        if !self.heard.contains(&id) {
            refusals.push(Refusal::Unreachable(id));
        }
        let lag = match self.peers.get(&id) {
            // A leader that was demoted: nobody has more of the log.
            None if id == self.me => 0,
            None => u64::MAX,
            Some(progress) => progress.lag,
        };
        if lag > self.caught_up_entries {
            refusals.push(Refusal::Lags {
                id,
                lag,
                max: self.caught_up_entries,
            });
        }
    }

    fn check_voter(&self, id: NodeId, refusals: &mut Vec<Refusal>) {
        if !self.members.voters.contains(&id) {
            refusals.push(Refusal::NotVoter(id));
        }
    }

    /// A change that leaves the voters alone is not refused because the cluster is in a bad way:
    /// adding a learner may be the beginning of its repair.
    fn check_quorum(
        &self,
        change: &Change,
        before: &Arithmetic,
        after: &Arithmetic,
        refusals: &mut Vec<Refusal>,
    ) {
        if after.voters == before.voters {
            return;
        }
        if after.voters.is_empty() {
            if let Change::Demote { id } | Change::Remove { id } = change {
                refusals.push(Refusal::LastVoter(*id));
            }
            return;
        }
        let (reachable, quorum) = (after.reachable.len(), after.quorum);
        if reachable < quorum {
            refusals.push(Refusal::LosesQuorum { reachable, quorum });
        }
    }

    fn warnings(&self, before: &Arithmetic, after: &Arithmetic) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if after.voters == before.voters {
            return warnings;
        }
        let count = after.voters.len();
        if count > 0 && count.is_multiple_of(2) {
            warnings.push(Warning::EvenVoters(count));
        }
        if after.tolerates < before.tolerates {
            let (before, after) = (before.tolerates, after.tolerates);
            warnings.push(Warning::ToleratesFewer { before, after });
        }
        if before.voters.contains(&self.me) && !after.voters.contains(&self.me) {
            warnings.push(Warning::RemovesLeader);
        }
        let silent = count.saturating_sub(after.reachable.len());
        if silent > 0 {
            warnings.push(Warning::SomeUnreachable(silent));
        }
        warnings
    }
}

#[cfg(test)]
mod tests;
