//! From refusals and failures to problem documents (RFC 9457).
//!
//! What a kind of problem means (status, text, whether it happened, whether to try again) is in
//! `http_types::catalogue`; here is decided which kind it is. No match has a wildcard: a new way to
//! fail breaks the build until somebody has decided what a client is told.

mod failure;
mod refusal;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use http_types::headers as names;
use http_types::problem::{ErrorCode, Extensions};
use http_types::quota::Quota;
use raft_core::ids::{InvalidName, Zxid};
use raft_core::path::InvalidPath;

use crate::limits::RETRY_AFTER_SECONDS;

pub(crate) use failure::Check;
pub use refusal::code_of;
pub(crate) use refusal::problem_of;

/// A request that was not, or perhaps not, done: the document, and the headers that belong to it.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    document: Box<http_types::problem::Problem>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Position of the attempt, where the state machine judged it.
    index: Option<Zxid>,
}

impl Problem {
    /// A problem of this kind.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Problem {
        let document = Box::new(http_types::problem::Problem::new(code, detail));
        let soon = matches!(
            code,
            ErrorCode::RateLimited
                | ErrorCode::Overloaded
                | ErrorCode::NoLeader
                | ErrorCode::FenceKeyPending
                | ErrorCode::NotCaughtUp
                | ErrorCode::ShuttingDown
                | ErrorCode::MembershipBusy
                | ErrorCode::LockHeld
        );
        let headers = if soon {
            vec![(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into())]
        } else {
            Vec::new()
        };
        Problem {
            document,
            headers,
            index: None,
        }
    }

    /// With fields of its kind.
    pub(crate) fn with(mut self, fill: impl FnOnce(&mut Extensions)) -> Problem {
        fill(&mut self.document.more);
        self
    }

    /// With a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.headers.push((name, value));
        self
    }

    /// With the position of the attempt.
    pub(crate) fn at_index(mut self, index: Zxid) -> Problem {
        self.index = Some(index);
        self
    }

    /// With the incident to look for in the log.
    pub(crate) fn incident(mut self, id: &str) -> Problem {
        self.document.more.incident = Some(id.to_owned());
        self
    }

    /// The request itself is wrong.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(ErrorCode::BadRequest, detail)
    }

    /// The body is not the JSON expected.
    pub(crate) fn bad_json(error: &serde_json::Error) -> Problem {
        Problem::bad_request(format!("the body is not the JSON expected here: {error}"))
    }

    /// A bug of this server. Whether a write happened is not known.
    pub(crate) fn internal(what: &str) -> Problem {
        tracing::error!(what, "internal error");
        Problem::new(ErrorCode::Internal, what)
    }

    /// `What` may have at most `limit` bytes.
    pub(crate) fn too_large(what: &str, limit: usize) -> Problem {
        Problem::new(
            ErrorCode::TooLarge,
            format!("the {what} has more than {limit} bytes"),
        )
        .with(|more| {
            more.limited = Some(format!("bytes of the {what}"));
            more.limit = u64::try_from(limit).ok();
        })
    }

    /// JSON was expected.
    pub(crate) fn unsupported_media_type(found: &str) -> Problem {
        let detail = format!("the body has type {found:?}, expected application/json");
        Problem::new(ErrorCode::UnsupportedMediaType, detail)
    }

    /// Something has to be named before this is done.
    pub(crate) fn precondition_required(detail: &str) -> Problem {
        Problem::new(ErrorCode::PreconditionRequired, detail)
    }

    /// This node does as much as it can.
    pub(crate) fn overloaded(what: &str, quota: Quota) -> Problem {
        let limit = quota.limit;
        Problem::new(
            ErrorCode::Overloaded,
            format!("this node already serves {limit} {what}"),
        )
        .with(|more| limited(more, what, limit))
        .used_up(quota)
    }

    /// The client has as much as it may.
    pub(crate) fn rate_limited(what: &str, quota: Quota) -> Problem {
        let limit = quota.limit;
        Problem::new(
            ErrorCode::RateLimited,
            format!("the limit of {limit} {what} is reached"),
        )
        .with(|more| limited(more, what, limit))
        .used_up(quota)
    }

    /// Says that nothing is left of a quota.
    pub(crate) fn used_up(self, quota: Quota) -> Problem {
        self.own_header(names::RATE_LIMIT_POLICY, &quota.policy())
            .own_header(names::RATE_LIMIT, &quota.left(0))
    }

    /// The range asked for lies behind the end of a representation of `len` bytes.
    pub(crate) fn range_not_satisfiable(range: &str, len: u64) -> Problem {
        let detail = format!("{range:?} is no part of {len} bytes");
        let mut problem = Problem::bad_request(detail);
        problem.document.status = StatusCode::RANGE_NOT_SATISFIABLE.as_u16();
        problem.own_header("content-range", &format!("bytes */{len}"))
    }

    /// With a header that this server makes itself; a value that is none is left out.
    fn own_header(self, name: &'static str, value: &str) -> Problem {
        match HeaderValue::from_str(value) {
            Ok(value) => self.header(HeaderName::from_static(name), value),
            Err(_) => self,
        }
    }

    /// The status it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.document.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The document for a request of `instance`, its headers, and the position of the attempt.
    pub(crate) fn into_parts(
        self,
        instance: &str,
    ) -> (
        http_types::problem::Problem,
        Vec<(HeaderName, HeaderValue)>,
        Option<Zxid>,
    ) {
        (self.document.at(instance), self.headers, self.index)
    }
}

fn limited(more: &mut Extensions, what: &str, limit: usize) {
    more.limited = Some(what.to_owned());
    more.limit = u64::try_from(limit).ok();
}

impl From<InvalidName> for Problem {
    fn from(error: InvalidName) -> Problem {
        Problem::new(ErrorCode::InvalidName, error.to_string())
    }
}

impl From<InvalidPath> for Problem {
    fn from(error: InvalidPath) -> Problem {
        Problem::new(ErrorCode::InvalidPath, error.to_string())
    }
}
