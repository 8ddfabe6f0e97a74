//! The losing disk below a node's data directory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{network, tools};
use crate::losefs::Control;

/// For a disk to be mounted.
const MOUNTED: Duration = Duration::from_secs(10);

/// A mounted disk. Unmounted when dropped.
#[derive(Debug)]
pub(crate) struct LosingDisk {
    process: Child,
    mount: PathBuf,
    /// Where its content is written at the end.
    pub(crate) kept: PathBuf,
    pub(crate) control: Control,
}

impl LosingDisk {
    /// Mounts an empty one at `mount`.
    pub(crate) fn mount(node: u64, harness: &Path, mount: &Path, strict: bool) -> Result<Self> {
        std::fs::create_dir_all(mount).with_context(|| format!("make {}", mount.display()))?;
        let kept = mount.with_extension("kept");
        // A short path: that of a socket has no room for the path of a run.
        let socket = Path::new(network::PRIVATE).join(format!("hfdisk{node}.socket"));
        let mut command = Command::new(harness);
        command
            .arg("losefs")
            .arg(&kept)
            .arg(mount)
            .arg("--control")
            .arg(&socket);
        if strict {
            command.arg("--strict");
        }
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("start the losing disk")?;
        let disk = LosingDisk {
            process,
            mount: mount.to_owned(),
            kept,
            control: Control(socket),
        };
        tools::wait_for(MOUNTED, || disk.control.ask("stat").ok())
            .with_context(|| format!("the losing disk of node {node} was not mounted"))?;
        Ok(disk)
    }

    /// Writes the content to a plain directory.
    pub(crate) fn keep(&self) -> Result<()> {
        self.control.ask("keep").map(drop)
    }
}

impl Drop for LosingDisk {
    fn drop(&mut self) {
        // The mount namespace of the run ends anyway; what fails here is gone with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = tools::run("umount", &["-l".as_ref(), self.mount.as_os_str()]);
    }
}
