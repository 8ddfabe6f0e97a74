//! `holdfast bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use load::{Reading, Workload};

use super::parse;

/// Flags of `holdfast bench`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = WORKLOADS,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) trial: Option<Trial>,
    /// What the clients do; see below
    #[arg(required = true)]
    pub(crate) workload: Option<Workload>,
    /// Clients, each with a connection of its own
    #[arg(short, long, value_name = "N", default_value_t = 64)]
    pub(crate) clients: usize,
    /// How long is measured
    #[arg(short = 's', long, value_name = "TIME", value_parser = parse::duration, default_value = "10s")]
    pub(crate) seconds: Duration,
    /// How long the load runs before that
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "1s")]
    pub(crate) warm_up: Duration,
    /// Bytes of a value
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    pub(crate) value_bytes: usize,
    /// Znodes that are written and read, chosen at random
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) keys: u64,
    /// Operations a second, all clients together, however long answers take: latency counts from when an
    /// operation was due [default: each client asks again when it has its answer]
    #[arg(short, long, value_name = "PER SECOND", value_parser = parse_rate)]
    pub(crate) rate: Option<f64>,
    /// How fresh what is read must be: linearizable (at the ZooKeeper door a sync before each read) or session
    #[arg(long, value_name = "WHICH", default_value = "linearizable")]
    pub(crate) reading: Reading,
    /// The protocol to speak
    #[arg(long, value_enum, default_value_t, value_name = "DOOR")]
    pub(crate) door: Door,
    /// Where to speak ZooKeeper's protocol, also to servers that are not Holdfast [default: port 2181 on the
    /// hosts of --endpoints]
    #[arg(
        long,
        env = "HOLDFAST_ZOOKEEPER",
        value_name = "HOST:PORT,…",
        value_delimiter = ','
    )]
    pub(crate) zookeeper: Vec<String>,
    /// Threads of this program: more than one only where one is busy all the time
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) threads: usize,
    /// How long a client waits for an answer before the outcome is unknown
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "30s")]
    pub(crate) answer_within: Duration,
    /// The znode below which everything is made; it is left there
    #[arg(long, value_name = "PATH", default_value = "bench")]
    pub(crate) root: String,
}

/// What needs no cluster.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Trial {
    /// Measure the strategies of balancing on a simulated fleet: figures and plots, no cluster needed
    Pick(PickArgs),
}

/// Flags of `holdfast bench pick`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PickArgs {
    /// Directory for figures.json and the plots; it is made if it is missing
    #[arg(long, value_name = "DIR", default_value = "bench-pick")]
    pub(crate) out: PathBuf,
    /// Where the trial's randomness comes from: the same seed gives the same figures
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Requests of each trial
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=100_000_000))]
    pub(crate) requests: u32,
}

/// Which protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Door {
    /// The HTTP API
    #[default]
    Http,
    /// ZooKeeper's protocol
    Zookeeper,
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.001..=1e7).contains(&rate) {
        Ok(rate)
    } else {
        Err("not between 0.001 and 10,000,000 a second".to_owned())
    }
}

const WORKLOADS: &str = "\
Workloads:
  write      replace the value of a znode
  create     make a new znode; they are left there
  read       read a znode
  mixed      nine reads to one write
  lock       take a lock nobody else wants and release it; one operation is both
  contend    all clients want one lock; the latency is that of a hand-over, from sending the release
             until the next one knows that it holds
  watch      one client changes a znode, all others watch it; the latency is from sending the change
             until one of them knows
  sessions   sessions that are kept alive and do nothing else
  failover   200 writes a second (or --rate), and the longest times without an acknowledged one:
             kill, stop or freeze a node meanwhile

Each client asks one node; they are dealt out in turn. Beside the cluster this program takes CPU of its
own: run it on another machine for figures of the cluster alone.";
