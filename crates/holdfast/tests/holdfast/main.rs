//! The binary without a cluster: what it says of itself, and that the documents say the same.
//!
//! That this package has an integration test also makes `cargo test --workspace` build the binary
//! the process tests in `tests/` run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod documents;
mod log;
mod reference;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The program, without what the person running the tests has set.
fn holdfast(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HOLDFAST_") {
            command.env_remove(name);
        }
    }
    command
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command.args(arguments).output().expect("run holdfast")
}

/// What it prints when all is well.
fn printed(arguments: &[&str]) -> String {
    let output = holdfast(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}
