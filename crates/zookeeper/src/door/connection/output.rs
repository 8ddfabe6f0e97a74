//! What goes out: replies, and before each the events up to what it shows.

use std::io;

use bytes::BytesMut;
use node::ProposeError;
use raft_core::acl::Identity;
use raft_core::ids::Zxid;
use raft_core::outcome::Outcome;

use super::waiting::Waiting;
use super::{Connection, Flow};
use crate::door::convert;
use crate::door::read::Reader;
use crate::door::write::{self, Shape};
use crate::proto::error::ErrorCode;
use crate::proto::event::WatcherEvent;
use crate::proto::header::Xid;
use crate::proto::request::Request;
use crate::proto::response::{Reply, Response};

/// Bytes that wait to be written before nothing more is answered. One more reply may stand behind
/// them, of whatever length: clients decide how much they ask for at once.
const WAITING_BYTES_MAX: usize = 256 * 1024;
/// Bytes a buffer keeps once it is empty: thousands of connections that once had a large request or
/// reply shall not hold its memory for as long as they live.
const KEPT_BYTES_MAX: usize = 8 * 1024;

/// Gives the memory of an empty buffer back, if it is much.
pub(super) fn shrink(buffer: &mut BytesMut) {
    if buffer.is_empty() && buffer.capacity() > KEPT_BYTES_MAX {
        *buffer = BytesMut::new();
    }
}

impl Connection<'_> {
    /// Looks up what a read asks for, and answers it.
    pub(super) fn answer_read(
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
            self.write_event(event)?;
        }
        self.write(xid, read.zxid, read.result)?;
        Ok(Flow::GoOn)
    }

    /// A reply that shows this node's present state.
    pub(super) fn write_now(
        &mut self,
        xid: Xid,
        result: Result<Response, ErrorCode>,
    ) -> io::Result<Flow> {
        let zxid = self.door.node.applied();
        self.write_at(xid, zxid, result)?;
        Ok(Flow::GoOn)
    }

    pub(super) fn written(
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
            self.door.stats.sessions_moved.one();
            return Ok(Flow::Close);
        }
        self.write_at(xid, outcome.moment.zxid, answer)?;
        Ok(Flow::GoOn)
    }

    /// A reply that shows the state at `zxid`: events up to there before it, later ones behind it.
    pub(super) fn write_at(
        &mut self,
        xid: Xid,
        zxid: Zxid,
        result: Result<Response, ErrorCode>,
    ) -> io::Result<()> {
        self.watcher.serve(&self.door.node);
        self.write_events(zxid)?;
        self.write(xid, zxid, result)
    }

    /// A reply that shows nothing but that it was its turn. While writes behind it are under way this
    /// node may be further than they: their replies must not show less than this one.
    pub(super) fn write_in_turn(
        &mut self,
        xid: Xid,
        result: Result<Response, ErrorCode>,
    ) -> io::Result<Flow> {
        if self.waiting.iter().any(Waiting::is_under_way) {
            self.write_at(xid, self.shown, result)?;
            return Ok(Flow::GoOn);
        }
        self.write_now(xid, result)
    }

    /// A reply that shows no state; events that are there stand before it all the same.
    pub(super) fn write_unpositioned(
        &mut self,
        xid: Xid,
        zxid: i64,
        result: Result<Response, ErrorCode>,
    ) -> io::Result<()> {
        self.watcher.serve(&self.door.node);
        self.write_events(Zxid(u64::MAX))?;
        self.put(xid, zxid, result)
    }

    /// Writes events as long as there is room. Says whether the buffer is full.
    ///
    /// While a write is under way they wait for its reply, which may be of an earlier change: replies
    /// and events stand in the order of what happened.
    pub(super) fn write_events_that_fit(&mut self) -> io::Result<bool> {
        let may_go = !self.waiting.iter().any(Waiting::is_under_way);
        while may_go && self.out.len() < WAITING_BYTES_MAX {
            let Some(event) = self.watcher.outbox.take(Zxid(u64::MAX)) else {
                break;
            };
            self.write_event(&event)?;
        }
        Ok(self.out.len() >= WAITING_BYTES_MAX)
    }

    /// Events up to a position: they stand before the reply that shows it, however many they are.
    pub(super) fn write_events(&mut self, upto: Zxid) -> io::Result<()> {
        while let Some(event) = self.watcher.outbox.take(upto) {
            self.write_event(&event)?;
        }
        Ok(())
    }

    pub(super) fn write_event(&mut self, event: &WatcherEvent) -> io::Result<()> {
        let before = self.out.len();
        event.encode(&mut self.out).map_err(io::Error::other)?;
        self.count_event(self.out.len().saturating_sub(before));
        Ok(())
    }

    pub(super) fn write(
        &mut self,
        xid: Xid,
        zxid: Zxid,
        result: Result<Response, ErrorCode>,
    ) -> io::Result<()> {
        // A client that was shown a position is not shown an earlier one.
        self.shown = self.shown.max(zxid);
        self.put(xid, convert::zxid(self.shown), result)
    }

    /// A reply with a position as it is.
    pub(super) fn put(
        &mut self,
        xid: Xid,
        zxid: i64,
        result: Result<Response, ErrorCode>,
    ) -> io::Result<()> {
        let before = self.out.len();
        let reply = Reply { xid, zxid, result };
        reply.encode(&mut self.out).map_err(io::Error::other)?;
        self.count_reply(xid, zxid, self.out.len().saturating_sub(before));
        Ok(())
    }
}
