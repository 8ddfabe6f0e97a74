//! Tests of the state machine through its public face: scripts, models, golden bytes.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "tests read script and golden files, and stop at the first surprise"
)]

mod attach;
mod barrier_commands;
mod barrier_model;
mod counter_commands;
mod counter_model;
mod damage;
mod dry_run;
mod election_commands;
mod election_model;
mod fence_commands;
mod fence_model;
mod golden;
mod group_commands;
mod group_model;
mod harness;
mod key_commands;
mod key_model;
mod lock_commands;
mod lock_limits;
mod lock_model;
mod member_commands;
mod model;
mod queue_commands;
mod queue_model;
mod quota_limits;
mod restore;
mod scripts;
mod service_commands;
mod service_limits;
mod service_model;
mod service_shares;
mod together_model;
mod words;
mod znode_commands;
mod znode_limits;
