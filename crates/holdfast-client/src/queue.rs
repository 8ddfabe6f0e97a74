//! Work queues: putting items, taking them, and saying that they are done.

mod delivery;
mod look;
mod remote;

use std::time::Duration;

use http_types::paths;
use http_types::problem::Effect;
use http_types::v1::queues::{ItemPut, Taken};
use tokio::time::Instant;

use crate::client::Client;
use crate::data::Data;
use crate::error::Error;
use crate::loss::Loss;
use crate::session::Session;
use crate::transport::Call;
use crate::turn::{POLL, Patience, wait_for_turn};
use crate::withdrawal::BACKGROUND_BUDGET;

pub use self::delivery::Delivery;
use self::remote::take_call;

impl Client {
    /// Puts an item into a queue, behind those of its priority: 0 to 999, lower ones are taken before, 100 where it
    /// is `None`. Carries an idempotency key, so it puts one item however often it is sent.
    ///
    /// # Errors
    /// [`ErrorCode::QueueFull`](crate::ErrorCode::QueueFull), and as every write. When the outcome is unknown, the
    /// item may be in the queue.
    pub async fn put_item(
        &self,
        queue: &str,
        item: impl Into<Data>,
        priority: Option<u16>,
    ) -> Result<ItemPut, Error> {
        let data: Data = item.into();
        let path = paths::with_query(
            &paths::queue_view(queue, "items"),
            &[("priority", priority.map(|priority| priority.to_string()))],
        );
        let call = Call::keyed_post(path).raw(data.media_type(), data.bytes.clone());
        self.write(call).await?.json()
    }

    /// Takes the first items of a queue that nobody has, at most `n` (1 to 100), and waits so long for the first of
    /// them if there is none. Gives none when there was none in that time.
    ///
    /// # Errors
    /// [`Error::SessionLost`], and as every write.
    ///
    /// Cancel safety: dropping the future gives back in the background what was taken meanwhile. What that cannot do,
    /// the end of the session does.
    pub async fn take(
        &self,
        queue: &str,
        n: u32,
        wait: Duration,
        session: &Session,
    ) -> Result<Vec<Delivery>, Error> {
        let call = take_call(queue, n, session.id())?;
        let end = Instant::now() + wait;
        let patience = Patience {
            poll: POLL,
            end: Some(end),
        };
        let pending = Pending::of(session, call.clone());
        let is_over = |taken: &Taken| !taken.deliveries.is_empty() || Instant::now() >= end;
        let taken = tokio::select! {
            biased;
            () = session.lost() => {
                return Err(Error::SessionLost(session.loss().unwrap_or(Loss::Unconfirmed)));
            }
            taken = wait_for_turn(self, &call, patience, is_over) => taken,
        };
        match taken {
            Ok((taken, _)) => {
                pending.done();
                Delivery::all(session, taken)
            }
            Err(error) => {
                if error.outcome() == Effect::NotApplied {
                    pending.done();
                }
                Err(error)
            }
        }
    }
}

/// A take whose answer nobody has seen yet. Dropped before it is done, the same request is sent once more, which
/// finds what the first one took, and that is given back.
struct Pending {
    session: Session,
    call: Option<Call>,
}

impl Pending {
    fn of(session: &Session, call: Call) -> Pending {
        Pending {
            session: session.clone(),
            call: Some(call),
        }
    }

    fn done(mut self) {
        self.call = None;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let session = self.session.clone();
        let Some(mut call) = self.call.take().filter(|_| session.loss().is_none()) else {
            return;
        };
        call.deadline = Some(Instant::now() + BACKGROUND_BUDGET);
        let client = session.client().clone();
        client.clone().in_background(async move {
            let found = client.write(call).await.and_then(|answer| answer.json());
            match found.and_then(|taken| Delivery::all(&session, taken)) {
                // Each gives itself back.
                Ok(deliveries) => drop(deliveries),
                Err(error) => {
                    tracing::debug!(%error, "giving back in the background failed; the session's end does it");
                }
            }
        });
    }
}
