//! What a node takes for committed is on the disks of a majority of each configuration in force.
//! Raft paper, section 5.3 and 6; P-DUR. An answer follows the commit, so this is also "acknowledged
//! means on a majority of disks at the time of the acknowledgement".

use std::collections::{BTreeMap, BTreeSet};

use raft_types::NodeId;

use super::{Invariant, View};

type Configs = Vec<BTreeSet<NodeId>>;

#[derive(Default)]
pub(super) struct CommittedOnQuorum {
    /// The furthest position any node took for committed.
    highest: Option<u64>,
    /// The configurations each node had at the step before: a change may have come right after the
    /// commit.
    before: BTreeMap<NodeId, Configs>,
}

impl Invariant for CommittedOnQuorum {
    fn name(&self) -> &'static str {
        "committed-on-quorum"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        let mut highest = self.highest;
        for seen in view.running {
            let configs = seen.status.members.configs.clone();
            let before = self.before.insert(seen.id, configs.clone());
            let committed = seen.status.log.committed;
            if committed <= self.highest {
                continue;
            }
            highest = highest.max(committed);
            let Some(index) = committed else { continue };
            let Some(term) = term_at(view, seen.id, index) else {
                continue;
            };
            let safe = |configs: &[BTreeSet<NodeId>]| {
                View::is_quorum(configs, |id| view.has(id, index, term))
            };
            if !safe(&configs) && !before.as_deref().is_some_and(safe) {
                let on: Vec<_> = view
                    .machines
                    .keys()
                    .filter(|id| view.has(**id, index, term))
                    .collect();
                return Err(format!(
                    "node {} takes entry {index} of term {term} for committed; it is on the disks of {on:?} only (voters {configs:?})",
                    seen.id
                ));
            }
        }
        self.highest = highest;
        Ok(())
    }
}

/// The term of an entry as the disk of a node has it; of one that is not there yet, as any leader's
/// disk has it is not asked: a follower may learn of the commit before its own sync.
fn term_at(view: &View<'_>, id: NodeId, index: u64) -> Option<u64> {
    let leading = view
        .running
        .iter()
        .filter(|seen| seen.status.leadership.is_leader());
    let asked = std::iter::once(id).chain(leading.map(|seen| seen.id));
    asked
        .filter_map(|id| view.machines.get(&id))
        .find_map(|machine| {
            machine
                .disk
                .durable()
                .log
                .get(&index)
                .map(|entry| entry.term)
        })
}
