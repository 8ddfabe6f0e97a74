//! One attempt at one node, and what its failure means.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_types::headers;
use http_types::problem::{Effect, ErrorCode, Problem};
use mutant::Mutant;
use reqwest::{Response, StatusCode};
use tokio::time::Instant;

use super::call::{Call, CallBody, Repeat, random_id};
use super::{Answer, Transport};
use crate::options::Outgoing;

/// Most bytes of an answer that are kept in memory. Snapshots are streamed instead.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// Longest wait a server can impose with `Retry-After`.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Why an attempt got no answer that could be returned.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection was not even opened.
    NoContact(String),
    /// The request was, or may have been, sent; the answer did not arrive.
    Lost { what: String, timed_out: bool },
    /// A problem document.
    Problem {
        problem: Box<Problem>,
        retry_after: Duration,
    },
    /// An error without a problem document: something between us and the node, or no node at all.
    Unreadable { status: StatusCode, what: String },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoContact(what) | Failure::Lost { what, .. } => f.write_str(what),
            Failure::Problem { problem, .. } => f.write_str(&problem.detail),
            Failure::Unreadable { status, what } => write!(f, "status {status}: {what}"),
        }
    }
}

impl Failure {
    /// What is known of the request.
    pub(super) fn effect(&self) -> Effect {
        match self {
            Failure::NoContact(_) => Effect::NotApplied,
            Failure::Lost { .. } => Effect::Unknown,
            Failure::Problem { problem, .. } => problem.outcome,
            Failure::Unreadable { status, .. } if status.is_client_error() => Effect::NotApplied,
            Failure::Unreadable { .. } => Effect::Unknown,
        }
    }

    /// Whether another attempt may fare better without anybody changing anything. `retryable` of a
    /// problem says less: a held lock is retryable, but whether to is not for this layer to decide.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Failure::NoContact(_) | Failure::Lost { .. } => true,
            Failure::Problem { problem, .. } => {
                problem.retryable
                    && (matches!(problem.status, 408 | 429 | 503 | 504)
                        || problem.code == ErrorCode::InProgress)
            }
            Failure::Unreadable { status, .. } => matches!(status.as_u16(), 502..=504),
        }
    }

    /// Whether another node may fare better than this one.
    pub(super) fn is_about_the_node(&self) -> bool {
        match self {
            Failure::NoContact(_) | Failure::Lost { .. } | Failure::Unreadable { .. } => true,
            Failure::Problem { problem, .. } => matches!(problem.status, 503 | 504),
        }
    }

    pub(super) fn retry_after(&self) -> Duration {
        match self {
            Failure::Problem { retry_after, .. } => (*retry_after).min(RETRY_AFTER_MAX),
            Failure::NoContact(_) | Failure::Lost { .. } | Failure::Unreadable { .. } => {
                Duration::ZERO
            }
        }
    }

    fn lost(what: impl fmt::Display) -> Failure {
        Failure::Lost {
            what: what.to_string(),
            timed_out: false,
        }
    }

    fn of_send(error: &reqwest::Error, base: &str) -> Failure {
        // The innermost cause says what happened ("connection refused"); the rest repeats the URL.
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let what = format!("{base}: {cause}");
        if error.is_connect() || error.is_builder() {
            Failure::NoContact(what)
        } else {
            Failure::Lost {
                what,
                timed_out: error.is_timeout(),
            }
        }
    }
}

impl Transport {
    /// One attempt at one node.
    pub(super) async fn attempt(
        &self,
        call: &Call,
        base: &str,
        time: Duration,
    ) -> Result<Answer, Failure> {
        let sent = Instant::now();
        let work = async {
            let response = self.open(call, base).await?;
            self.saw(response.headers());
            let status = response.status();
            let retry_after = header_text(&response, headers::RETRY_AFTER);
            let body = read_body(response, base).await?;
            Ok((status, retry_after, body))
        };
        let (status, retry_after, body) = match tokio::time::timeout(time, work).await {
            Ok(done) => done?,
            Err(_) => {
                let what = format!("{base}: no answer within {time:.1?}");
                return Err(Failure::Lost {
                    what,
                    timed_out: true,
                });
            }
        };
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            let effect_on_garbage = if call.repeat == Repeat::Harmless {
                Effect::NotApplied
            } else {
                Effect::Applied
            };
            return Ok(Answer {
                status,
                body,
                sent,
                effect_on_garbage,
            });
        }
        Err(refusal(status, retry_after.as_deref(), &body))
    }

    /// Sends the request and returns when the head of the answer is there.
    pub(crate) async fn open_stream(
        &self,
        call: &Call,
        base: &str,
    ) -> Result<Response, StreamFailure> {
        let opened = tokio::time::timeout(self.options.attempt_timeout, self.open(call, base));
        let response = match opened.await {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => return Err(StreamFailure::Transport(failure.to_string())),
            Err(_) => return Err(StreamFailure::Transport(format!("{base}: no answer"))),
        };
        self.saw(response.headers());
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = read_body(response, base)
            .await
            .map_err(|failure| StreamFailure::Transport(failure.to_string()))?;
        let failure = refusal(status, None, &body);
        let passing = failure.is_transient();
        match failure {
            Failure::Problem { problem, .. } if !passing => Err(StreamFailure::Refused(problem)),
            Failure::Problem { .. }
            | Failure::NoContact(_)
            | Failure::Lost { .. }
            | Failure::Unreadable { .. } => Err(StreamFailure::Transport(failure.to_string())),
        }
    }

    /// Whatever one certain node answers, status and body; an error says why there is no answer.
    pub(crate) async fn fetch(
        &self,
        call: &Call,
        base: &str,
    ) -> Result<(StatusCode, Bytes), String> {
        let work = async {
            let response = self.open(call, base).await?;
            let status = response.status();
            Ok((status, read_body(response, base).await?))
        };
        match tokio::time::timeout(self.options.attempt_timeout, work).await {
            Ok(done) => done.map_err(|failure: Failure| failure.to_string()),
            Err(_) => Err(format!("{base}: no answer")),
        }
    }

    async fn open(&self, call: &Call, base: &str) -> Result<Response, Failure> {
        let url = format!("{base}{}", call.path);
        if let Some(observe) = &self.options.observer {
            observe(&Outgoing {
                method: call.method.as_str(),
                url: &url,
                headers: &call.headers,
                body: match &call.body {
                    Some(CallBody::Bytes(bytes)) => Some(bytes),
                    Some(CallBody::File(_)) | None => None,
                },
            });
        }
        let mut request = self.http.request(call.method.clone(), &url);
        for (name, value) in &call.headers {
            if mutant::is(Mutant::RepeatsWithoutKey) && *name == headers::IDEMPOTENCY_KEY {
                request = request.header(*name, random_id("k"));
                continue;
            }
            request = request.header(*name, value);
        }
        match &call.body {
            Some(CallBody::Bytes(bytes)) => request = request.body(bytes.clone()),
            Some(CallBody::File(path)) => {
                let file = tokio::fs::File::open(path).await.map_err(|error| {
                    Failure::NoContact(format!("read {}: {error}", path.display()))
                })?;
                request = request.body(file);
            }
            None => {}
        }
        request
            .send()
            .await
            .map_err(|error| Failure::of_send(&error, base))
    }
}

/// Why a stream could not be opened.
pub(crate) enum StreamFailure {
    /// Worth trying again.
    Transport(String),
    /// Not worth it.
    Refused(Box<Problem>),
}

fn header_text(response: &Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

async fn read_body(mut response: Response, base: &str) -> Result<Bytes, Failure> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => {
                return Err(Failure::lost(format!(
                    "{base}: answer over {ANSWER_BYTES_MAX} bytes"
                )));
            }
            Ok(None) => return Ok(body.into()),
            Err(error) => {
                let failure = Failure::of_send(&error, base);
                return Err(Failure::lost(failure));
            }
        }
    }
}

fn refusal(status: StatusCode, retry_after: Option<&str>, body: &[u8]) -> Failure {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Failure::Problem {
            problem: Box::new(problem),
            retry_after: Duration::from_secs(
                retry_after.and_then(|text| text.parse().ok()).unwrap_or(0),
            ),
        },
        Err(_) => {
            let text: String = String::from_utf8_lossy(body).chars().take(200).collect();
            Failure::Unreadable {
                status,
                what: format!("no problem document: {text:?}"),
            }
        }
    }
}
