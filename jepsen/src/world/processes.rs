//! The processes of a world's nodes: started, killed, stopped, added, ended in order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;

use super::node::{self, Launch, Node, NodeEnd, process_state};
use super::{PROBE, World, wait_for};
/// For a node to call itself ready, after its start.
const READY: Duration = Duration::from_secs(60);
/// For a node that was asked to stop.
const STOP: Duration = Duration::from_secs(20);

impl World {
    /// Starts the process of a node.
    ///
    /// # Errors
    /// When it runs already, or cannot be started.
    pub fn start_node(&self, id: u64) -> Result<()> {
        self.with(id, |node| node.start(&self.setup.binary, &self.settings))
    }

    /// Waits until a node calls itself ready.
    ///
    /// # Errors
    /// When it ends instead, or does not become ready in time; with the end of its log.
    pub fn wait_ready(&self, id: u64) -> Result<()> {
        let http = self.http(id)?;
        let ready = wait_for(READY, || {
            self.look();
            if self.pid(id).is_none() {
                return Some(false);
            }
            let answer = http.get("/readyz").ok()?;
            (answer.status == 200).then_some(true)
        });
        match ready {
            Some(true) => Ok(()),
            Some(false) => bail!(
                "node {id} ended while it was waited for\n{}",
                self.log_tail(id)
            ),
            None => bail!(
                "node {id} was not ready within {READY:?}\n{}",
                self.log_tail(id)
            ),
        }
    }

    fn log_tail(&self, id: u64) -> String {
        let log = self.logs().remove(&id).unwrap_or_default();
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(15).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// `kill -9`, and waits until the process is gone.
    ///
    /// # Errors
    /// When it does not go.
    pub fn kill(&self, id: u64) -> Result<Option<ExitStatus>> {
        self.look();
        self.with(id, Node::kill)
    }

    /// SIGTERM, and waits for the orderly end.
    ///
    /// # Errors
    /// When it does not run, or does not end in time.
    pub fn terminate(&self, id: u64) -> Result<Option<ExitStatus>> {
        self.look();
        self.with(id, |node| {
            node.signal(Signal::TERM)?;
            node.wait_gone(STOP)
        })
    }

    /// Stops a process without ending it, as a stalled machine would, and waits until it stands.
    ///
    /// # Errors
    /// When it does not run, or goes on.
    pub fn pause(&self, id: u64) -> Result<()> {
        self.with(id, |node| node.signal(Signal::STOP))?;
        let pid = self.pid(id).context("the node is gone")?;
        let stopped = wait_for(PROBE, || process_state(pid).filter(|&state| state == 'T'));
        stopped
            .map(drop)
            .with_context(|| format!("node {id} (process {pid}) did not stop"))
    }

    /// Lets a paused one go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self, id: u64) -> Result<()> {
        self.with(id, |node| node.signal(Signal::CONT))
    }

    /// Changes how a node is started from now on.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn set_launch(&self, id: u64, change: impl FnOnce(&mut Launch)) -> Result<()> {
        self.with(id, |node| {
            change(&mut node.launch);
            Ok(())
        })
    }

    /// Makes one more node that asks the running ones to take it in, and starts it.
    ///
    /// # Errors
    /// When the number is taken, or it cannot be made or started.
    pub fn add_node(&self, id: u64) -> Result<()> {
        let running = self.running();
        if self.nodes().contains(&id) {
            bail!("there is a node {id} already: numbers are never used twice");
        }
        self.prepare(id)?;
        let mut nodes = self.lock();
        let urls: Vec<String> = nodes
            .values()
            .filter(|node| running.contains(&node.id))
            .map(Node::url)
            .collect();
        if let Some(node) = nodes.get_mut(&id) {
            node.entry = vec![format!("--join={}", urls.join(","))];
        }
        drop(nodes);
        self.start_node(id)
    }

    /// Whether a node may end by itself from now on, because a fault makes that right.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn allow_end(&self, id: u64, allowed: bool) -> Result<()> {
        self.look();
        self.with(id, |node| {
            node.may_end = allowed;
            Ok(())
        })
    }

    /// A node leaves for ever: killed, and never started again.
    ///
    /// # Errors
    /// When it does not go.
    pub fn retire(&self, id: u64) -> Result<()> {
        self.with(id, |node| {
            node.retired = true;
            node.kill().map(drop)
        })
    }

    /// Whether a node has left for ever.
    #[must_use]
    pub fn is_retired(&self, id: u64) -> bool {
        self.lock().get(&id).is_none_or(|node| node.retired)
    }

    /// Notices nodes that ended by themselves.
    pub(super) fn look(&self) {
        let ends: Vec<NodeEnd> = self.lock().values_mut().filter_map(Node::look).collect();
        let mut known = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(ends);
    }

    /// Nodes that ended by themselves since this was asked last.
    #[must_use]
    pub fn take_ends(&self) -> Vec<NodeEnd> {
        self.look();
        let mut known = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *known)
    }

    /// Stops every node in order, and says how each ended: what did not within the time was killed.
    #[must_use]
    pub fn shutdown(&self) -> Vec<(u64, String)> {
        self.look();
        let running = self.running();
        for &id in &running {
            // One that has ended meanwhile says so below.
            let _ = self.resume(id);
            let _ = self.with(id, |node| node.signal(Signal::TERM));
        }
        running
            .into_iter()
            .map(|id| (id, self.end_of(id)))
            .collect()
    }

    /// Writes what is on losing disks to plain directories, and answers by node where data is that
    /// outlives this world. The nodes should have ended.
    ///
    /// # Errors
    /// What could not be written.
    pub fn keep_data(&self) -> Result<BTreeMap<u64, PathBuf>> {
        let mut directories = self.data_dirs();
        for (&id, disk) in self.disks().iter() {
            disk.keep()
                .with_context(|| format!("keep the data of node {id}"))?;
            directories.insert(id, disk.kept.clone());
        }
        Ok(directories)
    }

    fn end_of(&self, id: u64) -> String {
        match self.with(id, |node| node.wait_gone(STOP)) {
            Ok(Some(status)) => node::words_of(status),
            Ok(None) => "ended before".to_owned(),
            Err(error) => match self.kill(id) {
                Ok(_) => format!("{error}, and was killed"),
                Err(killing) => format!("{error}; {killing}"),
            },
        }
    }
}
