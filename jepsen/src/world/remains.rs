//! Nodes that an earlier harness left behind.
//!
//! A run inside namespaces leaves nothing. One on loopback that was killed leaves its nodes: each
//! carries the process id of its harness in its environment.

use std::fs;

use rustix::process::Signal;

use super::node::{HARNESS, signal_process};

/// Kills the nodes of harnesses that are gone.
pub(crate) fn sweep() {
    let Ok(processes) = fs::read_dir("/proc") else {
        return;
    };
    let pids = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for pid in pids {
        if harness_of(pid).is_some_and(|harness| !is_alive(harness)) {
            // Gone already: what we want.
            let _ = signal_process(pid, Signal::KILL);
        }
    }
}

/// The harness that started a process.
fn harness_of(pid: u32) -> Option<u32> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let text = String::from_utf8_lossy(&environment);
    let mut words = text.split('\0').filter_map(|pair| pair.split_once('='));
    words.find(|(name, _)| *name == HARNESS)?.1.parse().ok()
}

fn is_alive(pid: u32) -> bool {
    fs::metadata(format!("/proc/{pid}")).is_ok()
}
