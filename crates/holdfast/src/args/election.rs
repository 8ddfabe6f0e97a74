//! Flags of everything about elections.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::lock::ProgressKind;
use super::parse;

/// `holdfast elect`
#[derive(Clone, Debug, Args)]
pub(crate) struct ElectArgs {
    /// Name of the election
    pub(crate) name: String,
    /// What others find at the leader, such as its address
    #[arg(long, value_name = "TEXT")]
    pub(crate) value: Option<String>,
    /// Of the candidates the one with the greatest weight leads next
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) weight: u32,
    /// Id of the candidate, by which transfers name it [default: a random one]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Silence of this machine after which the cluster may let the next one lead
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "15s")]
    pub(crate) ttl: Duration,
    /// When the leadership is lost or to be handed over: time between asking the command to end and
    /// killing it
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "5s")]
    pub(crate) grace: Duration,
    /// Give standard input to the command (it must be a pipe or a file)
    #[arg(long)]
    pub(crate) pass_stdin: bool,
    /// Give the command a signed token of its term, for resources that verify it (HOLDFAST_FENCE_TOKEN)
    #[arg(long)]
    pub(crate) token: bool,
    /// How to show the wait
    #[arg(long, value_enum, default_value_t)]
    pub(crate) progress: ProgressKind,
    /// The command; without one this program leads until it is interrupted
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

/// `holdfast elections …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ElectionsCommand {
    /// List elections that have candidates
    Ls {
        /// Names that begin with this
        #[arg(default_value = "")]
        prefix: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Show who leads and who stands by, in the order in which they would lead
    Get {
        /// The election
        name: String,
    },
    /// Hand the leadership over to another candidate
    Transfer {
        /// The election
        name: String,
        /// Id of the candidate that is to lead
        to: String,
        /// How long the leader has to finish and resign; then it is done without it
        #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "10s")]
        deadline: Duration,
        /// Only from the leader of this term
        #[arg(long, value_name = "N")]
        term: Option<u64>,
        /// Why; the leader is told
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Print a signed token that shows the term of a leader to resources outside
    Token {
        /// The election
        name: String,
        /// Id of the candidate
        candidate: String,
    },
    /// Follow who stands and who leads
    Watch {
        /// The election; all of them if left out
        name: Option<String>,
        /// Go on after this event
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// First show what is there
        #[arg(long, conflicts_with = "after")]
        initial: bool,
    },
}
