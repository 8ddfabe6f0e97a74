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

/// A whole copy, empty directories included; no links are in a data directory.
pub(crate) fn copy_directory(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let entry = entry.context("list a directory")?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_directory(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| format!("copy {}", path.display()))?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A node whose directory of snapshots is missing refuses to start, and is right.
    #[test]
    fn a_copy_has_empty_directories_too() {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir_all(from.join("snapshots")).unwrap();
        fs::create_dir_all(from.join("db")).unwrap();
        fs::write(from.join("db/1.log"), "x").unwrap();
        copy_directory(&from, &to).unwrap();
        assert!(to.join("snapshots").is_dir());
        assert_eq!(fs::read(to.join("db/1.log")).unwrap(), b"x");
    }
}
