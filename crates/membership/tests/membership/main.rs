//! Whole consensus groups in one process: real openraft and real peer protocol over a network that
//! can be broken, logs and snapshots in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "test support: what fails here fails its test"
)]

mod change;
mod cluster;
mod failover;
mod peer_port;
mod replication;
mod store;
