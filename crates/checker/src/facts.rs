//! What a checker must be told of a run, because no client can know it: what was promised in
//! numbers, and how far the run bent the clocks.

use std::collections::BTreeSet;

/// Facts of one run. The default is a run on healthy clocks with the product's default promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// How much faster than the clients' clock a node's monotonic clock may have run, in parts per
    /// million: every `safe_ms` is worth so much less. 0 unless the nemesis bends session clocks.
    pub clock_error_ppm: u64,
    /// What a grant may take beyond `ack_within` on a healed, loaded machine.
    pub ack_slack_ms: u64,
    /// Time within which a healthy majority has a leader.
    pub failover_ms_max: u64,
    /// Time after the end of a fault in which promises of time are not judged yet.
    pub settle_ms: u64,
    /// Time within which an acknowledged change is expected on an open stream of a healthy cluster.
    pub delivery_ms_max: u64,
    /// The nodes that must be there at the end; empty: those that the observer ever asked.
    pub nodes: BTreeSet<u64>,
}

impl Default for RunFacts {
    fn default() -> Self {
        RunFacts {
            clock_error_ppm: 0,
            ack_slack_ms: 3_000,
            failover_ms_max: 5_000,
            settle_ms: 5_000,
            delivery_ms_max: 10_000,
            nodes: BTreeSet::new(),
        }
    }
}

impl RunFacts {
    /// When a promise of `safe_ms`, given to a request sent at `sent`, ends at the earliest.
    pub(crate) fn safe_until(&self, sent: u64, safe_ms: u64) -> u64 {
        let nanos = nanos(safe_ms);
        let lost = u128::from(nanos) * u128::from(self.clock_error_ppm) / 1_000_000;
        let lost = u64::try_from(lost).unwrap_or(nanos);
        sent.saturating_add(nanos.saturating_sub(lost))
    }
}

/// Milliseconds as the nanoseconds of event times.
pub(crate) fn nanos(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

/// An event time for people: milliseconds since the run began.
pub(crate) fn shown(time: u64) -> String {
    format!("{}.{:03} ms", time / 1_000_000, time / 1_000 % 1_000)
}
