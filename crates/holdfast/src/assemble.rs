//! A node put together from its parts. Read top to bottom: what exists, and in which order.

use std::sync::Arc;

use anyhow::Context as _;
use http_api::ApiSettings;
use membership::peer::network::TcpNetwork;
use node::{Node, Signing};
use raft_types::ClusterId;
use raft_types::seam::{SystemClock, SystemEntropy};
use storage::error::OpenError;
use storage::{DataDirectory, Expectations};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, spawn_blocking};
use zookeeper::{Installation, ZooKeeperDoor};

use crate::config::Config;
use crate::entry::{self, EntryError};
use crate::own_key::OwnKey;
use crate::zookeeper_admin::{Commands, DataDisk};

/// A running node with its doors.
pub(crate) struct Server {
    config: Config,
    node: Node,
    api: JoinHandle<()>,
    zookeeper: Option<JoinHandle<()>>,
    /// Keeps the directory locked against a second process.
    directory: Arc<DataDirectory>,
}

impl Server {
    /// Opens the data directory, starts consensus, enters a cluster if that is still to be done,
    /// and opens the API.
    ///
    /// # Errors
    /// Whatever keeps the node from running, with what to do about it. Nothing is left running
    /// that matters: the process is to end.
    pub(crate) async fn start(config: Config) -> anyhow::Result<Server> {
        let entry = entry::decide(&config).await?;
        // After the question to the others, who ask this node the same: a port that is open and does
        // not answer would make them wait.
        let listener = TcpListener::bind(&config.listen.api)
            .await
            .with_context(|| format!("listen for clients on {}", config.listen.api))?;
        let zookeeper = match &config.zookeeper {
            Some(door) => Some(
                TcpListener::bind(&door.listen)
                    .await
                    .with_context(|| format!("listen for ZooKeeper clients on {}", door.listen))?,
            ),
            None => None,
        };
        let directory = Arc::new(open(&config, entry.cluster_id()).await?);
        let cluster = directory
            .cluster_id()
            .ok_or_else(|| EntryError::NoCluster(config.data_dir.display().to_string()))?;
        let node = start_node(&config, &directory, cluster).await?;
        let zookeeper = match zookeeper {
            Some(listener) => Some(zookeeper_door(listener, &node, &config, &directory)?),
            None => None,
        };
        let api_settings = ApiSettings {
            fence_token_lifetime: config.fence_tokens.lifetime,
            ..ApiSettings::default()
        };
        let door = zookeeper.as_ref().map(|(door, _)| door);
        let api = open_api(listener, &node, door, api_settings);
        let zookeeper = zookeeper.map(|(door, listener)| open_zookeeper(door, listener, &node));
        let (peers, clients) = (&config.listen.peer_advertise, &config.listen.api_advertise);
        tracing::info!(%cluster, peers, clients, "listening");
        entry::carry_out(entry, &config, &node).await?;
        Ok(Server {
            config,
            node,
            api,
            zookeeper,
            directory,
        })
    }

    /// Resolves when the node cannot go on, with the reason.
    pub(crate) async fn failed(&self) -> String {
        self.node.halted().await
    }

    /// Stops in order. Readiness ends first, so that no new clients come; then what is under way
    /// is finished; then leadership is handed over, and the other nodes do not even wait for an
    /// election; then the log is closed.
    ///
    /// # Errors
    /// When the log could not be closed; what was acknowledged is on disk all the same.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.node.drain();
        self.api.await.context("close the API")?;
        if let Some(zookeeper) = self.zookeeper {
            zookeeper.await.context("close the ZooKeeper port")?;
        }
        let handed_over = self.node.stop(self.config.stop_timeout).await;
        if let Some(outcome) = handed_over {
            tracing::info!(?outcome, "leadership");
        }
        self.directory.close().await.context("close the log")
    }
}

/// Opens the directory. A new one belongs to `cluster` from then on, for ever.
async fn open(config: &Config, cluster: Option<ClusterId>) -> anyhow::Result<DataDirectory> {
    let path = config.data_dir.clone();
    let cluster_id = cluster.or(config.cluster_id);
    let expectations = Expectations {
        cluster_id,
        node_id: config.node_id,
    };
    let opened = spawn_blocking(move || DataDirectory::open(&path, expectations)).await;
    opened
        .context("open the data directory")?
        .map_err(|error| match error {
            // The operator has named a directory that must not be used.
            OpenError::InUse { .. }
            | OpenError::Foreign { .. }
            | OpenError::Unmarked { .. }
            | OpenError::NewerFormat { .. }
            | OpenError::OtherCluster { .. }
            | OpenError::OtherNode { .. } => EntryError::Directory(error).into(),
            // What is in it cannot be used.
            OpenError::Io { .. }
            | OpenError::MarkerDamaged { .. }
            | OpenError::DataMissing { .. }
            | OpenError::Mixed { .. }
            | OpenError::SnapshotMissing { .. }
            | OpenError::Store(_) => error.into(),
        })
}

/// Serves clients until the node drains.
fn open_api(
    listener: TcpListener,
    node: &Node,
    zookeeper: Option<&ZooKeeperDoor>,
    settings: ApiSettings,
) -> JoinHandle<()> {
    let router = match zookeeper {
        Some(door) => {
            let commands = Arc::new(Commands::of(door));
            http_api::router_with_commands(node.clone(), settings.clone(), commands)
        }
        None => http_api::router(node.clone(), settings.clone()),
    };
    let shutdown = node.shutting_down();
    tokio::spawn(async move { http_api::serve(listener, router, &settings, shutdown).await })
}

/// The door for ZooKeeper clients, not open yet.
fn zookeeper_door(
    listener: TcpListener,
    node: &Node,
    config: &Config,
    directory: &DataDirectory,
) -> anyhow::Result<(ZooKeeperDoor, TcpListener)> {
    let settings = config.zookeeper.as_ref().map(|door| door.settings.clone());
    let address = listener.local_addr();
    let installation = Installation {
        client_address: address.context("look up the port for ZooKeeper clients")?,
        data_dir: directory.path().to_owned(),
        disk: Arc::new(DataDisk::of(directory)),
    };
    let door = ZooKeeperDoor::new(node.clone(), settings.unwrap_or_default(), installation);
    Ok((door, listener))
}

/// Serves ZooKeeper clients until the node drains.
fn open_zookeeper(door: ZooKeeperDoor, listener: TcpListener, node: &Node) -> JoinHandle<()> {
    let shutdown = node.shutting_down();
    tokio::spawn(async move { door.serve(listener, shutdown).await })
}

async fn start_node(
    config: &Config,
    directory: &DataDirectory,
    cluster: ClusterId,
) -> anyhow::Result<Node> {
    let node = Node::start(node::StartOptions {
        id: config.node_id,
        cluster,
        peer_listen: config.listen.peer.clone(),
        clients: config.zookeeper.as_ref().map(|door| door.advertise.clone()),
        timing: config.timing,
        raft: config.raft.clone(),
        settings: config.node.clone(),
        log_store: directory.log_store(),
        snapshots: directory.snapshot_store(),
        network: Arc::new(TcpNetwork),
        clock: Arc::new(SystemClock::default()),
        entropy: Arc::new(SystemEntropy),
        signing: Some(Signing {
            keys: Arc::new(OwnKey(directory.secret_file())),
            key_lifetime: config.fence_tokens.key_lifetime,
        }),
    });
    Ok(node.await?)
}
