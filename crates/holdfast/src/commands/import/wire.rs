//! One connection to a server that speaks ZooKeeper's protocol, with many requests under way.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zookeeper::proto::connect::{ConnectRequest, ConnectResponse};
use zookeeper::proto::frame::next_frame;
use zookeeper::proto::header::Xid;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::Request;
use zookeeper::proto::response::{FromServer, Reply};

/// For a connection to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// For the next bytes to come or go while something is under way.
const PROGRESS_WITHIN: Duration = Duration::from_secs(20);
/// Requests under way at once. Each may be answered with a whole znode, so this also bounds the
/// memory a reply to all of them needs.
const WINDOW: usize = 64;
/// Longest frame accepted: the list of a million children of long names.
const FRAME_BYTES_MAX: usize = 256 << 20;

/// A connection, after its handshake.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    inbox: BytesMut,
    last_xid: i32,
}

impl Wire {
    /// Connects and shakes hands.
    ///
    /// # Errors
    /// What the socket says, `TimedOut`, or `InvalidData` when this is not ZooKeeper's protocol.
    pub(super) async fn open(
        address: &str,
        request: &ConnectRequest,
    ) -> io::Result<(Wire, ConnectResponse)> {
        let stream = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let mut wire = Wire {
            stream,
            inbox: BytesMut::new(),
            last_xid: 0,
        };
        let mut frame = BytesMut::new();
        request.encode(&mut frame).map_err(invalid)?;
        wire.stream.write_all(&frame).await?;
        let payload = timeout(PROGRESS_WITHIN, wire.frame()).await??;
        let response = ConnectResponse::decode(payload).map_err(invalid)?;
        Ok((wire, response))
    }

    async fn frame(&mut self) -> io::Result<bytes::Bytes> {
        loop {
            let frame = next_frame(&mut self.inbox, FRAME_BYTES_MAX).map_err(invalid)?;
            if let Some(frame) = frame {
                return Ok(frame);
            }
            must_go_on(self.stream.read_buf(&mut self.inbox).await?)?;
        }
    }

    /// Sends requests and returns their replies in order; those of a beginning of the requests when
    /// more than `bytes` have come, so that the caller can digest them first.
    ///
    /// # Errors
    /// What the socket says: what is not answered may have happened.
    pub(super) async fn exchange(
        &mut self,
        requests: &[Request],
        bytes: usize,
    ) -> io::Result<Vec<Reply>> {
        let mut replies = Vec::with_capacity(requests.len());
        let (mut waiting, mut out, mut received) = (VecDeque::new(), BytesMut::new(), 0);
        let mut unsent = requests.iter();
        loop {
            while waiting.len() < WINDOW && received <= bytes {
                let Some(request) = unsent.next() else { break };
                let xid = self.next_xid(request);
                request.encode(xid, &mut out).map_err(invalid)?;
                waiting.push_back((xid, request.op()));
            }
            if waiting.is_empty() {
                return Ok(replies);
            }
            self.step(&mut out).await?;
            received += self.take(&mut waiting, &mut replies)?;
        }
    }

    /// Writes or reads something. Both are open at once: a server that waits for its replies to be
    /// taken reads no further requests.
    async fn step(&mut self, out: &mut BytesMut) -> io::Result<()> {
        let (mut reader, mut writer) = self.stream.split();
        let step = async {
            tokio::select! {
                written = writer.write_buf(out), if !out.is_empty() => written,
                read = reader.read_buf(&mut self.inbox) => read,
            }
        };
        must_go_on(timeout(PROGRESS_WITHIN, step).await??)
    }

    /// Takes the replies that have arrived, and says how many bytes they are.
    fn take(
        &mut self,
        waiting: &mut VecDeque<(Xid, OpCode)>,
        replies: &mut Vec<Reply>,
    ) -> io::Result<usize> {
        let mut bytes = 0;
        while let Some(frame) = next_frame(&mut self.inbox, FRAME_BYTES_MAX).map_err(invalid)? {
            bytes += frame.len();
            let FromServer::Reply(reply) = FromServer::decode(frame).map_err(invalid)? else {
                continue;
            };
            let expected = waiting.pop_front();
            let Some((_, op)) = expected.filter(|(xid, _)| *xid == reply.header.xid) else {
                return Err(invalid("a reply to a request that was not sent"));
            };
            replies.push(reply.read(op).map_err(invalid)?);
        }
        Ok(bytes)
    }

    fn next_xid(&mut self, request: &Request) -> Xid {
        if request.op() == OpCode::Ping {
            return Xid::PING;
        }
        if request.op() == OpCode::Auth {
            return Xid::AUTH;
        }
        self.last_xid = self.last_xid.checked_add(1).unwrap_or(1);
        Xid(self.last_xid)
    }
}

/// Nothing read or written means that the other side has closed.
fn must_go_on(bytes: usize) -> io::Result<()> {
    if bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
