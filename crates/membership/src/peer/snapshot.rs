//! Both ends of a snapshot transfer.
//!
//! Each transfer has a connection of its own: to cancel it is to close it, and TCP's flow control
//! is the back-pressure between the two disks. The receiver writes aside, verifies length and
//! checksum of the whole, and only then makes the snapshot current and hands it to openraft.

pub(crate) mod receive;
pub(crate) mod send;
