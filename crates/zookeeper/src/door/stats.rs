//! What is counted, for four-letter words and metrics.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Counters of one node's door.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    received: AtomicU64,
    sent: AtomicU64,
    by_address: Mutex<BTreeMap<IpAddr, usize>>,
}

impl Stats {
    /// A packet came in.
    pub(crate) fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// A packet went out.
    pub(crate) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Packets received and sent.
    pub(crate) fn packets(&self) -> (u64, u64) {
        (
            self.received.load(Ordering::Relaxed),
            self.sent.load(Ordering::Relaxed),
        )
    }

    /// Forgets the counts (`srst`).
    pub(crate) fn reset(&self) {
        self.received.store(0, Ordering::Relaxed);
        self.sent.store(0, Ordering::Relaxed);
    }

    /// Takes a place for a connection from `address`, unless it has `limit` already.
    pub(crate) fn enter(&self, address: IpAddr, limit: usize) -> bool {
        let mut by_address = self.by_address.lock();
        let count = by_address.entry(address).or_default();
        if *count >= limit {
            return false;
        }
        *count += 1;
        true
    }

    /// Gives the place back.
    pub(crate) fn leave(&self, address: IpAddr) {
        let mut by_address = self.by_address.lock();
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }

    /// Connections there are.
    pub(crate) fn connections(&self) -> usize {
        self.by_address.lock().values().sum()
    }
}
