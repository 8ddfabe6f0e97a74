//! One client: its requests in, replies and watch events out, all in one order.
//!
//! Requests are taken up in the order they arrive. Writes are proposed at once, one after the
//! other, and are under way together; a read is looked up when every request before it has been
//! answered, so it sees the writes its client made before it; so is a reconfiguration. A write behind one is proposed
//! when the read has been answered, so the read sees nothing its client did after it. Whatever goes
//! out leaves through one buffer: watch events up to the position a reply shows stand before that
//! reply.

mod counting;
mod identities;
mod output;
mod special;
mod waiting;

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use node::Draft;
use raft_core::acl::Identity;
use raft_core::command::{Command, SessionRef};
use raft_core::ids::{SessionId, Zxid};
use raft_core::outcome::Refusal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use self::counting::Asked;
use self::waiting::{Proposal, Waiting, Work, front};
use super::Door;
use super::stats::ConnectionStats;
use super::watches::{Closing, Watcher};
use super::write::{self, Shape};
use crate::proto::error::ErrorCode;
use crate::proto::frame::next_frame;
use crate::proto::header::Xid;
use crate::proto::request::{Decoded, Request, decode};
use crate::proto::response::Response;

/// A session as this connection has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attachment {
    pub(crate) session: SessionId,
    pub(crate) attached: Zxid,
    pub(crate) timeout: Duration,
}

/// Position in the reply to what has none.
const NO_POSITION: i64 = 0;
/// Position of a request that never came near the log.
const NOT_IN_LOG: i64 = -1;

/// Room for what is read at once: many ordinary requests, and little beside the buffers of the socket.
const READ_BYTES: usize = 2 * 1024;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    /// With what is left, once the buffer is written.
    WriteFirst,
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
    /// Greatest position a reply has shown.
    shown: Zxid,
    /// No further requests are taken up.
    closing: bool,
    counted: &'a ConnectionStats,
    /// The request whose answer is being written.
    answering: Option<Asked>,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(
        door: &'a Door,
        attachment: Attachment,
        identity: Identity,
        counted: &'a ConnectionStats,
    ) -> Self {
        counted.attached(attachment.session, attachment.timeout);
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
            shown: attachment.attached,
            closing: false,
            counted,
            answering: None,
        }
    }

    /// Serves the client until one side closes. `buffer` holds what has been read beyond the
    /// handshake, `out` what is still to be written of it.
    pub(crate) async fn run(
        mut self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        mut buffer: BytesMut,
        out: BytesMut,
    ) -> io::Result<()> {
        self.out = out;
        let mut heard = Instant::now();
        loop {
            self.take_up(&mut buffer)?;
            output::shrink(&mut buffer);
            let was_full = !self.has_room();
            self.begin();
            let flow = self.answer_what_is_ready()?;
            if flow == Flow::Close {
                self.give_up();
            }
            if !self.out.is_empty() {
                timeout(self.attachment.timeout, stream.write_all(&self.out)).await??;
                self.out.clear();
                output::shrink(&mut self.out);
            }
            if flow == Flow::Close {
                return stream.shutdown().await;
            }
            let has_room = self.has_room();
            if flow == Flow::WriteFirst || (was_full && has_room) {
                // What found no room may be here already: nothing would wake this loop.
                continue;
            }
            // In one read, not in two for a buffer that is nearly used up.
            buffer.reserve(READ_BYTES);
            let outbox = std::sync::Arc::clone(&self.watcher.outbox);
            tokio::select! {
                // What has arrived counts, however late this node comes to look.
                biased;
                read = stream.read_buf(&mut buffer), if has_room => {
                    if read? == 0 {
                        return Ok(());
                    }
                    heard = Instant::now();
                }
                () = front(&mut self.waiting) => {}
                () = outbox.arrived.notified() => {}
                // The session may live on elsewhere; this connection is dead.
                () = sleep_until(heard + self.attachment.timeout), if has_room => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
        }
    }

    /// Whether a further request may be taken up.
    fn has_room(&self) -> bool {
        !self.closing && self.waiting.len() < self.door.settings.outstanding_max
    }

    /// Takes up requests that have arrived whole.
    fn take_up(&mut self, buffer: &mut BytesMut) -> io::Result<()> {
        let max = self.door.settings.frame_bytes_max;
        while self.has_room() {
            let next = next_frame(buffer, max).map_err(|error| self.door.bad_frame(error))?;
            let Some(frame) = next else {
                return Ok(());
            };
            self.door.stats.received(self.counted, frame.len());
            if !self.is_read_only() {
                self.door.node.touch(self.attachment.session);
            }
            self.request(frame)?;
        }
        Ok(())
    }

    fn request(&mut self, frame: Bytes) -> io::Result<()> {
        let mut asked = Asked::now();
        let (xid, what) = match decode(frame).map_err(io::Error::other)? {
            Decoded::Request { xid, request } => {
                asked.op = Some(request.op());
                (xid, self.work(xid, request, asked)?)
            }
            Decoded::Unimplemented { header } => {
                self.closing = true;
                (header.xid, Some(Work::Last(ErrorCode::Unimplemented)))
            }
            Decoded::Unparsable { xid, op, error } => {
                asked.op = Some(op);
                (xid, Some(self.unreadable(op, error)?))
            }
        };
        if let Some(what) = what {
            self.waiting.push_back(Waiting::new(xid, what, asked));
            self.count_waiting();
        }
        Ok(())
    }

    /// Sends on its way whatever no unanswered read stands before. Of the writes of a client only
    /// a beginning may happen: what stands behind one that is turned back is forgotten.
    fn begin(&mut self) {
        let may_begin = self.waiting.iter_mut().take_while(|next| !next.is_turn());
        let turned_back = may_begin.map(Waiting::begin).position(|turned| turned);
        if let Some(at) = turned_back {
            self.closing = true;
            self.waiting.truncate(at.saturating_add(1));
        }
    }

    /// Gives requests up, from the last to the first: were it the other way round, one could still
    /// happen whose predecessor was given up.
    fn give_up(&mut self) {
        while self.waiting.pop_back().is_some() {}
    }

    fn work(&mut self, xid: Xid, request: Request, asked: Asked) -> io::Result<Option<Work>> {
        if let Some(work) = self.special(&request) {
            return Ok(Some(work));
        }
        if let Some((command, shape)) = write::command_of(&request) {
            return Ok(Some(self.propose(command, shape)));
        }
        if let Request::Auth(packet) = &request {
            self.answering = Some(asked);
            self.auth(xid, packet)?;
            return Ok(None);
        }
        if let Request::Sasl(packet) = &request {
            return special::sasl(packet).map(Some);
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
        if let Request::CloseSession = request {
            self.closing = true;
            if self.is_read_only() {
                return Work::Ready(Ok(Response::Empty));
            }
            let session = self.session_ref();
            return Work::Close(self.proposal(Command::CloseSession(session)));
        }
        Work::Read(Box::new(request), self.identities.clone())
    }

    fn session_ref(&self) -> SessionRef {
        SessionRef::Attached(self.attachment.session, self.attachment.attached)
    }

    fn propose(&self, command: Command, shape: Shape) -> Work {
        Work::Write(self.proposal(command), shape)
    }

    /// A command by whoever the client is now. The first look at the future gives it its place in
    /// the log.
    fn proposal(&self, command: Command) -> Proposal {
        let draft = Draft {
            identities: self.identities.clone(),
            session: Some(self.session_ref()),
            fences: Vec::new(),
            terms: Vec::new(),
            idempotency: None,
            command,
        };
        let node = self.door.node.clone();
        let deadline = self.attachment.timeout;
        async move { node.propose(draft, deadline).await }.boxed()
    }

    /// Writes events, and the answers to requests at the front that have one, until the buffer is
    /// full.
    fn answer_what_is_ready(&mut self) -> io::Result<Flow> {
        loop {
            if self.write_events_that_fit()? {
                return Ok(Flow::WriteFirst);
            }
            let Some(xid) = self.waiting.front().map(|next| next.xid) else {
                break;
            };
            match self.answer_front(xid)? {
                Some(Flow::GoOn | Flow::WriteFirst) => {}
                Some(Flow::Close) => return Ok(Flow::Close),
                None => break,
            }
        }
        if self.closing && self.waiting.is_empty() {
            return Ok(Flow::Close);
        }
        match self.watcher.outbox.closing() {
            None => Ok(Flow::GoOn),
            // Its own close is still to be answered.
            Some(Closing::SessionEnded) if self.is_closing_session() => Ok(Flow::GoOn),
            Some(why) => {
                if why == Closing::Moved {
                    self.door.stats.sessions_moved.one();
                }
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
        if !self.waiting.front_mut().is_some_and(Waiting::is_ready) {
            return Ok(None);
        }
        match self.waiting.pop_front() {
            Some(first) => {
                self.counted.set_outstanding(self.waiting.len());
                self.answering = Some(first.asked);
                self.answer(xid, first.what).map(Some)
            }
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
                if let Some(Ok(outcome)) = outcome.now_or_never()
                    && !matches!(outcome.result, Err(Refusal::SessionMoved { .. }))
                {
                    self.write_at(xid, outcome.moment.zxid, Ok(Response::Empty))?;
                }
                Ok(Flow::Close)
            }
            Work::Sync(current, asked) => match current.now_or_never() {
                Some(true) => self.write_now(xid, Ok(Response::Path(asked.path))),
                Some(false) | None => Ok(Flow::Close),
            },
            Work::Reconfig(done) => match done.now_or_never().flatten() {
                Some(result) => {
                    let flow = self.write_now(xid, result)?;
                    self.begin();
                    Ok(flow)
                }
                None => Ok(Flow::Close),
            },
            Work::Read(request, identities) => {
                let flow = self.answer_read(xid, &request, &identities)?;
                self.begin();
                Ok(flow)
            }
            // Whatever number a ping had.
            Work::Ping => self.write_in_turn(Xid::PING, Ok(Response::Empty)),
            Work::Sasl => {
                self.write_unpositioned(xid, NO_POSITION, Ok(Response::Sasl(None)))?;
                Ok(Flow::GoOn)
            }
            Work::Ready(result) => self.write_in_turn(xid, result),
            Work::Last(error) => {
                self.write_unpositioned(xid, NOT_IN_LOG, Err(error))?;
                Ok(Flow::Close)
            }
        }
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}
