//! What the runtime counts. One registry per node; the doors add their own families to it.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Counted by apply.
#[derive(Debug, Default)]
pub(crate) struct ApplyMetrics {
    applied: Counter,
    refused: Counter,
}

impl ApplyMetrics {
    pub(crate) fn command_applied(&self, accepted: bool) {
        if accepted {
            &self.applied
        } else {
            &self.refused
        }
        .inc();
    }
}

/// Bytes of the log entries this node wrote as leader. Before the first one all are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntrySizes {
    /// Of the last one.
    pub last: Option<u64>,
    /// Of the smallest.
    pub min: Option<u64>,
    /// Of the largest.
    pub max: Option<u64>,
}

/// The registry and what this crate puts into it.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    foreign: Mutex<Registry>,
    apply: Arc<ApplyMetrics>,
    entries: Counter,
    requests_per_entry: Histogram,
    entry_sizes: Mutex<EntrySizes>,
}

impl Metrics {
    pub(crate) fn new(apply: &Arc<ApplyMetrics>) -> Metrics {
        let mut registry = Registry::with_prefix("holdfast");
        let entries = Counter::default();
        let requests_per_entry = Histogram::new(exponential_buckets(1.0, 2.0, 13));
        registry.register(
            "commands_applied",
            "Commands applied by this node",
            apply.applied.clone(),
        );
        registry.register(
            "commands_refused",
            "Commands the state refused",
            apply.refused.clone(),
        );
        registry.register(
            "entries_written",
            "Log entries this leader wrote",
            entries.clone(),
        );
        registry.register(
            "requests_per_entry",
            "Requests that shared a log entry",
            requests_per_entry.clone(),
        );
        Metrics {
            registry: Mutex::new(registry),
            foreign: Mutex::new(Registry::default()),
            apply: Arc::clone(apply),
            entries,
            requests_per_entry,
            entry_sizes: Mutex::default(),
        }
    }

    /// Registers further families.
    pub fn with_registry<T>(&self, act: impl FnOnce(&mut Registry) -> T) -> T {
        act(&mut self.registry.lock())
    }

    /// Registers families under names that others have given them: they get no prefix.
    pub fn with_foreign_registry<T>(&self, act: impl FnOnce(&mut Registry) -> T) -> T {
        act(&mut self.foreign.lock())
    }

    /// Everything there is, as OpenMetrics text.
    ///
    /// # Errors
    /// When it cannot be written, which is a bug.
    pub fn encode(&self, text: &mut String) -> std::fmt::Result {
        encode_registry(text, &self.registry.lock())?;
        encode_registry(text, &self.foreign.lock())?;
        encode_eof(text)
    }

    /// Commands that this node has applied, refused ones among them.
    #[must_use]
    pub fn commands_applied(&self) -> u64 {
        self.apply
            .applied
            .get()
            .saturating_add(self.apply.refused.get())
    }

    /// Log entries that this node wrote as leader.
    #[must_use]
    pub fn entries_written(&self) -> u64 {
        self.entries.get()
    }

    /// How large they were.
    #[must_use]
    pub fn entry_sizes(&self) -> EntrySizes {
        *self.entry_sizes.lock()
    }

    /// Forgets how large they were.
    pub fn reset_entry_sizes(&self) {
        *self.entry_sizes.lock() = EntrySizes::default();
    }

    pub(crate) fn entry_written(&self, requests: usize, bytes: usize) {
        self.entries.inc();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut sizes = self.entry_sizes.lock();
        sizes.last = Some(bytes);
        sizes.min = Some(sizes.min.map_or(bytes, |min| min.min(bytes)));
        sizes.max = Some(sizes.max.map_or(bytes, |max| max.max(bytes)));
        drop(sizes);
        // A count of at most some thousands is exact in a float.
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        self.requests_per_entry.observe(requests as f64);
    }
}
