//! What a node takes for committed is on the disks of a majority of each configuration in force.
//! Raft paper, section 5.3 and 6; P-DUR. An answer follows the commit, so this is also "acknowledged
//! means on a majority of disks at the time of the acknowledgement". A leader commits by counting only
//! entries of its own term (section 5.4.2, figure 8).

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
    before: BTreeMap<NodeId, Before>,
}

struct Before {
    configs: Configs,
    /// Process of the machine, and the term it led.
    led: Option<(u64, u64)>,
}

impl Invariant for CommittedOnQuorum {
    fn name(&self) -> &'static str {
        "committed-on-quorum"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        let mut highest = self.highest;
        for seen in view.running {
            let configs = seen.status.members.configs.clone();
            let leadership = seen.status.leadership;
            let led = leadership
                .is_leader()
                .then_some((seen.boot, leadership.term));
            let now = Before {
                configs: configs.clone(),
                led,
            };
            let before = self.before.insert(seen.id, now);
            let committed = seen.status.log.committed;
            if committed <= self.highest {
                continue;
            }
            highest = highest.max(committed);
            let Some(index) = committed else { continue };
            let mut terms = terms_at(view, index);
            // What a leader of two steps takes for committed now, it counted itself.
            let counted = before
                .as_ref()
                .and_then(|before| before.led)
                .filter(|was| led == Some(*was));
            if let Some((_, own)) = counted {
                terms = BTreeSet::from([own]);
            }
            let safe = |configs: &[BTreeSet<NodeId>]| {
                let on_quorum =
                    |term: &u64| View::is_quorum(configs, |id| view.has(id, index, *term));
                terms.iter().any(on_quorum)
            };
            if !terms.is_empty()
                && !safe(&configs)
                && !before.is_some_and(|before| safe(&before.configs))
            {
                return Err(format!(
                    "node {} takes entry {index} for committed; of what it may be (terms {terms:?}) none is on the disks of a quorum (voters {configs:?})",
                    seen.id
                ));
            }
        }
        self.highest = highest;
        Ok(())
    }
}

/// The terms of which some disk has an entry. Which of them is the committed one is asked of leaders
/// only: another node learns of the commit before its own sync, and may still have another.
fn terms_at(view: &View<'_>, index: u64) -> BTreeSet<u64> {
    let disks = view.machines.values().map(|machine| machine.disk.durable());
    disks
        .filter_map(|disk| Some(disk.log.get(&index)?.term))
        .collect()
}
