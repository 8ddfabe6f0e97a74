//! Who waits for whom, drawn anew each time.

use std::collections::BTreeSet;

use raft_core::command::LockMode;

use super::Model;
use crate::lock_model::queue::Claim;

/// A session; of a claim without one its fence.
type Node = (Option<u64>, u64);

fn node(claim: &Claim) -> Node {
    (claim.session, claim.session.map_or(claim.fence, |_| 0))
}

/// Whether `later`, in the same queue, cannot go on before `earlier` ends.
fn blocks(earlier: &Claim, later: &Claim) -> bool {
    let modes = (earlier.ask.mode, later.ask.mode);
    let conflict = match modes {
        (LockMode::Permits(_), _) | (_, LockMode::Permits(_)) => false,
        (LockMode::Exclusive, _) | (_, LockMode::Exclusive) => true,
        (LockMode::Shared, LockMode::Shared) => false,
    };
    conflict && !earlier.foreign && !later.foreign && node(earlier) != node(later)
}

impl Model {
    /// Whether somebody whom `newcomer` would wait for at the end of this queue waits for it, at however
    /// many removes.
    pub(super) fn would_never_end(&self, lock: &str, newcomer: &Claim) -> bool {
        let mut edges: BTreeSet<(Node, Node)> = BTreeSet::new();
        for record in self.locks.values() {
            for (at, later) in record.queue.iter().enumerate().filter(|(_, c)| !c.held()) {
                let ahead = record.queue[..at].iter().filter(|c| blocks(c, later));
                edges.extend(ahead.map(|earlier| (node(later), node(earlier))));
            }
        }
        let ahead = self
            .locks
            .get(lock)
            .into_iter()
            .flat_map(|record| &record.queue);
        let mut reached: BTreeSet<Node> = ahead
            .filter(|earlier| blocks(earlier, newcomer))
            .map(node)
            .collect();
        loop {
            let further: BTreeSet<Node> = edges
                .iter()
                .filter(|(from, to)| reached.contains(from) && !reached.contains(to))
                .map(|(_, to)| *to)
                .collect();
            if further.is_empty() {
                return reached.contains(&node(newcomer));
            }
            reached.extend(further);
        }
    }
}
