//! The processes of a local cluster.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::plan::Plan;
use crate::serve::STOP_WITH_STDIN;

/// Between two questions whether a node is ready.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// For one answer to that question.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);

/// A node whose process is gone.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) node: u64,
    /// A verb with its object, for people.
    pub(super) how: String,
}

/// The node processes. Each is watched by a task that holds it and ends with it.
pub(super) struct Nodes {
    alive: BTreeMap<u64, u32>,
    watchers: JoinSet<(u64, std::io::Result<ExitStatus>)>,
}

impl Nodes {
    /// Starts all nodes of the plan.
    ///
    /// # Errors
    /// When a process cannot be started; those started before end with this process.
    pub(super) fn start(plan: &Plan) -> anyhow::Result<Nodes> {
        let mut nodes = Nodes {
            alive: BTreeMap::new(),
            watchers: JoinSet::new(),
        };
        for node in plan.nodes() {
            nodes.start_one(plan, node.id)?;
        }
        Ok(nodes)
    }

    /// Starts one node and returns its process id.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub(super) fn start_one(&mut self, plan: &Plan, id: u64) -> anyhow::Result<u32> {
        let path = plan.log_file(id);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&path);
        let log = log.with_context(|| format!("open {}", path.display()))?;
        let mut child = Command::new(plan.program())
            .args(plan.arguments(id))
            .arg(format!("--{STOP_WITH_STDIN}"))
            // A group of its own: Ctrl-C in the terminal reaches this process alone, which then
            // stops the nodes in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", plan.program().display()))?;
        let pid = child.id().context("the node ended at once")?;
        self.alive.insert(id, pid);
        self.watchers
            .spawn(async move { (id, watch(&mut child).await) });
        Ok(pid)
    }

    pub(super) fn pid(&self, id: u64) -> Option<u32> {
        self.alive.get(&id).copied()
    }

    pub(super) fn any_alive(&self) -> bool {
        !self.alive.is_empty()
    }

    /// Waits for the next node to end. For ever, if none is left. Cancel safe.
    pub(super) async fn next_end(&mut self) -> Ended {
        match self.watchers.join_next().await {
            Some(Ok((node, status))) => {
                self.alive.remove(&node);
                let how = match status {
                    Ok(status) => describe(status),
                    Err(error) => format!("cannot be watched: {error}"),
                };
                Ended { node, how }
            }
            Some(Err(error)) => Ended {
                node: 0,
                how: format!("is not watched any more: {error}"),
            },
            None => std::future::pending().await,
        }
    }

    /// Waits until every node calls itself ready.
    ///
    /// # Errors
    /// The node that ended before it was ready, or nothing when the time is over.
    pub(super) async fn wait_until_ready(
        &mut self,
        plan: &Plan,
        within: Duration,
    ) -> Result<(), Option<Ended>> {
        let deadline = Instant::now() + within;
        for node in plan.nodes() {
            let url = format!("{}/readyz", node.api_url());
            let client = reqwest::Client::builder()
                .timeout(POLL_TIMEOUT)
                .no_proxy()
                .build();
            let Ok(client) = client else { return Err(None) };
            let ready = async {
                while !client
                    .get(&url)
                    .send()
                    .await
                    .is_ok_and(|r| r.status().is_success())
                {
                    sleep(POLL_INTERVAL).await;
                }
            };
            tokio::select! {
                waited = timeout_at(deadline, ready) => waited.map_err(|_| None)?,
                ended = self.next_end() => return Err(Some(ended)),
            }
        }
        Ok(())
    }

    /// Asks all nodes to stop, and kills those that have not after `within`.
    pub(super) async fn stop(&mut self, within: Duration) {
        let deadline = Instant::now() + within;
        self.signal_all(Signal::TERM);
        while self.any_alive() {
            if timeout_at(deadline, self.next_end()).await.is_err() {
                self.signal_all(Signal::KILL);
                // A killed process always ends.
                self.next_end().await;
            }
        }
    }

    fn signal_all(&self, signal: Signal) {
        for pid in self.alive.values() {
            if let Some(pid) = i32::try_from(*pid).ok().and_then(Pid::from_raw) {
                // A node that has just ended is what was asked for.
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// Waits for the process, holding its standard input open meanwhile.
async fn watch(child: &mut Child) -> std::io::Result<ExitStatus> {
    // `wait` would close it, and the node would take that for the end of this process.
    let _stdin = child.stdin.take();
    child.wait().await
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "stopped".to_owned(),
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => format!("ended: {status}"),
    }
}
