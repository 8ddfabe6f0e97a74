//! The `holdfast` program: a node, a cluster on one machine, and the command line of both.
//!
//! It only wires. A server is put together in [`assemble`]; everything that decides lives in the
//! libraries.

mod args;
mod assemble;
mod commands;
mod config;
mod descriptors;
mod dev;
mod entry;
mod exit;
mod output;
mod own_key;
mod serve;
mod telemetry;
mod zookeeper_admin;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::exit::Exit;

/// Small allocations by the million, made by one thread and freed by another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Err(unknown) = mutant::active() {
        output::error(&unknown.to_string());
        return ExitCode::from(Exit::Config.code());
    }
    match args::Cli::try_parse() {
        Ok(cli) => commands::run(cli),
        Err(error) => {
            // Nothing can be done when the terminal is gone.
            let _ = error.print();
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            if asked {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(Exit::Usage.code())
            }
        }
    }
}
