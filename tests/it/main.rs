//! Tests of the product from outside. What each file is about is in its first lines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and says on standard error what it saw"
)]

mod arrows;
mod asking;
mod bad_input;
mod barriers;
mod bench;
mod cli;
mod counters;
mod deadlocks;
mod dev;
mod dry_run;
mod durability;
mod elections;
mod examples;
mod failover;
mod fence_tokens;
mod fences;
mod groups;
mod health_checks;
mod import;
mod lock_history;
mod locks;
mod log;
mod membership;
mod mutants;
mod queues;
mod reference;
mod restart;
mod restore;
mod services;
mod sessions;
mod smoke;
mod soak;
mod together;
mod top;
mod watches;
mod zookeeper;
