//! Clocks: the wall clock of a node jumps or runs at another rate (libfaketime, by a file that the
//! node's library looks at again every second), and a node starts in another monotonic epoch (a
//! time namespace). The monotonic clock of a running node cannot be bent: no kernel does it.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

use super::{Begun, Seen, Stage, process};
use crate::world::{World, wait_for};

/// End of a log that is read for its last date.
const TAIL_BYTES: u64 = 8192;
/// For a node to show another time: its library looks once a second.
const SHOWN: Duration = Duration::from_secs(5);
/// The right time, in other words than at the start: the library overlooks a return to those, and
/// without a rate it keeps the last one.
const RIGHT: &str = "+0 x1.0";
/// A clock within so many seconds of ours is right: dates are cut to whole seconds.
const RIGHT_SECONDS: i64 = 2;

/// Seconds that a node's wall clock is ahead of ours, by the line it logs when it takes a snapshot.
/// (The `Date` of an answer does not do: hyper keeps the last one when the clock goes back; nor does
/// the date of the snapshot: that is the file's.)
fn ahead(world: &World, id: u64) -> Option<i64> {
    world
        .http(id)
        .ok()?
        .send("POST", "/v1/snapshots", "")
        .ok()?;
    let mut log = std::fs::File::open(world.logs().remove(&id)?).ok()?;
    let length = log.metadata().ok()?.len();
    log.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))
        .ok()?;
    let mut tail = String::new();
    log.read_to_string(&mut tail).ok()?;
    let dates = tail
        .lines()
        .rev()
        .filter_map(|line| line.split_whitespace().next());
    let theirs: jiff::Timestamp = dates.filter_map(|date| date.parse().ok()).next()?;
    Some(theirs.as_second() - clock_gettime(ClockId::Realtime).tv_sec)
}

fn set(world: &World, id: u64, words: &str) -> Result<()> {
    let file: PathBuf = world.setup().clock_file(id);
    // Replaced in one step: the library may be reading it.
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{words}\n")).context("write a node's clock")?;
    std::fs::rename(&new, &file).context("set a node's clock")
}

fn set_right(targets: Vec<u64>) -> impl FnOnce(&Stage) -> Result<Seen> + Send + 'static {
    move |stage| {
        let world = &stage.world;
        targets.iter().try_for_each(|&id| set(world, id, RIGHT))?;
        let right = |&id: &u64| {
            let near = || ahead(world, id).filter(|off| off.abs() <= RIGHT_SECONDS);
            // A node that is down will start with the right time.
            world.pid(id).is_none() || wait_for(SHOWN, near).is_some()
        };
        let all = targets.iter().all(right);
        Ok(Seen::when(
            all,
            format!("the clocks of nodes {targets:?} are right again: {all}"),
        ))
    }
}

/// The wall clock jumps by `seconds`.
pub(super) fn jump(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let seconds = stage.amount("seconds", 60);
    for &id in &targets {
        set(&stage.world, id, &format!("{seconds:+}"))?;
    }
    let jumped = |&id: &u64| {
        wait_for(SHOWN, || {
            ahead(&stage.world, id).filter(|off| (off - seconds).abs() <= RIGHT_SECONDS)
        })
    };
    let shown: Vec<_> = targets.iter().map(jumped).collect();
    let all = shown.iter().all(Option::is_some);
    let words = format!("asked for {seconds:+} s, the nodes' logs are dated {shown:?} s off");
    Ok(Begun::new(
        &targets,
        Seen::when(all, words),
        set_right(targets.clone()),
    ))
}

/// The wall clock runs at `percent` of its rate. (The library counts from the node's start, so the
/// change of rate is a jump, too.)
pub(super) fn drift(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let percent = stage.amount("percent", 200).max(10);
    let rate = format!("+0 x{}.{:02}", percent / 100, percent % 100);
    for &id in &targets {
        set(&stage.world, id, &rate)?;
    }
    let first = *targets.first().context("a target")?;
    let before = wait_for(SHOWN, || ahead(&stage.world, first).filter(|off| *off != 0));
    let drifted = before.and_then(|before| {
        wait_for(SHOWN, || {
            ahead(&stage.world, first).filter(|now| (now - before).abs() >= RIGHT_SECONDS)
        })
    });
    let words = format!("rate {percent} %: node {first} went from {before:?} to {drifted:?} s off");
    let seen = Seen::when(drifted.is_some(), words);
    Ok(Begun::new(&targets, seen, set_right(targets.clone())))
}

/// Killed, and started with a monotonic clock `seconds` ahead of everybody's.
pub(super) fn epoch(stage: &Stage) -> Result<Begun> {
    let targets = stage.targets()?;
    let seconds = stage.amount("seconds", 100_000);
    for &id in &targets {
        stage.world.kill(id)?;
        stage
            .world
            .set_launch(id, |launch| launch.monotonic_offset = Some(seconds))?;
    }
    process::bring_up(&stage.world, &targets)?;
    let pids = process::pids(stage, &targets);
    let own = std::fs::read_link("/proc/self/ns/time").ok();
    let elsewhere = pids.iter().all(|pid| {
        let theirs = std::fs::read_link(format!("/proc/{pid}/ns/time")).ok();
        theirs.is_some() && theirs != own
    });
    let words = format!("monotonic clock {seconds:+} s, in another time namespace: {elsewhere}");
    let seen = Seen::when(elsewhere && !pids.is_empty(), words.clone());
    // It stays there: the next start goes into yet another epoch or the machine's.
    let then = targets.clone();
    Ok(Begun::new(&targets, seen, move |stage| {
        for &id in &then {
            stage
                .world
                .set_launch(id, |launch| launch.monotonic_offset = None)?;
        }
        Ok(Seen::yes(format!(
            "ready in it; the next start is in the machine's epoch; {words}"
        )))
    }))
}
