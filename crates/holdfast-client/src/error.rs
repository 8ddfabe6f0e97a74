//! What can go wrong, and whether it happened all the same.

use std::time::Duration;

use http_types::problem::{Effect, ErrorCode, Problem};

use crate::loss::Loss;

/// Why a call failed. Ask [`outcome`](Error::outcome) before anything else.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A node answered with a problem document.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// The budget for attempts is used up, or the request must not be repeated.
    #[error("no answer from the cluster after {attempts} attempts in {elapsed:.1?}: {last}")]
    Exhausted {
        /// Whether the request may have happened: *unknown* if any attempt of it may have.
        outcome: Effect,
        /// Whether the last attempt was not answered in time (rather than cut off or refused).
        timed_out: bool,
        /// Requests sent.
        attempts: u32,
        /// Time used.
        elapsed: Duration,
        /// What the last attempt met.
        last: String,
        /// The problem document of the last attempt, where there was one.
        problem: Option<Box<Problem>>,
    },
    /// A node answered something that is not in the contract.
    #[error("cannot understand the answer: {what}")]
    Protocol {
        /// What was wrong with it.
        what: String,
        /// What is known of the request.
        outcome: Effect,
    },
    /// The session is lost, or counts as lost because nothing proves it alive.
    #[error("the session is lost: {0}")]
    SessionLost(Loss),
    /// The call makes no sense; nothing was sent.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// Did it happen?
    #[must_use]
    pub fn outcome(&self) -> Effect {
        match self {
            Error::Refused(problem) => problem.outcome,
            Error::Exhausted { outcome, .. } | Error::Protocol { outcome, .. } => *outcome,
            // What was asked may have happened; it ends with the session.
            Error::SessionLost(_) => Effect::Unknown,
            Error::Invalid(_) => Effect::NotApplied,
        }
    }

    /// The code of the problem document, where there is one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.problem().map(|problem| problem.code)
    }

    /// The problem document, where there is one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Error::Refused(problem) => Some(problem),
            Error::Exhausted { problem, .. } => problem.as_deref(),
            Error::Protocol { .. } | Error::SessionLost(_) | Error::Invalid(_) => None,
        }
    }
}
