//! What is neither a read nor a write of one command: a change of the members, `sync`, what cannot be
//! read, and anything that a node without a quorum has to refuse.

use std::io;

use futures::FutureExt;
use node::ReadOptions;

use super::waiting::Work;
use super::{Connection, write};
use crate::door::local_session::is_local;
use crate::door::reconfig::{self, Asker};
use crate::door::write::Shape;
use crate::proto::error::ErrorCode;
use crate::proto::jute::DecodeError;
use crate::proto::op::OpCode;
use crate::proto::request::{PathRequest, ReconfigRequest, Request, SaslRequest};

/// Without SASL configured: no error, no identity, and clients go on. ZooKeeper hangs up on null.
pub(super) fn sasl(request: &SaslRequest) -> io::Result<Work> {
    match request.token {
        Some(_) => Ok(Work::Sasl),
        None => Err(io::Error::other("a SASL token is null")),
    }
}

impl Connection<'_> {
    /// Whether this client is served reads only.
    pub(super) fn is_read_only(&self) -> bool {
        is_local(self.attachment.session)
    }

    /// The work of such a request; `None` for any other.
    pub(super) fn special(&self, request: &Request) -> Option<Work> {
        if self.is_read_only() && write::needs_a_quorum(request) {
            return Some(Work::Ready(Err(ErrorCode::NotReadOnly)));
        }
        if let Request::Reconfig(asked) = request
            && self.door.settings.reconfig
        {
            return Some(self.reconfig(asked.clone()));
        }
        None
    }

    /// The work of a request whose fields cannot be read.
    pub(super) fn unreadable(&self, op: OpCode, error: DecodeError) -> io::Result<Work> {
        tracing::debug!(%error, op = op.code(), "a request cannot be read");
        // What ZooKeeper reads before anything else may wait for it; it then hangs up.
        if matches!(op, OpCode::Auth | OpCode::Sasl) {
            return Err(io::Error::other(error));
        }
        if op == OpCode::Multi && !self.is_read_only() {
            let shape = Shape::Refused(ErrorCode::MarshallingError);
            let (command, shape) = write::attempt(shape);
            return Ok(self.propose(command, shape));
        }
        Ok(Work::Ready(Err(ErrorCode::MarshallingError)))
    }

    /// Runs when everything before it is answered, and everything after it waits for its answer.
    fn reconfig(&self, asked: ReconfigRequest) -> Work {
        let asker = Asker {
            session: self.session_ref(),
            identities: self.identities.clone(),
        };
        let node = self.door.node.clone();
        let deadline = self.attachment.timeout;
        Work::Reconfig(reconfig::reconfigure(node, asker, asked, deadline).boxed())
    }

    /// Waits until this node is as current as its cluster.
    pub(super) fn sync(&self, asked: PathRequest) -> Work {
        let node = self.door.node.clone();
        let deadline = self.attachment.timeout;
        let under_way = self.door.stats.sync_under_way();
        let current = async move {
            let _counted = under_way;
            let options = ReadOptions::default();
            node.query(options, deadline, |_| ()).await.is_ok()
        };
        Work::Sync(current.boxed(), asked)
    }
}
