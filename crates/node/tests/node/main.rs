//! The runtime over a whole simulated cluster: real consensus, simulated network, disks and clocks.

mod events;
mod expiry;
mod failover;
mod harness;
mod members;
mod reads;
mod writes;
