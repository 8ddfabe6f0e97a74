//! The oracle: on real logs as they are, on real logs with one thing made wrong, and on logs and
//! histories made at random, right and wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and names what it expects"
)]

mod appends;
mod bad;
mod cut;
mod fixture;
mod good;
mod random;
mod world;
