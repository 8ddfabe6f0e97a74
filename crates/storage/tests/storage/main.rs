//! Tests of `storage`: openraft's own suite, a model, crash points, refusals, golden bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod crash_points;
mod damage;
mod directory;
mod fixture;
mod golden;
mod log_store;
mod model;
mod observed;
mod offline;
mod readers;
mod snapshots;
mod suite;
