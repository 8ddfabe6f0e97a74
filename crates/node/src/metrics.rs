//! What the runtime counts. One registry per node; the doors add their own families to it.

use std::sync::Arc;

use parking_lot::Mutex;
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

/// The registry and what this crate puts into it.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    entries: Counter,
    requests_per_entry: Histogram,
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
            entries,
            requests_per_entry,
        }
    }

    /// Registers further families, or encodes what there is.
    pub fn with_registry<T>(&self, act: impl FnOnce(&mut Registry) -> T) -> T {
        act(&mut self.registry.lock())
    }

    pub(crate) fn entry_written(&self, requests: usize) {
        self.entries.inc();
        // A count of at most some thousands is exact in a float.
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        self.requests_per_entry.observe(requests as f64);
    }
}
