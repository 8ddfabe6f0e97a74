//! A call: what is to be sent, and what may be repeated.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_types::headers;
use reqwest::Method;
use serde::Serialize;
use tokio::time::Instant;

use crate::error::Error;

/// What happens when a request is sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing: it has no effect at all.
    Harmless,
    /// The second finds the work of the first: it carries an id chosen before the first attempt
    /// (a claim, a session, an idempotency key).
    ById,
    /// It could undo what somebody else did in between. Repeated only when the first certainly did
    /// not happen.
    Once,
}

/// What is sent in a request.
#[derive(Clone, Debug)]
pub(crate) enum CallBody {
    /// These bytes.
    Bytes(Bytes),
    /// The content of a file.
    File(PathBuf),
}

/// One request, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<CallBody>,
    pub(crate) repeat: Repeat,
    /// How long the server was asked to wait.
    pub(crate) patience: Duration,
    /// Instead of the client's.
    pub(crate) attempt_timeout: Option<Duration>,
    /// Instead of the client's budget.
    pub(crate) deadline: Option<Instant>,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>, repeat: Repeat) -> Call {
        Call {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            repeat,
            patience: Duration::ZERO,
            attempt_timeout: None,
            deadline: None,
        }
    }

    /// A read.
    pub(crate) fn get(path: impl Into<String>) -> Call {
        Call::new(Method::GET, path, Repeat::Harmless).header("accept", "application/json")
    }

    /// A POST made repeatable by a key of its own, made here and now: once per call, not per
    /// attempt.
    pub(crate) fn keyed_post(path: impl Into<String>) -> Call {
        Call::new(Method::POST, path, Repeat::ById).header(headers::IDEMPOTENCY_KEY, random_id("k"))
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Call {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(self, body: &impl Serialize) -> Result<Call, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::Invalid(format!("cannot write the request: {error}")))?;
        Ok(self.raw("application/json", body.into()))
    }

    pub(crate) fn raw(mut self, content_type: &str, body: Bytes) -> Call {
        self.body = Some(CallBody::Bytes(body));
        self.header("content-type", content_type)
    }

    /// The content of a file, read anew for each attempt and never held in memory.
    pub(crate) fn file(mut self, file: &Path) -> Call {
        self.body = Some(CallBody::File(file.to_owned()));
        self.header("content-type", "application/octet-stream")
    }

    /// Asks the server to wait, and waits so much longer for it.
    pub(crate) fn prefer_wait(mut self, wait: Duration) -> Call {
        self.patience = wait;
        let ms = wait.as_millis();
        let text = if ms.is_multiple_of(1000) {
            format!("wait={}", ms / 1000)
        } else {
            format!("wait={ms}ms")
        };
        self.header(headers::PREFER, text)
    }
}

/// A fresh id: `k_` and 128 random bits.
pub(crate) fn random_id(prefix: &str) -> String {
    format!("{prefix}_{:032x}", rand::random::<u128>())
}
