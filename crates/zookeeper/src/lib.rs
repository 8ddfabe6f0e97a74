//! The ZooKeeper door: unmodified ZooKeeper clients talk to Holdfast through this crate.
//!
//! [`proto`] is the protocol as bytes and values. It is pure: no socket, no clock, and nothing of
//! Holdfast's own crates.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail loudly"
    )
)]

mod door;
pub mod proto;

pub use door::{
    CommandAnswer, Disk, DiskSizes, DoorSettings, Installation, Method, Syncs, WORDS_DEFAULT,
    ZooKeeperDoor, command_names,
};
