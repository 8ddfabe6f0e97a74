//! Flags of everything about groups.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::parse;

/// `holdfast group …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Be a member while a command runs
    Join(JoinArgs),
}

/// `holdfast group join`
#[derive(Clone, Debug, Args)]
pub(crate) struct JoinArgs {
    /// Name of the group
    pub(crate) name: String,
    /// What others find at the member, such as its address
    #[arg(long, value_name = "TEXT")]
    pub(crate) value: Option<String>,
    /// Id of the member [default: a random one]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Silence of this machine after which the cluster may end the membership
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "15s")]
    pub(crate) ttl: Duration,
    /// When the session is lost: time between asking the command to end and killing it
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "5s")]
    pub(crate) grace: Duration,
    /// Give standard input to the command (it must be a pipe or a file)
    #[arg(long)]
    pub(crate) pass_stdin: bool,
    /// The command; without one this program is a member until it is interrupted
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

/// `holdfast groups …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum GroupsCommand {
    /// List groups that have members
    Ls {
        /// Names that begin with this
        #[arg(default_value = "")]
        prefix: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Show who is in a group, in the order in which they joined
    Get {
        /// The group
        name: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Follow who joins and leaves
    Watch {
        /// The group; all of them if left out
        name: Option<String>,
        /// Go on after this event
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// First show what is there
        #[arg(long, conflicts_with = "after")]
        initial: bool,
    },
}
