//! Judges histories: what clients of a coordination service saw, against what it promised.
//!
//! Pure: histories in, [`Report`]s out; no clock beyond the time limits of a search, no I/O. It
//! imports nothing of Holdfast, on purpose: its models are written afresh from the promises in
//! `docs/guarantees.md`, or one misunderstanding could hide in both. The form of a history is the
//! contract in `jepsen/histories.md`.

pub mod history;
pub mod oracle;
pub mod verdict;

pub use history::{Call, Event, History, Outcome, Process};
pub use verdict::{Checker, Finding, Limits, Report, Verdict};
