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

#[cfg(test)]
mod tests {
    use super::{ReconfigureFailure, in_the_course};

    fn no_quorum() -> ReconfigureFailure {
        ReconfigureFailure::NoQuorum("too few answer".to_owned())
    }

    /// A definite no is said only when nothing at all was done.
    #[test]
    fn after_a_first_change_there_is_no_definite_no() {
        assert_eq!(in_the_course(&[], "remove 3", no_quorum()), no_quorum());
        let done = ["promote 4".to_owned()];
        let failure = in_the_course(&done, "remove 3", no_quorum());
        let expected = ReconfigureFailure::Partly {
            done: "promote 4".to_owned(),
            failed: "remove 3: too few answer".to_owned(),
        };
        assert_eq!(failure, expected);
    }

    #[test]
    fn unknown_stays_unknown_and_says_what_was_done() {
        let done = ["promote 4".to_owned()];
        let unknown = ReconfigureFailure::Unknown("no quorum agreed in time".to_owned());
        let ReconfigureFailure::Unknown(why) = in_the_course(&done, "remove 3", unknown) else {
            panic!("not unknown");
        };
        assert_eq!(why, "done: promote 4; remove 3: no quorum agreed in time");
    }
}
