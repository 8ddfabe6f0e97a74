//! Asking a holder to release, hearing of it, and answering.

use std::time::Duration;

use http_types::duration::TextDuration;
use http_types::v1::events::EventKind;
use http_types::v1::locks::{AnswerReleaseRequest, AskReleaseRequest, Claim};
use http_types::{headers, paths};
use tokio::time::Instant;

use super::guard::LockGuard;
use crate::client::Client;
use crate::error::Error;
use crate::events::{EventFilter, Start, StreamItem};
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

impl LockGuard {
    /// Waits until somebody asks for the lock, or has asked already. Then release it, or
    /// [`answer`](LockGuard::answer_release) how much longer it is needed, or do neither: nothing is taken
    /// away. Follows the events of the lock while it is awaited. Cancel safe.
    pub async fn release_asked(&self) -> ReleaseAsked {
        loop {
            if let Some(asked) = self.follow_requests().await {
                return asked;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn follow_requests(&self) -> Option<ReleaseAsked> {
        let filter = EventFilter {
            prefix: Some(self.lock().to_owned()),
            kinds: vec!["lock.release_requested".to_owned()],
            ..EventFilter::default()
        };
        let mut stream = self.session().client().events(filter, Start::State);
        while let Some(item) = stream.next().await {
            match item {
                Ok(StreamItem::Event(_, event)) => {
                    if let Some(asked) = self.asked_by(&event.kind) {
                        return Some(asked);
                    }
                }
                Ok(StreamItem::Restarted) => {}
                Ok(StreamItem::Gap { .. }) => return None,
                Err(error) => {
                    tracing::debug!(lock = self.lock(), %error, "cannot follow the lock");
                    return None;
                }
            }
        }
        None
    }

    /// What an event says, if it is about this hold.
    fn asked_by(&self, kind: &EventKind) -> Option<ReleaseAsked> {
        if let EventKind::State(state) = kind {
            let lock = state
                .lock
                .as_ref()
                .filter(|lock| lock.lock == self.lock())?;
            let ours = lock
                .holders
                .iter()
                .find(|holder| holder.fence == self.fence())?;
            let request = ours.release_request.as_ref()?;
            return Some(ReleaseAsked {
                who: request.who.clone(),
                reason: request.reason.clone(),
                deadline: within(request.remaining_ms),
            });
        }
        if let EventKind::LockReleaseRequested {
            claim,
            who,
            within_ms,
            reason,
        } = kind
            && claim.lock == self.lock()
            && claim.fence == self.fence()
        {
            return Some(ReleaseAsked {
                who: who.clone(),
                reason: reason.clone(),
                deadline: within(*within_ms),
            });
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
