//! The product from outside: real processes on loopback, spoken to over HTTP and the command line.
//!
//! Nothing here knows the crates of the product, but for the codec of the ZooKeeper protocol, which
//! is held against recordings of real servers by tests of its own. The HTTP client is written from
//! scratch on a socket, so that a mistake shared by server and SDK shows; what is waited for is
//! always a condition with a deadline; and at the end of every test each WARN or ERROR line in a
//! node's log must have been announced by the test.
//!
//! Start at [`Cluster`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and says on standard error what it saw"
)]

pub mod cli;
pub mod cluster;
pub mod http;
pub mod locks;
pub mod log_gate;
pub mod ports;
pub mod process;
pub mod real_zookeeper;
pub mod soak;
pub mod sse;
pub mod terminal;
pub mod transcript;
pub mod wait;
pub mod zookeeper;

pub use cluster::Cluster;
pub use http::{Answer, Http};
pub use real_zookeeper::RealZooKeeper;
pub use sse::EventStream;
pub use wait::{eventually, until};
pub use zookeeper::ZooKeeper;
