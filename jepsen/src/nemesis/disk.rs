//! Disks: full, slow, forgetting what was not synced. All by the losing disk below a node's data.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::{Begun, Seen, Stage, process, targets};
use crate::losefs::Control;
use crate::world::{World, wait_for};

/// For the effect to be seen: under load a node writes all the time.
const BITE: Duration = Duration::from_secs(5);

fn control(world: &World, id: u64) -> Result<Control> {
    let disk = world.disk(id);
    disk.with_context(|| format!("node {id} has no losing disk: the plan asked for no disk fault"))
}

/// A counter of a node's disk.
fn count(world: &World, id: u64, name: &str) -> Option<u64> {
    let stat = control(world, id).ok()?.ask("stat").ok()?;
    let stat: serde_json::Value = serde_json::from_str(&stat).ok()?;
    stat.get(name)?.as_u64()
}

/// Something for the nodes to write, should no client be at work.
fn write_something(world: &World) {
    for id in world.running() {
        if let Ok(http) = world.http(id) {
            // Only its effect on the disks matters.
            let _ = http.send("PUT", "/v1/nodes/nemesis-probe", "\"x\"");
        }
    }
}

fn counter_moved(stage: &Stage, ids: &[u64], name: &str, before: &[u64]) -> bool {
    let moved = || {
        write_something(&stage.world);
        let now = ids
            .iter()
            .map(|&id| count(&stage.world, id, name).unwrap_or(0));
        now.zip(before)
            .any(|(now, &before)| now > before)
            .then_some(())
    };
    wait_for(BITE, moved).is_some()
}

/// `ENOSPC` for everything written, then room again. With the amount `kill` what still runs then is
/// killed first: what a node believed to be written and was not is lost.
pub(super) fn full(stage: &Stage) -> Result<Begun> {
    switched(stage, "full on", "full off", "refused")
}

/// Every fsync takes `ms`.
pub(super) fn slow(stage: &Stage) -> Result<Begun> {
    let ms = stage.amount("ms", 200).unsigned_abs();
    switched(stage, &format!("slow {ms}"), "slow 0", "slowed")
}

fn switched(stage: &Stage, on: &str, off: &'static str, counter: &'static str) -> Result<Begun> {
    let targets = stage.targets()?;
    let before: Vec<u64> = targets
        .iter()
        .map(|&id| count(&stage.world, id, counter).unwrap_or(0))
        .collect();
    for &id in &targets {
        // A node that ends rather than go on without its disk is right.
        stage.world.allow_end(id, true)?;
        control(&stage.world, id)?.ask(on)?;
    }
    let moved = counter_moved(stage, &targets, counter, &before);
    let seen = Seen::when(
        moved,
        format!("{on}: the counter '{counter}' moved: {moved}"),
    );
    let then = targets.clone();
    Ok(Begun::new(&targets, seen, move |stage| {
        let world = &stage.world;
        for &id in &then {
            if stage.amount("kill", 0) > 0 {
                world.kill(id)?;
            }
        }
        for &id in &then {
            control(world, id)?.ask(off)?;
        }
        let running = world.running();
        let fell: Vec<_> = then.iter().filter(|id| !running.contains(id)).collect();
        let words = format!("{off}; nodes that had ended: {fell:?}");
        process::bring_up(world, &then)?;
        for &id in &then {
            world.allow_end(id, false)?;
        }
        Ok(Seen::yes(words))
    }))
}

/// SIGKILL, and everything that was not synced is gone.
pub(super) fn lost_writes(stage: &Stage) -> Result<Begun> {
    lose(stage, "lose")
}

/// SIGKILL, and of what was not synced some 512-byte blocks are left.
pub(super) fn torn_tail(stage: &Stage) -> Result<Begun> {
    let seed = stage.lot.clone().below(u64::MAX);
    lose(stage, &format!("lose torn {seed}"))
}

fn lose(stage: &Stage, command: &str) -> Result<Begun> {
    let world = &stage.world;
    let targets = stage.targets()?;
    let mut words = Vec::new();
    for &id in &targets {
        control(world, id)?;
        // In this order: what a dying process still writes must be lost, too.
        world.kill(id)?;
    }
    for &id in &targets {
        let answer = control(world, id)?.ask(command)?;
        if answer.contains("error") {
            bail!("the disk of node {id} did not forget: {answer}");
        }
        words.push(format!("node {id}: {answer}"));
    }
    let lost = targets
        .iter()
        .all(|&id| count(world, id, "loses").is_some_and(|n| n > 0));
    let seen = Seen::when(lost, words.join("; "));
    let then = targets.clone();
    let began = Instant::now();
    Ok(Begun::new(&targets, seen, move |stage| {
        process::bring_up(&stage.world, &then)?;
        let away = began.elapsed();
        let leader = targets::leader(&stage.world);
        Ok(Seen::yes(format!(
            "ready again after {away:?}, leader {leader:?}"
        )))
    }))
}
