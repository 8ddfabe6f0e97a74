//! The harness against real nodes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "tests: they fail by panics, and say what they skip"
)]

mod interrupt;
mod world;
