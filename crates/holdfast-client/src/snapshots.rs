//! Snapshots: copies of the whole state.

use std::time::Duration;

use bytes::Bytes;
use http_types::problem::Effect;
use http_types::v1::snapshots::{Snapshot, SnapshotList, SnapshotVerified};
use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat, StreamFailure};

/// Time between two pieces of a snapshot after which the node counts as gone.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for taking a snapshot, on top of the ordinary.
const TAKE_PATIENCE: Duration = Duration::from_secs(120);

/// A snapshot on its way. Dropping it stops the transfer.
#[derive(Debug)]
pub struct SnapshotStream {
    response: reqwest::Response,
}

impl SnapshotStream {
    /// Its size in bytes, where the node said.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// When the transfer breaks. What was received is useless then: fetch it again.
    ///
    /// Not cancel safe: a piece may be lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let broken = |what: String| Error::Protocol {
            what,
            outcome: Effect::NotApplied,
        };
        match tokio::time::timeout(PIECE_TIMEOUT, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(broken(format!("the transfer broke: {error}"))),
            Err(_) => Err(broken(format!("nothing received for {PIECE_TIMEOUT:?}"))),
        }
    }
}

impl Client {
    /// The snapshots of the asked node, newest first.
    ///
    /// # Errors
    /// As every read.
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>, Error> {
        let list: SnapshotList = self.read(Call::get("/v1/snapshots")).await?.json()?;
        Ok(list.snapshots)
    }

    /// Has the asked node take a snapshot now.
    ///
    /// # Errors
    /// As every write; repeating it is harmless.
    pub async fn take_snapshot(&self) -> Result<Snapshot, Error> {
        let mut call = Call::new(Method::POST, "/v1/snapshots", Repeat::ById);
        call.patience = TAKE_PATIENCE;
        self.write(call).await?.json()
    }

    /// Fetches a snapshot from the node that has it (asked at all endpoints in turn).
    ///
    /// # Errors
    /// [`ErrorCode::NoSnapshot`](crate::ErrorCode::NoSnapshot) when no node has it.
    pub async fn fetch_snapshot(&self, id: &str) -> Result<SnapshotStream, Error> {
        let path = format!("/v1/snapshots/{}", http_types::paths::encode_segment(id));
        let call = Call::new(Method::GET, path, Repeat::Harmless);
        let mut last = Error::Invalid("no endpoint".to_owned());
        let (start, _) = self.transport.endpoints.current();
        let all = self.endpoints();
        for base in all.iter().cycle().skip(start).take(all.len()) {
            match self.transport.open_stream(&call, base).await {
                Ok(response) => return Ok(SnapshotStream { response }),
                Err(StreamFailure::Refused(problem)) => last = Error::Refused(problem),
                Err(StreamFailure::Transport(what)) => {
                    last = Error::Protocol {
                        what,
                        outcome: Effect::NotApplied,
                    };
                }
            }
        }
        Err(last)
    }

    /// Has the asked node check a snapshot: checksums, digest, invariants.
    ///
    /// # Errors
    /// A problem document that says what is wrong with it.
    pub async fn verify_snapshot(&self, snapshot: Bytes) -> Result<SnapshotVerified, Error> {
        let mut call = Call::new(Method::POST, "/v1/snapshots/-/verify", Repeat::Harmless)
            .raw("application/octet-stream", snapshot);
        call.patience = TAKE_PATIENCE;
        self.write(call).await?.json()
    }
}
