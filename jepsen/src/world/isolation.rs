//! A run in namespaces of its own, so that it cannot touch the network, the mounts or the processes
//! of the machine, and so that the kernel removes all of it when the run dies, however it dies.
//!
//! `hf-jepsen run` starts itself again under `unshare` with fresh network, mount and process
//! namespaces. The first process of a process namespace takes all others with it when it ends;
//! with them go the network namespaces and the mounts. Nothing is left for the next run to sweep.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::tools;

/// Set for the run inside.
const MARKER: &str = "HF_JEPSEN_INSIDE";
/// For a run that was interrupted to heal, to read once more, and to judge what it has.
const GRACE: Duration = Duration::from_secs(150);

/// Where this process is.
#[derive(Debug)]
pub enum Isolation {
    /// Inside: go on.
    Inside,
    /// The run inside has ended with this exit code: end with it.
    Ended(u8),
    /// It cannot be had here, and why: go on with loopback.
    Impossible(String),
}

/// Whether this process is the one inside.
#[must_use]
pub fn is_inside() -> bool {
    std::env::var_os(MARKER).is_some()
}

/// Runs this program again with `arguments`, inside, and waits for it; at once when inside already.
///
/// # Errors
/// When the run inside could not be started or waited for.
pub fn isolate(arguments: &[OsString]) -> Result<Isolation> {
    if is_inside() {
        return Ok(Isolation::Inside);
    }
    if let Some(why) = why_impossible() {
        return Ok(Isolation::Impossible(why));
    }
    let interrupted = on_interrupt()?;
    let child = start_inside(arguments)?;
    wait_inside(child, &interrupted).map(Isolation::Ended)
}

/// A flag that SIGINT and SIGTERM set from now on instead of ending the process.
///
/// # Errors
/// When the signals cannot be caught.
pub fn on_interrupt() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&flag)).context("catch signals")?;
    }
    Ok(flag)
}

/// The first thing that is missing, in words.
fn why_impossible() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("not root".to_owned());
    }
    for program in ["unshare", "nsenter", "ip", "nft", "mount"] {
        if !tools::is_there(program) {
            return Some(format!("the program {program} is missing"));
        }
    }
    let probe = [
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "true",
    ];
    let probed = tools::run("unshare", &probe);
    probed.err().map(|error| format!("no namespaces: {error}"))
}

fn start_inside(arguments: &[OsString]) -> Result<Child> {
    let program = std::env::current_exe().context("find the path of this program")?;
    // Should this process be killed, the run inside dies with it.
    let mut words = Vec::new();
    if tools::is_there("setpriv") {
        words.extend(["setpriv", "--pdeathsig", "KILL"]);
    }
    words.extend([
        "unshare",
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
    ]);
    words.extend(["--mount-proc", "--"]);
    let (first, rest) = words.split_first().context("a command")?;
    Command::new(first)
        .args(rest)
        .arg(program)
        .args(arguments)
        .env(MARKER, std::process::id().to_string())
        // Ctrl-C is for this process, not for the nodes and the clients.
        .process_group(0)
        .spawn()
        .context("start the run in namespaces of its own")
}

fn wait_inside(mut child: Child, interrupted: &AtomicBool) -> Result<u8> {
    let mut kill_at = None;
    loop {
        if let Some(status) = child.try_wait().context("wait for the run inside")? {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            let signal = || status.signal().and_then(|n| u8::try_from(n).ok());
            return Ok(code.unwrap_or_else(|| 128 | signal().unwrap_or_default()));
        }
        if interrupted.swap(false, Ordering::Relaxed) {
            // Whoever asks twice does not want to wait.
            let patience = if kill_at.is_none() {
                GRACE
            } else {
                Duration::ZERO
            };
            kill_at = Some(Instant::now() + patience);
            signal_children(child.id(), Signal::TERM);
        }
        if kill_at.is_some_and(|at| Instant::now() >= at) {
            // Ended already: the next look sees it.
            let _ = child.kill();
        }
        std::thread::sleep(tools::POLL);
    }
}

/// `unshare` itself ignores signals while it waits: tell the run inside.
fn signal_children(pid: u32, signal: Signal) {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    for child in children.unwrap_or_default().split_whitespace() {
        if let Some(pid) = child.parse().ok().and_then(Pid::from_raw) {
            // It may have ended meanwhile.
            let _ = kill_process(pid, signal);
        }
    }
}
