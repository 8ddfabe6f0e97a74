//! What consensus, disk and runtime agree on: the openraft type configuration and the seams.
//!
//! This crate holds types and traits only. It knows neither RocksDB nor HTTP nor what a command
//! means: an entry's payload is bytes that `raft-core` wrote and `raft-core` will read.
//!
//! Reading order: [`config`] (what openraft is instantiated with), [`seam`] (clock and randomness),
//! [`snapshot`] (what is asked of a disk besides the log).

pub mod config;
pub mod seam;
pub mod snapshot;

pub use config::{
    Applied, ClusterId, Entry, EntryBytes, LeaderId, LogId, Membership, NodeId, PeerAddress,
    StoredMembership, TypeConfig, Vote,
};
