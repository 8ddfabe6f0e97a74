//! Who is compared, and how each is started, asked and ended: through the scripts in `bench/peers/`.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail};
use load::{Http, Plan, Reading, Running, Workload, ZooKeeper};
use serde::{Deserialize, Serialize};

use crate::etcd::Etcd;
use crate::process;
use crate::redis::Redis;

/// One who is compared: a service and the protocol it is spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contender {
    /// Holdfast through its HTTP API.
    HoldfastHttp,
    /// Holdfast through its ZooKeeper ports.
    HoldfastZookeeper,
    /// Apache ZooKeeper.
    Zookeeper,
    /// etcd through gRPC.
    Etcd,
    /// One Redis server, for the locks.
    Redis,
}

impl Contender {
    /// All, in the order in which they take turns.
    pub const ALL: [Contender; 5] = [
        Contender::HoldfastHttp,
        Contender::HoldfastZookeeper,
        Contender::Zookeeper,
        Contender::Etcd,
        Contender::Redis,
    ];

    /// Its name on the command line and in the results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Contender::HoldfastHttp => "holdfast-http",
            Contender::HoldfastZookeeper => "holdfast-zookeeper",
            Contender::Zookeeper => "zookeeper",
            Contender::Etcd => "etcd",
            Contender::Redis => "redis",
        }
    }

    /// Its name for readers.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Contender::HoldfastHttp => "Holdfast, HTTP",
            Contender::HoldfastZookeeper => "Holdfast, ZooKeeper port",
            Contender::Zookeeper => "ZooKeeper",
            Contender::Etcd => "etcd",
            Contender::Redis => "Redis, one server",
        }
    }

    const fn script(self) -> &'static str {
        match self {
            Contender::HoldfastHttp | Contender::HoldfastZookeeper => "holdfast.sh",
            Contender::Zookeeper => "zookeeper.sh",
            Contender::Etcd => "etcd.sh",
            Contender::Redis => "redis.sh",
        }
    }

    /// Whether it is Holdfast itself.
    #[must_use]
    pub const fn is_holdfast(self) -> bool {
        matches!(self, Contender::HoldfastHttp | Contender::HoldfastZookeeper)
    }

    /// Whether it takes part in a workload. Redis is no coordination service: it shows what a lock costs.
    #[must_use]
    pub fn takes_part(self, workload: Workload) -> bool {
        self != Contender::Redis || workload == Workload::Lock
    }

    /// The reads its users make: linearizable ones where that is the default, else those of a session.
    const fn reading(self) -> Reading {
        match self {
            Contender::HoldfastZookeeper | Contender::Zookeeper => Reading::Session,
            Contender::HoldfastHttp | Contender::Etcd | Contender::Redis => Reading::Linearizable,
        }
    }

    /// Starts a run against servers.
    #[must_use]
    pub fn run(self, servers: Vec<String>, plan: Plan) -> Running {
        let plan = Plan {
            reading: self.reading(),
            ..plan
        };
        match self {
            Contender::HoldfastHttp => load::run(Http::new(servers), plan),
            Contender::HoldfastZookeeper | Contender::Zookeeper => {
                load::run(ZooKeeper::new(servers), plan)
            }
            Contender::Etcd => load::run(Etcd::new(servers), plan),
            Contender::Redis => load::run(Redis::new(servers), plan),
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Contender {
    type Err = String;

    fn from_str(text: &str) -> Result<Contender, String> {
        let found = Contender::ALL.into_iter().find(|c| c.name() == text);
        found.ok_or_else(|| {
            let names: Vec<&str> = Contender::ALL.iter().map(|c| c.name()).collect();
            format!("{text:?} is not one of {}", names.join(", "))
        })
    }
}

/// Where everything runs.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The directory with the scripts.
    pub scripts: PathBuf,
    /// Where data goes: a directory of its own for every start.
    pub dir: PathBuf,
    /// The first port used.
    pub port: u16,
    /// Holdfast's program, unless the script knows.
    pub holdfast: Option<PathBuf>,
    /// Size of the heap of ZooKeeper's servers, unless the default.
    pub heap: Option<String>,
    /// Nodes of Holdfast, unless three.
    pub nodes: Option<u64>,
    /// Set when a person wants an end.
    pub interrupted: Arc<AtomicBool>,
}

impl Ground {
    /// Fails when a person wants an end: what runs is then stopped on the way out.
    ///
    /// # Errors
    /// As said.
    pub fn go_on(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }

    /// What a contender calls itself.
    ///
    /// # Errors
    /// It is not installed.
    pub fn version(&self, contender: Contender) -> Result<String> {
        self.script(contender, &["version".as_ref()])
    }

    /// Starts a contender with nothing in it.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start(&self, contender: Contender) -> Result<Cluster> {
        self.go_on()?;
        let dir = self.dir.join(contender.name());
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
        }
        let port = self.port.to_string();
        self.script(
            contender,
            &["start".as_ref(), dir.as_os_str(), port.as_ref()],
        )?;
        Ok(Cluster {
            ground: self.clone(),
            contender,
            dir,
            runs: true,
        })
    }

    fn script(&self, contender: Contender, args: &[&OsStr]) -> Result<String> {
        let path = self.scripts.join(contender.script());
        let mut command = Command::new(&path);
        command.args(args);
        if let Some(holdfast) = &self.holdfast {
            command.env("HOLDFAST", holdfast);
        }
        if let Some(nodes) = self.nodes {
            command.env("HOLDFAST_NODES", nodes.to_string());
        }
        if let Some(heap) = &self.heap {
            command.env("PEER_HEAP", heap);
        }
        let what = || {
            let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
            format!("{} {}", path.display(), words.join(" "))
        };
        let output = command.output().with_context(what)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{}: {}\n{}", what(), output.status, said.trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    }
}

/// A contender's servers while they run. Dropped, they are stopped and their data is removed.
#[derive(Debug)]
pub struct Cluster {
    ground: Ground,
    contender: Contender,
    dir: PathBuf,
    runs: bool,
}

impl Cluster {
    /// Who this is.
    #[must_use]
    pub const fn contender(&self) -> Contender {
        self.contender
    }

    /// Where its servers keep everything.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// `host:port` of each server, in the protocol that is measured.
    ///
    /// # Errors
    /// The script has left no list.
    pub fn endpoints(&self) -> Result<Vec<String>> {
        self.list(match self.contender {
            Contender::HoldfastZookeeper => "zookeeper-endpoints",
            Contender::HoldfastHttp | Contender::Zookeeper | Contender::Etcd | Contender::Redis => {
                "endpoints"
            }
        })
    }

    /// `host:port` of each server's HTTP API, for Holdfast.
    ///
    /// # Errors
    /// The script has left no list.
    pub fn http_endpoints(&self) -> Result<Vec<String>> {
        self.list("endpoints")
    }

    /// Process of each server.
    ///
    /// # Errors
    /// The script has left no list.
    pub fn pids(&self) -> Result<Vec<u32>> {
        let parse = |line: &String| line.parse().with_context(|| format!("pid {line:?}"));
        self.list("pids")?.iter().map(parse).collect()
    }

    /// Term of the leader: how many elections there were, at least. Of Holdfast alone.
    ///
    /// # Errors
    /// No server knows one.
    pub fn term(&self) -> Result<u64> {
        let term = self.script("term")?;
        term.parse().with_context(|| format!("term {term:?}"))
    }

    /// Index of the server that leads.
    ///
    /// # Errors
    /// None does.
    pub fn leader(&self) -> Result<usize> {
        let number = self.script("leader")?;
        let number: usize = number
            .parse()
            .with_context(|| format!("leader {number:?}"))?;
        number.checked_sub(1).context("servers count from 1")
    }

    /// Starts a server again that has ended or soon will.
    ///
    /// # Errors
    /// It still runs.
    pub fn restart(&self, index: usize) -> Result<()> {
        let number = (index + 1).to_string();
        let args: [&OsStr; 3] = ["restart".as_ref(), self.dir.as_os_str(), number.as_ref()];
        self.ground.script(self.contender, &args).map(drop)
    }

    /// Its settings, as `name: value`.
    ///
    /// # Errors
    /// The script fails.
    pub fn settings(&self) -> Result<Vec<String>> {
        let text = self.script("settings")?;
        Ok(text.lines().map(ToOwned::to_owned).collect())
    }

    /// CPU seconds that all its servers have used so far.
    ///
    /// # Errors
    /// A server has ended.
    pub fn cpu_seconds(&self) -> Result<f64> {
        self.pids()?.into_iter().map(process::cpu_seconds).sum()
    }

    /// Memory that each server holds, in bytes.
    ///
    /// # Errors
    /// A server has ended.
    pub fn resident_bytes(&self) -> Result<Vec<u64>> {
        self.pids()?
            .into_iter()
            .map(process::resident_bytes)
            .collect()
    }

    /// Fails when a person wants an end.
    ///
    /// # Errors
    /// As said.
    pub fn go_on(&self) -> Result<()> {
        self.ground.go_on()
    }

    /// Ends its servers and removes their data.
    ///
    /// # Errors
    /// A server does not end.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.runs) {
            return Ok(());
        }
        self.script("stop")?;
        fs::remove_dir_all(&self.dir).with_context(|| format!("remove {}", self.dir.display()))
    }

    fn script(&self, verb: &str) -> Result<String> {
        let args: [&OsStr; 2] = [verb.as_ref(), self.dir.as_os_str()];
        self.ground.script(self.contender, &args)
    }

    fn list(&self, name: &str) -> Result<Vec<String>> {
        let path = self.dir.join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(text.lines().map(ToOwned::to_owned).collect())
    }
}

impl Drop for Cluster {
    #[expect(clippy::print_stderr, reason = "nobody is left to be told otherwise")]
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("hf-bench: {} may still run: {error:#}", self.contender);
        }
    }
}
