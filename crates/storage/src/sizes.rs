//! How many bytes a data directory holds, by what they are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::open::{DATABASE_DIR, SNAPSHOT_DIR};

/// Looks at the files of a data directory when it is asked. Blocks.
#[derive(Clone, Debug)]
pub struct DirectorySizes {
    database: PathBuf,
    snapshots: PathBuf,
}

impl DirectorySizes {
    pub(crate) fn of(path: &Path) -> DirectorySizes {
        DirectorySizes {
            database: path.join(DATABASE_DIR),
            snapshots: path.join(SNAPSHOT_DIR),
        }
    }

    /// Bytes of the log and what else is in the database.
    ///
    /// # Errors
    /// When its directory cannot be read.
    pub fn of_log(&self) -> io::Result<u64> {
        bytes_in(&self.database)
    }

    /// Bytes of snapshots.
    ///
    /// # Errors
    /// When their directory cannot be read.
    pub fn of_snapshots(&self) -> io::Result<u64> {
        bytes_in(&self.snapshots)
    }
}

/// Bytes of all files in a directory without directories of its own.
fn bytes_in(directory: &Path) -> io::Result<u64> {
    let mut bytes: u64 = 0;
    for entry in fs::read_dir(directory)? {
        match entry.and_then(|entry| entry.metadata()) {
            Ok(file) => bytes = bytes.saturating_add(file.len()),
            // Files come and go while the node runs.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_and_the_snapshots_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        assert!(DirectorySizes::of(path).of_log().is_err());
        for (name, files) in [(DATABASE_DIR, [3, 4]), (SNAPSHOT_DIR, [10, 0])] {
            fs::create_dir(path.join(name)).unwrap();
            for (number, bytes) in files.into_iter().enumerate() {
                fs::write(path.join(name).join(number.to_string()), vec![0; bytes]).unwrap();
            }
        }
        let sizes = DirectorySizes::of(path);
        assert_eq!(
            (sizes.of_log().unwrap(), sizes.of_snapshots().unwrap()),
            (7, 10)
        );
    }
}
