//! Faults of processes, clocks and disks.

use raft_types::NodeId;
use storage::Fault;
use storage::backend::Table;
use storage::record::{KEY_VOTE, log_key};

use super::{End, Nemesis};
use crate::plan::FaultKind;
use crate::trace;
use crate::world::{Stop, World};

/// Bounds of how long a machine is down.
const DOWN_US: (u64, u64) = (20_000, 3_000_000);
/// Bounds of how long a process is stopped.
const STOPPED_US: (u64, u64) = (50_000, 5_000_000);

/// Which bit was flipped.
#[derive(Clone, Debug)]
pub(super) struct Flip {
    table: Table,
    key: Vec<u8>,
    bit: usize,
}

impl Nemesis {
    pub(super) fn begin_process(
        &mut self,
        world: &mut World,
        kind: FaultKind,
    ) -> Result<bool, Stop> {
        if kind == FaultKind::PowerCutAll {
            return Ok(self.cut_all(world));
        }
        let Some(id) = self.any(world) else {
            return Ok(false);
        };
        let is_up = world
            .machines
            .get(&id)
            .is_some_and(|m| m.is_up() && !m.is_paused());
        if !is_up || self.damaged.contains(&id) {
            return Ok(false);
        }
        trace!(world.trace, "fault {} {id}", kind.name());
        match kind {
            FaultKind::Kill => {
                self.kill(world, id);
                self.later(world, DOWN_US.0, DOWN_US.1, End::Boot(id));
            }
            FaultKind::PowerCut => {
                self.cut_power(world, id);
                self.later(world, DOWN_US.0, DOWN_US.1, End::Boot(id));
            }
            FaultKind::BitFlip => return Ok(self.flip(world, id)),
            FaultKind::Pause => {
                if let Some(machine) = world.machines.get_mut(&id) {
                    machine.pause();
                }
                self.later(world, STOPPED_US.0, STOPPED_US.1, End::Resume(id));
            }
            _ => self.disturb(world, id, kind),
        }
        Ok(true)
    }

    fn disturb(&mut self, world: &mut World, id: NodeId, kind: FaultKind) {
        let Some(machine) = world.machines.get_mut(&id) else {
            return;
        };
        match kind {
            FaultKind::ClockRate => {
                // "About the right rate" is what docs/limits.md assumes.
                machine.rate_ppm = self.rng.range(995_000, 1_005_000);
                self.later(world, 1_000_000, 5_000_000, End::Rate(id));
            }
            FaultKind::WallJump => {
                let by = self.rng.range(0, 7_200_000);
                let by = i64::try_from(by).unwrap_or(0) - 3_600_000;
                machine.clock.jump_wall(by);
            }
            FaultKind::WriteError => {
                let fault = self
                    .rng
                    .pick(&[Fault::Refuse, Fault::RefuseOnce, Fault::PowerCut]);
                let after = self.rng.range(0, 5);
                machine
                    .disk
                    .backend()
                    .fail_after(after, fault.unwrap_or(Fault::Refuse));
                self.excused.push(id);
            }
            _ => {
                let slow = self.rng.range(20_000, 1_500_000);
                machine.disk.set_sync_us((slow / 2, slow));
                self.later(world, 200_000, 3_000_000, End::Sync(id));
            }
        }
    }

    /// Ends a process as SIGKILL does: what it wrote stays.
    pub(super) fn kill(&mut self, world: &mut World, id: NodeId) {
        if let Some(machine) = world.machines.get_mut(&id) {
            machine.disk.reboot(usize::MAX);
            world.net.kill(id);
            machine.kill();
            self.excused.retain(|excused| *excused != id);
        }
    }

    fn cut_power(&mut self, world: &mut World, id: NodeId) {
        if let Some(machine) = world.machines.get_mut(&id) {
            let unsynced = machine.disk.backend().unsynced_batches() as u64;
            let kept = self.rng.range(0, unsynced);
            machine.disk.reboot(usize::try_from(kept).unwrap_or(0));
            world.net.power_off(id);
            machine.kill();
            self.excused.retain(|excused| *excused != id);
            trace!(
                world.trace,
                "machine {id} kept {kept} of {unsynced} unsynced batches"
            );
        }
    }

    fn cut_all(&mut self, world: &mut World) -> bool {
        trace!(world.trace, "fault power-cut-all");
        let ids: Vec<_> = world.machines.keys().copied().collect();
        for id in ids {
            if world
                .machines
                .get(&id)
                .is_some_and(|machine| machine.is_up())
            {
                self.cut_power(world, id);
                self.later(world, DOWN_US.0, DOWN_US.1, End::Boot(id));
            }
        }
        true
    }

    /// A bit of what lies on the disk of a machine that is down.
    fn flip(&mut self, world: &mut World, id: NodeId) -> bool {
        let Some(machine) = world.machines.get(&id) else {
            return false;
        };
        let indexes: Vec<u64> = machine.disk.durable().log.keys().copied().collect();
        let (table, key) = match self.rng.pick(&indexes) {
            Some(index) if self.rng.percent(80) => (Table::Log, log_key(index).to_vec()),
            _ => (Table::Meta, KEY_VOTE.to_vec()),
        };
        let bit = usize::try_from(self.rng.below(100_000)).unwrap_or(0);
        self.kill(world, id);
        let Some(machine) = world.machines.get(&id) else {
            return false;
        };
        if !machine.disk.backend().flip_bit(table, &key, bit) {
            self.later(world, DOWN_US.0, DOWN_US.1, End::Boot(id));
            return false;
        }
        // It must refuse to start; then the bit is put right, as from a mirror.
        self.damaged.push(id);
        if let Err(error) = world.boot(id) {
            trace!(world.trace, "no runtime: {error}");
        }
        self.later(
            world,
            100_000,
            1_000_000,
            End::Repair(id, Flip { table, key, bit }),
        );
        true
    }

    pub(super) fn repair(
        &mut self,
        world: &mut World,
        id: NodeId,
        flip: &Flip,
    ) -> Result<(), Stop> {
        let Some(machine) = world.machines.get(&id) else {
            return Ok(());
        };
        self.damaged.retain(|damaged| *damaged != id);
        if machine.node().is_some() {
            return Err(Stop::broken(
                "damage-refused",
                format!(
                    "node {id} started although a bit of {} was flipped: {flip:?}",
                    flip.table.name()
                ),
            ));
        }
        self.kill(world, id);
        if let Some(machine) = world.machines.get_mut(&id) {
            machine
                .disk
                .backend()
                .flip_bit(flip.table, &flip.key, flip.bit);
            machine.disk.reread();
        }
        world.boot(id)?;
        Ok(())
    }

    /// Processes that exited are ended and started again, as a service manager does.
    pub(super) fn ended_processes(&mut self, world: &mut World) -> Result<(), Stop> {
        let over = world
            .machines
            .values()
            .filter_map(|m| Some((m.id, m.is_over()?)));
        for (id, why) in over.collect::<Vec<_>>() {
            if self.damaged.contains(&id) {
                continue;
            }
            trace!(world.trace, "process {id} exits: {why}");
            if !self.excused.contains(&id) {
                return Err(Stop::broken("unexpected-exit", format!("node {id}: {why}")));
            }
            self.kill(world, id);
            self.later(world, DOWN_US.0, DOWN_US.1, End::Boot(id));
        }
        Ok(())
    }
}
