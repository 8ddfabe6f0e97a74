//! `hf-jepsen`: see `jepsen/README.md`.

use std::process::ExitCode;

/// The harness itself failed: no verdict.
const HARNESS_FAILED: u8 = 3;

#[expect(clippy::print_stderr, reason = "the last words of a command")]
fn main() -> ExitCode {
    match jepsen::cli::main() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("hf-jepsen: the harness failed, there is no verdict: {error:#}");
            ExitCode::from(HARNESS_FAILED)
        }
    }
}
