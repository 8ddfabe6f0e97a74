//! A socket that never waits, and the frames on it.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use zookeeper::proto::frame::next_frame;

/// Longest frame accepted.
const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Read from the socket at once.
const READ_BYTES: usize = 16 * 1024;

/// How a connection is ended by its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// In order.
    Finished,
    /// As when a machine goes away and comes back: the other side is told to forget it.
    Reset,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    received: BytesMut,
    sending: BytesMut,
}

impl Wire {
    /// Begins to connect; `epoll` says with `token` when something can be done.
    pub(super) fn open(epoll: &OwnedFd, token: u64, address: SocketAddr) -> io::Result<Wire> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        match connect(&socket, &address) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(epoll, &stream, EventData::new_u64(token), flags)?;
        Ok(Wire {
            stream,
            received: BytesMut::new(),
            sending: BytesMut::new(),
        })
    }

    /// What is to be sent; it leaves with the next [`flush`](Self::flush).
    pub(super) fn sending(&mut self) -> &mut BytesMut {
        &mut self.sending
    }

    /// Sends what the socket takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.sending.is_empty() {
            match self.stream.write(&self.sending) {
                Ok(written) => drop(self.sending.split_to(written)),
                Err(error) if is_for_later(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.sending = BytesMut::new();
        Ok(())
    }

    /// Reads what is there. Says whether the other side has closed.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        let mut bytes = [0; READ_BYTES];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(true),
                Ok(read) => self.received.extend_from_slice(&bytes[..read]),
                Err(error) if is_for_later(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// The next frame that has arrived whole.
    pub(super) fn frame(&mut self) -> io::Result<Option<Bytes>> {
        let frame = next_frame(&mut self.received, FRAME_BYTES_MAX).map_err(io::Error::other)?;
        if frame.is_none() && self.received.is_empty() {
            self.received = BytesMut::new();
        }
        Ok(frame)
    }

    /// Ends the connection.
    pub(super) fn cut(self, how: Cut) {
        if how == Cut::Reset {
            // If it does not work, the other side sees an orderly end instead.
            let _ = sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
        }
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected | io::ErrorKind::Interrupted
    )
}
