//! A disk that forgets: a FUSE file system that keeps apart what was written and what was synced.
//!
//! `kill -9` alone cannot find a missing fsync, since the kernel keeps what a dead process wrote.
//! Here a crash is: kill the node, wait until it is gone, `lose`, start it again. Content lives in
//! memory; the command `keep` writes it below the backing directory at the end of a run.

mod control;
mod counters;
mod disk;
mod door;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use fuser::{Config, MountOption};

pub use control::Control;
pub use counters::Counters;
use disk::Disk;
use door::Door;

/// Calls of the kernel served at once: a slow fsync must not stop the reads of others.
const THREADS: usize = 4;

/// Faults in force.
#[derive(Clone, Copy, Debug, Default)]
struct Switches {
    /// No room.
    full: bool,
    /// Input/output errors on writes and syncs.
    eio: bool,
    /// Syncs are acknowledged and not done.
    lie: bool,
    /// Length of a sync.
    slow_ms: u64,
}

#[derive(Debug)]
struct Shared {
    disk: Mutex<Disk>,
    switches: Mutex<Switches>,
}

impl Shared {
    fn switches(&self) -> Switches {
        *self.change()
    }

    fn change(&self) -> MutexGuard<'_, Switches> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Mounts an empty disk and serves it until it is unmounted or this process is killed.
///
/// # Errors
/// What the system refused.
pub fn serve(backing: &Path, mount: &Path, socket: &Path, strict: bool) -> Result<()> {
    let shared = Arc::new(Shared {
        disk: Mutex::new(Disk::new(strict)),
        switches: Mutex::default(),
    });
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::FSName("losefs".to_owned()),
        MountOption::DefaultPermissions,
        MountOption::NoAtime,
    ];
    config.n_threads = Some(THREADS);
    let door = Door(Arc::clone(&shared));
    let session = fuser::spawn_mount(door, mount, &config)
        .with_context(|| format!("mount {}", mount.display()))?;
    // The socket appears when the disk is there.
    let served = control::serve(&shared, backing, socket);
    drop(session);
    served
}
