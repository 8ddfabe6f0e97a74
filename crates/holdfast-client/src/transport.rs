//! One call: attempts at one node after the other until there is an answer, as long as repeating
//! the request is allowed.

mod attempt;
mod call;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_types::headers;
use http_types::problem::Effect;
use mutant::Mutant;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

pub(crate) use attempt::StreamFailure;
pub(crate) use call::{Call, Repeat, random_id};

use crate::backoff;
use crate::endpoints::Endpoints;
use crate::error::Error;
use crate::options::Options;
use attempt::Failure;

/// A node's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    pub(crate) body: Bytes,
    /// When the attempt that got this answer was begun: safe times count from here.
    pub(crate) sent: Instant,
    effect_on_garbage: Effect,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Protocol {
            what: format!("status {}: {error}", self.status),
            outcome: self.effect_on_garbage,
        })
    }
}

/// Connections, endpoints and settings; shared by all handles of a client.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    pub(crate) endpoints: Endpoints,
    pub(crate) options: Options,
    /// Highest index any answer reflected; a stale read must not go back behind it.
    seen: AtomicU64,
}

impl Transport {
    pub(crate) fn new(endpoints: Endpoints, options: Options) -> Result<Transport, Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            // A proxy between client and cluster would hide which node failed; retries and
            // redirects are decided here, where it is known what may be repeated.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .user_agent(concat!("holdfast-client/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Invalid(format!("HTTP client: {error}")))?;
        Ok(Transport {
            http,
            endpoints,
            options,
            seen: AtomicU64::new(0),
        })
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    pub(crate) fn saw(&self, headers: &HeaderMap) {
        let index = headers
            .get(headers::INDEX)
            .and_then(|v| v.to_str().ok()?.parse().ok());
        self.seen.fetch_max(index.unwrap_or(0), Ordering::Relaxed);
    }

    /// Sends a call until it is answered, finally refused, or out of budget.
    ///
    /// Cancel safety: none for writes; dropped between attempts or within one, the outcome is
    /// unknown.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let mut course = Course::new(call, self);
        loop {
            let (index, base) = self.endpoints.current();
            let failure = match self.attempt(call, base, course.time_for_attempt()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            tracing::debug!(endpoint = base, method = %call.method, path = %call.path,
                            failure = %failure, "attempt failed");
            let pause = course.after(failure)?;
            if course.leave_endpoint {
                self.endpoints.leave(index);
            }
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// What the attempts of one call have come to so far.
struct Course<'a> {
    call: &'a Call,
    nodes: u32,
    attempt_timeout: Duration,
    started: Instant,
    deadline: Instant,
    attempts: u32,
    /// Whether an attempt may have happened.
    doubt: bool,
    leave_endpoint: bool,
}

impl<'a> Course<'a> {
    fn new(call: &'a Call, transport: &Transport) -> Course<'a> {
        let started = Instant::now();
        let options = &transport.options;
        Course {
            call,
            nodes: u32::try_from(transport.endpoints.len()).unwrap_or(u32::MAX),
            attempt_timeout: call.attempt_timeout.unwrap_or(options.attempt_timeout)
                + call.patience,
            started,
            deadline: call
                .deadline
                .unwrap_or(started + options.budget + call.patience),
            attempts: 0,
            doubt: false,
            leave_endpoint: false,
        }
    }

    fn time_for_attempt(&self) -> Duration {
        self.attempt_timeout
            .min(self.deadline.saturating_duration_since(Instant::now()))
    }

    /// How long to wait before the next attempt, or the error to give up with.
    fn after(&mut self, failure: Failure) -> Result<Duration, Error> {
        self.attempts += 1;
        let effect = self.effect_of(&failure);
        self.doubt |= effect == Effect::Unknown;
        if !failure.is_transient() {
            return Err(self.definite(failure));
        }
        let once = self.call.repeat == Repeat::Once && !mutant::is(Mutant::RepeatsWithoutKey);
        if effect == Effect::Unknown && once {
            return Err(self.exhausted(failure));
        }
        let round = (self.attempts - 1) / self.nodes;
        let whole_round = self.attempts.is_multiple_of(self.nodes);
        self.leave_endpoint = failure.is_about_the_node();
        let jitter = if whole_round || !self.leave_endpoint {
            backoff::pause(round)
        } else {
            Duration::ZERO
        };
        // Another node may answer at once, whatever this one says about when to come back.
        let pause = if jitter.is_zero() {
            jitter
        } else {
            jitter.max(failure.retry_after())
        };
        if Instant::now() + pause >= self.deadline {
            return Err(self.exhausted(failure));
        }
        Ok(pause)
    }

    fn effect_of(&self, failure: &Failure) -> Effect {
        // Reads and the like change nothing, so nothing about them can be in doubt.
        if self.call.repeat == Repeat::Harmless {
            Effect::NotApplied
        } else {
            failure.effect()
        }
    }

    /// The state machine's own no settles earlier doubts; any other no does not.
    fn definite(&self, failure: Failure) -> Error {
        match failure {
            Failure::Problem { mut problem, .. } => {
                if self.call.repeat == Repeat::Harmless {
                    problem.outcome = Effect::NotApplied;
                } else if self.doubt && !is_verdict(problem.status) {
                    problem.outcome = Effect::Unknown;
                }
                Error::Refused(problem)
            }
            Failure::NoContact(_) | Failure::Lost { .. } => self.exhausted(failure),
            Failure::Unreadable { status, ref what } => Error::Protocol {
                what: format!("status {status}: {what}"),
                outcome: if self.doubt {
                    Effect::Unknown
                } else {
                    self.effect_of(&failure)
                },
            },
        }
    }

    fn exhausted(&self, failure: Failure) -> Error {
        let last = failure.to_string();
        let by_timeout = matches!(
            failure,
            Failure::Lost {
                timed_out: true,
                ..
            }
        );
        Error::Exhausted {
            outcome: if self.doubt {
                Effect::Unknown
            } else {
                Effect::NotApplied
            },
            timed_out: by_timeout,
            attempts: self.attempts,
            elapsed: self.started.elapsed(),
            last,
            problem: match failure {
                Failure::Problem { problem, .. } => Some(problem),
                Failure::NoContact(_) | Failure::Lost { .. } | Failure::Unreadable { .. } => None,
            },
        }
    }
}

/// Statuses that come out of the state machine, after it looked at what is known of the request.
fn is_verdict(status: u16) -> bool {
    matches!(status, 404 | 409 | 410 | 412 | 422 | 423 | 507)
}
