//! The command line of `hf-jepsen`.

mod run;
mod suite;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::nemesis::programs::Program;
use crate::{mutants, report, worker};

/// Starts a real Holdfast cluster, hurts it, records what clients saw, and judges whether every
/// promise was kept.
///
/// Exit codes: 0 all promises kept, 1 one was broken, 2 nobody can say, 3 the harness failed.
#[derive(Debug, Parser)]
#[command(name = "hf-jepsen", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One run: a workload under faults, and its verdict
    Run(run::RunArguments),
    /// Many runs, one after the other, and their table
    Suite(suite::SuiteArguments),
    /// Every planted bug in the run that should catch it, and the table
    Mutants(mutants::MutantsArguments),
    /// Judge the stored history of a run again
    Check {
        /// Directory of the run.
        run_dir: PathBuf,
    },
    /// Make the pages of a run again
    Report {
        /// Directory of the run.
        run_dir: PathBuf,
    },
    /// Be the clients of a run
    #[command(hide = true)]
    Worker {
        /// The orders.
        orders: PathBuf,
    },
    #[command(flatten)]
    Program(Program),
}

/// Does what the command line says.
///
/// # Errors
/// The harness failed.
pub fn main() -> Result<u8> {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Suite(arguments) => suite::suite(&arguments),
        Command::Mutants(arguments) => mutants::mutants(&arguments),
        Command::Check { run_dir } => run::check(&run_dir),
        Command::Report { run_dir } => {
            let results = report::make_again(&run_dir)?;
            Ok(report::results::exit_code(results.verdict))
        }
        Command::Worker { orders } => worker::run(&orders).map(|()| 0),
        Command::Program(program) => program.run().map(|()| 0),
    }
}
