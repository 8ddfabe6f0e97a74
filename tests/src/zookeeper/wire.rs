//! Frames on a socket.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use zookeeper::proto::connect::ConnectRequest;
use zookeeper::proto::frame::next_frame;

use super::invalid;

/// For a connection, and for one read.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest frame accepted.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Read from the socket at once.
const READ_BYTES: usize = 16 * 1024;

/// A socket, and what has been read from it beyond the last frame.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(super) stream: TcpStream,
    buffer: BytesMut,
}

impl Wire {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Wire> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Wire {
            stream,
            buffer: BytesMut::new(),
        })
    }

    pub(super) fn connect(&mut self, request: &ConnectRequest) -> io::Result<Bytes> {
        let mut frame = BytesMut::new();
        request.encode(&mut frame).map_err(invalid)?;
        self.stream.write_all(&frame)?;
        self.frame()
    }

    /// Sends a payload as a frame.
    pub(crate) fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        self.send_all(&[payload.to_vec()])
    }

    /// Sends payloads as frames, at one go.
    pub(crate) fn send_all(&mut self, payloads: &[Vec<u8>]) -> io::Result<()> {
        let mut frames = Vec::new();
        for payload in payloads {
            let len = u32::try_from(payload.len()).map_err(invalid)?;
            frames.extend_from_slice(&len.to_be_bytes());
            frames.extend_from_slice(payload);
        }
        self.stream.write_all(&frames)
    }

    /// Sends bytes as they are.
    pub(crate) fn send_unframed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next frame.
    pub(crate) fn frame(&mut self) -> io::Result<Bytes> {
        loop {
            if let Some(frame) = next_frame(&mut self.buffer, FRAME_BYTES_MAX).map_err(invalid)? {
                return Ok(frame);
            }
            let mut bytes = [0; READ_BYTES];
            match self.stream.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.buffer.extend_from_slice(&bytes[..read]),
            }
        }
    }
}
