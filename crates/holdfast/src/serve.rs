//! `holdfast serve`: one node as a process.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::assemble::Server;
use crate::config::Config;
use crate::config::source::{NodeArgs, Values};
use crate::{descriptors, exit, telemetry};

/// Flag by which `holdfast dev` makes its nodes end with it.
pub(crate) const STOP_WITH_STDIN: &str = "stop-with-stdin";

/// Flags of `holdfast serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// Stop when standard input ends
    #[arg(long = STOP_WITH_STDIN, hide = true)]
    stop_with_stdin: bool,
}

/// Why a running node stops.
enum Reason {
    /// Somebody asked for it.
    Asked(&'static str),
    /// It cannot go on.
    Fatal(String),
}

/// Runs a node until it is told to stop or cannot go on.
pub(crate) fn run(args: &ServeArgs) -> ExitCode {
    let config = match Values::resolve(&args.node).and_then(|values| Config::from_values(&values)) {
        Ok(config) => config,
        Err(error) => return exit::report_config(&error),
    };
    if let Err(error) = telemetry::init(&config.log, config.node_id) {
        return exit::report(&error.into());
    }
    let lived = runtime(config.threads)
        .context("start the runtime")
        .and_then(|runtime| runtime.block_on(whole_life(config, args.stop_with_stdin)));
    match lived {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the node stops: {error:#}");
            exit::code_of(&error)
        }
    }
}

/// What the node runs on. One thread is a scheduler of its own kind: no task is ever woken on another thread, which
/// on a small machine costs more than what the task does.
fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = if threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.worker_threads(threads).enable_all().build()
}

async fn whole_life(config: Config, stop_with_stdin: bool) -> anyhow::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let data_dir = config.data_dir.display().to_string();
    let descriptors = descriptors::raise_limit();
    tracing::info!(
        version,
        data_dir,
        pid = std::process::id(),
        descriptors,
        "holdfast starts"
    );
    if let Some(marker) = mutant::marker() {
        let active = mutant::active().ok().flatten();
        let active = active.map_or("none", mutant::Mutant::id);
        tracing::warn!("{marker}; active: {active}");
    }
    // Taken over before anything is opened: a node that is told to stop while it starts ends
    // in order, too.
    let mut asked = std::pin::pin!(asked_to_stop(stop_with_stdin)?);
    let server = tokio::select! {
        server = Server::start(config) => server?,
        why = &mut asked => {
            tracing::info!(why, "asked to stop before the node had started");
            return Ok(());
        }
    };
    let reason = tokio::select! {
        why = &mut asked => Reason::Asked(why),
        why = server.failed() => Reason::Fatal(why),
    };
    match reason {
        Reason::Asked(why) => {
            tracing::info!(why, "stopping");
            server.stop().await?;
            tracing::info!("stopped");
            Ok(())
        }
        // What is on disk is not to be trusted to this process any longer: no hand-over, no
        // last writes. The other nodes see the connections close and go on.
        Reason::Fatal(why) => anyhow::bail!("consensus has ended: {why}"),
    }
}

/// Resolves with the reason when somebody wants the node to stop.
fn asked_to_stop(stop_with_stdin: bool) -> anyhow::Result<impl Future<Output = &'static str>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("watch for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("watch for SIGTERM")?;
    let stdin = stop_with_stdin.then(end_of_stdin).transpose()?;
    Ok(async move {
        let stdin = async {
            match stdin {
                Some(ended) => drop(ended.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            () = stdin => "end of standard input",
        }
    })
}

/// A thread of its own, because a read of standard input cannot be given up: tokio's would keep
/// the runtime from ending.
fn end_of_stdin() -> anyhow::Result<tokio::sync::oneshot::Receiver<()>> {
    let (ended, receiver) = tokio::sync::oneshot::channel();
    let watch = move || {
        // It ends or fails: either way whoever held the other end is gone.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        // Nobody listens when the node stops for another reason.
        let _ = ended.send(());
    };
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(watch)
        .context("watch stdin")?;
    Ok(receiver)
}
