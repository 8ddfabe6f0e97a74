//! The ZooKeeper client protocol as bytes and values, both sides of it. Everything here is pure: no
//! socket, no clock.
//!
//! All numbers are big-endian. A message is a frame: an `int` length and that many bytes.
//!
//! - A server reads the first frame of a connection with [`frame::first_frame`] and
//!   [`connect::ConnectRequest`], the following ones with [`frame::next_frame`] and
//!   [`request::decode`]; it writes [`connect::ConnectResponse`], [`response::Reply`] and
//!   [`event::WatcherEvent`].
//! - A client writes [`connect::ConnectRequest`] and [`request::Request::encode`], and reads
//!   [`connect::ConnectResponse`] and [`response::FromServer`].
//!
//! Records carry the names of ZooKeeper's `zookeeper.jute`. Numbers with a fixed set of meanings
//! are kept as they arrived where ZooKeeper answers an unknown one with an error of its own
//! (`flags`, `mode`, `type`), and have a typed conversion beside them.
//!
//! Decoding never panics. It never allocates on the word of a length or count alone: what it
//! allocates is bounded by a small multiple of the frame (a `String` in memory for four bytes on
//! the wire is the worst case of the flat lists). Byte buffers are slices of the frame and keep it
//! alive: what is to live longer than its request is to be copied.

pub mod acl;
pub mod config;
pub mod connect;
pub mod create_mode;
pub mod error;
pub mod event;
pub mod four_letter;
pub mod frame;
pub mod header;
pub mod jute;
pub mod multi;
pub mod op;
pub mod request;
pub mod response;
pub mod stat;
pub mod watch;
