//! A socket with a deadline on everything, that says precisely how far it came.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Bytes asked of the socket at a time.
const READ_BYTES: usize = 16 << 10;

/// Why something did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody listens there.
    Refused,
    /// There is no way there, or the address is none.
    Unreachable,
    /// The time was over.
    Timeout,
    /// The connection was cut.
    Reset,
    /// What came is not of the protocol, or longer than allowed.
    Malformed,
}

impl Why {
    /// The word for it in a history.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Refused => "refused",
            Why::Unreachable => "unreachable",
            Why::Timeout => "timeout",
            Why::Reset => "reset",
            Why::Malformed => "malformed",
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "whatever else a socket says, the connection is of no more use"
    )]
    fn of(error: &io::Error) -> Why {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Why::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Why::Timeout,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable => Why::Unreachable,
            _ => Why::Reset,
        }
    }
}

/// What is left until then; `Timeout` when nothing is.
fn left(deadline: Instant) -> Result<Duration, Why> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Why::Timeout);
    }
    Ok(left)
}

/// An open connection and what was read from it ahead.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where the unread part of the buffer begins.
    at: usize,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// Why not.
    pub fn connect(address: SocketAddr, deadline: Instant) -> Result<Wire, Why> {
        let opened = TcpStream::connect_timeout(&address, left(deadline)?);
        let stream = opened.map_err(|error| Why::of(&error))?;
        stream.set_nodelay(true).map_err(|error| Why::of(&error))?;
        Ok(Wire {
            stream,
            buffer: Vec::new(),
            at: 0,
        })
    }

    /// Whether nothing more can be asked over it: closed by the other side, or something came that
    /// nobody asked for. Asked before a connection is used again, so that one that died meanwhile
    /// does not make an unknown outcome out of a request that was never sent.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        if self.at < self.buffer.len() || self.stream.set_nonblocking(true).is_err() {
            return true;
        }
        let peeked = self.stream.peek(&mut [0; 1]);
        let idle = matches!(&peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        !idle || self.stream.set_nonblocking(false).is_err()
    }

    /// Whether the other side has closed it, what it sent before left aside.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        if self.stream.set_nonblocking(true).is_err() {
            return true;
        }
        let open = match self.stream.peek(&mut [0; 1]) {
            Ok(count) => count > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        !open || self.stream.set_nonblocking(false).is_err()
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// Why not, and whether a part of it was sent.
    pub fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), (Why, bool)> {
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            let began = sent > 0;
            let left = left(deadline).map_err(|why| (why, began))?;
            let written = self
                .stream
                .set_write_timeout(Some(left))
                .and_then(|()| self.stream.write(rest));
            match written {
                Ok(0) => return Err((Why::Reset, began)),
                Ok(count) => sent = sent.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err((Why::of(&error), began)),
            }
        }
        Ok(())
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) -> Vec<u8> {
        let taken = self.unread().get(..count).unwrap_or_default().to_vec();
        self.at = self.at.saturating_add(taken.len());
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
        }
        taken
    }

    /// Reads more; what is there stays. `Reset` also at the end of the stream.
    fn fill(&mut self, deadline: Instant) -> Result<(), Why> {
        let mut piece = [0; READ_BYTES];
        loop {
            let left = left(deadline)?;
            let read = self
                .stream
                .set_read_timeout(Some(left))
                .and_then(|()| self.stream.read(&mut piece));
            match read {
                Ok(0) => return Err(Why::Reset),
                Ok(count) => {
                    self.buffer
                        .extend_from_slice(piece.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Why::of(&error)),
            }
        }
    }

    /// A line without its end. Nothing is taken when it does not come in time.
    ///
    /// # Errors
    /// Why not; `Malformed` when it is longer than `limit` or no text.
    pub fn line(&mut self, deadline: Instant, limit: usize) -> Result<String, Why> {
        loop {
            if let Some(end) = self.unread().iter().position(|&byte| byte == b'\n') {
                let mut line = self.consume(end.saturating_add(1));
                while matches!(line.last(), Some(b'\n' | b'\r')) {
                    line.pop();
                }
                return String::from_utf8(line).map_err(|_| Why::Malformed);
            }
            if self.unread().len() > limit {
                return Err(Why::Malformed);
            }
            self.fill(deadline)?;
        }
    }

    /// So many bytes, which stay where they are.
    ///
    /// # Errors
    /// Why not.
    pub fn peek(&mut self, count: usize, deadline: Instant) -> Result<&[u8], Why> {
        while self.unread().len() < count {
            self.fill(deadline)?;
        }
        Ok(self.unread().get(..count).unwrap_or_default())
    }

    /// So many bytes. Nothing is taken when they do not come in time.
    ///
    /// # Errors
    /// Why not.
    pub fn exact(&mut self, count: usize, deadline: Instant) -> Result<Vec<u8>, Why> {
        while self.unread().len() < count {
            self.fill(deadline)?;
        }
        Ok(self.consume(count))
    }

    /// Everything until the other side closes.
    ///
    /// # Errors
    /// Why not; `Malformed` when it is longer than `limit`.
    pub fn rest(&mut self, deadline: Instant, limit: usize) -> Result<Vec<u8>, Why> {
        loop {
            if self.unread().len() > limit {
                return Err(Why::Malformed);
            }
            match self.fill(deadline) {
                Ok(()) => {}
                // The end and a reset cannot be told apart here; a body without a length is
                // complete at the end, so a cut one is taken for whole. Holdfast sends none.
                Err(Why::Reset) => {
                    let count = self.unread().len();
                    return Ok(self.consume(count));
                }
                Err(why) => return Err(why),
            }
        }
    }
}

/// The address behind `host:port`.
#[must_use]
pub fn resolve(text: &str) -> Option<SocketAddr> {
    text.to_socket_addrs().ok()?.next()
}
