//! What the door is told of the place it runs in, to tell it to administrators.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The surroundings of a door.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Where ZooKeeper clients connect to.
    pub client_address: SocketAddr,
    /// Where the node keeps its log and its snapshots.
    pub data_dir: PathBuf,
    /// What is on that disk.
    pub disk: Arc<dyn Disk>,
}

/// The disk of a node.
pub trait Disk: std::fmt::Debug + Send + Sync + 'static {
    /// What it holds now. Blocks.
    ///
    /// # Errors
    /// What the file system says.
    fn sizes(&self) -> io::Result<DiskSizes>;

    /// How long it took to make writes durable, since the process started.
    fn syncs(&self) -> Syncs;
}

/// Bytes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskSizes {
    /// Of snapshots: ZooKeeper's `dataDir`.
    pub snapshots: u64,
    /// Of the log: ZooKeeper's `dataLogDir`.
    pub log: u64,
}

/// Writes made durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syncs {
    /// How many.
    pub count: u64,
    /// How long they took together.
    pub total: Duration,
    /// How long the slowest took.
    pub max: Duration,
}
