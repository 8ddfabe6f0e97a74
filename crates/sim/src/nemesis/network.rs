//! Faults of the network.

use raft_types::NodeId;

use super::{End, Nemesis};
use crate::plan::FaultKind;
use crate::trace;
use crate::world::World;

/// Bounds of how long a cut lasts.
const CUT_US: (u64, u64) = (100_000, 4_000_000);

impl Nemesis {
    pub(super) fn begin_network(&mut self, world: &mut World, kind: FaultKind) -> bool {
        let all: Vec<NodeId> = world.machines.keys().copied().collect();
        let links = match kind {
            FaultKind::IsolateLeader => {
                let Some(leader) = world.leader() else {
                    return false;
                };
                both_ways(&[leader], &without(&all, &[leader]))
            }
            FaultKind::Halves => {
                let mixed = self.rng.shuffled(all);
                let (few, many) = mixed.split_at(mixed.len() / 2);
                both_ways(few, many)
            }
            FaultKind::Bridge => {
                let mixed = self.rng.shuffled(all);
                let (few, rest) = mixed.split_at(mixed.len() / 2);
                // The first of the larger part hears both.
                both_ways(few, rest.get(1..).unwrap_or_default())
            }
            FaultKind::OneWay => {
                let Some(one) = self.any(world) else {
                    return false;
                };
                let others = without(&all, &[one]);
                if self.rng.percent(50) {
                    others.iter().map(|other| (one, *other)).collect()
                } else {
                    others.iter().map(|other| (*other, one)).collect()
                }
            }
            FaultKind::Reset => return self.reset(world, &all),
            _ => return self.worsen(world),
        };
        if links.is_empty() {
            return false;
        }
        trace!(world.trace, "fault {} {links:?}", kind.name());
        for (from, to) in &links {
            world.net.cut(*from, *to);
        }
        self.later(world, CUT_US.0, CUT_US.1, End::Heal(links));
        true
    }

    fn reset(&mut self, world: &World, all: &[NodeId]) -> bool {
        let mixed = self.rng.shuffled(all.to_vec());
        let (Some(a), Some(b)) = (mixed.first(), mixed.get(1)) else {
            return false;
        };
        let count = world.net.reset(*a, *b);
        trace!(world.trace, "fault reset {a} {b}: {count} pipes");
        count > 0
    }

    fn worsen(&mut self, world: &World) -> bool {
        let slow = self.rng.range(5_000, 300_000);
        let lost = self.rng.range(0, 30);
        trace!(
            world.trace,
            "fault bad-network up to {slow} us, {lost} % lost"
        );
        world.net.set_quality((world.plan.latency_us.0, slow), lost);
        self.later(world, 500_000, 3_000_000, End::Quality);
        true
    }
}

fn without(all: &[NodeId], some: &[NodeId]) -> Vec<NodeId> {
    all.iter()
        .copied()
        .filter(|id| !some.contains(id))
        .collect()
}

fn both_ways(these: &[NodeId], those: &[NodeId]) -> Vec<(NodeId, NodeId)> {
    let pairs = these
        .iter()
        .flat_map(|a| those.iter().flat_map(|b| [(*a, *b), (*b, *a)]));
    pairs.collect()
}
