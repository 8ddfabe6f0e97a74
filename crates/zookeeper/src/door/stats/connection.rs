//! What is known of one connection: `cons` shows it.
//!
//! Only the connection's own task counts here, so plain stores do; whoever looks may see fields
//! that are an answer apart.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use raft_core::ids::SessionId;

use super::latency::{Latency, LatencyReading};
use crate::proto::op::OpCode;

/// No number of a request, no operation, no position yet.
const NONE: i32 = -1;

/// Counters of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionStats {
    peer: SocketAddr,
    established_ms: u64,
    session: AtomicU64,
    timeout_ms: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    outstanding: AtomicUsize,
    last_op: AtomicI32,
    last_cxid: AtomicI32,
    last_zxid: AtomicI64,
    last_response_ms: AtomicU64,
    latency: Latency,
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    /// The operation, where it has a number of ours.
    pub(crate) op: Option<OpCode>,
    pub(crate) cxid: i32,
    pub(crate) zxid: i64,
    pub(crate) took: Duration,
    /// Milliseconds by this node's monotonic clock.
    pub(crate) at_ms: u64,
}

/// A reading of [`ConnectionStats`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConnectionReading {
    pub(crate) peer: SocketAddr,
    pub(crate) established_ms: u64,
    /// `None` while there is none, and for a connection that asks a word.
    pub(crate) session: Option<SessionId>,
    pub(crate) timeout_ms: u64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) outstanding: usize,
    /// As ZooKeeper abbreviates it; `NA` before the first.
    pub(crate) last_op: &'static str,
    pub(crate) last_cxid: Option<i32>,
    pub(crate) last_zxid: i64,
    pub(crate) last_response_ms: u64,
    pub(crate) latency: LatencyReading,
}

impl ConnectionStats {
    pub(crate) fn new(peer: SocketAddr, established_ms: u64) -> ConnectionStats {
        ConnectionStats {
            peer,
            established_ms,
            session: AtomicU64::new(0),
            timeout_ms: AtomicU64::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            outstanding: AtomicUsize::new(0),
            last_op: AtomicI32::new(NONE),
            last_cxid: AtomicI32::new(NONE),
            last_zxid: AtomicI64::new(NONE.into()),
            last_response_ms: AtomicU64::new(0),
            latency: Latency::default(),
        }
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// It has its session.
    pub(crate) fn attached(&self, session: SessionId, timeout: Duration) {
        self.session.store(session.0, Ordering::Relaxed);
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self.timeout_ms.store(timeout, Ordering::Relaxed);
    }

    pub(crate) fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests that wait for their answer.
    pub(crate) fn set_outstanding(&self, outstanding: usize) {
        self.outstanding.store(outstanding, Ordering::Relaxed);
    }

    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Relaxed)
    }

    pub(crate) fn answered(&self, answered: Answered) {
        let code = answered.op.map_or(0, OpCode::code);
        self.last_op.store(code, Ordering::Relaxed);
        // Numbers of pings and the like hide what the client did last.
        if answered.cxid >= 0 {
            self.last_cxid.store(answered.cxid, Ordering::Relaxed);
        }
        self.last_zxid.store(answered.zxid, Ordering::Relaxed);
        self.last_response_ms
            .store(answered.at_ms, Ordering::Relaxed);
        self.latency.record(answered.took);
    }

    /// `crst`.
    pub(crate) fn reset(&self) {
        self.received.store(0, Ordering::Relaxed);
        self.sent.store(0, Ordering::Relaxed);
        self.last_op.store(NONE, Ordering::Relaxed);
        self.last_cxid.store(NONE, Ordering::Relaxed);
        self.last_zxid.store(NONE.into(), Ordering::Relaxed);
        self.last_response_ms.store(0, Ordering::Relaxed);
        self.latency.reset();
    }

    pub(crate) fn read(&self) -> ConnectionReading {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let session = of(&self.session);
        let cxid = self.last_cxid.load(Ordering::Relaxed);
        ConnectionReading {
            peer: self.peer,
            established_ms: self.established_ms,
            session: (session != 0).then_some(SessionId(session)),
            timeout_ms: of(&self.timeout_ms),
            received: of(&self.received),
            sent: of(&self.sent),
            outstanding: self.outstanding(),
            last_op: match self.last_op.load(Ordering::Relaxed) {
                NONE => "NA",
                code => OpCode::from_code(code).map_or("UNKNOWN", abbreviated),
            },
            last_cxid: (cxid >= 0).then_some(cxid),
            last_zxid: self.last_zxid.load(Ordering::Relaxed),
            last_response_ms: of(&self.last_response_ms),
            latency: self.latency.read(),
        }
    }
}

/// ZooKeeper's abbreviations, where it has them.
fn abbreviated(op: OpCode) -> &'static str {
    match op {
        OpCode::Create | OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => "CREA",
        OpCode::Delete | OpCode::DeleteContainer => "DELE",
        OpCode::Exists => "EXIS",
        OpCode::GetData => "GETD",
        OpCode::SetData => "SETD",
        OpCode::GetAcl => "GETA",
        OpCode::SetAcl => "SETA",
        OpCode::GetChildren | OpCode::GetChildren2 => "GETC",
        OpCode::Sync => "SYNC",
        OpCode::Ping => "PING",
        OpCode::Check => "CHEC",
        OpCode::Multi => "MULT",
        OpCode::MultiRead => "MLTR",
        OpCode::Reconfig => "RECO",
        OpCode::CheckWatches => "CHKW",
        OpCode::RemoveWatches => "REMW",
        OpCode::Auth => "AUTH",
        OpCode::Sasl => "SASL",
        OpCode::SetWatches | OpCode::SetWatches2 => "SETW",
        OpCode::GetEphemerals => "GETE",
        OpCode::GetAllChildrenNumber => "GETACN",
        OpCode::AddWatch => "ADDW",
        OpCode::WhoAmI => "HOMI",
        OpCode::CreateSession => "SESS",
        OpCode::CloseSession => "CLOS",
        OpCode::Notification | OpCode::Error => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(op: OpCode, cxid: i32) -> Answered {
        Answered {
            op: Some(op),
            cxid,
            zxid: 7,
            took: Duration::from_millis(3),
            at_ms: 99,
        }
    }

    #[test]
    fn a_ping_does_not_hide_the_last_request() {
        let stats = ConnectionStats::new("127.0.0.1:9".parse().unwrap(), 5);
        let fresh = stats.read();
        assert_eq!(
            (fresh.last_op, fresh.last_cxid, fresh.session),
            ("NA", None, None)
        );
        stats.attached(SessionId(16), Duration::from_secs(10));
        stats.answered(answered(OpCode::Create2, 4));
        stats.answered(answered(OpCode::Ping, -2));
        let read = stats.read();
        assert_eq!(
            (read.last_op, read.last_cxid, read.last_zxid),
            ("PING", Some(4), 7)
        );
        assert_eq!((read.latency.max_ms, read.last_response_ms), (3, 99));
        stats.reset();
        let reset = stats.read();
        assert_eq!(
            (reset.last_op, reset.last_cxid, reset.last_zxid),
            ("NA", None, -1)
        );
        assert_eq!(
            (reset.session, reset.timeout_ms),
            (Some(SessionId(16)), 10_000)
        );
    }
}
