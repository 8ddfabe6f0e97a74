//! A snapshot on its way here.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_types::headers;
use http_types::problem::Effect;
use reqwest::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::backoff;
use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat, StreamFailure};

/// Time between two pieces of a snapshot after which the node counts as gone.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// Rounds of all nodes in which a broken transfer may be taken up without a single byte coming.
const RESUMES_MAX: u32 = 5;

/// A snapshot on its way. Dropping it stops the transfer.
///
/// A transfer that breaks is taken up where it broke, at any node that has the very same snapshot.
/// At the end the whole is compared with the digest the node gave with it.
#[derive(Debug)]
pub struct SnapshotStream {
    client: Client,
    path: String,
    response: Response,
    whole: Whole,
    received: u64,
    hash: Sha256,
    /// Rounds since a byte came.
    resumes: u32,
}

/// What the first answer said of the whole snapshot.
#[derive(Clone, Debug, Default)]
struct Whole {
    size: Option<u64>,
    etag: Option<String>,
    /// SHA-256 in base64.
    sha256: Option<String>,
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn digest_of(response: &Response) -> Option<String> {
    let value = header(response, headers::REPR_DIGEST)?;
    headers::parse_repr_digest(value).map(str::to_owned)
}

fn broken(what: String) -> Error {
    Error::Protocol {
        what,
        outcome: Effect::NotApplied,
    }
}

impl SnapshotStream {
    pub(super) fn new(client: Client, path: String, response: Response) -> SnapshotStream {
        let whole = Whole {
            size: response.content_length(),
            etag: header(&response, "etag").map(str::to_owned),
            sha256: digest_of(&response),
        };
        SnapshotStream {
            client,
            path,
            response,
            whole,
            received: 0,
            hash: Sha256::new(),
            resumes: 0,
        }
    }

    /// Its size in bytes, where the node said.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.whole.size
    }

    /// The next piece; `None` at the end, when everything came and is what the node has.
    ///
    /// # Errors
    /// When the transfer breaks and no node goes on with it, or when other bytes came than the node
    /// has. What was received is useless then: fetch it again.
    ///
    /// Not cancel safe: a piece may be lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let what = match tokio::time::timeout(PIECE_TIMEOUT, self.response.chunk()).await {
                Ok(Ok(Some(piece))) => {
                    self.hash.update(&piece);
                    self.received = self.received.saturating_add(piece.len() as u64);
                    self.resumes = 0;
                    return Ok(Some(piece));
                }
                Ok(Ok(None)) if self.is_complete() => return self.check(),
                Ok(Ok(None)) => format!("the transfer ended after {} bytes", self.received),
                Ok(Err(_)) | Err(_) if self.whole.size == Some(self.received) => {
                    return self.check();
                }
                Ok(Err(error)) => format!("the transfer broke: {error}"),
                Err(_) => format!("nothing received for {PIECE_TIMEOUT:?}"),
            };
            self.resume(what).await?;
        }
    }

    /// Whether an orderly end is the end of the whole.
    fn is_complete(&self) -> bool {
        self.whole.size.is_none_or(|size| size == self.received)
    }

    fn check(&self) -> Result<Option<Bytes>, Error> {
        let Some(expected) = &self.whole.sha256 else {
            return Ok(None);
        };
        let found = STANDARD.encode(self.hash.clone().finalize());
        if found == *expected {
            return Ok(None);
        }
        Err(broken(format!(
            "the snapshot arrived damaged: its SHA-256 is {found} and should be {expected}"
        )))
    }

    /// Asks the nodes in turn for what is missing.
    async fn resume(&mut self, mut what: String) -> Result<(), Error> {
        let Some(etag) = self.whole.etag.clone() else {
            return Err(broken(what));
        };
        let call = Call::new(Method::GET, self.path.clone(), Repeat::Harmless)
            .header("range", format!("bytes={}-", self.received))
            .header("if-range", etag);
        let client = self.client.clone();
        while self.resumes < RESUMES_MAX {
            tokio::time::sleep(backoff::pause(self.resumes)).await;
            self.resumes = self.resumes.saturating_add(1);
            for base in client.in_turn() {
                match client.transport.open_stream(&call, base).await {
                    Ok(response) if self.goes_on_with(&response) => {
                        tracing::debug!(endpoint = base, at = self.received, "transfer taken up");
                        self.response = response;
                        return Ok(());
                    }
                    Ok(response) => {
                        what = format!("{base} has another snapshot ({})", response.status());
                    }
                    Err(StreamFailure::Refused(problem)) => what = problem.detail,
                    Err(StreamFailure::Transport(cause)) => what = cause,
                }
            }
        }
        Err(broken(format!(
            "the transfer cannot be taken up after {} bytes: {what}",
            self.received
        )))
    }

    /// Whether an answer is the rest of this very snapshot.
    fn goes_on_with(&mut self, response: &Response) -> bool {
        let rest = header(response, "content-range").and_then(content_range);
        let is_rest = response.status() == StatusCode::PARTIAL_CONTENT
            && rest.is_some_and(|(first, size)| {
                first == self.received && self.whole.size.is_none_or(|known| known == size)
            });
        let sha256 = digest_of(response);
        let is_same =
            sha256.is_none() || self.whole.sha256.is_none() || sha256 == self.whole.sha256;
        if is_rest && is_same {
            self.whole.sha256 = self.whole.sha256.take().or(sha256);
            self.whole.size = self.whole.size.or(rest.map(|(_, size)| size));
        }
        is_rest && is_same
    }
}

/// The first byte and the size of the whole in `bytes 500-999/1234`.
fn content_range(value: &str) -> Option<(u64, u64)> {
    let (range, size) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.parse().ok()?, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_says_where_a_part_begins() {
        assert_eq!(content_range("bytes 500-999/1234"), Some((500, 1234)));
        for bad in [
            "bytes */1234",
            "bytes 5/9",
            "lines 1-2/3",
            "bytes 1-2/*",
            "",
        ] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
