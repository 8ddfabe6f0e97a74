//! One connection of an event stream.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use eventsource_stream::Eventsource;
use futures::{Stream, StreamExt};
use http_types::v1::events::{Event, EventId};

/// Three missed heartbeats: the node, or the way to it, is gone.
const IDLE: Duration = Duration::from_secs(45);

type Frames = Pin<Box<dyn Stream<Item = Frame> + Send>>;

/// What a connection yields.
pub(super) enum Frame {
    Event(Option<EventId>, Box<Event>),
    /// It is over, and why.
    End(String),
}

pub(super) struct Connection {
    frames: Frames,
    pub(super) endpoint: (usize, String),
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(response: reqwest::Response, endpoint: (usize, String)) -> Connection {
        // The clock runs on bytes, not on events: heartbeats are comments, which the parser eats.
        let bytes = futures::stream::unfold(response, |mut response| async move {
            let piece = match tokio::time::timeout(IDLE, response.chunk()).await {
                Ok(Ok(Some(piece))) => Ok(piece),
                Ok(Ok(None)) => return None,
                Ok(Err(error)) => Err(std::io::Error::other(error)),
                Err(_) => Err(std::io::Error::other(format!("silent for {IDLE:?}"))),
            };
            Some((piece, response))
        });
        let frames = bytes.eventsource().map(|frame| match frame {
            Err(error) => Frame::End(error.to_string()),
            Ok(frame) => match serde_json::from_str::<Event>(&frame.data) {
                Ok(event) => Frame::Event(frame.id.parse().ok(), Box::new(event)),
                Err(error) => Frame::End(format!("event {:?}: {error}", frame.event)),
            },
        });
        Connection {
            frames: Box::pin(frames),
            endpoint,
        }
    }

    /// The next frame. Cancel safe.
    pub(super) async fn next(&mut self) -> Frame {
        match self.frames.next().await {
            Some(frame) => frame,
            None => Frame::End("the node ended the stream".to_owned()),
        }
    }
}
