//! `hf-jepsen`: see `jepsen/README.md`.

use std::path::PathBuf;
use std::process::ExitCode;

use jepsen::nemesis::programs::Program;

/// The harness itself failed.
const HARNESS_FAILED: u8 = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [command, orders] if command == "worker" => jepsen::worker::run(&PathBuf::from(orders)),
        [command, ..] if Program::is_named(command) => Program::from_arguments().run(),
        _ => Err(anyhow::anyhow!("usage: hf-jepsen worker FILE")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the last words of a command")]
            {
                eprintln!("hf-jepsen: {error:#}");
            }
            ExitCode::from(HARNESS_FAILED)
        }
    }
}
