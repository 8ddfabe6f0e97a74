//! What a disk has done, so that nobody claims a fault that did not happen.

use serde::{Deserialize, Serialize};

/// Counted since the disk was mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Writes done.
    pub writes: u64,
    /// Syncs of files done.
    pub fsyncs: u64,
    /// Syncs of directories done.
    pub directory_fsyncs: u64,
    /// Writes refused because the disk was full.
    pub refused: u64,
    /// Calls that failed with an input/output error.
    pub failed: u64,
    /// Syncs that were slow.
    pub slowed: u64,
    /// Syncs acknowledged and not done.
    pub lied: u64,
    /// Crashes.
    pub loses: u64,
    /// Bytes that crashes took back.
    pub lost_bytes: u64,
    /// Names that crashes took back.
    pub lost_names: u64,
}
