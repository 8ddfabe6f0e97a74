//! Black-box histories under faults: starts a real cluster, hurts it, records what clients saw,
//! and asks [`checker`] whether every promise was kept.
//!
//! The way of a run, in the order of the modules: a [`plan`] is made from a seed; a `world` of
//! nodes is started, each a host of its own; worker processes (`worker`, `client`, `workload`) put
//! load on it and print what they saw; the `nemesis` hurts it by the plan's schedule; the merged
//! history, the nodes' logs and their data go to the checkers; `report` writes it all down.

pub mod child;
pub mod cli;
pub mod client;
pub mod history_file;
pub mod losefs;
pub mod merge;
pub mod mutants;
pub mod nemesis;
pub mod observer;
pub mod plan;
pub mod report;
pub mod run;
pub mod worker;
pub mod workload;
pub mod world;
