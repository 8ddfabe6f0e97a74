//! A whole cluster in one process, for tests: real consensus and real runtime over simulated
//! peer network, disks, clocks and randomness. Never shipped.
//!
//! The disk loses what was not synced when a node is crashed; the network can be cut and healed
//! between any two nodes; log time follows clocks that only move when told to. What is real:
//! tokio's scheduler and timers, so runs are not reproducible bit for bit.

mod cluster;

pub use cluster::{Cluster, SimNode};
