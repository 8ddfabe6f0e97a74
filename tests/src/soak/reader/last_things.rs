//! How a reader comes to rest, reads everything once more, and leaves a session behind.

use std::time::Instant;

use zookeeper::proto::request::Request;
use zookeeper::proto::response::Reply;

use super::{Ask, Leaving, Reader, read_of};
use crate::soak::actor::Context;
use crate::soak::link::Stage;
use crate::soak::shared::{Departed, Gone, Holdings, Phase, lock};
use crate::soak::want::Want;
use crate::soak::wire::Cut;
use crate::zookeeper::path_request;

impl Reader {
    pub(super) fn session_closed(
        &mut self,
        reply: &Reply,
        context: &mut Context<'_>,
    ) -> Result<(), String> {
        if reply.result.is_err() {
            return Err(format!("closeSession: {:?}", reply.result));
        }
        context.notes.counts.closed += 1;
        if self.leaving == Leaving::Asked {
            self.leaving = Leaving::Gone;
        }
        self.watching.disconnected(self.link.seen);
        self.record(context);
        self.leave_session(Gone::Closed, context);
        self.link.cut(Cut::Finished, context.now);
        self.knock.after_loss(&mut self.dice, context.now);
        Ok(())
    }

    /// Leaves the session behind, to be watched until it has gone everywhere.
    pub(super) fn leave_session(&mut self, gone: Gone, context: &mut Context<'_>) {
        let path = self.path();
        let node = self.link.node;
        self.watching.session_ended();
        self.closing = false;
        let Some(session) = self.link.forget_session() else {
            return;
        };
        if std::mem::take(&mut self.owns) {
            lock(&context.shared.departed).push(Departed {
                path,
                session: session.id,
                timeout: session.timeout,
                alive_from: session.alive_from,
                node,
                gone,
            });
        }
    }

    /// Everything wanted is read once more, as new as the cluster is.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.watching.settle_streams(self.link.seen);
        self.link
            .send(Ask::Sync, &Request::Sync(path_request("/")), now);
        let wants: Vec<Want> = self.watching.wants().collect();
        self.sweeping = Some(wants.len());
        for want in wants {
            self.link
                .send(Ask::Swept(want.spot()), &read_of(want.spot()), now);
        }
    }

    /// Whether what the phase asks for is done.
    pub(in crate::soak) fn is_done(&self, phase: Phase) -> bool {
        let at_rest = self.link.stage == Stage::Up
            && self.watching.is_complete()
            && self.owns
            && !self.closing;
        match phase {
            // Not "nothing to wait for": of thousands somebody always waits for a ping.
            Phase::Arrive | Phase::Settle => at_rest,
            Phase::Sweep => at_rest && self.sweeping == Some(0),
            Phase::Run | Phase::Last | Phase::End => true,
            Phase::Leave => self.leaving == Leaving::Gone,
        }
    }

    /// What it holds at its node, once it is at rest.
    pub(in crate::soak) fn holdings(&self) -> (usize, Holdings) {
        let places = self.watching.places();
        let holdings = Holdings {
            connections: 1,
            watching: usize::from(!places.is_empty()),
            watches: places.len(),
            places,
        };
        (self.link.node, holdings)
    }

    /// What is left to record at the end.
    pub(in crate::soak) fn finish(&mut self, context: &mut Context<'_>) {
        self.watching.settle_streams(self.link.seen);
        self.record(context);
    }
}
