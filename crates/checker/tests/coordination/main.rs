//! The checkers of locks, watches, sessions and leaders against small services of a few lines.
//!
//! Each service is correct by construction, with clients that are slow, crash, pause and lose
//! answers: thousands of seeded runs must be found valid. Then each is broken on purpose, and the
//! checker that is meant for the break must notice.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "all of this is test code, its small services too; a panic is a failed test"
)]

mod clients;
mod ephemerals;
mod locks;
mod record;
mod service;
mod watches;
