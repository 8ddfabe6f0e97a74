//! Failures of the runtime: it did not happen, or nobody can tell.

use http_types::problem::ErrorCode;
use http_types::quota::Quota;
use node::{
    ChangeError, DryRunError, NotApplied, ProposeError, ReadError, SnapshotError, TransferError,
    Unknown,
};

use crate::convert;
use crate::error::Problem;
use crate::millis::as_ms;

/// What a client whose request's outcome is unknown can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// Where to see what came of it.
    url: String,
    /// Whether sending the same request again is safe.
    repeatable: bool,
}

impl Check {
    /// Look there; repeating the request could do it twice, or be refused although it was done.
    pub(crate) fn at(url: impl Into<String>) -> Check {
        Check {
            url: url.into(),
            repeatable: false,
        }
    }

    /// Look there, or send the same request again: it is done once.
    pub(crate) fn or_repeat(url: impl Into<String>) -> Check {
        Check {
            url: url.into(),
            repeatable: true,
        }
    }

    /// As an idempotency key makes it.
    pub(crate) fn repeatable_if(self, repeatable: bool) -> Check {
        Check {
            repeatable: self.repeatable || repeatable,
            ..self
        }
    }
}

impl Problem {
    /// A proposal without an outcome.
    pub(crate) fn of_propose(error: ProposeError, check: Check) -> Problem {
        match error {
            ProposeError::NotApplied(not_applied) => Problem::from(not_applied),
            ProposeError::Unknown(unknown) => Problem::of_unknown(&unknown, check),
        }
    }

    fn of_unknown(unknown: &Unknown, check: Check) -> Problem {
        let waited = as_ms(unknown.waited);
        Problem::unknown(unknown.to_string(), check).with(|more| more.waited_ms = Some(waited))
    }

    /// It may have happened.
    pub(crate) fn unknown(detail: String, check: Check) -> Problem {
        let mut problem = Problem::new(ErrorCode::OutcomeUnknown, detail);
        problem.document.check = Some(check.url);
        problem.document.retryable = check.repeatable;
        problem
    }
}

impl From<NotApplied> for Problem {
    fn from(error: NotApplied) -> Problem {
        let detail = error.to_string();
        match error {
            NotApplied::NoLeader { waited } => Problem::new(ErrorCode::NoLeader, detail)
                .with(|more| more.waited_ms = Some(as_ms(waited))),
            NotApplied::Overloaded { what, limit } => {
                let problem = Problem::new(ErrorCode::Overloaded, detail).with(|more| {
                    more.limited = Some(what.to_owned());
                    more.limit = u64::try_from(limit).ok();
                });
                // Of the bytes in flight some may be left, only not enough for this request, and
                // the field has no unit for them.
                if what == node::PROPOSALS {
                    problem.used_up(Quota { name: what, limit })
                } else {
                    problem
                }
            }
            NotApplied::TooLarge { limit, actual } => Problem::new(ErrorCode::TooLarge, detail)
                .with(|more| {
                    more.limited = Some("bytes of the encoded request".to_owned());
                    more.limit = u64::try_from(limit).ok();
                    more.actual = u64::try_from(actual).ok();
                }),
            NotApplied::ShuttingDown => Problem::new(ErrorCode::ShuttingDown, detail),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        let detail = error.to_string();
        match error {
            ReadError::NoLeader { waited } => Problem::new(ErrorCode::NoLeader, detail)
                .with(|more| more.waited_ms = Some(as_ms(waited))),
            ReadError::NotCaughtUp {
                applied,
                wanted,
                waited,
            } => Problem::new(ErrorCode::NotCaughtUp, detail).with(|more| {
                more.index = Some(applied.0);
                more.wanted_index = Some(wanted.0);
                more.waited_ms = Some(as_ms(waited));
            }),
            ReadError::ShuttingDown => Problem::new(ErrorCode::ShuttingDown, detail),
        }
    }
}

impl From<DryRunError> for Problem {
    fn from(error: DryRunError) -> Problem {
        match error {
            DryRunError::NotTried(error) => Problem::from(error),
            DryRunError::NotCurrent(error) => Problem::from(error),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Problem {
        let detail = error.to_string();
        match error {
            ChangeError::NoLeader => Problem::new(ErrorCode::NoLeader, detail),
            ChangeError::Refused(report) => Problem::new(ErrorCode::UnsafeChange, detail)
                .with(|more| more.arithmetic = Some(convert::cluster::arithmetic_lines(&report))),
            ChangeError::Conflict => Problem::new(ErrorCode::MembershipBusy, detail),
            ChangeError::NotApplied(_) => Problem::new(ErrorCode::MembershipBusy, detail),
            ChangeError::NotCaughtUp { lag, .. } => {
                Problem::new(ErrorCode::UnsafeChange, detail).with(|more| more.actual = lag)
            }
            ChangeError::Unknown(_) => Problem::unknown(detail, Check::at("/v1/cluster")),
        }
    }
}

impl From<TransferError> for Problem {
    fn from(error: TransferError) -> Problem {
        let detail = error.to_string();
        match error {
            TransferError::NoLeader => Problem::new(ErrorCode::NoLeader, detail),
            TransferError::NotTransferred(_) => Problem::new(ErrorCode::UnsafeChange, detail),
            TransferError::Unknown => Problem::unknown(detail, Check::or_repeat("/v1/cluster")),
        }
    }
}

impl From<SnapshotError> for Problem {
    fn from(error: SnapshotError) -> Problem {
        let detail = error.to_string();
        match error {
            SnapshotError::NotYet { waited } => {
                Problem::unknown(detail, Check::or_repeat("/v1/snapshots"))
                    .with(|more| more.waited_ms = Some(as_ms(waited)))
            }
            SnapshotError::ShuttingDown => Problem::new(ErrorCode::ShuttingDown, detail),
            SnapshotError::Disk(source) => Problem::internal(&format!("{detail}: {source}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of a header of the problem that stands for too much of `what`.
    fn header_of(what: &'static str, name: &str) -> Vec<String> {
        let problem = Problem::from(NotApplied::Overloaded { what, limit: 7 });
        let values = problem.headers.iter().filter(|(found, _)| found == name);
        values
            .map(|(_, value)| value.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_quota_is_told_where_the_field_has_a_unit_for_it() {
        let policy = r#""proposals";q=7;qu="concurrent-requests""#;
        assert_eq!(header_of(node::PROPOSALS, "ratelimit-policy"), [policy]);
        assert_eq!(
            header_of(node::PROPOSALS, "ratelimit"),
            [r#""proposals";r=0"#]
        );
        for what in [node::PROPOSALS, "bytes of proposals"] {
            assert_eq!(header_of(what, "retry-after"), ["1"]);
        }
        assert!(header_of("bytes of proposals", "ratelimit").is_empty());
    }
}
