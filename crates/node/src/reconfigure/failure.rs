//! Why a reconfiguration is not done, or not all of it.

use membership::{ReconfigureError, Refusal};
use raft_core::path;
use serde::{Deserialize, Serialize};

/// Why the members are not what was asked for. Only `Partly` and `Unknown` have changed anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ReconfigureFailure {
    /// No leader could be reached.
    #[error("no leader was reachable; nothing was changed")]
    NoLeader,
    /// Another change is under way.
    #[error("another change of the members is under way; nothing was changed")]
    InProgress,
    /// The configuration is another one by now.
    #[error("the configuration has version {current:x} by now; nothing was changed")]
    BadVersion {
        /// Its version.
        current: u64,
    },
    /// It makes no sense.
    #[error("{0}; nothing was changed")]
    BadArguments(String),
    /// There would be no quorum, or a new participant is not ready to vote.
    #[error("{0}; nothing was changed")]
    NoQuorum(String),
    /// They may not.
    #[error(
        "changing the members needs WRITE on {}; nothing was changed",
        path::CONFIG
    )]
    NoAuth,
    /// A part of it was done.
    #[error("done: {done}; not done: {failed}; look at the members and ask for the rest")]
    Partly {
        /// What was done.
        done: String,
        /// What was not, and why.
        failed: String,
    },
    /// Nobody can say.
    #[error("the outcome of the change is unknown: {0}; look at the members")]
    Unknown(String),
}

/// The failure of one change, when it is the only one.
pub(super) fn before_any(error: ReconfigureError) -> ReconfigureFailure {
    match error {
        ReconfigureError::NotLeader { .. } => ReconfigureFailure::NoLeader,
        ReconfigureError::Conflict => ReconfigureFailure::InProgress,
        ReconfigureError::Refused(plan) => match refused(&plan.refusals) {
            Err(failure) => failure,
            Ok(()) => ReconfigureFailure::InProgress,
        },
        ReconfigureError::NotApplied(why) => ReconfigureFailure::NoQuorum(why),
        ReconfigureError::NotCaughtUp { id, .. } => {
            ReconfigureFailure::NoQuorum(format!("server {id} has not caught up"))
        }
        ReconfigureError::Unknown(why) => ReconfigureFailure::Unknown(why),
    }
}

/// The failure of one change in a row of them.
pub(super) fn in_the_course(
    done: &[String],
    name: &str,
    failure: ReconfigureFailure,
) -> ReconfigureFailure {
    if done.is_empty() {
        return failure;
    }
    match failure {
        ReconfigureFailure::Unknown(why) => {
            ReconfigureFailure::Unknown(format!("done: {}; {name}: {why}", done.join(", ")))
        }
        failure @ (ReconfigureFailure::NoLeader
        | ReconfigureFailure::InProgress
        | ReconfigureFailure::BadVersion { .. }
        | ReconfigureFailure::BadArguments(_)
        | ReconfigureFailure::NoQuorum(_)
        | ReconfigureFailure::NoAuth
        | ReconfigureFailure::Partly { .. }) => ReconfigureFailure::Partly {
            done: done.join(", "),
            // What was said of this change alone is not true of all.
            failed: format!("{name}: {failure}").replace("; nothing was changed", ""),
        },
    }
}

/// What refusals of the planner mean here.
pub(super) fn refused(refusals: &[Refusal]) -> Result<(), ReconfigureFailure> {
    let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    let text = texts.join("; ");
    if refusals.is_empty() {
        Ok(())
    } else if refusals.contains(&Refusal::InProgress) {
        Err(ReconfigureFailure::InProgress)
    } else if refusals.iter().all(Refusal::can_be_forced) {
        Err(ReconfigureFailure::NoQuorum(text))
    } else {
        Err(ReconfigureFailure::BadArguments(text))
    }
}
