//! The command line.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use load::Workload;

use crate::contender::{Contender, Ground};
use crate::results::{Elections, Failovers, Growth, Matrix, Millions, Results, Sessions};
use crate::{elections, failover, growth, machine, million, report, say, sessions, suite};

/// Signals that ask for an end: Ctrl-C, and what a supervisor sends.
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// Holdfast and its peers under the same load, side by side
#[derive(Debug, Parser)]
#[command(name = "hf-bench", version)]
struct Cli {
    #[command(flatten)]
    everywhere: Everywhere,
    #[command(flatten)]
    matrix: MatrixArgs,
    #[command(subcommand)]
    command: Option<What>,
}

/// What is measured instead of the matrix of loads
#[derive(Debug, Subcommand)]
enum What {
    /// How long no write is acknowledged when the leader is killed, stopped, or asked to end
    Failover {
        /// How often
        #[arg(long, default_value_t = 20)]
        rounds: usize,
    },
    /// Memory, restart and snapshots with many znodes or keys
    Million {
        /// How many
        #[arg(long, default_value_t = 1_000_000)]
        znodes: u64,
    },
    /// Memory and CPU of idle sessions with open connections
    Sessions {
        /// How many
        #[arg(long, default_value_t = 10_000)]
        count: usize,
        /// For how many seconds they are looked at
        #[arg(long, default_value_t = 30.0)]
        watched: f64,
    },
    /// How the cost of Holdfast grows with znodes, watchers, sessions, waiters and nodes
    Growth {
        /// At most so much of each
        #[arg(long, default_value_t = 5_000_000)]
        most: u64,
    },
    /// Whether a leader that nobody harms stays, while all cores are busy with writes
    Elections {
        /// Clients that write
        #[arg(long, default_value_t = 256)]
        clients: usize,
        /// For how many seconds, through each protocol that is named
        #[arg(long, default_value_t = 600.0)]
        seconds: f64,
    },
    /// Write the report anew from `latest.json`
    Report,
}

#[derive(Debug, Args)]
struct Everywhere {
    /// Who takes part, in this order [default: all that the measurement is about]
    #[arg(long, global = true, value_delimiter = ',', value_name = "NAMES")]
    contenders: Vec<Contender>,
    /// Where the servers keep their data: on the disk that is to be measured
    #[arg(
        long,
        global = true,
        default_value = "target/bench",
        value_name = "DIR"
    )]
    dir: PathBuf,
    /// The first of the ports that are used
    #[arg(long, global = true, default_value_t = 23_000)]
    port: u16,
    /// Holdfast's program [default: the release build]
    #[arg(long, global = true, value_name = "PATH")]
    holdfast: Option<PathBuf>,
    /// Heap of ZooKeeper's servers [default: 1000m, and 2g for `million`]
    #[arg(long, global = true, value_name = "SIZE")]
    heap: Option<String>,
    /// The scripts that start servers
    #[arg(long, global = true, default_value = "bench/peers", value_name = "DIR")]
    peers: PathBuf,
    /// Where the results go
    #[arg(
        long,
        global = true,
        default_value = "bench/results",
        value_name = "DIR"
    )]
    out: PathBuf,
    /// One short run of everything: to see that it works, not to be shown
    #[arg(long, global = true)]
    quick: bool,
}

#[derive(Debug, Args)]
struct MatrixArgs {
    /// How often each cell is measured; the medians count
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// For how many seconds each time
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// What the clients do [default: write,read,lock,contend,watch]
    #[arg(long, value_delimiter = ',', value_name = "WORKLOADS")]
    only: Vec<Workload>,
}

/// Workloads of the matrix.
const WORKLOADS: [Workload; 5] = [
    Workload::Write,
    Workload::Read,
    Workload::Lock,
    Workload::Contend,
    Workload::Watch,
];

/// Does what the command line says.
///
/// # Errors
/// Something cannot be started, measured or written; or somebody who is to be compared does not sync.
pub fn main() -> Result<()> {
    let cli = Cli::parse();
    let out = cli.everywhere.out.clone();
    let mut results = Results::read(&out)?;
    if !matches!(cli.command, Some(What::Report)) {
        let ground = ground(&cli)?;
        std::fs::create_dir_all(&ground.dir)
            .with_context(|| format!("make {}", ground.dir.display()))?;
        results.machine = machine::Machine::look(&ground.dir)?;
        results.costs = machine::costs(&ground.dir)?;
        let contenders = contenders(&cli);
        for who in suite::introduce(&ground, &contenders)? {
            results.saw(who);
        }
        measure(&cli, &ground, &contenders, &mut results)?;
    }
    results.write(&out)?;
    report::write(&results, &out)?;
    say(format_args!("see {}", out.join("report.md").display()));
    Ok(())
}

fn contenders(cli: &Cli) -> Vec<Contender> {
    use Contender::{Etcd, HoldfastHttp, HoldfastZookeeper, Zookeeper};
    if !cli.everywhere.contenders.is_empty() {
        return cli.everywhere.contenders.clone();
    }
    match cli.command {
        None | Some(What::Report) => Contender::ALL.to_vec(),
        Some(What::Failover { .. } | What::Million { .. }) => {
            vec![HoldfastHttp, Zookeeper, Etcd]
        }
        Some(What::Sessions { .. }) => vec![HoldfastZookeeper, Zookeeper],
        Some(What::Growth { .. }) => vec![HoldfastHttp, HoldfastZookeeper],
        Some(What::Elections { .. }) => vec![HoldfastZookeeper],
    }
}

fn ground(cli: &Cli) -> Result<Ground> {
    let everywhere = &cli.everywhere;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted)).context("catch signals")?;
    }
    let is_million = matches!(cli.command, Some(What::Million { .. }));
    let heap = is_million.then(|| million::HEAP.to_owned());
    let full = |path: &PathBuf| {
        std::path::absolute(path).with_context(|| format!("find {}", path.display()))
    };
    Ok(Ground {
        scripts: full(&everywhere.peers)?,
        dir: full(&everywhere.dir)?,
        port: everywhere.port,
        holdfast: everywhere.holdfast.as_ref().map(full).transpose()?,
        heap: everywhere.heap.clone().or(heap),
        nodes: None,
        interrupted,
    })
}

fn measure(
    cli: &Cli,
    ground: &Ground,
    contenders: &[Contender],
    results: &mut Results,
) -> Result<()> {
    let command = typed();
    let quick = cli.everywhere.quick;
    let time = if quick { 2.0 } else { cli.matrix.seconds };
    let time = Duration::try_from_secs_f64(time).context("--seconds")?;
    match cli.command {
        None => {
            let suite = suite(cli, contenders, time);
            results.matrix = Some(Matrix {
                command,
                repeats: suite.repeats,
                seconds: time.as_secs_f64(),
                cells: suite::run(ground, &suite)?,
            });
        }
        Some(What::Failover { rounds }) => {
            let rounds = if quick { 1 } else { rounds };
            let harms = failover::run(ground, contenders, rounds)?;
            results.failovers = Some(Failovers { command, harms });
        }
        Some(What::Million { znodes }) => {
            let loaded = million::run(ground, contenders, znodes, time)?;
            results.millions = Some(Millions { command, loaded });
        }
        Some(What::Sessions { count, watched }) => {
            let watched = if quick { 2.0 } else { watched };
            let watched = Duration::try_from_secs_f64(watched).context("--watched")?;
            let idle = sessions::run(ground, contenders, count, watched)?;
            results.sessions = Some(Sessions { command, idle });
        }
        Some(What::Growth { most }) => {
            let most = if quick { most.min(10_000) } else { most };
            results.growth = Some(Growth {
                command,
                seconds: time.as_secs_f64(),
                points: growth::run(ground, time, most)?,
            });
        }
        Some(What::Elections { clients, seconds }) => {
            let seconds = if quick { 2.0 } else { seconds };
            let time = Duration::try_from_secs_f64(seconds).context("--seconds")?;
            let led = elections::run(ground, contenders, clients, time)?;
            results.elections = Some(Elections { command, led });
        }
        Some(What::Report) => {}
    }
    Ok(())
}

fn suite(cli: &Cli, contenders: &[Contender], time: Duration) -> suite::Suite {
    let quick = cli.everywhere.quick;
    suite::Suite {
        repeats: if quick { 1 } else { cli.matrix.repeats.max(1) },
        time,
        warm_up: if quick {
            time / 4
        } else {
            Duration::from_secs(1)
        },
        workloads: if cli.matrix.only.is_empty() {
            WORKLOADS.to_vec()
        } else {
            cli.matrix.only.clone()
        },
        contenders: contenders.to_vec(),
    }
}

/// What does the same again: without paths, which are somebody's own.
fn typed() -> String {
    let mut words = vec!["make bench".to_owned()];
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.is_empty() {
        words.push(format!("ARGS=\"{}\"", without_paths(&args).join(" ")));
    }
    words.join(" ").replace(" ARGS=\"\"", "")
}

/// Leaves out the options that say where something is on one machine.
fn without_paths(args: &[String]) -> Vec<&str> {
    const PATHS: [&str; 4] = ["--dir", "--holdfast", "--peers", "--out"];
    let mut kept = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if PATHS.contains(&arg.as_str()) {
            rest.next();
        } else if !PATHS
            .iter()
            .any(|path| arg.starts_with(&format!("{path}=")))
        {
            kept.push(arg.as_str());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
        let cli = Cli::try_parse_from(["hf-bench", "failover", "--rounds", "3", "--quick"]);
        assert!(cli.unwrap().everywhere.quick);
        let cli = Cli::try_parse_from(["hf-bench", "--only", "write,lock", "--contenders", "etcd"]);
        let cli = cli.unwrap();
        assert_eq!(cli.matrix.only, [Workload::Write, Workload::Lock]);
        assert_eq!(cli.everywhere.contenders, [Contender::Etcd]);
    }

    #[test]
    fn the_command_shown_has_no_paths() {
        let args = ["--dir", "/somebody/s", "--quick", "--out=/x", "failover"];
        let args = args.map(ToOwned::to_owned);
        assert_eq!(without_paths(&args), ["--quick", "failover"]);
    }
}
