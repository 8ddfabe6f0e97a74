//! Flags of moving in from elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::parse;

/// `holdfast import …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Copy a tree of a running ZooKeeper ensemble into this cluster, then compare both
    #[command(name = "zookeeper", after_help = ZOOKEEPER_HELP)]
    ZooKeeper(ImportZooKeeperArgs),
}

/// `holdfast import zookeeper`
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportZooKeeperArgs {
    /// Servers of the ensemble; any of them will do
    #[arg(value_name = "HOST:PORT,…", required = true, value_delimiter = ',')]
    pub(crate) source: Vec<String>,
    /// The tree to copy: this znode and everything below it; / is everything but /zookeeper
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Where the tree goes [default: the same path]
    #[arg(long, value_name = "PATH")]
    pub(crate) to: Option<String>,
    /// ZooKeeper ports of this cluster [default: port 2181 on the hosts of --endpoints]
    #[arg(
        long,
        env = "HOLDFAST_ZOOKEEPER",
        value_name = "HOST:PORT,…",
        value_delimiter = ','
    )]
    pub(crate) door: Vec<String>,
    /// Who to be at the ensemble, for example digest:super:secret, or @FILE with that in its first
    /// line; may be given several times
    #[arg(long, value_name = "SCHEME:CREDENTIALS", value_parser = parse::credentials)]
    pub(crate) auth: Vec<(String, String)>,
    /// Who to be at this cluster, in the same way
    #[arg(long, value_name = "SCHEME:CREDENTIALS", value_parser = parse::credentials)]
    pub(crate) door_auth: Vec<(String, String)>,
    /// Content with a server of the ensemble that has lost its quorum and only reads
    #[arg(long)]
    pub(crate) read_only: bool,
    #[command(flatten)]
    pub(crate) mode: ModeArgs,
    #[command(flatten)]
    pub(crate) kinds: KindArgs,
    /// Whose sequence counters are raised to those of the ensemble, so that numbered names go on
    /// where they were
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    pub(crate) counters: CountersArg,
    /// Raise no counter by more than this; each step is a create and a delete
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) counter_steps: u32,
    /// Copy quotas too (/zookeeper/quota), those of the tree
    #[arg(long)]
    pub(crate) quotas: bool,
    /// zookeeper-jute-maxbuffer of this cluster, in bytes: longer requests are not sent
    #[arg(long, value_name = "BYTES", default_value_t = 1_048_575)]
    pub(crate) jute_maxbuffer: usize,
}

/// What to do about what is there.
#[derive(Clone, Debug, Args)]
pub(crate) struct ModeArgs {
    /// Write nothing: list what would be copied, what stands in the way and what cannot be carried
    /// over
    #[arg(long, conflicts_with = "verify")]
    pub(crate) dry_run: bool,
    /// Write nothing: compare both trees and list the differences
    #[arg(long)]
    pub(crate) verify: bool,
    /// Give znodes that exist here with other data or another access list those of the ensemble
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Remove znodes below the tree that the ensemble does not have
    #[arg(long)]
    pub(crate) delete: bool,
    /// Do not compare both trees at the end
    #[arg(long, conflicts_with = "verify")]
    pub(crate) no_verify: bool,
}

/// Which znodes are containers or have a time to live: clients of ZooKeeper are not told.
#[derive(Clone, Debug, Args)]
pub(crate) struct KindArgs {
    /// A snapshot file of a server of the ensemble (dataDir/version-2/snapshot.…), which says which
    /// znodes are containers or have a time to live
    #[arg(long, value_name = "FILE")]
    pub(crate) kinds_from: Option<PathBuf>,
    /// These paths of the ensemble are containers: * is one name, ** any number of them; may be
    /// given several times
    #[arg(long, value_name = "PATTERN")]
    pub(crate) container: Vec<String>,
    /// These paths of the ensemble have this time to live; may be given several times
    #[arg(long, value_name = "PATTERN=TIME", value_parser = pattern_ttl)]
    pub(crate) ttl: Vec<(String, Duration)>,
}

/// Whose sequence counters are raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CountersArg {
    /// Nobody's
    None,
    /// Those of znodes with numbered children
    #[default]
    Sequential,
    /// Everybody's
    All,
}

fn pattern_ttl(text: &str) -> Result<(String, Duration), String> {
    let (pattern, time) = text
        .rsplit_once('=')
        .ok_or_else(|| "write PATTERN=TIME, for example /app/*=10m".to_owned())?;
    Ok((pattern.to_owned(), parse::duration(time)?))
}

const ZOOKEEPER_HELP: &str = "\
Run it again after an interruption: what is there already is compared and left alone. What it finds
is printed to standard output, one finding per line; exit code 0 when both trees are equal, 65 when
something could not be carried over, 82 when something is in the way or differs.
docs/operating/replace-your-ensemble.md describes the whole move.";
