//! Reads: pure functions of `&State`. Nothing here changes anything, so nothing here takes a zxid.

pub mod barrier;
pub mod counter;
pub mod election;
pub mod fence_register;
pub mod group;
pub mod history;
pub mod lock;
pub mod pick;
pub mod queue;
pub mod service;
pub mod session;
pub mod signing_key;
pub mod znode;
