//! What this node does for its peers.

use std::sync::Weak;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use membership::PeerService;
use raft_core::state::State;
use raft_types::NodeId;
use tokio::time::Instant;

use crate::runtime::Runtime;
use crate::wire::{
    self, Forward, ForwardAnswer, KeepAliveAnswer, KeepAliveAsk, ReadIndexAnswer, StatusAnswer,
    kind,
};

/// Answers calls of peers. Holds the runtime weakly: consensus owns the service.
pub(crate) struct Service {
    pub(crate) runtime: Weak<Runtime>,
}

/// The answer to what this version does not understand: empty, which no message decodes from.
fn nothing() -> BoxFuture<'static, Bytes> {
    futures::future::ready(Bytes::new()).boxed()
}

impl PeerService for Service {
    fn call(&self, from: NodeId, kind: u8, body: Bytes) -> BoxFuture<'static, Bytes> {
        let Some(runtime) = self.runtime.upgrade() else {
            return nothing();
        };
        if runtime.consensus.get().is_none() {
            return nothing();
        }
        match kind {
            // Decided here and now, because the order of a peer's messages is the order of its
            // requests.
            kind::FORWARD => {
                let answer = forward(&runtime, from, &body);
                futures::future::ready(answer).boxed()
            }
            kind::READ_INDEX => async move { read_index(&runtime).await }.boxed(),
            kind::KEEP_ALIVE => async move { keep_alive(&runtime, &body).await }.boxed(),
            kind::STATUS => futures::future::ready(wire::encode(&runtime.own_status())).boxed(),
            kind::CHANGE_MEMBERS => async move { runtime.serve_member_change(&body).await }.boxed(),
            kind::RECONFIGURE => async move { runtime.serve_reconfiguration(&body).await }.boxed(),
            kind::TRANSFER => async move { runtime.serve_transfer(&body).await }.boxed(),
            kind::CLUSTER => async move { runtime.serve_cluster_status().await }.boxed(),
            _ => nothing(),
        }
    }
}

fn forward(runtime: &Runtime, from: NodeId, body: &[u8]) -> Bytes {
    let Some(message) = wire::decode::<Forward>(body) else {
        return Bytes::new();
    };
    let leadership = runtime.leadership();
    let leads = leadership.is_leader() && leadership.term == message.term;
    let answer = if leads {
        runtime.inbox.accept(from, message)
    } else {
        ForwardAnswer::NotLeader
    };
    wire::encode(&answer)
}

async fn read_index(runtime: &Runtime) -> Bytes {
    let deadline = Instant::now() + runtime.settings.peer_call_timeout;
    let leads = runtime.leading_term().is_some();
    let answer = if leads && runtime.barrier.pass(deadline).await.is_ok() {
        ReadIndexAnswer::Index(runtime.replica.applied().index())
    } else {
        ReadIndexAnswer::NotLeader
    };
    wire::encode(&answer)
}

async fn keep_alive(runtime: &Runtime, body: &[u8]) -> Bytes {
    let Some(ask) = wire::decode::<KeepAliveAsk>(body) else {
        return Bytes::new();
    };
    let answer = runtime
        .renew(&ask.sessions)
        .await
        .unwrap_or(KeepAliveAnswer::NotLeader);
    wire::encode(&answer)
}

impl Runtime {
    pub(crate) fn own_status(&self) -> StatusAnswer {
        let (applied, digest) = self
            .replica
            .read(|state| (state.last_zxid(), State::digest(state)));
        StatusAnswer {
            applied_index: self.replica.applied().index(),
            applied,
            digest,
            digests: self.replica.digests.all(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
