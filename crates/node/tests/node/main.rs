//! The runtime over a whole simulated cluster: real consensus, simulated network, disks and clocks.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "tests name what they expect and fail on the rest"
)]

mod events;
mod expiry;
mod failover;
mod harness;
mod members;
mod reads;
mod writes;
