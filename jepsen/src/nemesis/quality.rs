//! A bad network: packets lost, late, or lost when they are long; connections reset.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::lot::Lot;
use super::partition::{network, others};
use super::{Begun, Seen, Stage};
use crate::world::network::{self, Action, Place, Ports, Rule};
use crate::world::wait_for;

/// For the effect to be seen.
const BITE: Duration = Duration::from_secs(3);
/// Packets that wait at once in one node's queue; more are dropped, as a router would.
const HELD_MAX: usize = 20_000;
/// Number of the queue of packets, in each node's own namespace.
const QUEUE: u16 = 7;
/// Between two looks at the queue of packets.
const TURN: Duration = Duration::from_micros(500);
/// Length of a request that does not pass where long packets vanish.
const LONG_BYTES: usize = 1200;

fn rule(from: Place, to: Place, action: Action) -> Rule {
    let ports = Ports::Any;
    Rule {
        from,
        to,
        ports,
        action,
    }
}

/// Everything that arrives at the targets, or leaves them for others or clients.
fn around(stage: &Stage, targets: &[u64], action: Action) -> Vec<Rule> {
    let mut far: Vec<Place> = others(&stage.world, targets)
        .into_iter()
        .map(Place::Node)
        .collect();
    far.push(Place::Clients);
    let mut rules = Vec::new();
    for (index, &id) in targets.iter().enumerate() {
        let near = Place::Node(id);
        let earlier = targets.iter().take(index).map(|&id| Place::Node(id));
        for other in far.iter().copied().chain(earlier) {
            rules.extend([rule(other, near, action), rule(near, other, action)]);
        }
    }
    rules
}

/// Ends by taking the rules away, and tells how many packets were met.
fn heal(stage: &Stage, left: &[u64]) -> Result<Seen> {
    let network = network(&stage.world)?;
    let hits = network.hits(&stage.name)?;
    network.heal(&stage.name)?;
    let answers = |&id: &u64| {
        let get = || stage.world.http_as_client(id).ok()?.get("/livez").ok();
        stage.world.pid(id).is_none() || wait_for(BITE, get).is_some()
    };
    let answered = left.iter().all(answers);
    Ok(Seen::when(
        answered && hits > 0,
        format!("{hits} packets were met; the targets answer clients again: {answered}"),
    ))
}

fn wait_hits(stage: &Stage) -> Result<u64> {
    let network = network(&stage.world)?;
    let hits = wait_for(BITE, || {
        network.hits(&stage.name).ok().filter(|&hits| hits > 0)
    });
    Ok(hits.unwrap_or(0))
}

/// Packets are lost at random, in both directions.
pub(super) fn loss(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let percent = u8::try_from(stage.amount("percent", 20).clamp(1, 99)).unwrap_or(20);
    let rules = around(stage, &targets, Action::Lose(percent));
    network(&stage.world)?.hurt(&stage.name, &rules)?;
    let hits = wait_hits(stage)?;
    let seen = Seen::when(
        hits > 0,
        format!("{percent} % of packets lost, {hits} so far"),
    );
    let left = targets.clone();
    Ok(Begun::new(&targets, seen, move |stage| heal(stage, &left)))
}

/// Packets longer than heartbeats vanish: who only sends heartbeats notices nothing.
pub(super) fn big_packets(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let rules = around(stage, &targets, Action::DropLonger(600));
    network(&stage.world)?.hurt(&stage.name, &rules)?;
    let id = *targets.first().context("a target")?;
    let http = stage.world.http_as_client(id)?;
    let short = http.get("/livez").is_ok();
    let long = http
        .get(&format!("/livez?{}", "x".repeat(LONG_BYTES)))
        .is_ok();
    let words = format!("node {id} answers a short request: {short}, a long one: {long}");
    let left = targets.clone();
    Ok(Begun::new(
        &targets,
        Seen::when(!long, words),
        move |stage| heal(stage, &left),
    ))
}

/// Every packet to the targets is answered with a reset.
pub(super) fn reset(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    // Only what arrives at a target: the reset goes back to who sent it.
    let mut rules = around(stage, &targets, Action::Reset);
    rules.retain(|rule| matches!(rule.to, Place::Node(id) if targets.contains(&id)));
    network(&stage.world)?.hurt(&stage.name, &rules)?;
    let id = *targets.first().context("a target")?;
    let http = stage.world.http_as_client(id)?;
    let asked = Instant::now();
    let refused = http.connect().is_err() && asked.elapsed() < http.timeout / 2;
    let words = format!("a connection to node {id} is reset at once: {refused}");
    let left = targets.clone();
    Ok(Begun::new(
        &targets,
        Seen::when(refused, words),
        move |stage| heal(stage, &left),
    ))
}

/// Packets arrive late, and out of order.
pub(super) fn delay(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let ms = stage.amount("ms", 30).unsigned_abs();
    let jitter = stage.amount("jitter", 20).unsigned_abs();
    let mut holders = Holders::default();
    for &id in &targets {
        holders.start(stage, id, ms, jitter)?;
    }
    // Only what arrives at a node is held: there the queue is.
    let mut rules = around(stage, &targets, Action::Queue(QUEUE));
    rules.retain(|rule| matches!(rule.to, Place::Node(id) if targets.contains(&id)));
    network(&stage.world)?.hurt(&stage.name, &rules)?;
    let id = *targets.first().context("a target")?;
    let http = stage.world.http_as_client(id)?;
    let slow = wait_for(BITE, || {
        let asked = Instant::now();
        // However it ends, it took that long.
        let _ = http.connect();
        Some(asked.elapsed()).filter(|took| *took >= Duration::from_millis(ms))
    });
    let words = format!(
        "{ms} to {} ms late; a connection to node {id} took {slow:?}",
        ms + jitter
    );
    let left = targets.clone();
    Ok(Begun::new(
        &targets,
        Seen::when(slow.is_some(), words),
        move |stage| {
            let seen = heal(stage, &left);
            drop(holders);
            seen
        },
    ))
}

/// The processes that hold packets, one in each node's network; gone when dropped.
#[derive(Default)]
struct Holders(Vec<Child>);

impl Holders {
    fn start(&mut self, stage: &Stage, node: u64, ms: u64, jitter: u64) -> Result<()> {
        let prefix = network::prefix(node);
        let (program, arguments) = prefix.split_first().context("a command")?;
        let seed = stage.lot.clone().below(u64::MAX);
        let child = Command::new(program)
            .args(arguments)
            .arg(&stage.world.setup().harness)
            .arg("delay")
            .arg(format!("--queue={QUEUE}"))
            .arg(format!("--ms={ms}"))
            .arg(format!("--jitter={jitter}"))
            .arg(format!("--seed={seed}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("start the process that holds packets")?;
        self.0.push(child);
        Ok(())
    }
}

impl Drop for Holders {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Ended by itself: then there is nothing to end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Work of the process that holds packets. When it ends, packets pass.
///
/// # Errors
/// What the system refused.
pub(super) fn hold_packets(queue: u16, ms: u64, jitter: u64, seed: u64) -> Result<()> {
    let mut packets = nfq::Queue::open().context("open the queue of packets")?;
    packets.bind(queue).context("bind the queue of packets")?;
    packets
        .set_queue_max_len(queue, 4096)
        .context("set the length of the queue")?;
    packets.set_nonblocking(true);
    let mut held: BinaryHeap<Reverse<(Instant, u64)>> = BinaryHeap::new();
    let mut messages = std::collections::BTreeMap::new();
    let (mut lot, mut number) = (Lot::new(seed, "delay"), 0u64);
    loop {
        while held.len() < HELD_MAX {
            let Ok(message) = packets.recv() else {
                break;
            };
            let late = Duration::from_millis(ms) + Duration::from_micros(lot.below(jitter * 1000));
            held.push(Reverse((Instant::now() + late, number)));
            messages.insert(number, message);
            number += 1;
        }
        while held
            .peek()
            .is_some_and(|Reverse((due, _))| *due <= Instant::now())
        {
            let Some(Reverse((_, due))) = held.pop() else {
                break;
            };
            if let Some(mut message) = messages.remove(&due) {
                message.set_verdict(nfq::Verdict::Accept);
                packets.verdict(message).context("let a packet go on")?;
            }
        }
        std::thread::sleep(TURN);
    }
}
