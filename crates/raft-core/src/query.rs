//! Reads: pure functions of `&State`. Nothing here changes anything, so nothing here takes a zxid.

pub mod election;
pub mod lock;
pub mod session;
pub mod znode;
