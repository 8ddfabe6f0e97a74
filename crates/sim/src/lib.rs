//! A whole cluster in one process, for tests: real consensus and real runtime over simulated
//! peer network, disks, clocks and randomness. Never shipped.
//!
//! The disk loses what was not synced when a node is crashed; the network can be cut and healed
//! between any two nodes; log time follows clocks that only move when told to. What is real:
//! tokio's scheduler and timers, so runs are not reproducible bit for bit.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test kit: a broken expectation is a failed test"
)]

mod cluster;

pub use cluster::{Cluster, SimNode};
