//! The commands, one module per family. Each asks the cluster through the client library and prints
//! what it was told.

mod acquire;
mod barrier;
mod bench;
mod child;
mod cluster;
mod completion;
mod counter;
mod curl;
mod deadlocks;
mod doctor;
mod dry_run;
mod elect;
mod elections;
mod events;
mod fence;
mod fence_keys;
mod group;
mod groups;
mod import;
mod lock;
mod locks;
mod log;
mod nodes;
mod own_session;
mod pages;
mod queue;
mod service;
mod session;
mod signals;
mod snapshot;
mod top;
mod txn;
mod version;
mod wait_line;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use holdfast_client::{Client, Options};
use tokio::runtime::{Builder, Runtime};

use crate::args::globals::Globals;
use crate::args::{Cli, ClientCommand, Command};
use crate::exit::{Context as _, Exit, Failure};
use crate::output::Output;

/// What every command has at hand.
struct App {
    client: Client,
    out: Output,
}

/// Runs the command and says what to end with.
pub(crate) fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve(args) => crate::serve::run(&args),
        Command::Dev(args) => crate::dev::run(&args),
        Command::Config(args) => crate::config::show::run(&args),
        Command::Completion { shell } => completion::run(shell),
        Command::Log(args) => {
            let out = Output::new(&cli.globals);
            ended(out, log::run(out, &args))
        }
        Command::Bench(args) => {
            let out = Output::new(&cli.globals);
            ended(out, bench::run(out, &cli.globals, &args))
        }
        Command::Top(args) => {
            let out = Output::new(&cli.globals);
            ended(out, top::run(out, &cli.globals, &args))
        }
        Command::Client(command) => {
            let out = Output::new(&cli.globals);
            ended(out, client_command(&cli.globals, *command, out))
        }
    }
}

/// Reports what failed, if anything, and says what to end with.
fn ended(out: Output, result: Result<u8, Failure>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if failure.code != 0 {
                out.failure(&failure);
            }
            ExitCode::from(failure.code)
        }
    }
}

fn client_command(globals: &Globals, command: ClientCommand, out: Output) -> Result<u8, Failure> {
    if globals.verbose > 0 {
        log_to_stderr(globals.verbose);
    }
    let runtime = runtime()?;
    let app = App {
        client: client(globals)?,
        out,
    };
    runtime.block_on(dispatch(&app, command))
}

fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, "start the runtime", error))
}

fn client(globals: &Globals) -> Result<Client, Failure> {
    client_of(globals, globals.endpoints.clone(), globals.timeout)
}

/// A client of these nodes that is given so much time for one request.
fn client_of(
    globals: &Globals,
    endpoints: Vec<String>,
    timeout: Duration,
) -> Result<Client, Failure> {
    let options = Options {
        // Half of the time, so that a node which hangs leaves some for the next.
        attempt_timeout: timeout / 2,
        budget: timeout,
        observer: globals.show_curl.then(|| Arc::new(curl::print) as _),
        ..Options::default()
    };
    let client =
        Client::with_options(endpoints, options).cannot(|| "use these endpoints".to_owned())?;
    Ok(match globals.stale {
        Some(max_age) => client.stale_reads(Some(max_age)),
        None => client,
    })
}

/// The library's own log, for `-v`.
fn log_to_stderr(verbose: u8) {
    let level = if verbose > 1 {
        "debug"
    } else {
        "holdfast_client=debug"
    };
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .without_time()
        .try_init();
}

async fn dispatch(app: &App, command: ClientCommand) -> Result<u8, Failure> {
    let done = match command {
        ClientCommand::Lock(args) => return lock::run(app, args).await,
        ClientCommand::Elect(args) => return elect::run(app, args).await,
        ClientCommand::Group(command) => return group::run(app, command).await,
        ClientCommand::Barrier(args) => return barrier::run(app, args).await,
        ClientCommand::Service(command) => return service::run(app, command).await,
        ClientCommand::Queue(command) => return queue::run(app, command).await,
        ClientCommand::Doctor(args) => return doctor::run(app, args).await,
        ClientCommand::Cluster(command) => return cluster::run(app, command).await,
        ClientCommand::Import(command) => return import::run(app, command).await,
        ClientCommand::Acquire(args) => return acquire::acquire(app, args).await,
        ClientCommand::Extend(args) => acquire::extend(app, args).await,
        ClientCommand::Release(target) => acquire::release(app, target).await,
        ClientCommand::Deadlocks => deadlocks::run(app).await,
        ClientCommand::Locks(command) => locks::run(app, command).await,
        ClientCommand::Elections(command) => elections::run(app, command).await,
        ClientCommand::Groups(command) => groups::run(app, command).await,
        ClientCommand::Session(command) => session::run(app, command).await,
        ClientCommand::Get(args) => nodes::get(app, args).await,
        ClientCommand::Put(args) => nodes::put(app, args).await,
        ClientCommand::Create(args) => nodes::create(app, args).await,
        ClientCommand::Rm(args) => nodes::rm(app, args).await,
        ClientCommand::Ls(args) => nodes::ls(app, args).await,
        ClientCommand::Tree(args) => nodes::tree(app, args).await,
        ClientCommand::Stat(args) => nodes::stat(app, args).await,
        ClientCommand::Watch(args) => events::watch(app, args).await,
        ClientCommand::Txn(args) => txn::run(app, args).await,
        ClientCommand::Counter(command) => counter::run(app, command).await,
        ClientCommand::Fence(command) => fence::run(app, command).await,
        ClientCommand::FenceKeys(command) => fence_keys::run(app, command).await,
        ClientCommand::Events(args) => events::events(app, args).await,
        ClientCommand::Snapshot(command) => snapshot::run(app, command).await,
        ClientCommand::Version => version::run(app).await,
    };
    done.map(|()| 0)
}
