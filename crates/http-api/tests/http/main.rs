//! The HTTP door over real nodes in one process (simulated network, disks and clocks).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod asking;
mod bad_input;
mod barriers;
mod cluster;
mod commands;
mod counters;
mod deadlocks;
mod dry_run;
mod elections;
mod events;
mod fence_tokens;
mod fences;
mod groups;
mod harness;
mod lock_history;
mod lock_order;
mod locks;
mod nodes;
mod openapi;
mod queues;
mod quotas;
mod services;
mod serving;
mod sessions;
mod snapshots;
mod thrown;
mod together;
mod txn;
