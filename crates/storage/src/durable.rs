//! Files and directories that are still there after a power cut.
//!
//! A synced file in a directory that was not synced is lost as a whole: the name was never
//! written. So whoever makes or renames something here also syncs the directory above it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The directory a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Creates a directory and those above it that are missing, each one durable.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    if above != Path::new(".") && above != Path::new("/") {
        create_dir(above)?;
    }
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(e) => return Err(e),
    }
    sync_dir(above)
}

/// Name of the file in which the next content of `path` is written aside.
pub(crate) fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

/// Replaces a file as a whole: after a power cut it has its old content or its new one.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let aside = aside(path);
    let mut file = File::create(&aside)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&aside, path)?;
    sync_dir(parent(path))
}
