//! The runtime over a whole simulated cluster: real consensus, simulated network, disks and clocks.

#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests name what they expect and fail on the rest"
)]

mod config;
mod dry_run;
mod events;
mod expiry;
mod failover;
mod harness;
mod health_checks;
mod members;
mod reads;
mod writes;
