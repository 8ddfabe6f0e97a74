//! Taking items, and ending deliveries, for a session by its name.

use std::time::Duration;

use http_types::v1::queues::{AckRequest, Acked, GiveBackRequest, GivenBack, TakeRequest, Taken};
use http_types::{headers, paths};

use crate::client::Client;
use crate::error::Error;
use crate::transport::Call;

/// A take; a repeat of the same call has the same items.
pub(super) fn take_call(queue: &str, n: u32, session: &str) -> Result<Call, Error> {
    let call = Call::keyed_post(paths::queue_view(queue, "take"));
    let call = call.json(&TakeRequest { n: Some(n) })?;
    Ok(call.header(headers::SESSION, session))
}

/// An acknowledgement; a repeat of the same call is answered alike.
pub(super) fn ack_call(
    (queue, item): (&str, &str),
    delivery: u64,
    session: &str,
) -> Result<Call, Error> {
    let path = format!("{}/ack", paths::item(queue, item));
    let call = Call::keyed_post(path).json(&AckRequest { delivery })?;
    Ok(call.header(headers::SESSION, session))
}

/// Giving back; a repeat of the same call is answered alike.
pub(super) fn give_back_call(
    (queue, item): (&str, &str),
    request: &GiveBackRequest,
    session: &str,
) -> Result<Call, Error> {
    let path = format!("{}/give-back", paths::item(queue, item));
    let call = Call::keyed_post(path).json(request)?;
    Ok(call.header(headers::SESSION, session))
}

impl Client {
    /// As [`take`](Client::take), for a session that somebody else keeps alive, in one request: waits at most as
    /// long as a node does.
    ///
    /// # Errors
    /// As every write. When the outcome is unknown, the session may have items of which nobody knows.
    pub async fn take_as(
        &self,
        session: &str,
        queue: &str,
        n: u32,
        wait: Duration,
    ) -> Result<Taken, Error> {
        let call = take_call(queue, n, session)?.prefer_wait(wait);
        self.write(call).await?.json()
    }

    /// As [`Delivery::ack`](crate::Delivery::ack), for a session that somebody else keeps alive.
    ///
    /// # Errors
    /// [`ErrorCode::DeliveryEnded`](crate::ErrorCode::DeliveryEnded),
    /// [`ErrorCode::ItemNotYours`](crate::ErrorCode::ItemNotYours), and as every write.
    pub async fn ack_as(
        &self,
        session: &str,
        (queue, item): (&str, &str),
        delivery: u64,
    ) -> Result<Acked, Error> {
        let call = ack_call((queue, item), delivery, session)?;
        self.write(call).await?.json()
    }

    /// Gives an item back, for a session that somebody else keeps alive.
    ///
    /// # Errors
    /// As [`ack_as`](Client::ack_as).
    pub async fn give_back_as(
        &self,
        session: &str,
        (queue, item): (&str, &str),
        request: &GiveBackRequest,
    ) -> Result<GivenBack, Error> {
        let call = give_back_call((queue, item), request, session)?;
        self.write(call).await?.json()
    }
}
