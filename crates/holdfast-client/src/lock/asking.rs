//! Asking a holder to release, hearing of it, and answering.

use std::time::Duration;

use http_types::duration::TextDuration;
use http_types::v1::events::{Event, EventKind};
use http_types::v1::locks::{AnswerReleaseRequest, AskReleaseRequest, Claim};
use http_types::{headers, paths};
use tokio::time::Instant;

use super::guard::LockGuard;
use crate::client::Client;
use crate::error::Error;
use crate::events::{EventFilter, EventStream, Start, StreamItem};
use crate::session::safe_until;
use crate::transport::Call;

/// Before the stream of the lock is asked for again after it failed.
const RETRY: Duration = Duration::from_millis(500);

/// Somebody asked for the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseAsked {
    /// Who, in one line.
    pub who: String,
    /// Why.
    pub reason: String,
    /// By when it is wanted. Nothing happens then.
    pub deadline: Instant,
}

impl Client {
    /// Asks the holder of a lock to release it by `deadline` from now; with `fence` only that holder,
    /// which is needed where several hold. Nothing is taken away at the deadline.
    ///
    /// # Errors
    /// [`ErrorCode::FenceStale`](crate::ErrorCode::FenceStale) when somebody else has it by now,
    /// [`ErrorCode::BadRequest`](crate::ErrorCode::BadRequest) when nobody has it; as every write.
    pub async fn request_release(
        &self,
        lock: &str,
        fence: Option<u64>,
        reason: &str,
        deadline: Duration,
    ) -> Result<Claim, Error> {
        let mut call = Call::keyed_post(paths::lock_view(lock, "request-release"));
        if let Some(fence) = fence {
            call = call.header("if-match", headers::fence_tag(fence));
        }
        let body = AskReleaseRequest {
            reason: reason.to_owned(),
            deadline: TextDuration::from(deadline),
        };
        self.write(call.json(&body)?).await?.json()
    }
}

/// Requests to release a held lock, one after the other; see [`LockGuard::release_requests`].
#[derive(Debug)]
pub struct ReleaseRequests<'a> {
    guard: &'a LockGuard,
    stream: Option<EventStream>,
    /// What was told last, and when it was asked: a stream that begins anew tells it again.
    told: Option<(String, ReleaseAsked)>,
}

impl ReleaseRequests<'_> {
    /// Waits for the next request; the first time also for one that was made before. Cancel safe.
    pub async fn next(&mut self) -> ReleaseAsked {
        loop {
            let stream = self.stream.get_or_insert_with(|| self.guard.follow());
            match stream.next().await {
                Some(Ok(StreamItem::Event(_, event))) => {
                    if let Some(asked) = self.guard.asked_by(&event).filter(|new| self.is_new(new))
                    {
                        return self.told.insert(asked).1.clone();
                    }
                }
                Some(Ok(StreamItem::Restarted)) => {}
                Some(Ok(StreamItem::Gap { .. })) | None => self.begin_anew().await,
                Some(Err(error)) => {
                    tracing::debug!(lock = self.guard.lock(), %error, "cannot follow the lock");
                    self.begin_anew().await;
                }
            }
        }
    }

    async fn begin_anew(&mut self) {
        self.stream = None;
        tokio::time::sleep(RETRY).await;
    }

    /// Deadlines are counted from when they are heard of, so they differ a little.
    fn is_new(&self, (at, asked): &(String, ReleaseAsked)) -> bool {
        self.told.as_ref().is_none_or(|(told_at, told)| {
            (told_at, &told.who, &told.reason) != (at, &asked.who, &asked.reason)
        })
    }
}

impl LockGuard {
    /// Requests to release the lock, as they are made. Release it then, or
    /// [`answer`](LockGuard::answer_release) how much longer it is needed, or do neither: nothing is taken
    /// away. Follows the events of the lock while the next one is awaited.
    #[must_use]
    pub fn release_requests(&self) -> ReleaseRequests<'_> {
        ReleaseRequests {
            guard: self,
            stream: None,
            told: None,
        }
    }

    /// Waits until somebody asks for the lock, or has asked already: the first of
    /// [`release_requests`](LockGuard::release_requests). Cancel safe.
    pub async fn release_asked(&self) -> ReleaseAsked {
        self.release_requests().next().await
    }

    fn follow(&self) -> EventStream {
        let filter = EventFilter {
            prefix: Some(self.lock().to_owned()),
            kinds: vec!["lock.release_requested".to_owned()],
            ..EventFilter::default()
        };
        self.session().client().events(filter, Start::State)
    }

    /// What an event says and when it was asked, if it is about this hold.
    fn asked_by(&self, event: &Event) -> Option<(String, ReleaseAsked)> {
        if let EventKind::State(state) = &event.kind {
            let lock = state
                .lock
                .as_ref()
                .filter(|lock| lock.lock == self.lock())?;
            let ours = lock
                .holders
                .iter()
                .find(|holder| holder.fence == self.fence())?;
            let request = ours.release_request.as_ref()?;
            let asked = ReleaseAsked {
                who: request.who.clone(),
                reason: request.reason.clone(),
                deadline: within(request.remaining_ms),
            };
            return Some((request.asked_at.clone(), asked));
        }
        if let EventKind::LockReleaseRequested {
            claim,
            who,
            within_ms,
            reason,
        } = &event.kind
            && claim.lock == self.lock()
            && claim.fence == self.fence()
        {
            let asked = ReleaseAsked {
                who: who.clone(),
                reason: reason.clone(),
                deadline: within(*within_ms),
            };
            return Some((event.time.clone().unwrap_or_default(), asked));
        }
        None
    }

    /// Tells those who wait how much longer the lock is needed, from now.
    ///
    /// # Errors
    /// [`ErrorCode::NotAsked`](crate::ErrorCode::NotAsked) when nobody asked for it,
    /// [`ErrorCode::ClaimEnded`](crate::ErrorCode::ClaimEnded) when it is lost; as every write.
    pub async fn answer_release(&self, needs: Duration) -> Result<Claim, Error> {
        let body = AnswerReleaseRequest {
            claim: self.claim().claim.clone(),
            needs: TextDuration::from(needs),
        };
        let call = Call::keyed_post(paths::lock_view(self.lock(), "answer"))
            .header(headers::SESSION, self.session().id())
            .json(&body)?;
        self.session().client().write(call).await?.json()
    }
}

fn within(ms: u64) -> Instant {
    safe_until(Instant::now(), Duration::from_millis(ms))
}
