//! What is left of a run: its directory with the history, `results.json`, a page and a summary;
//! the table of a suite of runs; and the line that shows how it goes while it does.
//!
//! Everything that is shown is made from two stored files, `history.jsonl` and `results.json`: the
//! pages of an old run can be made again.

pub mod faults;
pub mod page;
pub mod progress;
pub mod promises;
pub mod results;
pub mod stats;
pub mod suite;
pub mod versions;

mod html;
mod latency;
mod leaders;
mod plot;
mod rate;
mod scale;
mod svg;
mod tables;
mod timeline;
mod window;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use checker::History;

use crate::history_file;
use results::Results;

/// The history within a run's directory.
pub const HISTORY: &str = "history.jsonl";

/// Writes everything of a run into its directory, the history first: what comes after it can be
/// made again.
///
/// # Errors
/// A file cannot be written.
pub fn write(run_dir: &Path, results: &Results, history: &History) -> Result<()> {
    history_file::write(&run_dir.join(HISTORY), history)?;
    history_file::write_edn(run_dir, history)?;
    results.write(run_dir)?;
    write_pages(run_dir, results, history)
}

/// `hf-jepsen report RUN_DIR`: makes the pages again from what is stored.
///
/// # Errors
/// What is stored cannot be read, or a page cannot be written.
pub fn make_again(run_dir: &Path) -> Result<Results> {
    let results = Results::read(run_dir)?;
    let history = history_file::read(&run_dir.join(HISTORY))?;
    write_pages(run_dir, &results, &history)?;
    Ok(results)
}

fn write_pages(run_dir: &Path, results: &Results, history: &History) -> Result<()> {
    let pages = [
        ("report.html", page::page(results, history)),
        ("summary.md", suite::summary(results)),
    ];
    for (name, text) in pages {
        let path = run_dir.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
