//! `hf-bench`: see `README.md`.

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "the last words of a command")]
fn main() -> ExitCode {
    match compare::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hf-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
