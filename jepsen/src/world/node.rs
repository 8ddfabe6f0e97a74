//! One node: where it is, what it is started with, and its process while it runs.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::{network, tools};

/// For a killed process to be gone.
const REAP: Duration = Duration::from_secs(20);
/// Names the harness in the environment of its nodes, so that those of a dead one are found.
pub(crate) const HARNESS: &str = "HF_JEPSEN_HARNESS";

/// How the process of a node is started, besides its settings.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Environment, like a mutant's name or a library that fakes the clock.
    pub environment: Vec<(String, String)>,
    /// Seconds that its monotonic clock is away from the machine's: it boots in another epoch.
    pub monotonic_offset: Option<i64>,
}

/// Where a node listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) api: SocketAddr,
    pub(crate) peer: SocketAddr,
    pub(crate) zookeeper: SocketAddr,
}

/// A node that ended although nobody asked it to.
#[derive(Clone, Debug)]
pub struct NodeEnd {
    /// Which.
    pub node: u64,
    /// Process id it had.
    pub pid: u32,
    /// Exit code or signal, in words.
    pub how: String,
    /// When it was noticed: nanoseconds of `CLOCK_MONOTONIC`.
    pub time: u64,
    /// Whether a fault in force makes it right to end (no disk, a damaged file).
    pub expected: bool,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) at: Addresses,
    pub(crate) data_dir: PathBuf,
    pub(crate) log: PathBuf,
    /// How it enters a cluster when its directory is empty.
    pub(crate) entry: Vec<String>,
    pub(crate) launch: Launch,
    /// Whether it has a namespace of its own.
    pub(crate) isolated: bool,
    /// A fault in force makes it right for it to end.
    pub(crate) may_end: bool,
    /// Gone for ever: no member any more.
    pub(crate) retired: bool,
    pub(crate) process: Option<Child>,
}

impl Node {
    /// Starts the process.
    pub(crate) fn start(&mut self, binary: &Path, settings: &[String]) -> Result<()> {
        if let Some(process) = &self.process {
            bail!("node {} runs already, as process {}", self.id, process.id());
        }
        let mut words = self.words_before();
        words.push(binary.display().to_string());
        words.extend(self.arguments(settings));
        let (program, arguments) = words.split_first().context("a command")?;
        let (out, err) = (self.open_log("stdout")?, self.open_log("log")?);
        let mut command = Command::new(program);
        command.args(arguments).process_group(0);
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        // What the person who runs this has set must not matter.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HOLDFAST_") {
                command.env_remove(name);
            }
        }
        command.env("NO_COLOR", "1").env("RUST_BACKTRACE", "1");
        command.env(HARNESS, std::process::id().to_string());
        let child = command
            .spawn()
            .with_context(|| format!("start node {}", self.id))?;
        self.process = Some(child);
        Ok(())
    }

    /// Each of these programs becomes the next one: the process id stays that of the child.
    fn words_before(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.isolated {
            words.extend(network::prefix(self.id));
        }
        if let Some(offset) = self.launch.monotonic_offset {
            words.extend(["unshare", "--time", "--monotonic"].map(str::to_owned));
            words.push(offset.to_string());
        }
        // Last, so that a preloaded library meets the node alone.
        words.push("env".to_owned());
        let pairs = self.launch.environment.iter();
        words.extend(pairs.map(|(name, value)| format!("{name}={value}")));
        words
    }

    fn arguments(&self, settings: &[String]) -> Vec<String> {
        let mut arguments = vec![
            "serve".to_owned(),
            format!("--node-id={}", self.id),
            format!("--data-dir={}", self.data_dir.display()),
            format!("--api-listen={}", self.at.api),
            format!("--peer-listen={}", self.at.peer),
            format!("--zookeeper-listen={}", self.at.zookeeper),
        ];
        arguments.extend(self.entry.iter().cloned());
        arguments.extend(settings.iter().cloned());
        arguments
    }

    fn open_log(&self, kind: &str) -> Result<File> {
        let path = self.log.with_extension(kind);
        let mut options = File::options();
        options.create(true).append(true);
        let opened = options.open(&path);
        opened.with_context(|| format!("open the log {}", path.display()))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.at.api)
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Sends a signal to the running process.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self
            .pid()
            .with_context(|| format!("node {} does not run", self.id))?;
        signal_process(pid, signal).with_context(|| format!("signal node {}", self.id))
    }

    /// Waits until the process is gone.
    pub(crate) fn wait_gone(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let Some(child) = self.process.as_mut() else {
            return Ok(None);
        };
        let gone = tools::wait_for(limit, || child.try_wait().transpose());
        let Some(status) = gone.transpose().context("ask for the state of a child")? else {
            bail!(
                "node {} (process {}) did not end within {limit:?}",
                self.id,
                child.id()
            );
        };
        self.process = None;
        Ok(Some(status))
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<Option<ExitStatus>> {
        if let Some(child) = self.process.as_mut() {
            // A child that has ended meanwhile is reaped below.
            let _ = child.kill();
        }
        self.wait_gone(REAP)
    }

    /// Notices that the process ended by itself.
    pub(crate) fn look(&mut self) -> Option<NodeEnd> {
        let child = self.process.as_mut()?;
        let status = child.try_wait().ok().flatten()?;
        let end = NodeEnd {
            node: self.id,
            pid: child.id(),
            how: words_of(status),
            time: super::now(),
            expected: self.may_end,
        };
        self.process = None;
        Some(end)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; inside namespaces the kernel takes care.
        let _ = self.kill();
    }
}

/// Sends a signal to a process of this run.
pub(crate) fn signal_process(pid: u32, signal: Signal) -> Result<()> {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let number = number.with_context(|| format!("{pid} is no process id"))?;
    kill_process(number, signal).with_context(|| format!("send a signal to process {pid}"))
}

/// State letter of a process (`R`, `S`, `T`, …); none when it is gone.
#[must_use]
pub fn process_state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// How a process ended, for people.
pub(crate) fn words_of(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
