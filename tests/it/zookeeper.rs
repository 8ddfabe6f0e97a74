//! The door for ZooKeeper clients, with a client that shows every frame. What each group is about
//! is what re-implementations of ZooKeeper have broken their clients with:
//! `docs/internals/zookeeper-pitfalls.md` lists that with the test of each.

mod access;
mod admin;
mod catch_up;
mod config;
mod doors;
mod failover;
mod listings;
mod memory;
mod multi;
mod order;
mod quota;
mod read_only;
mod sessions;
mod stats;
mod transcript;
mod tree;
mod watches;
mod wire;
mod words;
