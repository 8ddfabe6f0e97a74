//! Reads: pure functions of `&State`. Nothing here changes anything, so nothing here takes a zxid.

pub mod counter;
pub mod election;
pub mod fence_register;
pub mod lock;
pub mod session;
pub mod znode;
