//! Processes: killed, asked to stop, stalled, started again.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Begun, Seen, Stage};
use crate::world::{World, process_state, wait_for};

/// For a process that goes on to be seen going on.
const RESUME: Duration = Duration::from_secs(3);

/// Starts those that do not run, lets stopped ones go on, and waits until all are ready.
pub(crate) fn bring_up(world: &World, nodes: &[u64]) -> Result<()> {
    let members: Vec<u64> = nodes
        .iter()
        .copied()
        .filter(|&id| !world.is_retired(id))
        .collect();
    for &id in &members {
        let running = world.running().contains(&id);
        if running {
            world.resume(id)?;
            continue;
        }
        super::corrupt::repair(world, id)?;
        if let Err(error) = world.start_node(id) {
            // Another fault's end may have started it at the same moment.
            world.pid(id).map(drop).ok_or(error)?;
        }
    }
    members.iter().try_for_each(|&id| world.wait_ready(id))
}

fn up_again(targets: Vec<u64>) -> impl FnOnce(&Stage) -> Result<Seen> + Send + 'static {
    move |stage| {
        bring_up(&stage.world, &targets)?;
        let pids: Vec<_> = targets
            .iter()
            .filter_map(|&id| stage.world.pid(id))
            .collect();
        Ok(Seen::yes(format!("ready again as processes {pids:?}")))
    }
}

fn gone(pids: &[u32]) -> Seen {
    let left: Vec<_> = pids
        .iter()
        .filter(|&&pid| process_state(pid).is_some())
        .collect();
    Seen::when(
        left.is_empty() && !pids.is_empty(),
        format!("processes {pids:?} ended, still there: {left:?}"),
    )
}

/// Process ids of the targets, for evidence.
pub(crate) fn pids(stage: &Stage, targets: &[u64]) -> Vec<u32> {
    targets
        .iter()
        .filter_map(|&id| stage.world.pid(id))
        .collect()
}

/// SIGKILL, all targets as close together as can be.
pub(super) fn kill(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let pids = pids(stage, &targets);
    for &id in &targets {
        stage.world.kill(id)?;
    }
    let end = up_again(targets.clone());
    Ok(Begun::new(&targets, gone(&pids), end))
}

/// SIGTERM: the orderly way.
pub(super) fn term(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let pids = pids(stage, &targets);
    for &id in &targets {
        stage.world.terminate(id)?;
    }
    let end = up_again(targets.clone());
    Ok(Begun::new(&targets, gone(&pids), end))
}

/// SIGSTOP, and SIGCONT at the end.
pub(super) fn pause(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    for &id in &targets {
        stage.world.pause(id)?;
    }
    let pids = pids(stage, &targets);
    let stopped = pids.iter().all(|&pid| process_state(pid) == Some('T'));
    let seen = Seen::when(stopped, format!("processes {pids:?} in state T: {stopped}"));
    let targets_then = targets.clone();
    Ok(Begun::new(&targets, seen, move |stage| {
        for &id in &targets_then {
            // Killed meanwhile by another fault: that one starts it again.
            if stage.world.pid(id).is_some() {
                stage.world.resume(id)?;
            }
        }
        let going = wait_for(RESUME, || {
            let stopped = |&pid: &u32| process_state(pid) == Some('T');
            (!pids.iter().any(stopped)).then_some(())
        });
        going.context("a process did not go on after SIGCONT")?;
        Ok(Seen::yes(format!("processes {pids:?} go on")))
    }))
}

/// SIGTERM and start, one node after the other, each ready before the next.
pub(super) fn restart_all(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let before = pids(stage, &targets);
    for &id in &targets {
        stage.world.terminate(id)?;
        bring_up(&stage.world, &[id])?;
    }
    let after = pids(stage, &targets);
    let all_new = before.iter().all(|pid| !after.contains(pid));
    let words = format!("processes {before:?} became {after:?}");
    let seen = Seen::when(all_new, words.clone());
    Ok(Begun::new(&targets, seen, move |_| {
        Ok(Seen::when(all_new, words))
    }))
}
