//! Resident memory of the nodes over time.

use std::time::{Duration, Instant};

/// What a node may grow by from the second to the last quarter of a soak: parts of what it has...
const GROWTH_PERCENT_MAX: u64 = 10;
/// ...and a fixed part, for what is bounded and not full yet: sessions that ended within 15 minutes,
/// tables of the log on their way to disk, and what the allocator keeps of a start's work when a node was killed
/// in between (seen: 27 MiB in a soak of twelve seconds).
const GROWTH_KIB_MAX: u64 = 32 * 1024;

/// Samples of one node.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    all: Vec<(Instant, u64)>,
}

/// What they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// KiB in the middle of the second quarter.
    pub early: u64,
    /// KiB in the middle of the last quarter.
    pub late: u64,
    /// KiB at most.
    pub peak: u64,
}

impl Growth {
    /// Whether that is within bounds.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.late <= self.early + self.early * GROWTH_PERCENT_MAX / 100 + GROWTH_KIB_MAX
    }
}

impl Samples {
    /// Notes what a process holds now, if it runs.
    pub fn take(&mut self, pid: u32) {
        if let Some(kib) = resident_kib(pid) {
            self.all.push((Instant::now(), kib));
        }
    }

    /// Adds a sample.
    pub fn push(&mut self, at: Instant, kib: u64) {
        self.all.push((at, kib));
    }

    /// What has become of it from `start` on, over `time`; `None` without samples.
    #[must_use]
    pub fn growth(&self, start: Instant, time: Duration) -> Option<Growth> {
        let within = |from: Duration, to: Duration| {
            let in_time = |(at, _): &&(Instant, u64)| *at >= start + from && *at < start + to;
            let mut found: Vec<u64> = self
                .all
                .iter()
                .filter(in_time)
                .map(|(_, kib)| *kib)
                .collect();
            found.sort_unstable();
            found.get(found.len() / 2).copied()
        };
        Some(Growth {
            early: within(time / 4, time / 2)?,
            late: within(time * 3 / 4, time)?,
            peak: self.all.iter().map(|(_, kib)| *kib).max()?,
        })
    }
}

/// Resident memory of a process.
fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
