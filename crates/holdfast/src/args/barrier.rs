//! Flags of `holdfast barrier`.

use std::time::Duration;

use clap::Args;

use super::lock::ProgressKind;
use super::parse;

/// `holdfast barrier`
#[derive(Clone, Debug, Args)]
pub(crate) struct BarrierArgs {
    /// Name of the barrier
    pub(crate) name: String,
    /// How many are to meet; all must say the same
    #[arg(long, value_name = "N")]
    pub(crate) parties: u32,
    /// Id of the party [default: a random one]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Silence of this machine after which the others go on without it
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "15s")]
    pub(crate) ttl: Duration,
    /// When the session is lost: time between asking the command to end and killing it
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "5s")]
    pub(crate) grace: Duration,
    /// Give standard input to the command (it must be a pipe or a file)
    #[arg(long)]
    pub(crate) pass_stdin: bool,
    /// How to show the wait
    #[arg(long, value_enum, default_value_t)]
    pub(crate) progress: ProgressKind,
    /// The command; without one this program ends when all have met
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}
