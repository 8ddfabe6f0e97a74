//! The nodes' Raft logs, read when their processes are gone.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use checker::oracle::log::NodeLog;

use crate::world::World;

/// Where the entries of a node are kept, within the run's directory.
pub(super) fn entries_file(node: u64) -> String {
    format!("nodes/n{node}/entries.ndjson")
}

/// Asks `holdfast log` for what is in each data directory, keeps it and reads it. A log it cannot
/// read to its end is no failure here: the oracle tells of it.
///
/// # Errors
/// The command could not be run, or what it printed makes no sense.
pub(super) fn read(world: &World, binary: &Path, run_dir: &Path) -> Result<Vec<NodeLog>> {
    let mut logs = Vec::new();
    for (node, data) in world.keep_data()? {
        let kept = run_dir.join(entries_file(node));
        let file = File::create(&kept).with_context(|| format!("make {}", kept.display()))?;
        let words = kept.with_extension("stderr");
        let errors = File::create(&words).with_context(|| format!("make {}", words.display()))?;
        // The exit code tells of damage, and so do the lines.
        let _ = Command::new(binary)
            .args(["--output", "ndjson", "log"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .status()
            .with_context(|| format!("run {} log", binary.display()))?;
        let text =
            std::fs::read_to_string(&kept).with_context(|| format!("read {}", kept.display()))?;
        let log = NodeLog::parse(&text)
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("understand {}", kept.display()))?;
        logs.push(log);
    }
    Ok(logs)
}
