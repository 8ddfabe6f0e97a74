//! At most one leader per term. Raft paper, figure 3: Election Safety.

use std::collections::BTreeMap;

use raft_types::NodeId;

use super::{Invariant, View};

#[derive(Default)]
pub(super) struct OneLeader {
    by_term: BTreeMap<u64, NodeId>,
}

impl Invariant for OneLeader {
    fn name(&self) -> &'static str {
        "one-leader-per-term"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        for seen in view.running {
            let leadership = seen.status.leadership;
            if !leadership.is_leader() {
                continue;
            }
            let known = self.by_term.entry(leadership.term).or_insert(seen.id);
            if *known != seen.id {
                let term = leadership.term;
                return Err(format!("{known} and {} both led term {term}", seen.id));
            }
        }
        Ok(())
    }
}
