//! Errors of starting, founding, changing and leaving. Each answers "did it happen?".

use std::io;
use std::time::Duration;

use raft_types::NodeId;

use crate::reconfigure::plan::Plan;
use crate::timing::TimingError;

/// Consensus could not start in this process; nothing was sent to anyone.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configured times do not fit together.
    #[error("timing")]
    Timing(#[from] TimingError),
    /// The settings are not acceptable to openraft.
    #[error("raft settings: {0}")]
    Settings(String),
    /// The peer port cannot be opened.
    #[error("listen for peers on {address}")]
    Listen {
        /// Where it was meant to be.
        address: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The stored log, vote or state cannot be taken up.
    #[error("recover raft state: {0}")]
    Recover(String),
}

/// The cluster was not founded by this call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoundError {
    /// This node is not among the members given; nothing was written.
    #[error("node {0} founds a cluster it is not a member of")]
    NotAMember(NodeId),
    /// No member was given, or more than can be encoded; nothing was written.
    #[error("a cluster of {0} members cannot be founded")]
    Size(usize),
    /// Consensus has ended in this process; whether something was written is unknown.
    #[error("consensus has ended: {0}")]
    Halted(String),
}

/// A membership change did not complete.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReconfigureError {
    /// Only the leader changes membership; nothing was written.
    #[error("node {} leads, not this one", .leader.map_or("none".to_owned(), |id| id.to_string()))]
    NotLeader {
        /// Who leads, if known.
        leader: Option<NodeId>,
    },
    /// The plan says why; nothing was written.
    #[error("change refused: {}", .0.refusals_text())]
    Refused(Box<Plan>),
    /// Another change came first; nothing was written. Plan again.
    #[error("the membership has changed since this change was planned")]
    Conflict,
    /// openraft refused it; nothing was written.
    #[error("change not applied: {0}")]
    NotApplied(String),
    /// The learner was added and did not catch up in time. It stays a learner; the change can be
    /// repeated.
    #[error("node {id} lacks {lag:?} entries after {waited:?}")]
    NotCaughtUp {
        /// The learner.
        id: NodeId,
        /// How many entries it lacked, if known.
        lag: Option<u64>,
        /// How long it was given.
        waited: Duration,
    },
    /// It may take effect yet: leadership or quorum was lost, or the time was up. A change that was
    /// half way is finished by whoever leads.
    #[error("outcome of the change is unknown: {0}")]
    Unknown(String),
}

/// What became of a wish to hand leadership over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferOutcome {
    /// Another node leads.
    Transferred {
        /// Who; the target, or whoever won when several campaigned.
        leader: NodeId,
        /// Its term.
        term: u64,
    },
    /// Nothing was set in motion and this node still leads.
    NotTransferred(TransferRefusal),
    /// It was set in motion and nobody is known to lead yet. Until somebody does, this node takes
    /// no writes: openraft cannot call a transfer off.
    Unknown,
}

/// Why a transfer was not begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferRefusal {
    /// This node does not lead.
    #[error("this node does not lead")]
    NotLeader,
    /// The target has no vote or is this node.
    #[error("node {0} is not another voter")]
    NotAnotherVoter(NodeId),
    /// There is no other voter.
    #[error("there is no other voter")]
    NoOtherVoter,
    /// No candidate is reachable and has the whole log; a transfer to one that lags would leave
    /// the cluster without a leader until an election times out.
    #[error("no reachable voter had the whole log within {0:?}")]
    NoneCaughtUp(Duration),
    /// Consensus has ended in this process.
    #[error("consensus has ended: {0}")]
    Halted(String),
}
