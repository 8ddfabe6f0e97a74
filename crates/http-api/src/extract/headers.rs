//! What request headers ask for.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};
use http_types::duration::TextDuration;
use http_types::headers as names;
use node::{Consistency, ReadOptions};
use raft_core::command::{Expect, FenceGuard, SessionRef, TermGuard};
use raft_core::ids::{ElectionName, Fence, LockName, Term, Zxid};
use raft_core::limits::{GUARDS_PER_REQUEST_MAX, IDEMPOTENCY_KEY_BYTES_MAX};

use crate::convert::fence;
use crate::error::Problem;
use crate::extract::path;

/// The session a request acts for.
pub(crate) const SESSION: HeaderName = HeaderName::from_static(names::SESSION);
/// Holds that must still stand.
pub(crate) const FENCE: HeaderName = HeaderName::from_static(names::FENCE);
pub(crate) const TERM: HeaderName = HeaderName::from_static(names::TERM);
/// How fresh a read must be.
pub(crate) const CONSISTENCY: HeaderName = HeaderName::from_static(names::CONSISTENCY);
/// What a reader has seen elsewhere.
pub(crate) const MIN_INDEX: HeaderName = HeaderName::from_static(names::MIN_INDEX);
/// `never`: answer 307 instead of asking the leader.
pub(crate) const FORWARD: HeaderName = HeaderName::from_static(names::FORWARD);
/// How long the client waits for an answer.
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static("holdfast-timeout");
/// Makes a POST repeatable.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(names::IDEMPOTENCY_KEY);
/// Where an event stream continues.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static(names::LAST_EVENT_ID);
/// RFC 7240.
pub(crate) const PREFER: HeaderName = HeaderName::from_static(names::PREFER);
/// W3C trace context.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The text of a header that may stand once.
///
/// # Errors
/// When it stands twice or holds bytes that are no text.
pub(crate) fn text<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::bad_request(format!(
            "header {name} is given more than once"
        )));
    }
    readable(name, first.to_str()).map(Some)
}

fn readable<'a, E>(name: &HeaderName, value: Result<&'a str, E>) -> Result<&'a str, Problem> {
    value
        .map(str::trim)
        .map_err(|_| Problem::bad_request(format!("header {name} holds bytes that are no ASCII")))
}

fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Vec<&'a str>, Problem> {
    headers
        .get_all(name)
        .iter()
        .map(|value| readable(name, value.to_str()))
        .collect()
}

fn bad(name: &HeaderName, value: &str, form: &str) -> Problem {
    Problem::bad_request(format!("header {name} is {value:?}, expected {form}"))
}

/// `Holdfast-Session`.
///
/// # Errors
/// When it is no session's name.
pub(crate) fn session(headers: &HeaderMap) -> Result<Option<SessionRef>, Problem> {
    text(headers, &SESSION)?.map(path::session_text).transpose()
}

/// `Holdfast-Fence`, one `lock=fence` per header.
///
/// # Errors
/// When one is malformed, or there are too many.
pub(crate) fn fences(headers: &HeaderMap) -> Result<Vec<FenceGuard>, Problem> {
    let values = texts(headers, &FENCE)?;
    if values.len() > GUARDS_PER_REQUEST_MAX {
        return Err(Problem::bad_request(format!(
            "at most {GUARDS_PER_REQUEST_MAX} {FENCE} headers are allowed"
        )));
    }
    values.into_iter().map(fence_guard).collect()
}

/// `Holdfast-Term`, one `election=term` per header.
///
/// # Errors
/// When one is malformed, or there are too many.
pub(crate) fn terms(headers: &HeaderMap) -> Result<Vec<TermGuard>, Problem> {
    let values = texts(headers, &TERM)?;
    if values.len() > GUARDS_PER_REQUEST_MAX {
        return Err(Problem::bad_request(format!(
            "at most {GUARDS_PER_REQUEST_MAX} {TERM} headers are allowed"
        )));
    }
    values.into_iter().map(term_guard).collect()
}

fn term_guard(value: &str) -> Result<TermGuard, Problem> {
    let (election, token) = names::parse_fence_guard(value)
        .ok_or_else(|| bad(&TERM, value, "election=term, for example app=18231"))?;
    Ok(TermGuard {
        election: ElectionName::parse(election)?,
        term: Term(token),
    })
}

fn fence_guard(value: &str) -> Result<FenceGuard, Problem> {
    let (lock, token) = names::parse_fence_guard(value)
        .ok_or_else(|| bad(&FENCE, value, "lock=fence, for example orders/42=18231"))?;
    Ok(FenceGuard {
        lock: LockName::parse(lock)?,
        fence: fence::meant(token),
    })
}

/// What `If-Match` demands of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Nothing.
    Absent,
    /// That the thing exists (`*`).
    Exists,
    /// This version (`"v7"`).
    Version(i32),
}

impl IfMatch {
    /// The version a command expects.
    pub(crate) fn expect(self) -> Expect {
        match self {
            IfMatch::Absent | IfMatch::Exists => Expect::Any,
            IfMatch::Version(version) => Expect::Version(version),
        }
    }
}

/// `If-Match: "v7"` or `*`.
///
/// # Errors
/// Every other form: a list of versions has no meaning for a compare-and-set.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<IfMatch, Problem> {
    let Some(value) = text(headers, &header::IF_MATCH)? else {
        return Ok(IfMatch::Absent);
    };
    if value == "*" {
        return Ok(IfMatch::Exists);
    }
    version_of_tag(value)
        .map(IfMatch::Version)
        .ok_or_else(|| bad(&header::IF_MATCH, value, "one version such as \"v7\", or *"))
}

/// The version in an entity tag: `"v7"`, or `"v7-…"` of a view that changes more often.
fn version_of_tag(tag: &str) -> Option<i32> {
    let version = tag.split_once('-').map_or(tag, |(version, _)| version);
    names::parse_version_tag(version)
}

/// `If-Match: "f18231"`: the fence of the hold a request is about.
///
/// # Errors
/// When it is missing or of another form.
pub(crate) fn if_match_fence(headers: &HeaderMap) -> Result<Fence, Problem> {
    let Some(value) = text(headers, &header::IF_MATCH)? else {
        return Err(Problem::precondition_required(
            "name the fence of the hold to break: If-Match: \"f18231\"",
        ));
    };
    names::parse_fence_tag(value)
        .map(fence::meant)
        .ok_or_else(|| bad(&header::IF_MATCH, value, "a fence such as \"f18231\""))
}

/// `If-None-Match`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IfNoneMatch {
    any: bool,
    tags: Vec<String>,
}

impl IfNoneMatch {
    /// Reads the header.
    ///
    /// # Errors
    /// When it holds what is no entity tag.
    pub(crate) fn from(headers: &HeaderMap) -> Result<IfNoneMatch, Problem> {
        let mut found = IfNoneMatch::default();
        for value in texts(headers, &header::IF_NONE_MATCH)? {
            for tag in value.split(',').map(str::trim) {
                let opaque = tag.strip_prefix("W/").unwrap_or(tag);
                let is_quoted =
                    opaque.len() >= 2 && opaque.starts_with('"') && opaque.ends_with('"');
                match tag {
                    "*" => found.any = true,
                    _ if is_quoted => found.tags.push(opaque.to_owned()),
                    _ => return Err(bad(&header::IF_NONE_MATCH, tag, "a quoted tag, or *")),
                }
            }
        }
        Ok(found)
    }

    /// Whether a write must not replace anything (`*`).
    pub(crate) fn is_create_only(&self) -> bool {
        self.any
    }

    /// Whether it is given at all.
    pub(crate) fn is_given(&self) -> bool {
        self.any || !self.tags.is_empty()
    }

    /// Whether the reader already has this.
    pub(crate) fn has(&self, etag: &str) -> bool {
        self.any || self.tags.iter().any(|tag| tag == etag)
    }
}

/// `Prefer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefer {
    /// How long this request may wait.
    pub(crate) wait: Option<Duration>,
    /// Whether a short answer is enough.
    pub(crate) minimal: bool,
}

impl Prefer {
    /// Reads the header; unknown preferences are ignored, as RFC 7240 says.
    ///
    /// # Errors
    /// When `wait` is no whole number of seconds.
    pub(crate) fn from(headers: &HeaderMap) -> Result<Prefer, Problem> {
        let mut found = Prefer::default();
        for value in texts(headers, &PREFER)? {
            for preference in value.split([',', ';']).map(str::trim) {
                let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
                let value = value.trim().trim_matches('"');
                match name.trim().to_ascii_lowercase().as_str() {
                    "wait" => found.wait = Some(wait_seconds(value)?),
                    "return" => found.minimal = value == "minimal",
                    _ => {}
                }
            }
        }
        Ok(found)
    }
}

fn wait_seconds(value: &str) -> Result<Duration, Problem> {
    if let Ok(seconds) = value.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    value.parse().map(TextDuration::as_duration).map_err(|_| {
        bad(
            &PREFER,
            value,
            "wait= and whole seconds, for example wait=30",
        )
    })
}

/// `Holdfast-Consistency` and `Holdfast-Min-Index`.
///
/// # Errors
/// When one is malformed.
pub(crate) fn read_options(headers: &HeaderMap) -> Result<ReadOptions, Problem> {
    let consistency = match text(headers, &CONSISTENCY)? {
        None => Consistency::Linearizable,
        Some(value) => consistency(value)?,
    };
    let min_zxid = match text(headers, &MIN_INDEX)? {
        None => None,
        Some(value) => {
            let index = value
                .parse()
                .map_err(|_| bad(&MIN_INDEX, value, "an index"))?;
            Some(Zxid(index))
        }
    };
    Ok(ReadOptions {
        consistency,
        min_zxid,
    })
}

fn consistency(value: &str) -> Result<Consistency, Problem> {
    match names::Consistency::parse(value) {
        Some(names::Consistency::Linearizable) => Ok(Consistency::Linearizable),
        Some(names::Consistency::Stale { max_age }) => Ok(Consistency::Stale {
            max_age: max_age.map(TextDuration::as_duration),
        }),
        None => Err(bad(
            &CONSISTENCY,
            value,
            "\"linearizable\" or \"stale; max_age=500ms\"",
        )),
    }
}

/// `Holdfast-Timeout`.
///
/// # Errors
/// When it is no duration.
pub(crate) fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let Some(value) = text(headers, &TIMEOUT)? else {
        return Ok(None);
    };
    match value.parse::<TextDuration>() {
        Ok(timeout) => Ok(Some(timeout.as_duration())),
        Err(error) => Err(Problem::bad_request(format!("header {TIMEOUT}: {error}"))),
    }
}

/// `Holdfast-Forward`: whether the client wants to be sent to the leader instead.
///
/// # Errors
/// Every value but `never` and `always`.
pub(crate) fn wants_redirect(headers: &HeaderMap) -> Result<bool, Problem> {
    match text(headers, &FORWARD)? {
        None | Some("always") => Ok(false),
        Some("never") => Ok(true),
        Some(other) => Err(bad(&FORWARD, other, "\"never\" or \"always\"")),
    }
}

/// `Idempotency-Key`, with or without quotes (the draft has a quoted string).
///
/// # Errors
/// When it is empty or too long.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = text(headers, &IDEMPOTENCY_KEY)? else {
        return Ok(None);
    };
    let key = value.trim_matches('"');
    // The principal and a separator are put in front of it.
    let limit = IDEMPOTENCY_KEY_BYTES_MAX / 2;
    if key.is_empty() || key.len() > limit {
        return Err(bad(&IDEMPOTENCY_KEY, value, &format!("1 to {limit} bytes")));
    }
    Ok(Some(key))
}

/// A well-formed `traceparent`; a malformed one is ignored, as its specification says.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(&TRACEPARENT)?.to_str().ok()?;
    let parts: Vec<&str> = value.split('-').collect();
    let is_hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    match parts.as_slice() {
        [version, trace, parent, flags]
            if is_hex(version, 2)
                && is_hex(trace, 32)
                && is_hex(parent, 16)
                && is_hex(flags, 2) =>
        {
            Some(value)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
