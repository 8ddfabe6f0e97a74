//! A ZooKeeper client without comforts: it sends what it is told to and shows what comes back in the
//! order it came. Only the bytes are left to the codec of the product.

mod requests;
mod wire;

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};

use bytes::{Bytes, BytesMut};
use zookeeper::proto::connect::{ConnectRequest, ConnectResponse};
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::{EventType, WatcherEvent};
use zookeeper::proto::header::Xid;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::Request;
use zookeeper::proto::response::{FromServer, Reply, Response};

pub use self::requests::{
    auth, create, delete, get, list, path_request, set, stat_of, text, watched,
};
pub(crate) use self::wire::Wire;

/// Session timeout asked for, unless the test says otherwise.
const SESSION_TIMEOUT_MS: i32 = 30_000;
/// A connection with a session.
#[derive(Debug)]
pub struct ZooKeeper {
    wire: Wire,
    session: ConnectResponse,
    last_xid: i32,
    /// Sent and not answered yet, in order.
    asked: VecDeque<(Xid, OpCode)>,
    /// Came while a reply was waited for.
    events: VecDeque<WatcherEvent>,
    /// Greatest zxid seen.
    seen: i64,
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A watch fired.
    Event(WatcherEvent),
    /// The next request is answered.
    Reply(Reply),
}

/// A connect request for a new session.
#[must_use]
pub fn new_session() -> ConnectRequest {
    ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: 0,
        timeout_ms: SESSION_TIMEOUT_MS,
        session_id: 0,
        password: Some(Bytes::from_static(&[0; 16])),
        read_only: Some(false),
    }
}

/// Asks a four-letter word.
///
/// # Errors
/// What the socket says.
pub fn four_letters(address: SocketAddr, word: &str) -> io::Result<String> {
    let mut wire = Wire::open(address)?;
    wire.stream.write_all(word.as_bytes())?;
    let mut answer = String::new();
    wire.stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Sends a connect request and returns the payload of the answer as it is.
///
/// # Errors
/// What the socket says; `UnexpectedEof` when the server closes without an answer.
pub fn handshake(address: SocketAddr, request: &ConnectRequest) -> io::Result<Bytes> {
    let mut wire = Wire::open(address)?;
    wire.connect(request)
}

impl ZooKeeper {
    /// Opens a session.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    pub fn connect(address: SocketAddr) -> ZooKeeper {
        ZooKeeper::connect_with(address, &new_session()).expect("a session")
    }

    /// Opens or takes up a session.
    ///
    /// # Errors
    /// What the socket says; `UnexpectedEof` when the server closes without an answer.
    pub fn connect_with(address: SocketAddr, request: &ConnectRequest) -> io::Result<ZooKeeper> {
        let mut wire = Wire::open(address)?;
        let answer = wire.connect(request)?;
        let session = ConnectResponse::decode(answer).map_err(invalid)?;
        Ok(ZooKeeper {
            wire,
            session,
            last_xid: 0,
            asked: VecDeque::new(),
            events: VecDeque::new(),
            seen: request.last_zxid_seen,
        })
    }

    /// Takes up this client's session by another connection.
    ///
    /// # Errors
    /// Those of [`connect_with`](Self::connect_with).
    pub fn take_up(&self, address: SocketAddr) -> io::Result<ZooKeeper> {
        ZooKeeper::connect_with(address, &self.resumption())
    }

    /// The connect request that takes up this client's session.
    #[must_use]
    pub fn resumption(&self) -> ConnectRequest {
        ConnectRequest {
            last_zxid_seen: self.seen,
            session_id: self.session.session_id,
            password: Some(Bytes::copy_from_slice(&self.session.password)),
            ..new_session()
        }
    }

    /// What the server said to the connect request.
    #[must_use]
    pub fn session(&self) -> &ConnectResponse {
        &self.session
    }

    /// Greatest zxid this client was shown.
    #[must_use]
    pub fn seen(&self) -> i64 {
        self.seen
    }

    /// Sends a request with the next number.
    pub fn send(&mut self, request: &Request) {
        self.send_as(self.next_xid(request), request);
    }

    /// Sends a request with a number of one's own; the next ones count from there.
    pub fn send_as(&mut self, xid: Xid, request: &Request) {
        let mut frame = BytesMut::new();
        request.encode(xid, &mut frame).expect("a frame");
        self.count(xid);
        self.send_bytes(xid, request.op(), &frame);
    }

    fn next_xid(&self, request: &Request) -> Xid {
        match request {
            Request::Ping => Xid::PING,
            Request::Auth(_) => Xid::AUTH,
            _ => Xid(self.last_xid.wrapping_add(1)),
        }
    }

    fn count(&mut self, xid: Xid) {
        if !matches!(xid, Xid::PING | Xid::AUTH | Xid::SET_WATCHES) {
            self.last_xid = xid.0;
        }
    }

    /// Sends several requests at one go.
    pub fn send_all<'a>(&mut self, requests: impl IntoIterator<Item = &'a Request>) {
        let mut frames = BytesMut::new();
        for request in requests {
            let xid = self.next_xid(request);
            self.count(xid);
            request.encode(xid, &mut frames).expect("a frame");
            self.asked.push_back((xid, request.op()));
        }
        self.wire.stream.write_all(&frames).expect("send");
    }

    /// Sends any bytes, to be answered as `op`.
    pub fn send_bytes(&mut self, xid: Xid, op: OpCode, bytes: &[u8]) {
        self.asked.push_back((xid, op));
        // A server that has closed is told by what is received.
        let _ = self.wire.stream.write_all(bytes);
    }

    /// The next thing the server sends.
    ///
    /// # Errors
    /// What the socket says; `UnexpectedEof` when the server has closed.
    pub fn receive(&mut self) -> io::Result<Received> {
        let frame = self.wire.frame()?;
        let reply = match FromServer::decode(frame).map_err(invalid)? {
            FromServer::Event(event) => {
                self.seen = self.seen.max(event.zxid);
                return Ok(Received::Event(event));
            }
            FromServer::Reply(reply) => reply,
        };
        // Replies to auth may overtake others.
        let is_next = |(xid, _): &(Xid, OpCode)| match reply.header.xid {
            Xid::AUTH => *xid == Xid::AUTH,
            _ => *xid != Xid::AUTH,
        };
        let at = self.asked.iter().position(is_next);
        let asked = at.and_then(|at| self.asked.remove(at));
        let (xid, op) = asked.expect("a reply nobody asked for");
        assert_eq!(
            reply.header.xid, xid,
            "replies come in the order of requests"
        );
        self.seen = self.seen.max(reply.header.zxid);
        Ok(Received::Reply(reply.read(op).map_err(invalid)?))
    }

    /// The next reply. Events before it are kept for [`event`](Self::event).
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        loop {
            match self.receive().expect("a reply") {
                Received::Event(event) => self.events.push_back(event),
                Received::Reply(reply) => return reply,
            }
        }
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn ask(&mut self, request: &Request) -> Reply {
        self.send(request);
        self.reply()
    }

    /// As [`ask`](Self::ask), for what must succeed.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn done(&mut self, request: &Request) -> Response {
        let reply = self.ask(request);
        reply
            .result
            .unwrap_or_else(|error| panic!("{request:?}: {error:?}"))
    }

    /// As [`ask`](Self::ask), for what must fail.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn refused(&mut self, request: &Request) -> ErrorCode {
        match self.ask(request).result {
            Err(error) => error,
            Ok(response) => panic!("{request:?}: {response:?}"),
        }
    }

    /// The next watch event.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn event(&mut self) -> (EventType, String) {
        if let Some(event) = self.events.pop_front() {
            return (event.kind, event.path);
        }
        match self.receive().expect("a watch event") {
            Received::Event(event) => (event.kind, event.path),
            Received::Reply(reply) => panic!("not a watch event: {reply:?}"),
        }
    }

    /// Every event of what has happened in the cluster so far, and not been taken yet.
    ///
    /// # Panics
    /// When the server does not answer.
    #[track_caller]
    pub fn events(&mut self) -> Vec<(EventType, String)> {
        let _ = self.done(&Request::Sync(path_request("/")));
        let events = self.events.drain(..);
        events.map(|event| (event.kind, event.path)).collect()
    }

    /// Whether the server has closed this connection, with nothing more said.
    ///
    /// # Panics
    /// When it has said something, or does neither.
    #[track_caller]
    pub fn is_closed(&mut self) -> bool {
        match self.receive() {
            Err(error) => {
                assert!(is_end(&error), "{error}");
                true
            }
            Ok(received) => panic!("expected a close: {received:?}"),
        }
    }

    /// Ends the connection, and leaves the session to itself.
    pub fn cut(self) {
        let _ = self.wire.stream.shutdown(Shutdown::Both);
    }
}

/// Whether an error means that the other side has closed.
#[must_use]
pub fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
