//! A whole cluster in one process, for tests: real consensus and real runtime over simulated
//! peer network, disks, clocks and randomness. Never shipped.
//!
//! Two things live here. [`Cluster`] is a kit for tests of other crates: tokio's real scheduler and
//! timers, links that can be cut, disks that lose what was not synced; not reproducible bit for bit.
//! [`world::World`] is the simulation: virtual time, one seed, one run. `OVERVIEW.md` tells how it
//! works; the binary `sim` runs it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test kit: a broken expectation is a failed test, and a client looks at few of many replies"
)]

pub mod clients;
pub mod clock;
pub mod disk;
pub mod invariants;
pub mod judge;
mod keys;
pub mod machine;
pub mod nemesis;
pub mod net;
pub mod panics;
pub mod plan;
pub mod rng;
pub mod summary;
pub mod trace;
pub mod world;

mod cluster;

pub use cluster::{Cluster, SimNode};
