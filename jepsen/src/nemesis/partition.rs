//! Cuts: packets vanish where they arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::{Begun, Seen, Stage, programs, sleep_until, targets};
use crate::world::network::{Network, Place, Ports, Rule, cut};
use crate::world::{World, wait_for};

/// For the packets of a cut to be met.
const BITE: Duration = Duration::from_secs(2);
/// For a healed link to carry a connection.
const HEAL: Duration = Duration::from_secs(5);
/// Most changes of a flapping link.
const FLAPS_MAX: u32 = 200;

/// The network, or why there is none.
pub(super) fn network(world: &World) -> Result<&Network> {
    world
        .network()
        .context("the nodes share loopback: packets between them cannot be told apart")
}

fn nodes(ids: &[u64]) -> Vec<Place> {
    ids.iter().map(|&id| Place::Node(id)).collect()
}

/// All voters besides these.
pub(super) fn others(world: &World, ids: &[u64]) -> Vec<u64> {
    let mut others = targets::voters(world);
    others.retain(|id| !ids.contains(id));
    others
}

/// Any kind of partition.
pub(super) fn begin(stage: &Stage, kind: &str) -> Result<Begun> {
    let world = &stage.world;
    let targets = stage.targets()?;
    let (hit, there) = (nodes(&targets), nodes(&others(world, &targets)));
    let rules = match kind {
        "partition-leader" => cut(&hit, &there),
        "partition-halves" => return halves(stage),
        "partition-majority-ring" => ring(stage, &targets::voters(world)),
        "partition-bridge" => bridge(stage, &targets, &others(world, &targets)),
        "partition-one-way-in" => one_way(&there, &hit),
        "partition-one-way-out" => one_way(&hit, &there),
        "partition-clients" => cut(&hit, &[Place::Clients]),
        "partition-peers" => peers(cut(&hit, &there)),
        other => bail!("there is no partition {other}"),
    };
    in_force(stage, &targets, rules)
}

fn one_way(from: &[Place], to: &[Place]) -> Vec<Rule> {
    let rules = from
        .iter()
        .flat_map(|&a| to.iter().map(move |&b| Rule::drop(a, b)));
    rules.collect()
}

fn peers(mut rules: Vec<Rule>) -> Vec<Rule> {
    for rule in &mut rules {
        rule.ports = Ports::Peer;
    }
    rules
}

/// Two sides; the leader on the smaller or on the larger one, by lot.
fn halves(stage: &Stage) -> Result<Begun> {
    let mut voters = targets::voters(&stage.world);
    stage.lot.clone().shuffle(&mut voters);
    let (small, large) = voters.split_at(voters.len() / 2);
    if small.is_empty() {
        bail!("one node has no halves");
    }
    in_force(stage, small, cut(&nodes(small), &nodes(large)))
}

/// Every node sees a majority, and no two see the same one: each is cut from those opposite of it.
fn ring(stage: &Stage, voters: &[u64]) -> Vec<Rule> {
    let mut order = voters.to_vec();
    stage.lot.clone().shuffle(&mut order);
    let count = order.len();
    // Neighbours that each keeps on either side: with itself a majority. Of three, one link goes.
    let reach = (count / 2).div_ceil(2);
    let mut rules = Vec::new();
    for (i, &a) in order.iter().enumerate() {
        for (j, &b) in order.iter().enumerate().skip(i + 1) {
            let apart = (j - i).min(count - (j - i));
            if apart > reach || (count == 3 && (i, j) == (0, 2)) {
                rules.extend(cut(&nodes(&[a]), &nodes(&[b])));
            }
        }
    }
    rules
}

/// Two halves that do not see each other, and one node that sees both.
fn bridge(stage: &Stage, middle: &[u64], rest: &[u64]) -> Vec<Rule> {
    let mut rest = rest.to_vec();
    rest.retain(|id| !middle.contains(id));
    stage.lot.clone().shuffle(&mut rest);
    let (left, right) = rest.split_at(rest.len() / 2);
    cut(&nodes(left), &nodes(right))
}

/// Puts rules in force, and sees that they bite.
fn in_force(stage: &Stage, targets: &[u64], rules: Vec<Rule>) -> Result<Begun> {
    let Some(&first) = rules.first() else {
        bail!("too few nodes for {}", stage.fault.kind);
    };
    let network = network(&stage.world)?;
    network.hurt(&stage.name, &rules)?;
    let through = probe(&stage.world, first);
    let hits = wait_for(BITE, || {
        network.hits(&stage.name).ok().filter(|&hits| hits > 0)
    });
    let blocked = !matches!(through.as_deref(), Ok("connected"));
    let seen = Seen::when(
        hits.is_some() && blocked,
        format!(
            "{} links cut; a connection through one: {}; packets met: {}",
            rules.len(),
            through.unwrap_or_else(|error| format!("{error:#}")),
            hits.unwrap_or(0)
        ),
    );
    Ok(Begun::new(targets, seen, move |stage| {
        let network = self::network(&stage.world)?;
        let hits = network.hits(&stage.name)?;
        network.heal(&stage.name)?;
        Ok(healed(&stage.world, first, hits))
    }))
}

fn healed(world: &World, rule: Rule, hits: u64) -> Seen {
    let far = match rule.to {
        Place::Node(id) => Some(id),
        Place::Clients => match rule.from {
            Place::Node(id) => Some(id),
            Place::Clients => None,
        },
    };
    if far.is_some_and(|id| world.pid(id).is_none()) {
        // Another fault has its process: the rules are gone, no more can be seen.
        return Seen::yes(format!(
            "the rules are gone after {hits} packets; its far end is down"
        ));
    }
    let through = wait_for(HEAL, || {
        probe(world, rule).ok().filter(|word| word == "connected")
    });
    Seen::when(
        through.is_some(),
        format!("{hits} packets met; the link carries again"),
    )
}

/// Tries a connection over a link: `connected`, `refused`, `timeout`.
fn probe(world: &World, rule: Rule) -> Result<String> {
    let (from, to) = match (rule.from, rule.to) {
        (Place::Node(from), Place::Node(to)) => (Some(from), to),
        (Place::Clients, Place::Node(to)) | (Place::Node(to), Place::Clients) => (None, to),
        (Place::Clients, Place::Clients) => bail!("clients have no link to themselves"),
    };
    programs::probe_from(world, from, to)
}

/// A node is cut off and let back, again and again, faster than an election.
pub(super) fn flapping(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let rules = cut(&nodes(&targets), &nodes(&others(&stage.world, &targets)));
    let first = *rules.first().context("too few nodes")?;
    network(&stage.world)?.hurt(&stage.name, &rules)?;
    let blocked = probe(&stage.world, first).unwrap_or_else(|error| format!("{error:#}"));
    let stop = Arc::new(AtomicBool::new(false));
    let (inner, stop_inner) = (stage.clone(), Arc::clone(&stop));
    let flapper = std::thread::spawn(move || flap(&inner, &rules, &stop_inner));
    let seen = Seen::when(
        blocked != "connected",
        format!("a connection while cut: {blocked}"),
    );
    Ok(Begun::new(&targets, seen, move |stage| {
        stop.store(true, Ordering::Relaxed);
        let flaps = flapper
            .join()
            .ok()
            .context("the thread that flaps ended badly")??;
        network(&stage.world)?.heal(&stage.name)?;
        let seen = healed(&stage.world, first, 0);
        let evidence = format!("{flaps} times cut and let back; {}", seen.evidence);
        Ok(Seen::when(seen.observed && flaps > 0, evidence))
    }))
}

fn flap(stage: &Stage, rules: &[Rule], stop: &AtomicBool) -> Result<u32> {
    let network = network(&stage.world)?;
    let mut lot = stage.lot.clone();
    let mut flaps = 0;
    while flaps < FLAPS_MAX {
        let wait = |lot: &mut super::Lot| Duration::from_millis(lot.between(100, 700));
        if !sleep_until(Instant::now() + wait(&mut lot), stop) {
            break;
        }
        network.heal(&stage.name)?;
        flaps += 1;
        if !sleep_until(Instant::now() + wait(&mut lot), stop) {
            break;
        }
        network.hurt(&stage.name, rules)?;
    }
    Ok(flaps)
}
