//! What must hold at every step, one file per property.

mod committed_on_quorum;
mod digests;
mod fences;
mod leader_completeness;
mod log_matching;
mod one_leader;
mod positions;
mod snapshots;
mod state;
mod votes;

use std::collections::BTreeMap;

use membership::Status;
use node::Node;
use raft_core::state::State;
use raft_types::NodeId;
use storage::record::term_of;

use crate::disk::Durable;
use crate::machine::Machine;

/// One running node at one moment.
pub struct Seen {
    /// Which.
    pub id: NodeId,
    /// Process of its machine, counted.
    pub boot: u64,
    /// What consensus says.
    pub status: Status,
    /// Its state.
    pub state: State,
    /// Itself.
    pub node: Node,
}

/// All machines at one moment.
pub struct View<'a> {
    /// Those whose node runs.
    pub running: &'a [Seen],
    /// All of them.
    pub machines: &'a BTreeMap<NodeId, Machine>,
    /// Whether nothing has happened to them for a while, and nothing is under way.
    pub is_settled: bool,
}

impl View<'_> {
    /// Whether an entry, as it was committed, is safe on a machine: in its log, or in a snapshot it
    /// keeps.
    pub(crate) fn has(&self, id: NodeId, index: u64, term: u64) -> bool {
        let Some(machine) = self.machines.get(&id) else {
            return false;
        };
        let in_log = |disk: &Durable| disk.log.get(&index).is_some_and(|e| e.term == term);
        let in_snapshot = machine.snapshot_last().is_some_and(|last| {
            last.index > index || (last.index == index && term_of(&last) == term)
        });
        in_snapshot || in_log(&machine.disk.durable())
    }

    /// Whether enough of every configuration fulfil a condition.
    pub(crate) fn is_quorum(
        configs: &[std::collections::BTreeSet<NodeId>],
        fulfils: impl Fn(NodeId) -> bool,
    ) -> bool {
        configs.iter().all(|voters| {
            let count = voters.iter().filter(|id| fulfils(**id)).count();
            count * 2 > voters.len()
        })
    }
}

/// A property of the whole cluster.
trait Invariant {
    /// Its name: what a mutant is caught by.
    fn name(&self) -> &'static str;
    /// Looks at a step.
    fn check(&mut self, view: &View<'_>) -> Result<(), String>;
}

/// A property does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name.
    pub name: &'static str,
    /// What was seen.
    pub what: String,
}

/// All of them.
pub struct Invariants {
    all: Vec<Box<dyn Invariant>>,
    /// Steps looked at.
    pub steps: u64,
}

impl Default for Invariants {
    fn default() -> Self {
        Invariants {
            all: vec![
                Box::<one_leader::OneLeader>::default(),
                Box::<votes::Votes>::default(),
                Box::<positions::Positions>::default(),
                Box::<committed_on_quorum::CommittedOnQuorum>::default(),
                Box::<log_matching::LogMatching>::default(),
                Box::<leader_completeness::LeaderCompleteness>::default(),
                Box::<digests::Digests>::default(),
                Box::<state::StateHolds>::default(),
                Box::<fences::Fences>::default(),
                Box::<snapshots::Snapshots>::default(),
            ],
            steps: 0,
        }
    }
}

impl Invariants {
    /// Looks at a step.
    ///
    /// # Errors
    /// The first property that does not hold.
    pub fn check(&mut self, view: &View<'_>) -> Result<(), Broken> {
        self.steps += 1;
        for invariant in &mut self.all {
            if let Err(what) = invariant.check(view) {
                let name = invariant.name();
                return Err(Broken { name, what });
            }
        }
        Ok(())
    }
}
