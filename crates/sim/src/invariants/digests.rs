//! Two nodes that have applied the same entries have the same state. P-EQUAL. By index and not by
//! zxid: an entry that changes the members changes the state and takes no zxid.

use std::collections::BTreeMap;

use raft_types::NodeId;

use super::{Invariant, View};

#[derive(Default)]
pub(super) struct Digests {
    by_index: BTreeMap<u64, (NodeId, u128)>,
}

impl Invariant for Digests {
    fn name(&self) -> &'static str {
        "equal-digests"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        for seen in view.running {
            if seen.status.log.applied.is_none() {
                continue;
            }
            let own = seen.node.status();
            let (index, digest) = (own.applied_index, seen.state.digest());
            let (by, known) = self.by_index.entry(index).or_insert((seen.id, digest));
            if *known != digest {
                return Err(format!(
                    "after entry {index} node {by} has {known:032x} and node {} has {digest:032x}",
                    seen.id
                ));
            }
            if let Some(divergence) = own.divergence {
                return Err(format!("node {} found out itself: {divergence:?}", seen.id));
            }
        }
        Ok(())
    }
}
