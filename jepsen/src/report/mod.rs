//! What is left of a run: its directory with the history, `results.json`, a page and a summary;
//! the table of a suite of runs; and the line that shows how it goes while it does.
//!
//! Everything that is shown is made from two stored files, `history.jsonl` and `results.json`: the
//! pages of an old run can be made again.

pub mod faults;
pub mod progress;
pub mod results;
pub mod stats;
pub mod versions;
