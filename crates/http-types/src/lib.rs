//! The HTTP contract of Holdfast as types: what goes over the wire as JSON, in headers and in
//! paths, and nothing else.
//!
//! Both sides use it: the axum door writes what the SDK reads. It knows neither the state machine
//! nor a runtime, so a client links no server code. Names of locks, claims and sessions are plain
//! text here; the door turns them into valid names once, where they enter.
//!
//! Start with [`problem`] for what a refused request looks like, [`v1`] for the bodies,
//! [`paths`] for the addresses.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")
)]

pub mod catalogue;
pub mod duration;
pub mod headers;
pub mod paths;
pub mod problem;
pub mod quota;
pub mod v1;
