//! One client: its requests in, replies and watch events out, all in one order.
//!
//! Requests are taken up in the order they arrive. Writes are proposed at once, one after the
//! other, and are under way together; a read is looked up when every request before it has been
//! answered, so it sees the writes its client made before it. Whatever goes out leaves through one
//! buffer: watch events up to the position a reply shows stand before that reply.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::future::BoxFuture;
use node::{Draft, ProposeError, ReadOptions};
use raft_core::acl::{self, Identity};
use raft_core::command::{Command, SessionRef};
use raft_core::ids::{SessionId, Zxid};
use raft_core::outcome::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::read::Reader;
use super::watches::{Closing, Watcher};
use super::write::{self, Shape};
use super::{Door, convert};
use crate::proto::error::ErrorCode;
use crate::proto::frame::next_frame;
use crate::proto::header::Xid;
use crate::proto::op::OpCode;
use crate::proto::request::{AuthPacket, Decoded, PathRequest, Request, decode};
use crate::proto::response::{Reply, Response};

/// A session as this connection has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attachment {
    pub(crate) session: SessionId,
    pub(crate) attached: Zxid,
    pub(crate) timeout: Duration,
}

/// A request that is not answered yet.
struct Waiting {
    xid: Xid,
    what: Work,
}

enum Work {
    /// Under way to the log.
    Write(BoxFuture<'static, Result<Outcome, ProposeError>>, Shape),
    /// The last request of the session.
    Close(BoxFuture<'static, Result<Outcome, ProposeError>>),
    /// Waits until this node is as current as its cluster.
    Sync(BoxFuture<'static, bool>, PathRequest),
    /// To be looked up in its turn, by whoever the client was when it asked.
    Read(Box<Request>, Vec<Identity>),
    /// Only its place in the order counts.
    Ping,
    /// Answered without looking.
    Ready(Result<Response, ErrorCode>),
    /// Answered with this, then the connection ends.
    Last(ErrorCode),
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    Close,
}

/// See the module.
pub(crate) struct Connection<'a> {
    door: &'a Door,
    attachment: Attachment,
    identities: Vec<Identity>,
    watcher: Watcher,
    waiting: VecDeque<Waiting>,
    out: BytesMut,
    /// No further requests are taken up.
    closing: bool,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(door: &'a Door, attachment: Attachment, identity: Identity) -> Self {
        let watcher = door.watches.enter(attachment.session);
        let identities = vec![identity];
        watcher.outbox.set_identities(identities.clone());
        Connection {
            door,
            attachment,
            identities,
            watcher,
            waiting: VecDeque::new(),
            out: BytesMut::new(),
            closing: false,
        }
    }

    /// Serves the client until one side closes. `buffer` holds what has been read beyond the
    /// handshake, `out` what is still to be written of it.
    pub(crate) async fn run(
        mut self,
        mut stream: TcpStream,
        mut buffer: BytesMut,
        out: BytesMut,
    ) -> io::Result<()> {
        self.out = out;
        loop {
            self.take_up(&mut buffer)?;
            let flow = self.answer_what_is_ready()?;
            if !self.out.is_empty() {
                stream.write_all(&self.out).await?;
                self.out.clear();
            }
            if flow == Flow::Close {
                return stream.shutdown().await;
            }
            let has_room = self.waiting.len() < self.door.settings.outstanding_max && !self.closing;
            let outbox = std::sync::Arc::clone(&self.watcher.outbox);
            tokio::select! {
                read = stream.read_buf(&mut buffer), if has_room => {
                    if read? == 0 {
                        return Ok(());
                    }
                }
                () = front(&mut self.waiting) => {}
                () = outbox.arrived.notified() => {}
            }
        }
    }

    /// Takes up requests that have arrived whole.
    fn take_up(&mut self, buffer: &mut BytesMut) -> io::Result<()> {
        let max = self.door.settings.frame_bytes_max;
        while !self.closing && self.waiting.len() < self.door.settings.outstanding_max {
            let Some(frame) = next_frame(buffer, max).map_err(io::Error::other)? else {
                return Ok(());
            };
            self.door.stats.received();
            self.door.node.touch(self.attachment.session);
            self.request(frame)?;
        }
        Ok(())
    }

    fn request(&mut self, frame: Bytes) -> io::Result<()> {
        let (xid, what) = match decode(frame).map_err(io::Error::other)? {
            Decoded::Request { xid, request } => (xid, self.work(xid, request)?),
            Decoded::Unimplemented { header } => {
                self.closing = true;
                (header.xid, Some(Work::Last(ErrorCode::Unimplemented)))
            }
            Decoded::Unparsable { xid, op, error } => {
                tracing::debug!(%error, op = op.code(), "a request cannot be read");
                let work = if op == OpCode::Multi {
                    let (command, shape) =
                        write::attempt(Shape::Refused(ErrorCode::MarshallingError));
                    self.propose(command, shape)
                } else {
                    Work::Ready(Err(ErrorCode::MarshallingError))
                };
                (xid, Some(work))
            }
        };
        if let Some(what) = what {
            self.waiting.push_back(Waiting { xid, what });
        }
        Ok(())
    }

    fn work(&mut self, xid: Xid, request: Request) -> io::Result<Option<Work>> {
        if let Some((command, shape)) = write::command_of(&request) {
            return Ok(Some(self.propose(command, shape)));
        }
        if let Request::Auth(packet) = &request {
            self.auth(xid, packet)?;
            return Ok(None);
        }
        Ok(Some(self.in_turn(request)))
    }

    /// A request that changes no znode.
    fn in_turn(&mut self, request: Request) -> Work {
        if let Request::Ping = request {
            return Work::Ping;
        }
        if let Request::Sync(asked) = request {
            return self.sync(asked);
        }
        // Without SASL configured: no error, no identity, and clients go on.
        if let Request::Sasl(_) = request {
            return Work::Ready(Ok(Response::Sasl(None)));
        }
        if let Request::CloseSession = request {
            self.closing = true;
            let session = self.session_ref();
            return Work::Close(self.sent(Command::CloseSession(session)));
        }
        Work::Read(Box::new(request), self.identities.clone())
    }

    fn session_ref(&self) -> SessionRef {
        SessionRef::Attached(self.attachment.session, self.attachment.attached)
    }

    fn propose(&self, command: Command, shape: Shape) -> Work {
        Work::Write(self.sent(command), shape)
    }

    /// Proposes. The first look at the future, here and now, gives the request its place.
    fn sent(&self, command: Command) -> BoxFuture<'static, Result<Outcome, ProposeError>> {
        let draft = Draft {
            identities: self.identities.clone(),
            session: Some(self.session_ref()),
            fences: Vec::new(),
            idempotency: None,
            command,
        };
        let node = self.door.node.clone();
        let deadline = self.attachment.timeout;
        started(async move { node.propose(draft, deadline).await }.boxed())
    }

    fn sync(&self, asked: PathRequest) -> Work {
        let node = self.door.node.clone();
        let deadline = self.attachment.timeout;
        let current = async move {
            let options = ReadOptions::default();
            node.query(options, deadline, |_| ()).await.is_ok()
        };
        Work::Sync(started(current.boxed()), asked)
    }

    /// Identities count from here on, for requests that follow on the heels of this one too.
    fn auth(&mut self, xid: Xid, packet: &AuthPacket) -> io::Result<()> {
        let proof = packet.auth.as_deref().unwrap_or_default();
        let proof = String::from_utf8_lossy(proof);
        let known = match packet.scheme.as_str() {
            "digest" => acl::digest_identity(&proof).map(Some),
            // The address is known since the connection was made.
            "ip" => Some(None),
            _ => None,
        };
        let result = match known {
            Some(identity) => {
                if let Some(identity) = identity {
                    self.identified(identity);
                }
                Ok(Response::Empty)
            }
            None => {
                self.closing = true;
                self.waiting.clear();
                Err(ErrorCode::AuthFailed)
            }
        };
        self.write(xid, 0, result)
    }

    fn identified(&mut self, identity: Identity) {
        let is_super = self
            .door
            .settings
            .super_digest
            .as_ref()
            .is_some_and(|digest| *digest == identity.id);
        if is_super {
            let identity = Identity {
                scheme: "super".to_owned(),
                id: String::new(),
            };
            self.add_identity(identity);
        }
        self.add_identity(identity);
    }

    fn add_identity(&mut self, identity: Identity) {
        if !self.identities.contains(&identity) {
            self.identities.push(identity);
            self.watcher.outbox.set_identities(self.identities.clone());
        }
    }

    /// Writes the answers to requests at the front that have one, and events.
    fn answer_what_is_ready(&mut self) -> io::Result<Flow> {
        while let Some(next) = self.waiting.front() {
            let xid = next.xid;
            match self.answer_front(xid)? {
                Some(Flow::GoOn) => {}
                Some(Flow::Close) => return Ok(Flow::Close),
                None => break,
            }
        }
        self.write_events(Zxid(u64::MAX))?;
        if self.closing && self.waiting.is_empty() {
            return Ok(Flow::Close);
        }
        match self.watcher.outbox.closing() {
            None => Ok(Flow::GoOn),
            // Its own close is still to be answered.
            Some(Closing::SessionEnded) if self.is_closing_session() => Ok(Flow::GoOn),
            Some(why) => {
                tracing::debug!(session = %self.attachment.session, ?why, "closing a connection");
                Ok(Flow::Close)
            }
        }
    }

    fn is_closing_session(&self) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|waiting| matches!(waiting.what, Work::Close(_)))
    }

    /// Answers the first request, if that can be done now.
    fn answer_front(&mut self, xid: Xid) -> io::Result<Option<Flow>> {
        let Some(front) = self.waiting.front_mut() else {
            return Ok(None);
        };
        let is_ready = match &mut front.what {
            Work::Write(future, _) | Work::Close(future) => is_done(future),
            Work::Sync(future, _) => is_done(future),
            Work::Read(..) | Work::Ping | Work::Ready(_) | Work::Last(_) => true,
        };
        if !is_ready {
            return Ok(None);
        }
        match self.waiting.pop_front() {
            Some(first) => self.answer(xid, first.what).map(Some),
            None => Ok(None),
        }
    }

    /// Answers a request whose futures, if it has any, are done.
    fn answer(&mut self, xid: Xid, what: Work) -> io::Result<Flow> {
        match what {
            Work::Write(outcome, shape) => match outcome.now_or_never() {
                Some(outcome) => self.written(xid, outcome, &shape),
                None => Ok(Flow::Close),
            },
            Work::Close(outcome) => {
                // Whatever the matter, the client has gone. It is told when that is certain.
                if let Some(Ok(outcome)) = outcome.now_or_never() {
                    self.write_at(xid, outcome.moment.zxid, Ok(Response::Empty))?;
                }
                Ok(Flow::Close)
            }
            Work::Sync(current, asked) => match current.now_or_never() {
                Some(true) => self.write_now(xid, Ok(Response::Path(asked.path))),
                Some(false) | None => Ok(Flow::Close),
            },
            Work::Read(request, identities) => self.answer_read(xid, &request, &identities),
            Work::Ping => self.write_now(xid, Ok(Response::Empty)),
            Work::Ready(result) => self.write_now(xid, result),
            Work::Last(error) => {
                self.write_now(xid, Err(error))?;
                Ok(Flow::Close)
            }
        }
    }

    fn answer_read(
        &mut self,
        xid: Xid,
        request: &Request,
        identities: &[Identity],
    ) -> io::Result<Flow> {
        let reader = Reader {
            node: &self.door.node,
            watcher: &self.watcher,
            identities,
            session: self.attachment.session,
        };
        let Some(read) = reader.read(request) else {
            return Ok(Flow::Close);
        };
        self.write_events(read.zxid)?;
        for event in &read.events {
            event.encode(&mut self.out).map_err(io::Error::other)?;
            self.door.stats.sent();
        }
        self.write(xid, convert::zxid(read.zxid), read.result)?;
        Ok(Flow::GoOn)
    }

    /// A reply that shows this node's present state.
    fn write_now(&mut self, xid: Xid, result: Result<Response, ErrorCode>) -> io::Result<Flow> {
        let zxid = self.door.node.applied();
        self.write_at(xid, zxid, result)?;
        Ok(Flow::GoOn)
    }

    fn written(
        &mut self,
        xid: Xid,
        outcome: Result<Outcome, ProposeError>,
        shape: &Shape,
    ) -> io::Result<Flow> {
        // Unknown, or not done for want of a leader: a lost connection is how ZooKeeper says both.
        let Ok(outcome) = outcome else {
            return Ok(Flow::Close);
        };
        let answer = write::answer(&outcome, shape);
        if answer == Err(ErrorCode::SessionMoved) {
            return Ok(Flow::Close);
        }
        self.write_at(xid, outcome.moment.zxid, answer)?;
        Ok(Flow::GoOn)
    }

    /// A reply that shows the state at `zxid` or later, events before it.
    fn write_at(
        &mut self,
        xid: Xid,
        zxid: Zxid,
        result: Result<Response, ErrorCode>,
    ) -> io::Result<()> {
        self.watcher.serve(&self.door.node);
        self.write_events(Zxid(u64::MAX))?;
        self.write(xid, convert::zxid(zxid), result)
    }

    fn write_events(&mut self, upto: Zxid) -> io::Result<()> {
        while let Some(event) = self.watcher.outbox.take(upto) {
            event.encode(&mut self.out).map_err(io::Error::other)?;
            self.door.stats.sent();
        }
        Ok(())
    }

    fn write(
        &mut self,
        xid: Xid,
        zxid: i64,
        result: Result<Response, ErrorCode>,
    ) -> io::Result<()> {
        self.door.stats.sent();
        let reply = Reply { xid, zxid, result };
        reply.encode(&mut self.out).map_err(io::Error::other)
    }
}

/// Looks at a future once, so that it has begun.
fn started<T: Send + 'static>(mut future: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
    is_done(&mut future);
    future
}

/// Whether a future is done; if it is, it gives its value at the next look.
fn is_done<T: Send + 'static>(future: &mut BoxFuture<'static, T>) -> bool {
    match future.now_or_never() {
        Some(done) => {
            *future = futures::future::ready(done).boxed();
            true
        }
        None => false,
    }
}

/// Resolves when the first request may have an answer.
async fn front(waiting: &mut VecDeque<Waiting>) {
    poll_fn(
        |context| match waiting.front_mut().map(|first| &mut first.what) {
            None => Poll::Pending,
            Some(Work::Write(future, _) | Work::Close(future)) => poll_kept(future, context),
            Some(Work::Sync(future, _)) => poll_kept(future, context),
            Some(Work::Read(..) | Work::Ping | Work::Ready(_) | Work::Last(_)) => Poll::Ready(()),
        },
    )
    .await;
}

/// Polls a future; what it gives is kept for the next look.
fn poll_kept<T: Send + 'static>(
    future: &mut BoxFuture<'static, T>,
    context: &mut Context<'_>,
) -> Poll<()> {
    future.poll_unpin(context).map(|done| {
        *future = futures::future::ready(done).boxed();
    })
}
