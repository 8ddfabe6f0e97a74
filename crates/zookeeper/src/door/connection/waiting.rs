//! Requests that are not answered yet.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use node::ProposeError;
use raft_core::acl::Identity;
use raft_core::outcome::Outcome;

use super::counting::Asked;
use crate::door::reconfig::Reconfigured;
use crate::door::write::Shape;
use crate::proto::error::ErrorCode;
use crate::proto::header::Xid;
use crate::proto::request::{PathRequest, Request};
use crate::proto::response::Response;

/// A command on its way to the log, once it has been looked at.
pub(super) type Proposal = BoxFuture<'static, Result<Outcome, ProposeError>>;

/// A request that is not answered yet.
pub(super) struct Waiting {
    pub(super) xid: Xid,
    pub(super) what: Work,
    pub(super) asked: Asked,
    has_begun: bool,
}

pub(super) enum Work {
    /// A write.
    Write(Proposal, Shape),
    /// The last request of the session.
    Close(Proposal),
    /// A change of the members, begun when it is the first.
    Reconfig(BoxFuture<'static, Reconfigured>),
    /// Waits until this node is as current as its cluster.
    Sync(BoxFuture<'static, bool>, PathRequest),
    /// To be looked up in its turn, by whoever the client was when it asked.
    Read(Box<Request>, Vec<Identity>),
    /// Only its place in the order counts.
    Ping,
    /// A step of an exchange that there is none of.
    Sasl,
    /// Answered without looking.
    Ready(Result<Response, ErrorCode>),
    /// Answered with this, then the connection ends.
    Last(ErrorCode),
}

impl Waiting {
    pub(super) fn new(xid: Xid, what: Work, asked: Asked) -> Waiting {
        Waiting {
            xid,
            what,
            asked,
            has_begun: false,
        }
    }

    /// Whether it is begun only when it is the first, and nothing behind it is begun before it is
    /// answered.
    pub(super) fn is_turn(&self) -> bool {
        matches!(self.what, Work::Read(..) | Work::Reconfig(_))
    }

    /// Whether it is a write that has begun.
    pub(super) fn is_under_way(&self) -> bool {
        self.has_begun && matches!(self.what, Work::Write(..) | Work::Close(_))
    }

    /// Sends it on its way, if it has one to go and has not begun. Says whether it was turned back
    /// at once: then it will not happen.
    pub(super) fn begin(&mut self) -> bool {
        if std::mem::replace(&mut self.has_begun, true) {
            return false;
        }
        match &mut self.what {
            Work::Write(proposal, _) | Work::Close(proposal) => {
                let early = proposal.now_or_never();
                let turned_back = matches!(early, Some(Err(_)));
                if let Some(early) = early {
                    *proposal = futures::future::ready(early).boxed();
                }
                turned_back
            }
            Work::Sync(current, _) => {
                is_done(current);
                false
            }
            Work::Reconfig(_)
            | Work::Read(..)
            | Work::Ping
            | Work::Sasl
            | Work::Ready(_)
            | Work::Last(_) => false,
        }
    }

    /// Whether it can be answered now.
    pub(super) fn is_ready(&mut self) -> bool {
        match &mut self.what {
            Work::Write(future, _) | Work::Close(future) => is_done(future),
            Work::Sync(future, _) => is_done(future),
            Work::Reconfig(future) => is_done(future),
            Work::Read(..) | Work::Ping | Work::Sasl | Work::Ready(_) | Work::Last(_) => true,
        }
    }
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
pub(super) async fn front(waiting: &mut VecDeque<Waiting>) {
    poll_fn(
        |context| match waiting.front_mut().map(|first| &mut first.what) {
            None => Poll::Pending,
            Some(Work::Write(future, _) | Work::Close(future)) => poll_kept(future, context),
            Some(Work::Sync(future, _)) => poll_kept(future, context),
            Some(Work::Reconfig(future)) => poll_kept(future, context),
            Some(Work::Read(..) | Work::Ping | Work::Sasl | Work::Ready(_) | Work::Last(_)) => {
                Poll::Ready(())
            }
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
