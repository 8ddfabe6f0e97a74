//! `holdfast dev`: a whole cluster on this machine, as processes of their own so that one can be
//! killed.
//!
//! Each node is an ordinary `holdfast serve` whose standard input is a pipe from this process:
//! when this process ends, however it ends, the pipe closes and the nodes stop.

mod nodes;
mod plan;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use self::nodes::{Ended, Nodes};
use self::plan::Plan;
use crate::exit;

/// For the nodes to elect a leader and be ready. Far more than it takes; what is slower is broken.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// For all nodes to stop before they are killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Before a node that died is started again (`--restart`).
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Flags of `holdfast dev`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DevArgs {
    /// Number of nodes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    nodes: u8,
    /// Port of the first node's API; the others follow, and the ports between nodes are 100 above
    #[arg(long, value_name = "PORT", default_value_t = 7401, conflicts_with = "any_port",
          value_parser = clap::value_parser!(u16).range(1..=65000))]
    base_port: u16,
    /// Take any free ports
    #[arg(long)]
    any_port: bool,
    /// Keep the data in this directory; started again with it, the cluster goes on where it was
    /// (default: a temporary directory, removed at the end)
    #[arg(long, value_name = "DIR", env = "HOLDFAST_DEV_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Start a node again when it dies (default: leave it dead, to see what the others do)
    #[arg(long)]
    restart: bool,
    /// Passed on to each node: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
}

/// Runs the cluster until it is told to stop.
pub(crate) fn run(args: &DevArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&anyhow::Error::new(error).context("start tokio")),
    };
    match runtime.block_on(whole_life(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}

async fn whole_life(args: &DevArgs) -> anyhow::Result<()> {
    // Taken over before the first node starts: from then on nothing ends this process unseen.
    let mut interrupt = signal(SignalKind::interrupt()).context("watch for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("watch for SIGTERM")?;
    let began = Instant::now();
    let plan = Plan::make(args)?;
    let mut nodes = Nodes::start(&plan)?;
    let stop = tokio::select! {
        lived = live(args, &plan, &mut nodes, began) => lived,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    say("stopping the nodes");
    nodes.stop(STOP_TIMEOUT).await;
    plan.clean_up();
    stop
}

async fn live(
    args: &DevArgs,
    plan: &Plan,
    nodes: &mut Nodes,
    began: Instant,
) -> anyhow::Result<()> {
    let ready = nodes.wait_until_ready(plan, READY_TIMEOUT).await;
    if let Err(ended) = ready {
        anyhow::bail!("{}", why_not_ready(plan, &ended));
    }
    welcome(plan, nodes, began.elapsed());
    loop {
        let ended = nodes.next_end().await;
        say(&format!("node {} {}", ended.node, ended.how));
        if args.restart {
            tokio::time::sleep(RESTART_AFTER).await;
            let pid = nodes.start_one(plan, ended.node)?;
            say(&format!("node {} started again, pid {pid}", ended.node));
        } else {
            say(&format!(
                "  to start it again: {}",
                plan.command_line(ended.node)
            ));
        }
        anyhow::ensure!(nodes.any_alive(), "no node is left");
    }
}

fn why_not_ready(plan: &Plan, ended: &Option<Ended>) -> String {
    let (what, node) = match ended {
        Some(ended) => (format!("node {} {}", ended.node, ended.how), ended.node),
        None => (
            format!("the nodes are not ready after {READY_TIMEOUT:?}"),
            1,
        ),
    };
    let log = plan.log_file(node);
    format!("{what}; the end of {}:\n{}", log.display(), tail(&log))
}

/// The last lines of a log.
fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(10).collect();
    lines
        .into_iter()
        .rev()
        .map(|line| format!("  {line}\n"))
        .collect()
}

fn welcome(plan: &Plan, nodes: &Nodes, took: Duration) {
    let mut text = format!(
        "Holdfast is ready after {:.1} s: {} nodes on this machine\n\n  node   pid      API{:24}log\n",
        took.as_secs_f64(),
        plan.nodes().len(),
        "",
    );
    for node in plan.nodes() {
        let pid = nodes
            .pid(node.id)
            .map(|pid| pid.to_string())
            .unwrap_or_default();
        let log = plan.log_file(node.id);
        text.push_str(&format!(
            "  {:<6} {pid:<8} {:<26} {}\n",
            node.id,
            node.api_url(),
            log.display()
        ));
    }
    let url = plan
        .nodes()
        .first()
        .map(plan::NodePlan::api_url)
        .unwrap_or_default();
    let other = plan
        .nodes()
        .get(1)
        .map_or_else(|| url.clone(), plan::NodePlan::api_url);
    text.push_str(&format!(
        "\nTake a lock, from any node:\n\n  \
           curl -X PUT {url}/v1/sessions/me -d '{{\"ttl\":\"10m\"}}'\n  \
           curl -X PUT {url}/v1/locks/orders/42/-/claims/c1 -H 'Holdfast-Session: me' -d '{{}}'\n  \
           curl {other}/v1/locks/orders/42\n\n\
         Which node leads, and what happens when it is killed (kill -9 its pid):\n\n  \
           curl {url}/v1/cluster\n\n{}\nCtrl-C stops all nodes.",
        plan.about_the_data(),
    ));
    say(&text);
}

/// Says something to the person at the terminal. When nobody reads any more the nodes go on.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
