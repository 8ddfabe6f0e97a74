//! Reports of connections that ended by themselves: the raw material of the dead-leader shortcut.

use std::io;

use raft_types::NodeId;
use tokio::sync::mpsc;

use super::limits::GONE_QUEUED_MAX;
use super::wire::frame::FrameError;

/// A connection to or from `node`, whose process was `incarnation`, was closed or reset by the
/// other side. Never sent for a connection that this node dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerGone {
    pub(crate) node: NodeId,
    pub(crate) incarnation: u64,
}

/// Where such reports go.
#[derive(Clone, Debug)]
pub(crate) struct GoneReporter {
    reports: mpsc::Sender<PeerGone>,
}

impl GoneReporter {
    pub(crate) fn new() -> (Self, mpsc::Receiver<PeerGone>) {
        let (reports, receiver) = mpsc::channel(GONE_QUEUED_MAX);
        (GoneReporter { reports }, receiver)
    }

    /// Reports the end of a connection if it was the other side that ended it.
    pub(crate) fn report(&self, gone: PeerGone, end: &ConnectionEnd) {
        match end {
            ConnectionEnd::Closed => {
                // A full queue holds reports of the same kind; losing one costs at most the
                // shortcut, never correctness.
                let _ = self.reports.try_send(gone);
            }
            ConnectionEnd::Idle
            | ConnectionEnd::Stopped
            | ConnectionEnd::WriteStalled
            | ConnectionEnd::Violation(_) => {}
        }
    }
}

/// Why a connection is over.
#[derive(Debug)]
pub(crate) enum ConnectionEnd {
    /// The other side closed or reset it.
    Closed,
    /// Nothing arrived for the idle timeout.
    Idle,
    /// This node wanted it to end.
    Stopped,
    /// The socket took no bytes for the append timeout.
    WriteStalled,
    /// The other side broke the protocol.
    Violation(String),
}

impl std::fmt::Display for ConnectionEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConnectionEnd::Closed => f.write_str("closed by the peer"),
            ConnectionEnd::Idle => f.write_str("nothing heard for the idle timeout"),
            ConnectionEnd::Stopped => f.write_str("ended here"),
            ConnectionEnd::WriteStalled => f.write_str("the peer stopped reading"),
            ConnectionEnd::Violation(what) => f.write_str(what),
        }
    }
}

impl From<FrameError> for ConnectionEnd {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(error) => error.into(),
            violation @ (FrameError::TooLong { .. }
            | FrameError::TooShort { .. }
            | FrameError::Checksum
            | FrameError::UnknownKind(_)) => ConnectionEnd::Violation(violation.to_string()),
        }
    }
}

impl From<io::Error> for ConnectionEnd {
    fn from(_: io::Error) -> Self {
        ConnectionEnd::Closed
    }
}
