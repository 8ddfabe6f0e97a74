//! What goes out: replies, and before each the events up to what it shows.

use std::io;

use node::ProposeError;
use raft_core::ids::Zxid;
use raft_core::outcome::Outcome;

use super::{Connection, Flow};
use crate::door::convert;
use crate::door::write::{self, Shape};
use crate::proto::error::ErrorCode;
use crate::proto::event::WatcherEvent;
use crate::proto::header::Xid;
use crate::proto::response::{Reply, Response};

impl Connection<'_> {
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

    /// A reply that shows the state at `zxid` or later, events before it.
    pub(super) fn write_at(
        &mut self,
        xid: Xid,
        zxid: Zxid,
        result: Result<Response, ErrorCode>,
    ) -> io::Result<()> {
        self.watcher.serve(&self.door.node);
        self.write_events(Zxid(u64::MAX))?;
        self.write(xid, convert::zxid(zxid), result)
    }

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
