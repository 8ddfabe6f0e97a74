//! Flags of everything about nodes of the tree.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::parse;

/// `holdfast get`, `holdfast stat`
#[derive(Clone, Debug, Args)]
pub(crate) struct GetArgs {
    /// The node
    pub(crate) path: String,
}

/// What `put` and `create` have in common.
#[derive(Clone, Debug, Args)]
pub(crate) struct WriteArgs {
    /// Make missing parents
    #[arg(short, long)]
    pub(crate) parents: bool,
    /// Remove it when it had no children and no write for so long
    #[arg(long, value_name = "TIME", value_parser = parse::duration,
          conflicts_with_all = ["ephemeral", "container"])]
    pub(crate) ttl: Option<Duration>,
    /// Remove it when the session ends
    #[arg(short, long, requires = "session", conflicts_with = "container")]
    pub(crate) ephemeral: bool,
    /// Remove it some time after its last child
    #[arg(long)]
    pub(crate) container: bool,
    /// Act for this session
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Media type of the value
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// Only if the claim with this fence still holds this lock; may be given several times
    #[arg(long, value_name = "LOCK=FENCE", value_parser = parse::fence)]
    pub(crate) fence: Vec<(String, u64)>,
}

/// `holdfast put`
#[derive(Clone, Debug, Args)]
pub(crate) struct PutArgs {
    /// The node
    pub(crate) path: String,
    /// The value; @FILE reads a file, - or nothing reads standard input
    pub(crate) value: Option<String>,
    /// Only if it has this version
    #[arg(long, value_name = "N", conflicts_with = "create_only")]
    pub(crate) if_version: Option<i32>,
    /// Only if it does not exist
    #[arg(long)]
    pub(crate) create_only: bool,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// `holdfast create`
#[derive(Clone, Debug, Args)]
pub(crate) struct CreateArgs {
    /// The node
    pub(crate) path: String,
    /// The value; @FILE reads a file, - reads standard input [default: empty]
    pub(crate) value: Option<String>,
    /// Append the parent's counter to the path
    #[arg(short = 'S', long)]
    pub(crate) sequential: bool,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// `holdfast rm`
#[derive(Clone, Debug, Args)]
pub(crate) struct RmArgs {
    /// The node
    pub(crate) path: String,
    /// With everything below it
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Refuse when that is more than so many nodes
    #[arg(long, value_name = "N", requires = "recursive")]
    pub(crate) max: Option<u32>,
    /// Say what would happen, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only if it has this version
    #[arg(long, value_name = "N", conflicts_with = "recursive")]
    pub(crate) if_version: Option<i32>,
}

/// `holdfast ls`
#[derive(Clone, Debug, Args)]
pub(crate) struct LsArgs {
    /// The parent
    #[arg(default_value = "/")]
    pub(crate) path: String,
    /// With numbers
    #[arg(short, long)]
    pub(crate) long: bool,
}

/// `holdfast tree`
#[derive(Clone, Debug, Args)]
pub(crate) struct TreeArgs {
    /// The top
    #[arg(default_value = "/")]
    pub(crate) path: String,
    /// Levels below the top
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<usize>,
    /// At most so many nodes
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// `holdfast watch`
#[derive(Clone, Debug, Args)]
pub(crate) struct WatchArgs {
    /// The node
    pub(crate) path: String,
    /// First show what is there
    #[arg(long, conflicts_with = "after")]
    pub(crate) initial: bool,
    /// Go on after this event
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    /// End after so many events
    #[arg(short = 'c', long, value_name = "N")]
    pub(crate) count: Option<u64>,
}

/// `holdfast events`
#[derive(Clone, Debug, Args)]
pub(crate) struct EventsArgs {
    /// Nodes (/app) or locks (orders) that are this or lie below it
    #[arg(long, value_name = "PATH")]
    pub(crate) prefix: Option<String>,
    /// Kinds, comma-separated, for example node.*,lock.granted
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub(crate) kinds: Vec<String>,
    /// With values of nodes
    #[arg(long)]
    pub(crate) values: bool,
    /// With values of nodes before the change
    #[arg(long)]
    pub(crate) previous: bool,
    /// First show what is there
    #[arg(long, conflicts_with = "since")]
    pub(crate) initial: bool,
    /// Go on after this event or index
    #[arg(long, value_name = "ID")]
    pub(crate) since: Option<String>,
    /// End after so many events
    #[arg(short = 'c', long, value_name = "N")]
    pub(crate) count: Option<u64>,
}

/// `holdfast txn`
#[derive(Clone, Debug, Args)]
pub(crate) struct TxnArgs {
    /// The transaction as JSON, as the API takes it; - reads standard input
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["guards", "then", "otherwise"],
          required_unless_present = "then")]
    pub(crate) file: Option<PathBuf>,
    /// A condition, for example '{"node":"/app/cfg","version":7}'
    #[arg(long = "if", value_name = "JSON")]
    pub(crate) guards: Vec<String>,
    /// A step, for example '{"set":"/app/cfg","value":"new"}'
    #[arg(long, value_name = "JSON")]
    pub(crate) then: Vec<String>,
    /// A step when a condition does not hold
    #[arg(long = "else", value_name = "JSON")]
    pub(crate) otherwise: Vec<String>,
    /// Say what would happen, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Act for this session
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
}
