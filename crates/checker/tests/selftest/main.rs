//! The checkers of data, tested: each must find what is wrong, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

mod agreement;
mod brute;
mod edn;
mod golden;
mod mutants;
