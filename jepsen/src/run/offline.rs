//! The nodes' Raft logs, read when their processes are gone.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use checker::oracle::log::NodeLog;

use crate::world::World;

/// The entries of a node, in its directory.
const ENTRIES: &str = "entries.ndjson";

/// Where the entries of a node are kept, within the run's directory.
pub(super) fn entries_file(node: u64) -> String {
    format!("nodes/n{node}/{ENTRIES}")
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
        logs.push(understand(&kept)?);
    }
    Ok(logs)
}

/// What is still there of a former run, which may have been tidied up; none at all is no failure.
///
/// # Errors
/// A file is there and makes no sense.
pub(super) fn kept(run_dir: &Path) -> Result<Vec<NodeLog>> {
    let Ok(nodes) = std::fs::read_dir(run_dir.join("nodes")) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for node in nodes {
        let node = node.context("list the nodes of a run")?.path();
        files.extend(Some(node.join(ENTRIES)).filter(|file| file.is_file()));
    }
    files.sort();
    files.iter().map(|file| understand(file)).collect()
}

fn understand(file: &Path) -> Result<NodeLog> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    NodeLog::parse(&text)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(|| format!("understand {}", file.display()))
}
