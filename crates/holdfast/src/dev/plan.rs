//! Which nodes, where, with which ports and directories. Made once, and kept with the data: a
//! cluster's nodes know each other by their ports, so the second start must use those of the first.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::DevArgs;

/// Remembers the plan inside the data directory.
const PLAN_FILE: &str = "dev.toml";
/// Distance between a node's API port and its peer port.
const PEER_PORT_OFFSET: u16 = 100;
/// The first node's port for ZooKeeper clients: the one they try when they are told none.
const ZOOKEEPER_PORT: u16 = 2181;

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NodePlan {
    pub(super) id: u64,
    pub(super) api_port: u16,
    pub(super) peer_port: u16,
    pub(super) zookeeper_port: u16,
}

impl NodePlan {
    pub(super) fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port)
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Plan {
    nodes: Vec<NodePlan>,
    directory: PathBuf,
    temporary: bool,
    log_level: String,
    program: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct PlanFile {
    node: Vec<NodePlan>,
}

impl Plan {
    /// Makes the directory and chooses ports, or finds those of an earlier start.
    ///
    /// # Errors
    /// When the directory cannot be used, or a port is taken.
    pub(super) fn make(args: &DevArgs) -> anyhow::Result<Plan> {
        let program = std::env::current_exe().context("find this program's file")?;
        let (directory, temporary) = match &args.data_dir {
            Some(given) => (
                std::path::absolute(given).context("make the path absolute")?,
                false,
            ),
            None => (temporary_directory(), true),
        };
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("create directory {}", directory.display()))?;
        let nodes = match remembered(&directory)? {
            Some(nodes) => nodes,
            None => remember(&directory, choose(args)?)?,
        };
        for port in nodes
            .iter()
            .flat_map(|node| [node.api_port, node.peer_port, node.zookeeper_port])
        {
            free(port).with_context(|| {
                format!(
                    "port {port} on 127.0.0.1 cannot be used; is another cluster running? \
                     Take other ports with --base-port or --any-port and a data directory of its own"
                )
            })?;
        }
        Ok(Plan {
            nodes,
            directory,
            temporary,
            log_level: args.log_level.clone(),
            program,
        })
    }

    pub(super) fn nodes(&self) -> &[NodePlan] {
        &self.nodes
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn log_file(&self, id: u64) -> PathBuf {
        self.directory.join(format!("node-{id}.log"))
    }

    /// The command line of one node, without the program.
    pub(super) fn arguments(&self, id: u64) -> Vec<String> {
        let founders: Vec<String> = self.nodes.iter().map(founder).collect();
        let ports = self.nodes.iter().find(|node| node.id == id);
        let (api, peer, zookeeper) = ports.map_or((0, 0, 0), |node| {
            (node.api_port, node.peer_port, node.zookeeper_port)
        });
        vec![
            "serve".to_owned(),
            format!("--node-id={id}"),
            format!(
                "--data-dir={}",
                self.directory.join(format!("node-{id}")).display()
            ),
            format!("--api-listen=127.0.0.1:{api}"),
            format!("--peer-listen=127.0.0.1:{peer}"),
            format!("--zookeeper-listen=127.0.0.1:{zookeeper}"),
            format!("--initial-cluster={}", founders.join(",")),
            "--bootstrap".to_owned(),
            // All nodes stop together, so there is soon nobody to hand over to.
            "--stop-timeout=500ms".to_owned(),
            format!("--log-level={}", self.log_level),
        ]
    }

    /// What a person types to start one node.
    pub(super) fn command_line(&self, id: u64) -> String {
        let mut words = vec![self.program.display().to_string()];
        words.extend(self.arguments(id));
        words.join(" ")
    }

    pub(super) fn about_the_data(&self) -> String {
        let place = self.directory.display();
        if self.temporary {
            format!("The data is in {place} and is removed at the end; keep it with --data-dir.")
        } else {
            format!("The data stays in {place}.")
        }
    }

    /// Removes the directory, if it is ours to remove.
    pub(super) fn clean_up(&self) {
        if self.temporary {
            // Whatever cannot be removed is left to the system's own cleaning.
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

fn founder(node: &NodePlan) -> String {
    format!(
        "{}=127.0.0.1:{}@{}",
        node.id,
        node.peer_port,
        node.api_url()
    )
}

/// A directory named for this process. What a killed process of the same number left is removed.
fn temporary_directory() -> PathBuf {
    let path = std::env::temp_dir().join(format!("holdfast-dev-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn remembered(directory: &Path) -> anyhow::Result<Option<Vec<NodePlan>>> {
    let path = directory.join(PLAN_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let file: PlanFile =
                toml::from_str(&text).with_context(|| format!("read {}", path.display()))?;
            Ok(Some(file.node))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

fn remember(directory: &Path, nodes: Vec<NodePlan>) -> anyhow::Result<Vec<NodePlan>> {
    let file = PlanFile { node: nodes };
    let path = directory.join(PLAN_FILE);
    std::fs::write(&path, toml::to_string(&file)?)
        .with_context(|| format!("write {}", path.display()))?;
    Ok(file.node)
}

fn choose(args: &DevArgs) -> anyhow::Result<Vec<NodePlan>> {
    if args.any_port {
        return any_ports(args.nodes);
    }
    let nodes = (0..u16::from(args.nodes)).map(|index| {
        let api_port = args.base_port.saturating_add(index);
        let peer_port = api_port.saturating_add(PEER_PORT_OFFSET);
        NodePlan {
            id: u64::from(index) + 1,
            api_port,
            peer_port,
            zookeeper_port: ZOOKEEPER_PORT.saturating_add(index),
        }
    });
    Ok(nodes.collect())
}

/// Ports the system calls free. All are held until the last is chosen, so that none comes twice.
fn any_ports(nodes: u8) -> anyhow::Result<Vec<NodePlan>> {
    let mut held = BTreeMap::new();
    let mut next = || -> anyhow::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
        let port = listener.local_addr().context("find a free port")?.port();
        held.insert(port, listener);
        Ok(port)
    };
    (1..=u64::from(nodes))
        .map(|id| {
            Ok(NodePlan {
                id,
                api_port: next()?,
                peer_port: next()?,
                zookeeper_port: next()?,
            })
        })
        .collect()
}

fn free(port: u16) -> std::io::Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop)
}
