//! Between the types of the state machine and those of the contract, by hand: neither side shapes
//! the other.

pub(crate) mod asking;
pub(crate) mod barrier;
pub(crate) mod cluster;
pub(crate) mod deadlock;
pub(crate) mod dry_run;
pub(crate) mod election;
pub(crate) mod event;
pub(crate) mod fence;
pub(crate) mod group;
pub(crate) mod history;
pub(crate) mod lock;
pub(crate) mod lock_event;
pub(crate) mod node;
pub(crate) mod pick;
pub(crate) mod queue;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod txn;
