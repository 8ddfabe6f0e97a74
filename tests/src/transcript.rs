//! One script of operations, asked of any server that speaks ZooKeeper's protocol, and what came back
//! frame by frame.
//!
//! The scripts are the files in `tests/transcript/`, a step on each line; `tests/transcript/README.md`
//! says how they are written. Ids, zxids and times are given names that are the same in every run
//! ([`Names`]), so that two transcripts can be compared byte by byte: one recorded from a real
//! ZooKeeper (`tests/golden/zookeeper/`), one from Holdfast.

mod client;
mod compare;
mod encode;
mod here;
mod layout;
mod names;
mod ops;
mod record;
mod run;
mod script;
mod settle;
mod token;

use std::path::{Path, PathBuf};

pub use self::compare::{Differences, compare};
pub use self::here::run_here;
pub use self::names::Names;
pub use self::record::{Entry, Transcript};
pub use self::run::Runner;
pub use self::script::Script;

/// Lines on top of every golden file.
const PREAMBLE: &str = "\
# What ZooKeeper 3.9.3 sends when it is asked what tests/transcript/ says, under the same file name.
# Recorded by `UPDATE=1 make zookeeper-transcript`; tests/transcript/README.md explains.
";

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All scripts, in the order they are run.
///
/// # Panics
/// When one cannot be read.
#[must_use]
pub fn scripts() -> Vec<Script> {
    let directory = tests().join("transcript");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .expect("the folder of scripts")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|it| it == "txt"))
        .collect();
    files.sort();
    files.iter().map(|path| Script::read(path)).collect()
}

/// Where the recording of a real ZooKeeper is kept.
#[must_use]
pub fn golden_file(script: &str) -> PathBuf {
    let directory = tests().join("golden").join("zookeeper");
    directory.join(format!("{script}.txt"))
}

/// The recording of a real ZooKeeper.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn golden(script: &str) -> Transcript {
    let file = golden_file(script);
    let text = std::fs::read_to_string(&file);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    Transcript::parse(script, &text)
}

/// Keeps a recording.
///
/// # Panics
/// When it cannot be written.
pub fn keep(transcript: &Transcript) {
    let file = golden_file(&transcript.script);
    let text = format!("{PREAMBLE}{transcript}");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder of golden files");
    std::fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
