//! Sessions, and the ephemerals that live with them.

pub(crate) mod ephemerals;
pub(crate) mod lives;

pub mod atomic_vanish;
pub mod no_resurrection;
pub mod session_ids;
