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
            let terms = terms_at(view, index);
            let safe = |configs: &[BTreeSet<NodeId>]| {
                let on_quorum =
                    |term: &u64| View::is_quorum(configs, |id| view.has(id, index, *term));
                terms.iter().any(on_quorum)
            };
            if !terms.is_empty() && !safe(&configs) && !before.as_deref().is_some_and(safe) {
                return Err(format!(
                    "node {} takes entry {index} for committed; the disks have it of terms {terms:?}, none of them on a quorum (voters {configs:?})",
                    seen.id
                ));
            }
        }
        self.highest = highest;
        Ok(())
    }
}

/// The terms of which some disk has an entry. Which of them is the committed one is not asked: a node
/// learns of the commit before its own sync, and may still have another.
fn terms_at(view: &View<'_>, index: u64) -> BTreeSet<u64> {
    let disks = view.machines.values().map(|machine| machine.disk.durable());
    disks
        .filter_map(|disk| Some(disk.log.get(&index)?.term))
        .collect()
}
