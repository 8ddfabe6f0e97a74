//! Reads: pure functions of `&State`. Nothing here changes anything, so nothing here takes a zxid.

pub mod barrier;
pub mod counter;
pub mod election;
pub mod fence_register;
pub mod group;
pub mod history;
pub mod lock;
pub mod queue;
pub mod session;
pub mod znode;
