//! A whole run of one seed: founding, the phase with faults, the phase without, and the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use raft_types::NodeId;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::clients::{Clients, Doors};
use crate::disk::SimDisk;
use crate::invariants::{Broken, Invariants, Seen, View};
use crate::judge::judge;
use crate::machine::{Machine, address, still_runtime};
use crate::nemesis::Nemesis;
use crate::net::Net;
use crate::panics::Panics;
use crate::plan::Plan;
use crate::rng::Rng;
use crate::summary::Summary;
use crate::trace;
use crate::trace::Trace;

/// Time all machines are given between two looks at the network.
pub const TICK_US: u64 = 1000;
/// Time between two looks at the invariants.
const STEP_US: u64 = 10_000;
/// How long a cluster may take to be founded.
const FOUNDING_US: u64 = 20_000_000;
/// How long a healed cluster may take to have a leader and equal replicas.
pub const CONVERGENCE_US: u64 = 30_000_000;

/// After that every disk has what its node has.
const SETTLING_US: u64 = 500_000;

/// Why a run ended early.
#[derive(Debug)]
pub enum Stop {
    /// A promise does not hold.
    Broken(Broken),
    /// The simulation itself failed.
    Harness(String),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Stop {
        Stop::Harness(error.to_string())
    }
}

impl Stop {
    /// A promise about the run as a whole.
    pub fn broken(name: &'static str, what: String) -> Stop {
        Stop::Broken(Broken { name, what })
    }
}

/// The cluster and everything around it.
pub struct World {
    /// What the seed decided.
    pub plan: Plan,
    /// Between the machines.
    pub net: Net,
    /// All machines there have been.
    pub machines: BTreeMap<NodeId, Machine>,
    /// How clients reach nodes.
    pub doors: Doors,
    /// What happened.
    pub trace: Trace,
    /// Since the beginning.
    pub now_us: u64,
    invariants: Invariants,
    clients: Clients,
    /// The clients' own time.
    outside: Runtime,
    outside_origin: Instant,
    panics: Panics,
    last_seen: BTreeMap<NodeId, String>,
}

impl World {
    /// Machines without processes.
    ///
    /// # Errors
    /// When the operating system refuses a runtime.
    pub fn new(plan: Plan, trace: Trace, panics: Panics) -> std::io::Result<World> {
        let net = Net::new(Rng::of(plan.seed, "net"), trace.clone());
        net.set_quality(plan.latency_us, 0);
        let outside = still_runtime()?;
        let outside_origin = {
            let _inside = outside.enter();
            Instant::now()
        };
        let doors = Doors::default();
        let clients = Clients::new(doors.clone(), trace.clone(), outside_origin);
        let mut world = World {
            net,
            machines: BTreeMap::new(),
            doors,
            trace,
            now_us: 0,
            invariants: Invariants::default(),
            clients,
            outside,
            outside_origin,
            panics,
            last_seen: BTreeMap::new(),
            plan,
        };
        for id in 1..=world.plan.nodes {
            world.add_machine(id)?;
        }
        Ok(world)
    }

    /// A new machine, and a process on it.
    ///
    /// # Errors
    /// When the operating system refuses a runtime.
    pub fn add_machine(&mut self, id: NodeId) -> std::io::Result<()> {
        let mut rng = Rng::of(self.plan.seed, &format!("machine {id}"));
        let origin = rng.range(0, 10_000_000_000);
        let disk = SimDisk::new(self.plan.sync_us, rng);
        self.machines.insert(id, Machine::new(id, disk, origin));
        self.boot(id)
    }

    /// Starts the process of a machine that has none.
    ///
    /// # Errors
    /// When the operating system refuses a runtime.
    pub fn boot(&mut self, id: NodeId) -> std::io::Result<()> {
        let Some(machine) = self
            .machines
            .get_mut(&id)
            .filter(|machine| !machine.is_up())
        else {
            return Ok(());
        };
        trace!(self.trace, "boot {id}");
        machine.boot(&self.net, &self.plan.setup, self.plan.seed)
    }

    /// Everything moves on by one tick.
    ///
    /// # Errors
    /// A property that does not hold.
    pub fn tick(&mut self) -> Result<(), Stop> {
        self.now_us += TICK_US;
        self.trace.at(self.now_us);
        self.net.advance(self.now_us);
        let until = self.outside_origin + Duration::from_micros(self.now_us);
        self.outside
            .block_on(async { tokio::time::sleep_until(until).await });
        for machine in self.machines.values_mut() {
            machine.run(TICK_US);
        }
        self.open_doors();
        if let Some(panic) = self.panics.first() {
            return Err(Stop::broken("no-panic", panic));
        }
        if self.now_us.is_multiple_of(STEP_US) {
            self.look(false)?;
        }
        Ok(())
    }

    fn open_doors(&mut self) {
        for (id, machine) in &self.machines {
            let door = machine.node().zip(machine.handle());
            self.doors.set(*id, machine.boots, door);
        }
    }

    fn look(&mut self, is_settled: bool) -> Result<(), Stop> {
        let mut running = Vec::new();
        for (id, machine) in &self.machines {
            let (Some(node), Some(handle)) = (machine.node(), machine.handle()) else {
                continue;
            };
            let _inside = handle.enter();
            running.push(Seen {
                id: *id,
                boot: machine.boots,
                status: node.consensus_status(),
                state: node.state(),
                node,
            });
        }
        for seen in &running {
            let (leadership, log) = (seen.status.leadership, seen.status.log);
            let line = format!(
                "{:?} term {} leader {:?} voters {:?} zxid {} log {:?}",
                leadership.role,
                leadership.term,
                leadership.leader,
                seen.status.members.configs,
                seen.state.last_zxid(),
                (
                    log.purged,
                    log.snapshot,
                    log.applied,
                    log.committed,
                    log.last
                ),
            );
            if self.last_seen.get(&seen.id) != Some(&line) {
                trace!(self.trace, "node {} {line}", seen.id);
                self.last_seen.insert(seen.id, line);
            }
            self.clients.observe(seen, &leadership);
        }
        let view = View {
            running: &running,
            machines: &self.machines,
            is_settled,
        };
        self.invariants.check(&view).map_err(Stop::Broken)
    }

    /// The leader that the most nodes follow in the newest term.
    pub fn leader(&self) -> Option<NodeId> {
        let mut newest = None;
        for machine in self.machines.values() {
            let (Some(node), Some(handle)) = (machine.node(), machine.handle()) else {
                continue;
            };
            let _inside = handle.enter();
            let leadership = node.consensus_status().leadership;
            if leadership.is_leader() && Some(leadership.term) >= newest.map(|(term, _)| term) {
                newest = Some((leadership.term, machine.id));
            }
        }
        newest.map(|(_, id)| id)
    }

    /// The voters as the furthest node knows them.
    pub fn voters(&self) -> Vec<NodeId> {
        let nodes = self.machines.values().filter_map(|machine| {
            let (node, handle) = (machine.node()?, machine.handle()?);
            let _inside = handle.enter();
            let status = node.consensus_status();
            let at = status.members.log_id.map(|id| id.index);
            Some((at, status.members.voters))
        });
        let furthest = nodes.max_by_key(|(at, _)| *at);
        furthest.map_or(Vec::new(), |(_, voters)| voters.into_iter().collect())
    }

    fn until(
        &mut self,
        limit_us: u64,
        what: &'static str,
        done: impl Fn(&World) -> bool,
    ) -> Result<(), Stop> {
        let until = self.now_us + limit_us;
        while !done(self) {
            if self.now_us >= until {
                let seconds = limit_us / 1_000_000;
                let state: Vec<_> = self
                    .last_seen
                    .iter()
                    .map(|(id, line)| format!("{id}: {line}"))
                    .collect();
                return Err(Stop::broken(
                    "liveness",
                    format!(
                        "{what} did not come about within {seconds} s; {}",
                        state.join("; ")
                    ),
                ));
            }
            self.tick()?;
        }
        Ok(())
    }

    fn found(&mut self) -> Result<(), Stop> {
        self.until(FOUNDING_US, "the start of all nodes", |world| {
            world
                .machines
                .values()
                .all(|machine| machine.node().is_some())
        })?;
        let members: BTreeMap<_, _> = self.machines.keys().map(|id| (*id, address(*id))).collect();
        if let Some(machine) = self.machines.get(&1)
            && let (Some(node), Some(handle)) = (machine.node(), machine.handle())
        {
            handle.spawn(async move { node.found(members).await });
        }
        self.until(FOUNDING_US, "a first leader", |world| {
            world.leader().is_some()
        })
    }

    /// Runs the seed from beginning to end.
    ///
    /// # Errors
    /// A promise that does not hold, or why the simulation could not go on.
    pub fn run(&mut self, summary: &mut Summary) -> Result<(), Stop> {
        let ended = self.phases(summary);
        summary.simulated_us = self.now_us;
        summary.steps = self.invariants.steps;
        (summary.delivered, summary.held) = self.net.counts();
        (summary.trace_lines, summary.trace_hash) = self.trace.digest();
        summary.count_history(&self.clients.history(None));
        ended
    }

    fn phases(&mut self, summary: &mut Summary) -> Result<(), Stop> {
        self.found()?;
        self.clients.start(&self.outside, &self.plan);
        let mut nemesis = Nemesis::new(&self.plan);
        let end = self.now_us + self.plan.safety_us;
        let safety = self.safety(&mut nemesis, end);
        summary.faults = nemesis.counts();
        safety?;
        trace!(self.trace, "healing");
        nemesis.heal(self)?;
        self.clients.wind_down();
        self.until(CONVERGENCE_US, "the end of the clients", |world| {
            world.clients.are_done()
        })?;
        self.clients.finish(&self.outside);
        self.until(
            CONVERGENCE_US,
            "one last read and write of every key",
            |world| world.clients.are_done(),
        )?;
        self.until(
            CONVERGENCE_US,
            "equal replicas of all members",
            World::is_level,
        )?;
        let settled = self.now_us + SETTLING_US;
        while self.now_us < settled {
            self.tick()?;
        }
        self.look(true)?;
        for workload in self.plan.workloads.clone() {
            judge(workload, &self.clients.history(Some(workload)), summary)?;
        }
        Ok(())
    }

    fn safety(&mut self, nemesis: &mut Nemesis, end: u64) -> Result<(), Stop> {
        while self.now_us < end {
            self.tick()?;
            nemesis.step(self)?;
        }
        Ok(())
    }

    /// Whether all voters run, have applied the same, and agree on a leader.
    fn is_level(&self) -> bool {
        let mut positions = Vec::new();
        for id in self.voters() {
            let Some(machine) = self.machines.get(&id) else {
                return false;
            };
            let (Some(node), Some(handle)) = (machine.node(), machine.handle()) else {
                return false;
            };
            let _inside = handle.enter();
            let status = node.consensus_status();
            positions.push((
                status.log.applied,
                status.leadership.term,
                status.leadership.leader,
            ));
        }
        let first = positions.first().copied();
        first.is_some_and(|first| first.2.is_some())
            && positions.iter().all(|at| Some(*at) == first)
    }

    /// What the clients saw.
    pub fn history(&self) -> checker::History {
        self.clients.history(None)
    }
}
