//! placeholder doc
// R1: page follows.

pub mod acl;
mod apply;
pub mod codec;
pub mod command;
mod digest;
pub mod event;
pub mod ids;
pub mod format;
mod index;
mod invariants;
pub mod limits;
pub mod lock;
pub mod outcome;
pub mod path;
pub mod query;
mod recipe;
pub mod session;
pub mod snapshot;
pub mod state;
mod table;
pub mod znode;
