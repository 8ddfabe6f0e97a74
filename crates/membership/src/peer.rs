//! The peer protocol, both ends side by side.
//!
//! Reading order: `wire` (bytes), [`network`] (sockets as a seam), `connection` and `pool` (the
//! dialling side), `client` (what openraft and the application call), `server` (the accepting
//! side), `snapshot` (both ends of a transfer), [`sim`] (a network that can be broken).

pub(crate) mod append;
pub mod client;
pub(crate) mod connection;
mod forged;
pub(crate) mod gone;
pub mod limits;
pub mod network;
pub(crate) mod pool;
pub(crate) mod raft_client;
pub mod server;
pub mod sim;
pub(crate) mod snapshot;
pub(crate) mod warn;
pub(crate) mod wire;

pub use wire::codec::{ADDRESS_BYTES_MAX, MEMBERS_MAX};
pub use wire::{Lane, PEER_PROTOCOL_VERSION};
