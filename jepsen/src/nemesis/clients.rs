//! Worker processes: the pause that makes locks unsafe is the client's.

use std::sync::PoisonError;

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use super::{Begun, Seen, Stage};
use crate::world::{PROBE, process_state, signal_process, wait_for};

/// One worker process that is there, by lot.
fn worker(stage: &Stage) -> Result<u32> {
    let mut pids = stage
        .clients
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    pids.retain(|&pid| is_alive(pid));
    let pid = stage.lot.clone().pick(&pids).copied();
    pid.context("there is no worker process to hit")
}

fn is_alive(pid: u32) -> bool {
    // A killed one stays as Z until whoever started it has asked how it ended.
    process_state(pid).is_some_and(|state| state != 'Z')
}

/// SIGSTOP, and SIGCONT at the end.
pub(super) fn pause(stage: &Stage) -> Result<Begun> {
    let pid = worker(stage)?;
    signal_process(pid, Signal::STOP)?;
    let stopped = wait_for(PROBE, || process_state(pid).filter(|&state| state == 'T')).is_some();
    let seen = Seen::when(
        stopped,
        format!("worker process {pid} in state T: {stopped}"),
    );
    Ok(Begun::new(&[], seen, move |_| {
        signal_process(pid, Signal::CONT)?;
        let going = || process_state(pid).filter(|&state| state != 'T');
        let going = wait_for(PROBE, going).is_some();
        Ok(Seen::when(
            going,
            format!("worker process {pid} goes on: {going}"),
        ))
    }))
}

/// SIGKILL: what it had begun is unknown for ever.
pub(super) fn kill(stage: &Stage) -> Result<Begun> {
    let pid = worker(stage)?;
    signal_process(pid, Signal::KILL)?;
    let gone = wait_for(PROBE, || (!is_alive(pid)).then_some(())).is_some();
    let seen = Seen::when(gone, format!("worker process {pid} is gone: {gone}"));
    let then = seen.clone();
    Ok(Begun::new(&[], seen, move |_| Ok(then)))
}
