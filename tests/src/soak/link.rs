//! A session and the connection it has at the time, as a client library keeps them.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use bytes::Bytes;
use zookeeper::proto::connect::{ConnectRequest, ConnectResponse};
use zookeeper::proto::event::WatcherEvent;
use zookeeper::proto::header::Xid;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::Request;
use zookeeper::proto::response::{FromServer, Reply};

use super::notes::Notes;
use super::wire::{Cut, Wire};

/// A session as its client knows it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: i64,
    password: Bytes,
    pub(super) timeout: Duration,
    /// When the last request was sent that was answered: from here on it lives for its timeout.
    pub(super) alive_from: Instant,
}

/// What came in.
#[derive(Debug)]
pub(super) enum Heard<P> {
    /// The session is there, new or taken up.
    Up { new: bool },
    /// The session is gone, and the connection with it.
    Expired,
    /// A request was answered.
    Reply(P, Reply),
    /// A watch fired.
    Event(WatcherEvent),
    /// The connection ended, or did not come about.
    Closed,
}

#[derive(Debug)]
struct Asked<P> {
    xid: Xid,
    op: OpCode,
    at: Instant,
    /// `None`: a ping.
    purpose: Option<P>,
}

/// Where the client stands with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none.
    Down,
    /// Begun, and not answered yet.
    Connecting,
    /// It has its session.
    Up,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Link<P> {
    pub(super) name: usize,
    pub(super) session: Option<Session>,
    pub(super) stage: Stage,
    /// Index of the node it is, or was last, connected to.
    pub(super) node: usize,
    /// Last zxid of a reply, of all connections.
    pub(super) seen: i64,
    wire: Option<Wire>,
    asked: VecDeque<Asked<P>>,
    pub(super) timeout: Duration,
    is_closing: bool,
    last_xid: i32,
    last_event: i64,
    /// When it began to connect, sent something, heard something.
    since: Instant,
    sent: Instant,
    heard: Instant,
    /// When the last connection with a session ended.
    lost: Option<Instant>,
}

impl<P> Link<P> {
    pub(super) fn new(name: usize, timeout: Duration, now: Instant) -> Link<P> {
        Link {
            name,
            session: None,
            stage: Stage::Down,
            node: name,
            seen: 0,
            wire: None,
            asked: VecDeque::new(),
            timeout,
            is_closing: false,
            last_xid: 0,
            last_event: 0,
            since: now,
            sent: now,
            heard: now,
            lost: None,
        }
    }

    pub(super) fn session_id(&self) -> i64 {
        self.session.as_ref().map_or(0, |session| session.id)
    }

    /// Requests that are not answered.
    pub(super) fn waiting(&self) -> usize {
        self.asked.len()
    }

    /// Begins to connect to a node, for the session it has or a new one.
    pub(super) fn connect(
        &mut self,
        epoll: &OwnedFd,
        (node, address): (usize, SocketAddr),
        now: Instant,
    ) -> bool {
        self.node = node;
        let session = self.session.as_ref();
        let zeros = Bytes::from_static(&[0; 16]);
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: self.seen,
            timeout_ms: i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX),
            session_id: session.map_or(0, |session| session.id),
            password: Some(session.map_or(zeros, |session| session.password.clone())),
            read_only: Some(false),
        };
        let opened = Wire::open(epoll, self.name as u64, address).and_then(|mut wire| {
            request.encode(wire.sending()).map_err(io::Error::other)?;
            wire.flush()?;
            Ok(wire)
        });
        self.wire = opened.ok();
        if self.wire.is_none() {
            return false;
        }
        self.stage = Stage::Connecting;
        (self.since, self.sent, self.heard) = (now, now, now);
        true
    }

    /// Sends a request; it leaves with the next [`flush`](Self::flush).
    pub(super) fn send(&mut self, purpose: P, request: &Request, now: Instant) {
        self.last_xid = self.last_xid.wrapping_add(1);
        self.put(Xid(self.last_xid), Some(purpose), request, now);
    }

    fn put(&mut self, xid: Xid, purpose: Option<P>, request: &Request, now: Instant) {
        let Some(wire) = &mut self.wire else { return };
        request.encode(xid, wire.sending()).expect("a frame");
        self.sent = now;
        self.is_closing |= request.op() == OpCode::CloseSession;
        self.asked.push_back(Asked {
            xid,
            op: request.op(),
            at: now,
            purpose,
        });
    }

    pub(super) fn flush(&mut self) {
        // A connection that has ended is told by what is received.
        if let Some(wire) = &mut self.wire {
            let _ = wire.flush();
        }
    }

    /// Says something if nothing was said for long, and gives up on a server that does not.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        pings: bool,
        notes: &mut Notes,
    ) -> Option<Heard<P>> {
        let patience = match self.stage {
            Stage::Down => return None,
            Stage::Connecting => self.timeout / 3,
            Stage::Up => self.timeout * 2 / 3,
        };
        if now.saturating_duration_since(self.heard) > patience {
            return Some(self.closed(now, notes));
        }
        if self.stage == Stage::Up && pings && now - self.sent > self.timeout / 3 {
            self.put(Xid::PING, None, &Request::Ping, now);
            self.flush();
        }
        None
    }

    /// Ends the connection from this side.
    pub(super) fn cut(&mut self, how: Cut, now: Instant) {
        if let Some(wire) = self.wire.take() {
            wire.cut(how);
        }
        if self.stage == Stage::Up {
            self.lost = Some(now);
        }
        self.forget_connection();
    }

    /// Forgets the session: the next connection opens another.
    pub(super) fn forget_session(&mut self) -> Option<Session> {
        self.lost = None;
        self.session.take()
    }

    fn forget_connection(&mut self) {
        self.wire = None;
        self.asked.clear();
        self.is_closing = false;
        self.last_event = 0;
        self.stage = Stage::Down;
    }

    fn closed(&mut self, now: Instant, notes: &mut Notes) -> Heard<P> {
        if self.stage == Stage::Up {
            // After its last request the server is the one that ends it.
            notes.counts.lost += u64::from(!self.is_closing);
            self.lost = Some(now);
        } else {
            notes.counts.turned_away += 1;
            notes.attempts.push(now - self.since);
        }
        self.forget_connection();
        Heard::Closed
    }

    /// Sends and reads what can be; gives what came in, in order, the end of the connection last.
    pub(super) fn hear(&mut self, now: Instant, notes: &mut Notes) -> Vec<Heard<P>> {
        let mut all = Vec::new();
        let Some(wire) = &mut self.wire else {
            return all;
        };
        let sent = wire.flush();
        let filled = wire.fill();
        while let Some(wire) = &mut self.wire {
            match wire.frame() {
                Ok(Some(frame)) => match self.frame(frame, now, notes) {
                    Ok(heard) => all.extend(heard),
                    Err(error) => {
                        notes.wrong(format!("client {}: {error}", self.name));
                        all.push(self.closed(now, notes));
                    }
                },
                Ok(None) => break,
                Err(error) => {
                    notes.wrong(format!("client {}: {error}", self.name));
                    all.push(self.closed(now, notes));
                }
            }
        }
        let has_ended = sent.is_err() || !matches!(filled, Ok(false));
        if has_ended && self.wire.is_some() {
            all.push(self.closed(now, notes));
        }
        all
    }

    fn frame(
        &mut self,
        frame: Bytes,
        now: Instant,
        notes: &mut Notes,
    ) -> Result<Option<Heard<P>>, String> {
        self.heard = now;
        if self.stage == Stage::Connecting {
            let answer = ConnectResponse::decode(frame).map_err(|error| error.to_string())?;
            return self.connected(&answer, now, notes).map(Some);
        }
        match FromServer::decode(frame).map_err(|error| error.to_string())? {
            FromServer::Event(event) => {
                notes.counts.events += 1;
                self.check_event(&event)?;
                Ok(Some(Heard::Event(event)))
            }
            FromServer::Reply(reply) => {
                notes.counts.replies += 1;
                let asked = self.asked.pop_front().ok_or("a reply nobody asked for")?;
                if reply.header.xid != asked.xid {
                    let (came, due) = (reply.header.xid, asked.xid);
                    return Err(format!("reply {came:?} instead of {due:?}"));
                }
                let zxid = reply.header.zxid;
                if zxid < self.seen {
                    let seen = self.seen;
                    return Err(format!("a reply shows {zxid} after {seen}: back in time"));
                }
                self.seen = zxid;
                if let Some(session) = &mut self.session {
                    session.alive_from = session.alive_from.max(asked.at);
                }
                let reply = reply.read(asked.op).map_err(|error| error.to_string())?;
                Ok(asked.purpose.map(|purpose| Heard::Reply(purpose, reply)))
            }
        }
    }

    /// Events come in order, and before any reply that shows what they tell.
    fn check_event(&mut self, event: &WatcherEvent) -> Result<(), String> {
        if event.zxid < 0 {
            return Ok(());
        }
        if event.zxid < self.last_event {
            return Err(format!("{event:?} after one of {}", self.last_event));
        }
        if event.zxid <= self.seen {
            return Err(format!("{event:?} after a reply that shows {}", self.seen));
        }
        self.last_event = event.zxid;
        Ok(())
    }

    fn connected(
        &mut self,
        answer: &ConnectResponse,
        now: Instant,
        notes: &mut Notes,
    ) -> Result<Heard<P>, String> {
        notes.attempts.push(now - self.since);
        let had = self.session.clone();
        if answer.is_refused() {
            let had = had.ok_or("a new session was refused")?;
            self.forget_session();
            self.forget_connection();
            let lived = now - had.alive_from;
            if lived < had.timeout {
                notes.wrong(format!(
                    "client {}: session {:#x} lost early: {lived:?} after a sign of life that was \
                     answered, its timeout is {:?}",
                    self.name, had.id, had.timeout
                ));
            }
            notes.counts.timed_out += 1;
            return Ok(Heard::Expired);
        }
        if had.as_ref().is_some_and(|had| had.id != answer.session_id) {
            return Err("another session than the one asked for".to_owned());
        }
        let new = had.is_none();
        let timeout = u64::try_from(answer.timeout_ms).unwrap_or(0);
        self.session = Some(Session {
            id: answer.session_id,
            password: Bytes::copy_from_slice(&answer.password),
            timeout: Duration::from_millis(timeout),
            alive_from: self.since,
        });
        if let Some(lost) = self.lost.take() {
            notes.outages.push(now - lost);
        }
        if new {
            notes.counts.opened += 1;
        } else {
            notes.counts.taken_up += 1;
        }
        self.stage = Stage::Up;
        Ok(Heard::Up { new })
    }
}
