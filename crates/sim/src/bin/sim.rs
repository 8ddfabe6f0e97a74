//! `sim`: runs seeds, each in a process of its own, and replays one.

use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use sim::panics::Panics;
use sim::plan::Plan;
use sim::summary::Summary;
use sim::trace::Trace;
use sim::world::{Stop, World};

#[path = "sim/expected.rs"]
mod expected;
#[path = "sim/many.rs"]
mod many;
#[path = "sim/mutants.rs"]
mod mutants;

/// Seeds the operating system's randomness of the process (`src/os/getrandom.c`).
const SEED_VARIABLE: &str = "HOLDFAST_SIM_SEED";
/// Begins the line in which a child says what its run came to.
const RESULT: &str = "RESULT ";

/// Simulates whole clusters: one seed, one run.
#[derive(Parser)]
#[command(name = "sim")]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Runs many seeds and says what broke.
    Run(many::RunArgs),
    /// Runs one seed and prints its whole trace.
    Replay {
        /// The seed.
        seed: u64,
        #[command(flatten)]
        length: Length,
    },
    /// Runs each seed twice and compares the traces.
    Meta(many::RunArgs),
    /// Runs seeds with each planted bug until it is seen, and the same seeds without any.
    Mutants(mutants::MutantArgs),
    /// Runs one seed in this process: what `run` and `replay` start.
    #[command(hide = true)]
    Seed {
        seed: u64,
        #[command(flatten)]
        length: Length,
        /// Print the trace.
        #[arg(long)]
        trace: bool,
    },
}

#[derive(Args, Clone)]
struct Length {
    /// Virtual seconds with faults.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Action::Run(args) => many::run(&args),
        Action::Meta(args) => many::meta(&args),
        Action::Mutants(args) => mutants::mutants(args),
        Action::Replay { seed, length } => {
            let status = many::child(seed, &length)?.arg("--trace").status()?;
            Ok(if status.success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Action::Seed {
            seed,
            length,
            trace,
        } => one(seed, &length, trace),
    }
}

/// One run, in this process.
fn one(seed: u64, length: &Length, with_trace: bool) -> anyhow::Result<ExitCode> {
    let panics = Panics::watch();
    log_to_stderr();
    let out =
        with_trace.then(|| Box::new(BufWriter::new(std::io::stdout())) as Box<dyn Write + Send>);
    let trace = Trace::new(out);
    let plan = Plan::of(seed, length.seconds * 1_000_000);
    let mut summary = Summary {
        seed,
        plan: plan.describe(),
        ..Summary::default()
    };
    trace.line(format_args!("seed {seed} {}", summary.plan));
    let mut world = World::new(plan, trace.clone(), panics).context("begin the simulation")?;
    let ended = world.run(&mut summary);
    if let Err(Stop::Harness(why)) = &ended {
        anyhow::bail!("seed {seed}: the simulation itself failed: {why}");
    }
    if let Err(Stop::Broken(broken)) = ended {
        trace.line(format_args!("BROKEN {}: {}", broken.name, broken.what));
        summary.broken = Some((broken.name.to_owned(), broken.what));
    }
    trace.finish().context("write the trace")?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{RESULT}{}", serde_json::to_string(&summary)?)?;
    stdout.flush()?;
    // Nothing of the run is worth taking down in order.
    let code = u8::from(summary.broken.is_some());
    Ok(ExitCode::from(code))
}

fn log_to_stderr() {
    let Ok(filter) = std::env::var("RUST_LOG") else {
        return;
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .without_time()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
}

/// How long a child may take before it is taken for stuck.
const CHILD_TIME_MAX: Duration = Duration::from_secs(40);
