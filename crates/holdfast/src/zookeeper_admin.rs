//! What joins the door for ZooKeeper clients to the rest of the node, for administrators: its
//! commands are served by the HTTP door, and it tells what is on disk.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http_api::{AdminCommands, CommandAnswer, CommandMethod};
use storage::{DataDirectory, DirectorySizes, SyncStats};
use zookeeper::{Disk, DiskSizes, Method, Syncs, ZooKeeperDoor};

/// The commands of a door, for the HTTP door to serve.
pub(crate) struct Commands(ZooKeeperDoor);

impl Commands {
    pub(crate) fn of(door: &ZooKeeperDoor) -> Commands {
        Commands(door.clone())
    }
}

impl AdminCommands for Commands {
    fn names(&self) -> Vec<&'static str> {
        zookeeper::command_names()
    }

    fn run(&self, name: String, method: CommandMethod) -> BoxFuture<'static, CommandAnswer> {
        let door = self.0.clone();
        let method = match method {
            CommandMethod::Get => Method::Get,
            CommandMethod::Post => Method::Post,
        };
        async move {
            let answer = door.command(&name, method).await;
            CommandAnswer {
                status: answer.status,
                fields: answer.fields,
            }
        }
        .boxed()
    }
}

/// The disk of a node.
#[derive(Debug)]
pub(crate) struct DataDisk {
    sizes: DirectorySizes,
    syncs: Arc<SyncStats>,
}

impl DataDisk {
    pub(crate) fn of(directory: &DataDirectory) -> DataDisk {
        DataDisk {
            sizes: directory.sizes(),
            syncs: directory.sync_stats(),
        }
    }
}

impl Disk for DataDisk {
    fn sizes(&self) -> io::Result<DiskSizes> {
        Ok(DiskSizes {
            snapshots: self.sizes.of_snapshots()?,
            log: self.sizes.of_log()?,
        })
    }

    fn syncs(&self) -> Syncs {
        let read = self.syncs.read();
        Syncs {
            count: read.syncs,
            total: Duration::from_micros(read.total_micros),
            max: Duration::from_micros(read.max_micros),
        }
    }
}
