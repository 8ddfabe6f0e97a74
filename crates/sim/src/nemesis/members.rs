//! What an administrator asks for: hand-overs, snapshots, changes of members.

use std::time::Duration;

use node::{MemberChange, Node};
use raft_types::NodeId;
use tokio::sync::oneshot;

use super::Nemesis;
use crate::machine::address;
use crate::plan::FaultKind;
use crate::trace;
use crate::world::{Stop, World};

/// What an administrator waits.
const WITHIN: Duration = Duration::from_secs(3);
/// Machines beyond those the cluster was founded with.
const MORE_MACHINES: u64 = 2;
/// Fewer voters are not left.
const VOTERS_MIN: usize = 3;

/// Who could still come.
pub(super) struct Members {
    next: NodeId,
    last: NodeId,
}

impl Members {
    pub(super) fn new(nodes: u64) -> Members {
        Members {
            next: nodes + 1,
            last: nodes + MORE_MACHINES,
        }
    }
}

/// A request under way.
pub(super) struct Asked {
    kind: FaultKind,
    what: String,
    answer: oneshot::Receiver<Result<(), String>>,
}

impl Nemesis {
    /// Asks a random node.
    pub(super) fn ask(&mut self, world: &mut World, kind: FaultKind) -> Result<(), Stop> {
        let up: Vec<NodeId> = world
            .machines
            .values()
            .filter(|m| m.node().is_some())
            .map(|m| m.id)
            .collect();
        let Some(at) = self.rng.pick(&up) else {
            return Ok(());
        };
        let change = if kind == FaultKind::Membership {
            match self.change(world)? {
                Some(change) => Some(change),
                None => return Ok(()),
            }
        } else {
            None
        };
        let Some(machine) = world.machines.get(&at) else {
            return Ok(());
        };
        let (Some(node), Some(handle)) = (machine.node(), machine.handle()) else {
            return Ok(());
        };
        let what = format!("{} {change:?} at {at}", kind.name());
        trace!(world.trace, "asked: {what}");
        let (send, answer) = oneshot::channel();
        handle.spawn(async move {
            // Whoever asked may be gone with the run.
            let _ = send.send(ask_node(node, kind, change).await);
        });
        self.asked.push(Asked { kind, what, answer });
        Ok(())
    }

    fn change(&mut self, world: &mut World) -> Result<Option<MemberChange>, Stop> {
        let voters = world.voters();
        let leader = world
            .leader()
            .and_then(|id| world.machines.get(&id)?.node());
        let learners: Vec<NodeId> = leader.map_or(Vec::new(), |node| {
            node.consensus_status()
                .members
                .learners
                .into_iter()
                .collect()
        });
        if let Some(id) = self.rng.pick(&learners)
            && self.rng.percent(70)
        {
            return Ok(Some(MemberChange::Promote { id }));
        }
        let Some(voter) = self.rng.pick(&voters) else {
            return Ok(None);
        };
        let has_room = voters.len() > VOTERS_MIN;
        let drawn = self.rng.below(4);
        if has_room && drawn == 0 {
            return Ok(Some(MemberChange::Remove { id: voter }));
        }
        if has_room && drawn == 1 {
            return Ok(Some(MemberChange::Demote { id: voter }));
        }
        if self.members.next > self.members.last {
            return Ok(None);
        }
        let new = self.members.next;
        self.members.next += 1;
        world.add_machine(new)?;
        let reached = address(new);
        Ok(Some(if drawn == 2 {
            MemberChange::Replace {
                old: voter,
                new,
                peer: reached.peer,
                api: reached.api,
            }
        } else {
            MemberChange::AddLearner {
                id: new,
                peer: reached.peer,
                api: reached.api,
            }
        }))
    }

    /// Notes what came of requests.
    pub(super) fn answers(&mut self, world: &World) {
        for mut asked in std::mem::take(&mut self.asked) {
            match asked.answer.try_recv() {
                Ok(Ok(())) => {
                    trace!(world.trace, "done: {}", asked.what);
                    *self.counts.entry(asked.kind).or_default() += 1;
                }
                Ok(Err(why)) => trace!(world.trace, "not done: {}: {why}", asked.what),
                Err(oneshot::error::TryRecvError::Empty) => self.asked.push(asked),
                Err(oneshot::error::TryRecvError::Closed) => {
                    trace!(world.trace, "its process ended: {}", asked.what);
                }
            }
        }
    }
}

async fn ask_node(node: Node, kind: FaultKind, change: Option<MemberChange>) -> Result<(), String> {
    match (kind, change) {
        (_, Some(change)) => {
            let changed = node.change_members(change, false, false, WITHIN).await;
            changed.map(|_| ()).map_err(|error| error.to_string())
        }
        (FaultKind::Snapshot, None) => {
            let taken = node.take_snapshot(WITHIN).await;
            taken.map(|_| ()).map_err(|error| error.to_string())
        }
        (_, None) => {
            let handed = node.transfer_leadership(None, WITHIN).await;
            handed.map(|_| ()).map_err(|error| error.to_string())
        }
    }
}
