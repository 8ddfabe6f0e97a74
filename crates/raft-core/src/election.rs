//! Elections and their candidates as they are stored.
//!
//! An election is a container below `/elections`, a candidate an ephemeral child of it that holds the
//! candidate's value. Who leads is decided here and not by the order of znodes: weights and transfers
//! choose among candidates, and the term is the position at which somebody *began to lead*, so
//! that terms grow from leader to leader whoever stood first.

use serde::{Deserialize, Serialize};

use crate::command::Moment;
use crate::ids::{CandidateId, LogTime, SessionId, Term};

/// A candidate of an election, the leader among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Who owns it.
    pub session: SessionId,
    /// Of the candidates the one with the greatest weight leads next.
    pub weight: u32,
    /// Among equal weights the one that stands longest leads next: since when it stands, or since
    /// when it stands again after it had to hand over.
    pub stands: Moment,
}

/// An election with candidates. One of them leads, always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Election {
    /// Who leads.
    pub leader: CandidateId,
    /// Since which position.
    pub term: Term,
    /// Since when.
    pub elected: Moment,
    /// The leadership is to be handed over.
    pub transfer: Option<Transfer>,
}

/// A leadership that is to be handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// To whom.
    pub to: CandidateId,
    /// When that was asked for.
    pub asked: Moment,
    /// When it happens, whatever the leader does.
    pub deadline: LogTime,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// How a candidacy, or a leadership, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CandidateEnd {
    /// By its owner's wish.
    Resigned,
    /// Its session was closed.
    SessionClosed,
    /// Its session expired.
    SessionExpired,
    /// Its znode was deleted directly.
    ZnodeDeleted,
    /// The leadership was handed over; the candidacy goes on.
    Transferred,
}

/// A candidate that ended, remembered for [`TOMBSTONE_MS`](crate::limits::TOMBSTONE_MS).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedCandidate {
    /// Who owned it.
    pub session: SessionId,
    /// Its term, when it led at the end.
    pub term: Option<Term>,
    /// How.
    pub end: CandidateEnd,
    /// When.
    pub ended: Moment,
    /// When this memory may be dropped.
    pub forget_at: LogTime,
}
