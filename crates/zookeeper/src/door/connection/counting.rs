//! What is counted about a connection while it is served.

use std::time::Instant;

use super::Connection;
use crate::door::stats::{Answered, whole};
use crate::proto::frame::LENGTH_BYTES;
use crate::proto::header::Xid;
use crate::proto::op::OpCode;

/// When a request came in, and what it asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// `None` until that is known, and for what is no operation of ours.
    pub(super) op: Option<OpCode>,
    at: Instant,
}

impl Asked {
    pub(super) fn now() -> Asked {
        Asked {
            op: None,
            at: Instant::now(),
        }
    }
}

impl Connection<'_> {
    /// A request has been added to those that wait.
    pub(super) fn count_waiting(&self) {
        let waiting = self.waiting.len();
        self.counted.set_outstanding(waiting);
        if waiting == self.door.settings.outstanding_max {
            self.door.stats.outstanding_reached.one();
        }
    }

    /// A reply of so many bytes, its length field among them, is on its way out.
    pub(super) fn count_reply(&mut self, xid: Xid, zxid: i64, bytes: usize) {
        let stats = &self.door.stats;
        stats.sent(self.counted, bytes);
        let payload = bytes.saturating_sub(LENGTH_BYTES);
        stats.since_reset.reply_sizes.record(payload);
        if payload > self.door.settings.frame_bytes_max {
            stats.replies_large.one();
        }
        if let Some(asked) = self.answering.take() {
            let answered = Answered {
                op: asked.op,
                cxid: xid.0,
                zxid,
                took: asked.at.elapsed(),
                at_ms: self.door.uptime_ms(),
            };
            stats.answered(self.counted, answered);
        }
    }

    /// An event of so many bytes is on its way out.
    pub(super) fn count_event(&self, bytes: usize) {
        self.door.stats.sent(self.counted, bytes);
        self.door.stats.event_bytes.add(whole(bytes));
    }
}
