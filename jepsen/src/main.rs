//! `hf-jepsen`: see `jepsen/README.md`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(3)
}
