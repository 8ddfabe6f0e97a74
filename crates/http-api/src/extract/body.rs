//! Request bodies.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::Problem;

/// Reads a whole body of at most `limit` bytes within `time`.
///
/// # Errors
/// When it is larger (known from `Content-Length` before a byte is read), arrives too slowly, or
/// breaks off.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    time: Duration,
) -> Result<Bytes, Problem> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > limit) {
        return Err(Problem::too_large("body", limit));
    }
    match tokio::time::timeout(time, axum::body::to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(broken_body(&error, limit)),
        Err(_) => Err(Problem::bad_request("the body did not arrive in time")),
    }
}

fn broken_body(error: &axum::Error, limit: usize) -> Problem {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = source {
        // The only sign of the limit is the type of the innermost cause.
        if cause.to_string().contains("length limit exceeded") {
            return Problem::too_large("body", limit);
        }
        source = cause.source();
    }
    Problem::bad_request("the body broke off")
}

/// Reads JSON. A missing content type is taken as JSON, and so is the one `curl -d` sends.
///
/// # Errors
/// 415 for every other content type; 400 with the position for what is not the JSON expected.
pub(crate) fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    check_json_type(headers)?;
    // A derived struct would also read an array, field by field.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::bad_request(
            "the body is an array, expected an object: line 1 column 1",
        ));
    }
    serde_json::from_slice(body).map_err(|error| Problem::bad_json(&error))
}

/// As [`json`], taking no body at all for `{}`.
///
/// # Errors
/// As [`json`].
pub(crate) fn json_or_empty<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, Problem> {
    json(headers, if body.is_empty() { b"{}" } else { body })
}

fn check_json_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let text = value.to_str().unwrap_or("?");
    let essence = text
        .split(';')
        .next()
        .unwrap_or(text)
        .trim()
        .to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "application/x-www-form-urlencoded" => Ok(()),
        other if other.starts_with("application/") && other.ends_with("+json") => Ok(()),
        other => Err(Problem::unsupported_media_type(other)),
    }
}
