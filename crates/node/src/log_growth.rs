//! Snapshots by the size of the log.
//!
//! openraft counts entries. Entries may be large, and then the log of as many as it waits for takes long to apply after
//! a start, and much disk. So a snapshot is also taken when the log has grown by some bytes since the last one; by
//! as many as that one had, if they are more, so that no more is written for snapshots than for the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::runtime::Runtime;

/// What was applied since the last snapshot. Counted by apply and by the builder of snapshots.
#[derive(Debug, Default)]
pub(crate) struct LogGrowth {
    /// Bytes of entries applied since the last snapshot was begun.
    since: AtomicU64,
    /// A snapshot is due after this many.
    due_after: AtomicU64,
    /// Never after fewer.
    least: u64,
    /// One was asked for and is not finished.
    asked: AtomicBool,
    due: Notify,
}

impl LogGrowth {
    /// After so many bytes at least; `last`: those of the snapshot that is there.
    pub(crate) fn new(least: u64, last: u64) -> LogGrowth {
        LogGrowth {
            due_after: AtomicU64::new(least.max(last)),
            least,
            ..LogGrowth::default()
        }
    }

    /// An entry of so many bytes was applied.
    pub(crate) fn applied(&self, bytes: usize) {
        let since = self.since.fetch_add(bytes as u64, Ordering::Relaxed);
        let is_due = since > self.due_after.load(Ordering::Relaxed);
        if is_due && !self.asked.swap(true, Ordering::Relaxed) {
            self.due.notify_one();
        }
    }

    /// A snapshot of everything applied so far is begun.
    pub(crate) fn snapshot_begun(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// It is there, and has so many bytes.
    pub(crate) fn snapshot_finished(&self, bytes: u64) {
        self.due_after
            .store(self.least.max(bytes), Ordering::Relaxed);
        self.asked.store(false, Ordering::Relaxed);
    }
}

/// Has snapshots taken when they are due.
pub(crate) async fn run(runtime: Arc<Runtime>) {
    let stopped = runtime.stop.clone();
    let snapshots = async {
        loop {
            runtime.log_growth.due.notified().await;
            if runtime
                .consensus()
                .raft()
                .trigger()
                .snapshot()
                .await
                .is_err()
            {
                return;
            }
        }
    };
    stopped.run_until_cancelled(snapshots).await;
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::LogGrowth;

    fn is_due(growth: &LogGrowth) -> bool {
        growth.due.notified().now_or_never().is_some()
    }

    #[test]
    fn a_snapshot_is_due_after_as_many_bytes_as_the_last_one_had_but_once() {
        let growth = LogGrowth::new(100, 0);
        growth.applied(100);
        growth.applied(1);
        assert!(!is_due(&growth));
        growth.applied(1);
        growth.applied(1000);
        assert!(is_due(&growth) && !is_due(&growth));

        growth.snapshot_begun();
        growth.applied(2000);
        assert!(!is_due(&growth), "the one that was asked for is not there");
        growth.snapshot_finished(5000);
        growth.applied(3000);
        growth.applied(1);
        assert!(!is_due(&growth));
        growth.applied(1);
        assert!(is_due(&growth));
    }
}
