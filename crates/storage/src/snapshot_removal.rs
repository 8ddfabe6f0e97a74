//! Snapshots that are not needed any more.
//!
//! Removing a large file at once holds up every sync of the log on the same file system until its blocks are free: 23 ms
//! for 170 MB on ext4 that discards them, with every write waiting. So its name goes at once and its blocks step by step.
//! Whoever reads a snapshot has a shared lock on the file (`SnapshotFile`); then the blocks stay until that file is closed.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Bytes that are given back at once.
const STEP_BYTES: u64 = 8 << 20;
/// Between two steps: what the file system has to do for one comes with the log's next syncs.
const PAUSE: Duration = Duration::from_millis(5);

/// Removes the name of a snapshot, and gives the file for [`give_back`], unless somebody reads it.
///
/// # Errors
/// Those of the disk; then the name may still be there.
pub(crate) fn remove_name(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().write(true).open(path)?;
    fs::remove_file(path)?;
    // Who has opened it and not yet locked it finds half of it, which its checksums tell. Only a listing could.
    Ok(file.try_lock().is_ok().then_some(file))
}

/// Gives the blocks of files without names back, in its own time and on a thread of its own. If it does not come to
/// the end of that, closing the file does the rest.
pub(crate) fn give_back(files: Vec<File>) {
    if files.is_empty() {
        return;
    }
    let work = move || files.iter().try_for_each(shrink);
    let thread = std::thread::Builder::new().name("snapshot-removal".to_owned());
    // Without a thread the files are closed at once.
    let _ = thread.spawn(work);
}

fn shrink(file: &File) -> io::Result<()> {
    let mut length = file.metadata()?.len();
    while length > 0 {
        length = length.saturating_sub(STEP_BYTES);
        file.set_len(length)?;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_file_that_is_read_keeps_its_content_and_another_is_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("snapshot");
        let make = || fs::write(&path, vec![7; 3 * 1024]).unwrap();

        make();
        let mut reader = File::open(&path).unwrap();
        reader.try_lock_shared().unwrap();
        assert!(remove_name(&path).unwrap().is_none());
        assert!(!path.exists());
        let mut content = Vec::new();
        reader.read_to_end(&mut content).unwrap();
        assert_eq!(content, vec![7; 3 * 1024]);

        make();
        let file = remove_name(&path).unwrap().unwrap();
        assert!(!path.exists());
        shrink(&file).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}
