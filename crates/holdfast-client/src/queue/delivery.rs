//! An item that a session has.

use bytes::Bytes;
use http_types::v1::queues::{Acked, Delivery as Wire, GiveBackRequest, GivenBack, Taken};
use tokio_util::sync::CancellationToken;

use crate::data::decode;
use crate::error::Error;
use crate::loss::Loss;
use crate::queue::remote::{ack_call, give_back_call};
use crate::session::Session;
use crate::transport::{Answer, Call};
use crate::withdrawal::send_in_background;

/// One delivery of an item: the session has it until [`ack`](Delivery::ack), [`give_back`](Delivery::give_back), or
/// its own end. Dropping it gives the item back in the background, without counting a try.
#[derive(Debug)]
#[must_use = "dropping the delivery gives the item back"]
pub struct Delivery {
    session: Session,
    queue: String,
    item: Wire,
    data: Bytes,
    ended: bool,
}

impl Delivery {
    pub(super) fn all(session: &Session, taken: Taken) -> Result<Vec<Delivery>, Error> {
        let Taken {
            queue, deliveries, ..
        } = taken;
        let of = |mut item: Wire| {
            let data = decode(std::mem::take(&mut item.value), item.encoding)?;
            Ok(Delivery {
                session: session.clone(),
                queue: queue.clone(),
                item,
                data,
                ended: false,
            })
        };
        deliveries.into_iter().map(of).collect()
    }

    /// The queue.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// Name of the item.
    #[must_use]
    pub fn item(&self) -> &str {
        &self.item.item
    }

    /// Number of this delivery: a later one of the same item has a higher one, so that it is a fence.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.item.delivery
    }

    /// Which try of the item this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.item.attempt
    }

    /// Priority of the item.
    #[must_use]
    pub fn priority(&self) -> u16 {
        self.item.priority
    }

    /// What is to be done.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.item.content_type.as_deref()
    }

    /// The session that has it.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Fires when the session is lost: somebody else may have the item from then on.
    #[must_use]
    pub fn lost_token(&self) -> CancellationToken {
        self.session.lost_token()
    }

    /// Waits until the session is lost. Cancel safe.
    pub async fn lost(&self) {
        self.session.lost().await;
    }

    /// Why it is lost, if it is.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        self.session.loss()
    }

    /// The item is done, and goes. Carries an idempotency key, so that an acknowledgement whose answer was lost is
    /// answered as it was.
    ///
    /// # Errors
    /// [`ErrorCode::DeliveryEnded`](crate::ErrorCode::DeliveryEnded) when the item was taken away: another consumer
    /// may have done it, too. [`Error::SessionLost`]; as every write. When the outcome is unknown, the item may be
    /// delivered again.
    ///
    /// Cancel safety: once polled the outcome is unknown.
    pub async fn ack(mut self) -> Result<Acked, Error> {
        self.ended = true;
        let call = ack_call(self.names(), self.item.delivery, self.session.id())?;
        self.end(call).await?.json()
    }

    /// The item is not done: others can take it. That is a try, and the last one makes it a dead letter, which shows
    /// the reason.
    ///
    /// # Errors
    /// As [`ack`](Delivery::ack).
    pub async fn give_back(mut self, reason: Option<String>) -> Result<GivenBack, Error> {
        self.ended = true;
        let call = self.give_back_call(false, reason)?;
        self.end(call).await?.json()
    }

    /// The item was not tried: others can take it, and nothing is counted.
    ///
    /// # Errors
    /// As [`ack`](Delivery::ack).
    pub async fn give_back_untried(mut self) -> Result<GivenBack, Error> {
        self.ended = true;
        let call = self.give_back_call(true, None)?;
        self.end(call).await?.json()
    }

    async fn end(&self, call: Call) -> Result<Answer, Error> {
        tokio::select! {
            biased;
            () = self.session.lost() => {
                Err(Error::SessionLost(self.session.loss().unwrap_or(Loss::Unconfirmed)))
            }
            answer = self.session.client().write(call) => answer,
        }
    }

    fn give_back_call(&self, uncounted: bool, reason: Option<String>) -> Result<Call, Error> {
        let request = GiveBackRequest {
            delivery: self.item.delivery,
            uncounted,
            reason,
        };
        give_back_call(self.names(), &request, self.session.id())
    }

    fn names(&self) -> (&str, &str) {
        (&self.queue, &self.item.item)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // A session that is lost gives back what it had.
        if self.ended || self.session.loss().is_some() {
            return;
        }
        if let Ok(call) = self.give_back_call(true, None) {
            send_in_background(self.session.client(), call);
        }
    }
}
