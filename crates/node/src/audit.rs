//! Replicas are compared, always: the leader asks its peers for their digests and compares those
//! taken at the same position (decision 14).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use raft_core::ids::Zxid;
use raft_types::NodeId;
use tokio::time::MissedTickBehavior;

use crate::runtime::Runtime;
use crate::wire::{self, StatusAnswer, kind};

/// Two replicas differ at the same position: a bug, and one of them has wrong data.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Divergence {
    /// The peer.
    pub node: NodeId,
    /// The position.
    pub zxid: Zxid,
    /// This leader's digest there.
    pub ours: u128,
    /// The peer's.
    pub theirs: u128,
}

/// What the comparisons have shown so far.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    found: Mutex<Option<Divergence>>,
    compared: Mutex<Option<Zxid>>,
}

impl Verdict {
    /// The first divergence found by this process.
    pub(crate) fn divergence(&self) -> Option<Divergence> {
        self.found.lock().clone()
    }

    /// The latest position at which all that answered were equal.
    pub(crate) fn compared(&self) -> Option<Zxid> {
        *self.compared.lock()
    }
}

/// The loop. Runs until the node stops; works only while this node leads.
pub(crate) async fn run(runtime: Arc<Runtime>) {
    let mut tick = tokio::time::interval(runtime.settings.audit_interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = runtime.stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if runtime.leading_term().is_some() {
            compare_all(&runtime).await;
        }
    }
}

async fn compare_all(runtime: &Runtime) {
    let peers: Vec<NodeId> = runtime
        .replica
        .membership()
        .nodes()
        .map(|(id, _)| *id)
        .collect();
    for peer in peers.into_iter().filter(|id| *id != runtime.id) {
        let Some(theirs) = runtime.status_of(peer).await else {
            continue;
        };
        match compare(&runtime.own_status(), &theirs) {
            Ok(Some(zxid)) => *runtime.audit.compared.lock() = Some(zxid),
            Ok(None) => {}
            Err((zxid, ours, theirs)) => {
                let divergence = Divergence {
                    node: peer,
                    zxid,
                    ours,
                    theirs,
                };
                tracing::error!(
                    node = peer, %zxid, ours = format!("{ours:032x}"), theirs = format!("{theirs:032x}"),
                    "replicas differ at the same position: stop the node, keep its data directory, report this"
                );
                runtime.audit.found.lock().get_or_insert(divergence);
            }
        }
    }
}

/// The latest position both know, if the digests there are equal.
fn compare(ours: &StatusAnswer, theirs: &StatusAnswer) -> Result<Option<Zxid>, (Zxid, u128, u128)> {
    let with_head = |status: &StatusAnswer| -> BTreeMap<Zxid, u128> {
        let mut all = status.digests.clone();
        all.insert(status.applied, status.digest);
        all
    };
    let theirs = with_head(theirs);
    let mut latest = None;
    for (zxid, ours) in with_head(ours) {
        match theirs.get(&zxid) {
            Some(theirs) if *theirs == ours => latest = Some(zxid),
            Some(theirs) => return Err((zxid, ours, *theirs)),
            None => {}
        }
    }
    Ok(latest)
}

impl Runtime {
    /// Asks a peer how far it is.
    pub(crate) async fn status_of(&self, peer: NodeId) -> Option<StatusAnswer> {
        let within = self.settings.peer_call_timeout;
        let answer = self
            .consensus()
            .peers()
            .call(peer, kind::STATUS, Bytes::new(), within)
            .await;
        wire::decode(&answer.ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(applied: u64, digest: u128, past: &[(u64, u128)]) -> StatusAnswer {
        StatusAnswer {
            applied_index: applied,
            applied: Zxid(applied),
            digest,
            digests: past
                .iter()
                .map(|(zxid, digest)| (Zxid(*zxid), *digest))
                .collect(),
            version: String::new(),
        }
    }

    #[test]
    fn equal_positions_are_compared_and_others_are_not() {
        let ours = status(10, 100, &[(5, 50)]);
        assert_eq!(
            compare(&ours, &status(7, 70, &[(5, 50)])),
            Ok(Some(Zxid(5)))
        );
        assert_eq!(compare(&ours, &status(7, 70, &[(4, 1)])), Ok(None));
        assert_eq!(
            compare(&ours, &status(10, 101, &[(5, 50)])),
            Err((Zxid(10), 100, 101))
        );
    }
}
