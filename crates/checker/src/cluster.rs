//! The cluster as its observer sees it: leaders, terms, digests.

pub(crate) mod sightings;

pub mod equal_digests;
pub mod failover_time;
pub mod one_leader;
