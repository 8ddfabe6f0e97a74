//! HTTP/1.1 on a socket of our own: keep-alive, bodies with a length and in chunks, a deadline for
//! every request. Written afresh, so that no mistake is shared with the server or the SDK, and so
//! that it is known exactly whether a byte was sent.

mod head;
mod stream;
mod wire;

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::Value;

pub use stream::{Frame, Opened, Stream};
pub use wire::{Why, Wire, resolve};

/// Longest line of a head or a chunk.
const LINE_BYTES_MAX: usize = 64 << 10;
/// Most headers of an answer.
const HEADERS_MAX: usize = 200;
/// Longest body of an answer.
const BODY_BYTES_MAX: usize = 32 << 20;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, …
    pub method: &'static str,
    /// Path and query, encoded.
    pub path: String,
    /// Headers besides those that belong to the framing.
    pub headers: Vec<(&'static str, String)>,
    /// Body; empty for none.
    pub body: String,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &'static str, path: impl Into<String>) -> Request {
        Request {
            method,
            path: path.into(),
            ..Request::default()
        }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Request {
        self.body = body.into();
        self
    }

    fn bytes(&self, host: &str) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || matches!(self.method, "PUT" | "POST" | "PATCH") {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A header that is a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether it is a problem document.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        let media_type = self.header("content-type").unwrap_or_default();
        media_type.starts_with("application/problem+json")
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Not one byte of it was sent.
    NotSent(Why),
    /// It was sent, at least in part, and no whole answer came.
    NoAnswer(Why),
    /// The answer.
    Answer(Answer),
}

/// A client of one node.
#[derive(Debug)]
pub struct Http {
    host: String,
    address: Option<SocketAddr>,
    wire: Option<Wire>,
}

impl Http {
    /// A client of the node at `host:port`; connects with the first request.
    #[must_use]
    pub fn new(host: &str) -> Http {
        Http {
            host: host.to_owned(),
            address: resolve(host),
            wire: None,
        }
    }

    fn connected(&mut self, deadline: Instant) -> Result<Wire, Why> {
        if let Some(wire) = self.wire.take().filter(|wire| !wire.is_stale()) {
            return Ok(wire);
        }
        Wire::connect(self.address.ok_or(Why::Unreachable)?, deadline)
    }

    /// Asks, and waits for the answer until `deadline` at most.
    pub fn ask(&mut self, request: &Request, deadline: Instant) -> Reply {
        let mut wire = match self.connected(deadline) {
            Ok(wire) => wire,
            Err(why) => return Reply::NotSent(why),
        };
        match wire.send(&request.bytes(&self.host), deadline) {
            Ok(()) => {}
            Err((why, false)) => return Reply::NotSent(why),
            Err((why, true)) => return Reply::NoAnswer(why),
        }
        match head::answer(&mut wire, request.method, deadline) {
            Ok((answer, stays_open)) => {
                self.wire = stays_open.then_some(wire);
                Reply::Answer(answer)
            }
            Err(why) => Reply::NoAnswer(why),
        }
    }

    /// Opens an event stream; `deadline` is for its head.
    pub fn stream(&self, request: &Request, deadline: Instant) -> Opened {
        let Some(address) = self.address else {
            return Opened::NotSent(Why::Unreachable);
        };
        let mut wire = match Wire::connect(address, deadline) {
            Ok(wire) => wire,
            Err(why) => return Opened::NotSent(why),
        };
        if let Err((why, _)) = wire.send(&request.bytes(&self.host), deadline) {
            return Opened::NoAnswer(why);
        }
        Stream::open(wire, deadline)
    }
}

#[cfg(test)]
mod tests;
