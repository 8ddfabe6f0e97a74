//! What is asked of elections.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ids::{CandidateId, ElectionName, Term};

/// Stands for election with the acting session, or says how the candidate of this id stands.
///
/// A repeat by its owner changes value and weight to what it says. An id whose candidacy has ended is
/// refused to the same session while that is remembered, so that a late duplicate does not stand again
/// after its owner resigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// The election.
    pub election: ElectionName,
    /// The candidate, chosen by the client.
    pub candidate: CandidateId,
    /// What others find at the leader, such as its address. `None` is null.
    pub value: Option<Bytes>,
    /// Media type of the value.
    pub content_type: Option<Arc<str>>,
    /// Of the candidates the one with the greatest weight leads next.
    pub weight: u32,
}

/// Hands the leadership over to another candidate: when the leader resigns, at the latest after a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferLeadership {
    /// The election.
    pub election: ElectionName,
    /// Who is to lead.
    pub to: CandidateId,
    /// Only from the leader of this term.
    pub term: Option<Term>,
    /// How long the leader has to finish, milliseconds; 0: none.
    pub within_ms: u64,
    /// Why.
    pub reason: Option<String>,
}

/// "Only if this term still lasts."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermGuard {
    /// The election.
    pub election: ElectionName,
    /// The term its leader was given.
    pub term: Term,
}
