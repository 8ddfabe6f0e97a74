//! Whole directories.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Most files of a directory that are looked at.
const FILES_MAX: usize = 10_000;

/// All files below a directory.
pub(crate) fn files(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("list {}", directory.display()))?;
    for entry in entries {
        let path = entry.context("list a directory")?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if found.len() < FILES_MAX {
            found.push(path);
        }
    }
    Ok(())
}

/// A whole copy; no links are in a data directory.
pub(crate) fn copy_directory(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    let mut found = Vec::new();
    files(from, &mut found)?;
    for path in found {
        let target = to.join(path.strip_prefix(from).context("a file of the directory")?);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).context("make a directory")?;
        }
        fs::copy(&path, &target).with_context(|| format!("copy {}", path.display()))?;
    }
    Ok(())
}

/// Removes everything in a directory, which may be a mount.
pub(crate) fn empty_directory(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory).context("list a directory")? {
        let path = entry.context("list a directory")?.path();
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.with_context(|| format!("remove {}", path.display()))?;
    }
    Ok(())
}
