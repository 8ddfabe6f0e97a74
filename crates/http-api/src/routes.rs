//! The endpoints, a file for each family: parse, ask the node, convert.

mod acquisition;
pub(crate) mod candidates;
pub(crate) mod claims;
pub(crate) mod cluster;
pub(crate) mod commands;
pub(crate) mod counters;
pub(crate) mod deadlocks;
pub(crate) mod elections;
pub(crate) mod events;
pub(crate) mod fences;
pub(crate) mod health;
pub(crate) mod lock_list;
pub(crate) mod locks;
pub(crate) mod meta;
pub(crate) mod nodes;
pub(crate) mod nodes_delete;
pub(crate) mod nodes_views;
pub(crate) mod restore;
pub(crate) mod sessions;
pub(crate) mod snapshots;
pub(crate) mod streams;
pub(crate) mod txn;
