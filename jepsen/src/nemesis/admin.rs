//! What an operator may do at any time: hand leadership over, take snapshots.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{Begun, Seen, Stage, sleep_until, targets};
use crate::world::wait_for;

/// For a new leader to show.
const NEW_LEADER: Duration = Duration::from_secs(5);
/// Between two rounds of snapshots.
const ROUND: Duration = Duration::from_millis(50);
/// Most rounds of a storm.
const ROUNDS_MAX: u32 = 1000;

/// Leadership is handed to whoever is most up to date.
pub(super) fn leader_transfer(stage: &Stage) -> Result<Begun> {
    let world = &stage.world;
    let targets = stage.targets()?;
    let old = *targets.first().context("a leader")?;
    let term = targets::view(world, old).and_then(|view| view.term);
    let answer = world.http(old)?.send("POST", "/v1/cluster/leader", "{}")?;
    let new = wait_for(NEW_LEADER, || {
        let leader = targets::leader(world)?;
        let now = targets::view(world, leader)?.term;
        (leader != old && now > term).then_some((leader, now))
    });
    let words = format!(
        "node {old} led term {term:?}; answer {}; then {new:?}",
        answer.status
    );
    let seen = Seen::when(new.is_some(), words.clone());
    let ok = new.is_some();
    Ok(Begun::new(&targets, seen, move |_| {
        Ok(Seen::when(ok, words))
    }))
}

/// All nodes take snapshots as fast as they can, and drop the log below them.
pub(super) fn snapshot_storm(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (inner, inner_stop) = (stage.clone(), Arc::clone(&stop));
    let nodes = targets.clone();
    let first = take_snapshots(stage, &targets);
    let storm = std::thread::spawn(move || {
        let mut taken = 0;
        for _ in 0..ROUNDS_MAX {
            taken += take_snapshots(&inner, &nodes);
            if !sleep_until(Instant::now() + ROUND, &inner_stop) {
                break;
            }
        }
        taken
    });
    let seen = Seen::when(
        first > 0,
        format!("{first} nodes took a snapshot in the first round"),
    );
    Ok(Begun::new(&targets, seen, move |_| {
        stop.store(true, Ordering::Relaxed);
        let taken = storm
            .join()
            .ok()
            .context("the thread of the storm ended badly")?;
        Ok(Seen::when(
            first + taken > 0,
            format!("{} snapshots taken", first + taken),
        ))
    }))
}

fn take_snapshots(stage: &Stage, nodes: &[u64]) -> u64 {
    let take = |&&id: &&u64| {
        let http = stage.world.http(id).ok()?;
        http.send("POST", "/v1/snapshots", "")
            .ok()
            .filter(|answer| answer.status == 201)
    };
    let taken = nodes.iter().filter(|id| take(id).is_some()).count();
    u64::try_from(taken).unwrap_or_default()
}
