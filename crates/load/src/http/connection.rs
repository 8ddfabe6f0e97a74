//! HTTP/1.1 on one socket: a request, its answer, and a stream of server-sent events.

use bytes::{Buf as _, Bytes, BytesMut};
use serde::Deserialize;

use crate::target::Trouble;
use crate::wire::Wire;

/// Header fields an answer may have.
const FIELDS_MAX: usize = 48;
/// Longest head, body or event accepted.
const BYTES_MAX: usize = 16 << 20;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Holdfast-Index`, or 0.
    pub(super) index: u64,
    /// Whether the server closes the connection after it.
    pub(super) closes: bool,
    /// Empty for an event stream, whose events follow.
    pub(super) body: Bytes,
}

/// A connection that is kept.
#[derive(Debug)]
pub(super) struct Connection {
    wire: Wire,
    /// Text of an event stream, out of its chunks.
    text: BytesMut,
}

/// What a head says of what follows.
struct Head {
    bytes: usize,
    answer: Answer,
    body: Body,
}

enum Body {
    Sized(usize),
    Chunked,
}

/// Of an event about a znode, what is looked at.
#[derive(Deserialize)]
struct Changed {
    value: Option<String>,
}

impl Connection {
    pub(super) async fn open(address: &str) -> Result<Connection, Trouble> {
        Ok(Connection {
            wire: Wire::open(address).await?,
            text: BytesMut::new(),
        })
    }

    /// Sends a request and reads the answer.
    pub(super) async fn exchange(&mut self, head: &str, body: &[u8]) -> Result<Answer, Trouble> {
        self.wire.out.extend_from_slice(head.as_bytes());
        self.wire.out.extend_from_slice(body);
        self.wire.flush().await?;
        let head = loop {
            if let Some(head) = read_head(&self.wire.inbox)? {
                break head;
            }
            self.more().await?;
        };
        self.wire.inbox.advance(head.bytes);
        let mut answer = head.answer;
        if let Body::Sized(bytes) = head.body {
            while self.wire.inbox.len() < bytes {
                self.more().await?;
            }
            answer.body = self.wire.inbox.split_to(bytes).freeze();
        }
        Ok(answer)
    }

    /// The number that the value of the next changed znode begins with.
    pub(super) async fn event(&mut self) -> Result<u64, Trouble> {
        loop {
            while let Some(end) = find(&self.text, b"\n\n") {
                let event = self.text.split_to(end + 2);
                if let Some(number) = number_in(&event) {
                    return Ok(number);
                }
            }
            self.chunk().await?;
        }
    }

    /// Takes one chunk of a stream.
    async fn chunk(&mut self) -> Result<(), Trouble> {
        loop {
            match httparse::parse_chunk_size(&self.wire.inbox) {
                Ok(httparse::Status::Complete((_, 0))) => {
                    return Err(Trouble::cut("stream ended"));
                }
                Ok(httparse::Status::Complete((start, size))) => {
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    let end = start.saturating_add(size);
                    while self.wire.inbox.len() < end.saturating_add(2) {
                        self.more().await?;
                    }
                    self.wire.inbox.advance(start);
                    self.text.unsplit(self.wire.inbox.split_to(size));
                    self.wire.inbox.advance(2);
                    return Ok(());
                }
                Ok(httparse::Status::Partial) => self.more().await?,
                Err(_) => return Err(garbled("a chunk without a size")),
            }
        }
    }

    async fn more(&mut self) -> Result<(), Trouble> {
        if self.wire.inbox.len() > BYTES_MAX {
            return Err(garbled("an answer without an end"));
        }
        self.wire.more().await
    }
}

/// Reads a head, if it is there as a whole.
fn read_head(bytes: &[u8]) -> Result<Option<Head>, Trouble> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(garbled(error)),
    };
    let mut answer = Answer {
        status: response.code.unwrap_or_default(),
        index: 0,
        closes: false,
        body: Bytes::new(),
    };
    let mut body = Body::Sized(0);
    for field in response.headers {
        let name = field.name;
        if name.eq_ignore_ascii_case("content-length") {
            body = Body::Sized(number(field.value)?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            body = Body::Chunked;
        } else if name.eq_ignore_ascii_case("holdfast-index") {
            answer.index = number(field.value)?;
        } else if name.eq_ignore_ascii_case("connection") {
            answer.closes = field.value.eq_ignore_ascii_case(b"close");
        }
    }
    Ok(Some(Head {
        bytes: length,
        answer,
        body,
    }))
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Result<T, Trouble> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    text.parse()
        .map_err(|_| garbled(format_args!("{text:?} is not a number")))
}

fn number_in(event: &[u8]) -> Option<u64> {
    let line = event
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"data:"))?;
    let changed: Changed = serde_json::from_slice(line).ok()?;
    Some(crate::watch::number(changed.value?.as_bytes()))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn garbled(what: impl std::fmt::Display) -> Trouble {
    Trouble::cut(format_args!("not the HTTP expected: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_what_follows() {
        let text = b"HTTP/1.1 201 Created\r\nHoldfast-Index: 17\r\nContent-Length: 3\r\n\r\nabc";
        let head = read_head(text).unwrap().unwrap();
        assert_eq!((head.answer.status, head.answer.index), (201, 17));
        assert_eq!(&text[head.bytes..], b"abc");
        assert!(matches!(head.body, Body::Sized(3)));
        assert!(read_head(&text[..30]).unwrap().is_none());
        assert!(read_head(b"SSH-2.0\r\n\r\n").is_err());
        let long = b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n";
        assert!(read_head(long).is_err());
    }

    #[test]
    fn an_event_is_told_by_the_number_its_value_begins_with() {
        let event = b"event: node.changed\ndata: {\"value\":\"42 xx\",\"path\":\"/a\"}\n\n";
        assert_eq!(number_in(event), Some(42));
        assert_eq!(number_in(b": keep-alive\n\n"), None);
        assert_eq!(number_in(b"data: {\"path\":\"/a\"}\n\n"), None);
    }
}
