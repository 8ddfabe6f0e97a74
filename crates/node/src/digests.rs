//! Digests of the state at past positions, so that replicas can be compared at the same one.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use raft_core::ids::Zxid;

/// Digests kept.
const KEPT: usize = 128;
/// Every how many log entries one is kept.
const EVERY: u64 = 64;

/// Recent digests by zxid.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    by_zxid: Mutex<BTreeMap<Zxid, u128>>,
}

impl Digests {
    /// Keeps the digest after the entry at `index`, if that is one of those all replicas keep.
    pub(crate) fn note(&self, index: u64, zxid: Zxid, digest: impl FnOnce() -> u128) {
        if index.is_multiple_of(EVERY) {
            let mut by_zxid = self.by_zxid.lock();
            by_zxid.insert(zxid, digest());
            if by_zxid.len() > KEPT {
                by_zxid.pop_first();
            }
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> BTreeMap<Zxid, u128> {
        self.by_zxid.lock().clone()
    }
}
