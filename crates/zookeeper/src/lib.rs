//! The ZooKeeper door: unmodified ZooKeeper clients talk to Holdfast through this crate.
//!
//! [`proto`] is the protocol as bytes and values. It is pure: no socket, no clock, and nothing of
//! Holdfast's own crates.
#![forbid(unsafe_code)]

mod door;
pub mod proto;

pub use door::{DoorSettings, serve};
