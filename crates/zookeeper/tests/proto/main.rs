//! Tests of the protocol: bytes by hand, every value there and back, garbage.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "tests read golden files, and stop at the first surprise"
)]

mod arbitrary;
mod config;
mod frames;
mod golden;
mod handshake;
mod hostile;
mod numbers;
mod primitives;
mod recorded;
mod refusals;
mod round_trip;
mod samples;
mod sizes;
