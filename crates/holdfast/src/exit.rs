//! What the process ends with, and what it says when it failed: what, why, what to do, and whether
//! it happened.

use std::fmt;
use std::process::ExitCode;

use holdfast_client::Error;
use holdfast_client::http_types::problem::{Effect, ErrorCode, Problem};

use crate::config::ConfigError;
use crate::entry::EntryError;
use crate::output;

/// Exit codes. They separate what a script must treat differently: busy, lost, unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Used wrongly.
    Usage = 64,
    /// Bad input data.
    BadInput = 65,
    /// Not found.
    NotFound = 66,
    /// No leader, or no node can be reached; the write certainly did not happen.
    Unavailable = 69,
    /// A bug, here or there.
    Internal = 70,
    /// The lock is busy, or the wait is over.
    Busy = 75,
    /// Not permitted.
    Permission = 77,
    /// Configured wrongly.
    Config = 78,
    /// The lock was lost.
    Lost = 80,
    /// Waiting would never end.
    Deadlock = 81,
    /// A version, fence or other condition did not hold.
    Precondition = 82,
    /// Nobody knows whether it happened.
    Unknown = 83,
    /// The cluster, or this machine, is not well.
    Unhealthy = 84,
    /// No answer within `--timeout`.
    Timeout = 124,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

/// A command that failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Process exit code.
    pub(crate) code: u8,
    /// What was attempted.
    pub(crate) what: String,
    /// What stood in the way.
    pub(crate) why: String,
    /// What the user can do.
    pub(crate) remedy: Option<String>,
    /// Whether it happened; `None` where nothing was sent.
    pub(crate) outcome: Option<Effect>,
    /// The cluster's own words, for `-o json`.
    pub(crate) problem: Option<Box<Problem>>,
}

impl Failure {
    /// One that is decided here, with nothing sent.
    pub(crate) fn new(exit: Exit, what: impl Into<String>, why: impl fmt::Display) -> Failure {
        Failure {
            code: exit.code(),
            what: what.into(),
            why: why.to_string(),
            remedy: None,
            outcome: None,
            problem: None,
        }
    }

    /// With what to do about it.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Failure {
        self.remedy = Some(remedy.into());
        self
    }

    /// One that the client library reports.
    pub(crate) fn from_client(what: impl Into<String>, error: &Error) -> Failure {
        let code = error.code();
        let explanation = code.map(|code| code.explanation());
        Failure {
            code: exit_of(error).code(),
            what: what.into(),
            why: error.to_string(),
            remedy: remedy_of(error).or_else(|| explanation.map(|e| e.remedy.to_owned())),
            outcome: match error {
                Error::Invalid(_) => None,
                Error::Refused(_)
                | Error::Exhausted { .. }
                | Error::Protocol { .. }
                | Error::SessionLost(_) => Some(error.outcome()),
            },
            problem: error.problem().cloned().map(Box::new),
        }
    }
}

/// Adds what was attempted to the error of a call.
pub(crate) trait Context<T> {
    /// `what` reads on after "cannot".
    ///
    /// # Errors
    /// The failure to report.
    fn cannot(self, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T> Context<T> for Result<T, Error> {
    fn cannot(self, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_client(what(), &error))
    }
}

fn remedy_of(error: &Error) -> Option<String> {
    match error {
        Error::Exhausted { outcome: Effect::NotApplied, problem: None, .. } => Some(
            "is a cluster running there? `holdfast dev` starts one; name its nodes with --endpoints \
             or HOLDFAST_ENDPOINTS"
                .to_owned(),
        ),
        Error::Exhausted { outcome: Effect::Unknown, .. } => Some(
            "look at what is there before doing it again: the request may have been carried out"
                .to_owned(),
        ),
        Error::SessionLost(_) => {
            Some("whatever the session held may belong to somebody else by now".to_owned())
        }
        Error::Exhausted { .. }
        | Error::Refused(_)
        | Error::Protocol { .. }
        | Error::Invalid(_) => None,
    }
}

/// The exit code of a client error.
pub(crate) fn exit_of(error: &Error) -> Exit {
    match error {
        Error::SessionLost(_) => Exit::Lost,
        Error::Invalid(_) => Exit::Usage,
        Error::Refused(_) | Error::Exhausted { .. } | Error::Protocol { .. }
            if error.outcome() == Effect::Unknown =>
        {
            Exit::Unknown
        }
        Error::Refused(problem) => exit_of_code(problem.code),
        Error::Exhausted {
            timed_out: true, ..
        } => Exit::Timeout,
        Error::Exhausted { .. } => Exit::Unavailable,
        Error::Protocol { .. } => Exit::Internal,
    }
}

#[expect(clippy::too_many_lines, reason = "a flat match, one arm for each code")]
fn exit_of_code(code: ErrorCode) -> Exit {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::InvalidPath
        | ErrorCode::InvalidName
        | ErrorCode::InvalidAcl
        | ErrorCode::NoChildrenForEphemerals
        | ErrorCode::ClaimMismatch
        | ErrorCode::SessionMismatch
        | ErrorCode::LockModeMismatch
        | ErrorCode::NotACounter
        | ErrorCode::TooLarge
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::IdempotencyMismatch => Exit::BadInput,
        ErrorCode::SessionRequired => Exit::Usage,
        ErrorCode::Forbidden
        | ErrorCode::NotOwner
        | ErrorCode::CandidateTaken
        | ErrorCode::MemberTaken
        | ErrorCode::InstanceTaken => Exit::Permission,
        ErrorCode::NotFound
        | ErrorCode::NoNode
        | ErrorCode::NoLock
        | ErrorCode::NoClaim
        | ErrorCode::NoElection
        | ErrorCode::NoCandidate
        | ErrorCode::NoGroupMember
        | ErrorCode::NoParty
        | ErrorCode::NoInstance
        | ErrorCode::NoItem
        | ErrorCode::NoDeadLetter
        | ErrorCode::NoSession
        | ErrorCode::NoSnapshot
        | ErrorCode::NoFenceRegister
        | ErrorCode::NoFenceKey
        | ErrorCode::NoMember
        | ErrorCode::HistoryCompacted => Exit::NotFound,
        ErrorCode::NodeExists
        | ErrorCode::NodeNotEmpty
        | ErrorCode::NotHolder
        | ErrorCode::NotLeading
        | ErrorCode::FenceKeyUsed
        | ErrorCode::NotAsked
        | ErrorCode::StandsAlready
        | ErrorCode::PartiesDiffer
        | ErrorCode::BarrierOpen
        | ErrorCode::ItemNotYours
        | ErrorCode::UnsafeChange
        | ErrorCode::ClusterNotEmpty
        | ErrorCode::RestoreConflict
        | ErrorCode::CounterOverflow
        | ErrorCode::FenceStale
        | ErrorCode::TermStale
        | ErrorCode::FenceRegisterStale
        | ErrorCode::VersionMismatch
        | ErrorCode::GuardsFailed
        | ErrorCode::PreconditionRequired => Exit::Precondition,
        ErrorCode::Deadlock => Exit::Deadlock,
        ErrorCode::ClaimEnded
        | ErrorCode::CandidateEnded
        | ErrorCode::DeliveryEnded
        | ErrorCode::SessionExpired => Exit::Lost,
        ErrorCode::LockHeld | ErrorCode::NoInstanceAvailable | ErrorCode::QueueFull => Exit::Busy,
        ErrorCode::RequestTimeout
        | ErrorCode::InProgress
        | ErrorCode::MembershipBusy
        | ErrorCode::RateLimited
        | ErrorCode::NoLeader
        | ErrorCode::FenceKeyPending
        | ErrorCode::NotCaughtUp
        | ErrorCode::ShuttingDown
        | ErrorCode::Overloaded
        | ErrorCode::QuotaExceeded
        | ErrorCode::NodeQuotaExceeded => Exit::Unavailable,
        ErrorCode::OutcomeUnknown => Exit::Unknown,
        ErrorCode::MethodNotAllowed | ErrorCode::Internal | ErrorCode::Unrecognised => {
            Exit::Internal
        }
    }
}

/// Reports an error of a server command and says what to end with.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    output::error(&format!("{error:#}"));
    code_of(error)
}

/// What to end with after an error of a server command.
pub(crate) fn code_of(error: &anyhow::Error) -> ExitCode {
    let config = error
        .chain()
        .any(|cause| cause.is::<ConfigError>() || cause.is::<EntryError>());
    ExitCode::from(if config { Exit::Config } else { Exit::Internal }.code())
}

/// Reports a wrong configuration.
pub(crate) fn report_config(error: &ConfigError) -> ExitCode {
    output::error(&error.to_string());
    ExitCode::from(Exit::Config.code())
}

/// Prints a text and says what to end with.
pub(crate) fn print(text: &str) -> ExitCode {
    match output::write(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ExitCode::from(failure.code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: ErrorCode) -> Error {
        Error::Refused(Box::new(Problem::new(code, "x")))
    }

    fn exhausted(outcome: Effect, timed_out: bool) -> Error {
        Error::Exhausted {
            outcome,
            timed_out,
            attempts: 3,
            elapsed: std::time::Duration::ZERO,
            last: "x".into(),
            problem: None,
        }
    }

    #[test]
    fn unknown_is_never_reported_as_anything_else() {
        for error in [
            refused(ErrorCode::OutcomeUnknown),
            refused(ErrorCode::Internal),
            exhausted(Effect::Unknown, false),
            exhausted(Effect::Unknown, true),
        ] {
            assert_eq!(exit_of(&error), Exit::Unknown, "{error}");
        }
    }

    #[test]
    fn what_a_script_must_tell_apart_is_told_apart() {
        for (error, exit) in [
            (refused(ErrorCode::LockHeld), 75),
            (refused(ErrorCode::Deadlock), 81),
            (refused(ErrorCode::VersionMismatch), 82),
            (refused(ErrorCode::NoNode), 66),
            (refused(ErrorCode::Forbidden), 77),
            (exhausted(Effect::NotApplied, false), 69),
            (exhausted(Effect::NotApplied, true), 124),
            (Error::SessionLost(holdfast_client::Loss::Unconfirmed), 80),
        ] {
            assert_eq!(exit_of(&error).code(), exit, "{error}");
        }
    }

    #[test]
    fn a_definite_problem_never_ends_as_unknown() {
        for code in ErrorCode::ALL {
            if code.outcome() == Effect::NotApplied {
                assert_ne!(exit_of(&refused(*code)), Exit::Unknown, "{code:?}");
            }
        }
    }
}
