//! What happens to the machines: a schedule drawn from the seed, as it goes along.

mod members;
mod network;
mod process;

use std::collections::BTreeMap;

use raft_types::NodeId;

use crate::machine::RIGHT_PPM;
use crate::plan::{FaultKind, Plan};
use crate::rng::Rng;
use crate::trace;
use crate::world::{Stop, World};

/// What ends a fault.
#[derive(Clone, Debug)]
enum End {
    Boot(NodeId),
    Resume(NodeId),
    Heal(Vec<(NodeId, NodeId)>),
    Quality,
    Rate(NodeId),
    Sync(NodeId),
    /// The bits are put right again, and the machine starts.
    Repair(NodeId, process::Flip),
}

/// The schedule.
pub struct Nemesis {
    rng: Rng,
    kinds: Vec<FaultKind>,
    calm_us: (u64, u64),
    next_us: u64,
    ends: BTreeMap<u64, Vec<End>>,
    counts: BTreeMap<FaultKind, u64>,
    members: members::Members,
    /// Machines whose process may end by itself: a fault of theirs was injected.
    excused: Vec<NodeId>,
    /// Machines with a flipped bit: their process must refuse to start.
    damaged: Vec<NodeId>,
    asked: Vec<members::Asked>,
}

impl Nemesis {
    /// Nothing has happened yet.
    pub fn new(plan: &Plan) -> Nemesis {
        Nemesis {
            rng: Rng::of(plan.seed, "nemesis"),
            kinds: plan.faults.clone(),
            calm_us: plan.calm_us,
            next_us: 0,
            ends: BTreeMap::new(),
            counts: BTreeMap::new(),
            members: members::Members::new(plan.nodes),
            excused: Vec::new(),
            damaged: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// How often each kind was injected and took effect.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.counts.iter();
        counts
            .map(|(kind, count)| (kind.name().to_owned(), *count))
            .collect()
    }

    /// Ends what is over and begins what is due.
    ///
    /// # Errors
    /// When a process ended that nothing was done to, or the simulation cannot go on.
    pub fn step(&mut self, world: &mut World) -> Result<(), Stop> {
        self.ended_processes(world)?;
        self.answers(world);
        while let Some(first) = self.ends.first_entry() {
            if *first.key() > world.now_us {
                break;
            }
            for end in first.remove() {
                self.end(world, end)?;
            }
        }
        if self.next_us == 0 {
            self.next_us = world.now_us + self.calm();
        }
        if world.now_us >= self.next_us {
            self.next_us = world.now_us + self.calm();
            if let Some(kind) = self.rng.pick(&self.kinds)
                && self.begin(world, kind)?
            {
                *self.counts.entry(kind).or_default() += 1;
            }
        }
        Ok(())
    }

    fn calm(&mut self) -> u64 {
        let (low, high) = self.calm_us;
        self.rng.range(low, high)
    }

    fn later(&mut self, world: &World, low_us: u64, high_us: u64, end: End) {
        let at = world.now_us + self.rng.range(low_us, high_us);
        self.ends.entry(at).or_default().push(end);
    }

    fn any(&mut self, world: &World) -> Option<NodeId> {
        let all: Vec<_> = world.machines.keys().copied().collect();
        // The leader is where it hurts most.
        let leader = world.leader().filter(|_| self.rng.percent(40));
        leader.or_else(|| self.rng.pick(&all))
    }

    /// Whether it took effect.
    fn begin(&mut self, world: &mut World, kind: FaultKind) -> Result<bool, Stop> {
        match kind {
            FaultKind::Kill
            | FaultKind::PowerCut
            | FaultKind::PowerCutAll
            | FaultKind::Pause
            | FaultKind::ClockRate
            | FaultKind::WallJump
            | FaultKind::WriteError
            | FaultKind::SlowDisk
            | FaultKind::BitFlip => self.begin_process(world, kind),
            FaultKind::IsolateLeader
            | FaultKind::Halves
            | FaultKind::Bridge
            | FaultKind::OneWay
            | FaultKind::Reset
            | FaultKind::BadNetwork => Ok(self.begin_network(world, kind)),
            FaultKind::Transfer | FaultKind::Snapshot | FaultKind::Membership => {
                self.ask(world, kind)?;
                // Counted when it was done.
                Ok(false)
            }
        }
    }

    fn end(&mut self, world: &mut World, end: End) -> Result<(), Stop> {
        trace!(world.trace, "fault ends: {end:?}");
        match end {
            End::Boot(id) => world.boot(id)?,
            End::Resume(id) => {
                if let Some(machine) = world.machines.get_mut(&id) {
                    machine.resume();
                }
            }
            End::Heal(links) => {
                for (from, to) in links {
                    world.net.heal(from, to);
                }
            }
            End::Quality => world.net.set_quality(world.plan.latency_us, 0),
            End::Rate(id) => {
                if let Some(machine) = world.machines.get_mut(&id) {
                    machine.rate_ppm = RIGHT_PPM;
                }
            }
            End::Sync(id) => {
                if let Some(machine) = world.machines.get(&id) {
                    machine.disk.set_sync_us(world.plan.sync_us);
                }
            }
            End::Repair(id, flip) => self.repair(world, id, &flip)?,
        }
        Ok(())
    }

    /// Everything is well again, and every machine runs.
    ///
    /// # Errors
    /// When a process ended that nothing was done to, or the simulation cannot go on.
    pub fn heal(&mut self, world: &mut World) -> Result<(), Stop> {
        self.ended_processes(world)?;
        for end in std::mem::take(&mut self.ends).into_values().flatten() {
            self.end(world, end)?;
        }
        world.net.heal_all();
        world.net.set_quality(world.plan.latency_us, 0);
        let ids: Vec<_> = world.machines.keys().copied().collect();
        for id in ids {
            if let Some(machine) = world.machines.get_mut(&id) {
                machine.rate_ppm = RIGHT_PPM;
                machine.disk.set_sync_us(world.plan.sync_us);
                // A fault of the disk that did not strike yet is taken back by a reboot.
                if self.excused.contains(&id) && machine.is_up() {
                    self.kill(world, id);
                }
            }
            world.boot(id)?;
        }
        Ok(())
    }
}
