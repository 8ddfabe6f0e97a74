//! A cluster of real processes on loopback.

mod view;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::cli::Cli;
use crate::http::Http;
use crate::log_gate;
use crate::ports::free_port;
use crate::process::Process;
use crate::wait::eventually;
use crate::zookeeper::ZooKeeper;

/// One cluster at a time: side by side on a small machine they would slow each other into
/// elections nobody asked for. (Under nextest each test is a process; there its configuration says
/// the same.)
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// For a probe that may meet a dead or stopped node.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Lines shown of each log when a test fails.
const TAIL_LINES: usize = 60;

/// One node: where it is, and its process while it runs.
#[derive(Debug)]
struct Node {
    id: u64,
    api_port: u16,
    peer_port: u16,
    zookeeper_port: u16,
    process: Option<Process>,
    /// How it enters a cluster when its directory is empty.
    entry: Vec<String>,
}

/// A cluster. Its processes end with it, and its logs are judged then.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    settings: Vec<String>,
    expected: Vec<String>,
    directory: TempDir,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Cluster {
    /// Starts so many nodes and waits until all are ready.
    #[must_use]
    pub fn start(size: u64) -> Cluster {
        Cluster::start_with(size, &[])
    }

    /// As [`start`](Self::start), with more flags for every node.
    #[must_use]
    pub fn start_with(size: u64, settings: &[&str]) -> Cluster {
        let mut cluster = Cluster::prepare(size, settings);
        cluster.start_all();
        cluster
    }

    /// As [`start_with`](Self::start_with), with nothing started yet.
    #[must_use]
    pub fn prepare(size: u64, settings: &[&str]) -> Cluster {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cluster = Cluster::plan(size, settings);
        cluster._turn = Some(turn);
        cluster
    }

    /// As [`start`](Self::start), beside another cluster of the same test.
    #[must_use]
    pub fn start_beside(_other: &Cluster, size: u64) -> Cluster {
        let mut cluster = Cluster::plan(size, &[]);
        cluster.start_all();
        cluster
    }

    fn plan(size: u64, settings: &[&str]) -> Cluster {
        let directory = tempfile::Builder::new().prefix("holdfast-test-").tempdir();
        let directory = directory.expect("a temporary directory");
        let mut cluster = Cluster {
            nodes: Vec::new(),
            settings: settings.iter().map(|&flag| flag.to_owned()).collect(),
            expected: Vec::new(),
            directory,
            _turn: None,
        };
        for id in 1..=size {
            cluster.add_node(id, Vec::new());
        }
        let founders: Vec<String> = cluster
            .nodes
            .iter()
            .map(|n| format!("{}=127.0.0.1:{}@{}", n.id, n.peer_port, cluster.url(n.id)))
            .collect();
        let token = cluster.directory.path().display();
        let entry = vec![
            "--bootstrap".to_owned(),
            format!("--initial-cluster={}", founders.join(",")),
            format!("--cluster-token={token}"),
        ];
        for node in &mut cluster.nodes {
            node.entry.clone_from(&entry);
        }
        cluster
    }

    fn add_node(&mut self, id: u64, entry: Vec<String>) {
        self.nodes.push(Node {
            id,
            api_port: free_port(),
            peer_port: free_port(),
            zookeeper_port: free_port(),
            process: None,
            entry,
        });
    }

    /// Makes one more node that joins as a learner, and starts it.
    pub fn join(&mut self, id: u64) {
        let urls: Vec<String> = self.running().iter().map(|&id| self.url(id)).collect();
        self.add_node(id, vec![format!("--join={}", urls.join(","))]);
        self.start_node(id);
    }

    /// Starts every node that does not run, and waits until all are ready.
    pub fn start_all(&mut self) {
        for id in self.ids() {
            if !self.is_running(id) {
                self.start_node(id);
            }
        }
        for id in self.ids() {
            self.wait_ready(id);
        }
    }

    /// Numbers of all nodes, running or not.
    #[must_use]
    pub fn ids(&self) -> Vec<u64> {
        self.nodes.iter().map(|node| node.id).collect()
    }

    /// Numbers of the nodes whose process runs.
    #[must_use]
    pub fn running(&self) -> Vec<u64> {
        self.nodes
            .iter()
            .filter(|node| node.process.is_some())
            .map(|node| node.id)
            .collect()
    }

    /// Whether the process of this node runs.
    #[must_use]
    pub fn is_running(&self, id: u64) -> bool {
        self.node(id).process.is_some()
    }

    fn node(&self, id: u64) -> &Node {
        self.nodes
            .iter()
            .find(|node| node.id == id)
            .expect("a node of this cluster")
    }

    fn node_mut(&mut self, id: u64) -> &mut Node {
        self.nodes
            .iter_mut()
            .find(|node| node.id == id)
            .expect("a node of this cluster")
    }

    fn process(&mut self, id: u64) -> &mut Process {
        self.node_mut(id).process.as_mut().expect("a running node")
    }

    /// The process id of a running node.
    #[must_use]
    pub fn pid(&mut self, id: u64) -> u32 {
        self.process(id).pid()
    }

    /// Base URL of a node.
    #[must_use]
    pub fn url(&self, id: u64) -> String {
        format!("http://127.0.0.1:{}", self.node(id).api_port)
    }

    /// Base URLs of all nodes.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.ids().iter().map(|&id| self.url(id)).collect()
    }

    /// `host:port` of a node's peer port.
    #[must_use]
    pub fn peer_address(&self, id: u64) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.node(id).peer_port))
    }

    /// HTTP to a node.
    #[must_use]
    pub fn http(&self, id: u64) -> Http {
        Http::to(SocketAddr::from((
            Ipv4Addr::LOCALHOST,
            self.node(id).api_port,
        )))
    }

    /// Where a node listens for ZooKeeper clients.
    #[must_use]
    pub fn zookeeper_address(&self, id: u64) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.node(id).zookeeper_port))
    }

    /// A ZooKeeper client of a node, with a new session.
    #[must_use]
    pub fn zookeeper(&self, id: u64) -> ZooKeeper {
        ZooKeeper::connect(self.zookeeper_address(id))
    }

    /// The command line, with all nodes as endpoints.
    #[must_use]
    pub fn cli(&self) -> Cli {
        Cli::to(&self.urls())
    }

    /// Where a node keeps its data.
    #[must_use]
    pub fn data_dir(&self, id: u64) -> PathBuf {
        self.directory.path().join(format!("node-{id}"))
    }

    /// Where a node logs to.
    #[must_use]
    pub fn log_file(&self, id: u64) -> PathBuf {
        self.directory.path().join(format!("node-{id}.log"))
    }

    /// A place for files of the test.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.directory.path()
    }

    /// The command line of a node.
    #[must_use]
    pub fn arguments(&self, id: u64) -> Vec<String> {
        let node = self.node(id);
        let mut arguments = vec![
            "serve".to_owned(),
            format!("--node-id={id}"),
            format!("--data-dir={}", self.data_dir(id).display()),
            format!("--api-listen=127.0.0.1:{}", node.api_port),
            format!("--peer-listen=127.0.0.1:{}", node.peer_port),
            format!("--zookeeper-listen=127.0.0.1:{}", node.zookeeper_port),
        ];
        arguments.extend(node.entry.iter().cloned());
        arguments.extend(self.settings.iter().cloned());
        arguments
    }

    /// Starts the process of a node.
    pub fn start_node(&mut self, id: u64) {
        assert!(!self.is_running(id), "node {id} runs already");
        let process = Process::start(&self.arguments(id), &self.log_file(id));
        self.node_mut(id).process = Some(process);
    }

    /// Waits until a node calls itself ready.
    pub fn wait_ready(&mut self, id: u64) {
        let http = self.http(id).timeout(PROBE_TIMEOUT);
        eventually(&format!("node {id} to be ready"), || {
            if let Some(status) = self.process(id).ended() {
                panic!(
                    "node {id} ended: {status}\n{}",
                    log_gate::tail(&self.log_file(id), 20)
                );
            }
            http.get("/readyz")
                .is_ok_and(|answer| answer.status == 200)
                .then_some(())
        });
    }

    /// `kill -9`.
    pub fn kill(&mut self, id: u64) {
        self.process(id).kill();
        self.node_mut(id).process = None;
    }

    /// SIGTERM, and waits for the orderly end.
    pub fn terminate(&mut self, id: u64) {
        self.process(id).signal(Signal::TERM);
        let status = self.process(id).wait();
        assert_eq!(
            status.code(),
            Some(0),
            "node {id} did not stop in order: {status}"
        );
        self.node_mut(id).process = None;
    }

    /// Waits for a node that must end by itself.
    pub fn wait_for_end(&mut self, id: u64) -> std::process::ExitStatus {
        let status = self.process(id).wait();
        self.node_mut(id).process = None;
        status
    }

    /// Starts a node again on its data, and waits until it is ready.
    pub fn restart(&mut self, id: u64) {
        if self.is_running(id) {
            self.kill(id);
        }
        self.start_node(id);
        self.wait_ready(id);
    }

    /// Stops a node's process without ending it, as a stalled machine would.
    pub fn pause(&mut self, id: u64) {
        self.process(id).signal(Signal::STOP);
    }

    /// Lets a paused node go on.
    pub fn resume(&mut self, id: u64) {
        self.process(id).signal(Signal::CONT);
    }

    /// Announces a part of WARN or ERROR lines that this test provokes.
    pub fn expect_log(&mut self, part: &str) {
        self.expected.push(part.to_owned());
    }

    /// Announces what any node says when a peer goes away or comes back.
    pub fn expect_lost_peers(&mut self) {
        for part in ["peer", "leader", "election", "quorum"] {
            self.expect_log(part);
        }
    }

    fn report(&self) {
        for node in &self.nodes {
            let log = self.log_file(node.id);
            eprintln!(
                "--- end of the log of node {}:\n{}",
                node.id,
                log_gate::tail(&log, TAIL_LINES)
            );
        }
    }

    fn unexpected_lines(&self) -> Vec<String> {
        let lines = |node: &Node| {
            let log = log_gate::read(&self.log_file(node.id));
            log_gate::unexpected(&log, &self.expected)
        };
        self.nodes.iter().flat_map(lines).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            node.process = None;
        }
        if std::thread::panicking() {
            self.report();
            return;
        }
        let lines = self.unexpected_lines();
        assert!(
            lines.is_empty(),
            "unexpected WARN or ERROR in the logs:\n{}",
            lines.join("\n")
        );
    }
}
