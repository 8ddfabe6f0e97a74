//! Judges histories: what clients of a coordination service saw, against what it promised.
//!
//! Pure: histories in, [`Report`]s out; no clock beyond the time limits of a search, no I/O. It
//! imports nothing of Holdfast, on purpose: its models are written afresh from the promises in
//! `docs/guarantees.md`, or one misunderstanding could hide in both. The form of a history is the
//! contract in `jepsen/histories.md`.

pub mod availability;
mod calm;
pub mod cluster;
pub mod facts;
pub mod faults;
pub mod generate;
pub mod history;
pub mod linearizable;
pub mod locks;
mod positions;
pub mod queue;
pub mod register;
pub mod sessions;
pub mod set_full;
pub mod staleness;
pub mod unique_ids;
pub mod verdict;
pub mod versions;
pub mod watches;
pub mod wgl;

pub use facts::RunFacts;
pub use history::{Call, Event, History, Outcome, Process};
pub use verdict::{Checker, Finding, Limits, Report, Verdict};
