//! The program as a process.

use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::within;

/// Names a binary to test instead of the one built beside the tests.
const BINARY_VARIABLE: &str = "HOLDFAST_TEST_BINARY";
/// For a killed process to be gone.
const REAP: std::time::Duration = std::time::Duration::from_secs(30);

/// The program under test: built by the same `cargo test --workspace`, beside this test binary.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os(BINARY_VARIABLE) {
        return PathBuf::from(path);
    }
    let own = std::env::current_exe().expect("the path of this test");
    let profile = own
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps/<test>");
    let binary = profile.join("holdfast");
    assert!(
        binary.is_file(),
        "{} is missing: run the tests of the whole workspace (`make test`), or `cargo build -p \
         holdfast` first",
        binary.display()
    );
    binary
}

/// A command with a clean environment: what the person running the tests has set must not matter.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HOLDFAST_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").env("RUST_BACKTRACE", "1");
    command
}

/// A running node; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts `holdfast` with these arguments, its standard error appended to `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(arguments: &[String], log: &Path) -> Process {
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("open the log");
        let child = command()
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("start holdfast");
        Process { child }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        // It may have ended by itself; whoever needs to know waits for it.
        let _ = kill_process(pid, signal);
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("ask for the state of a child")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        within(REAP, "the node's process to end", || self.ended())
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let status = self.wait();
        debug_assert!(status.signal().is_some() || status.code().is_some());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A stopped process takes SIGKILL too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
