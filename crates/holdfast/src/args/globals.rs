//! What can be said beside every command.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::parse;

/// Where `holdfast dev` listens.
const DEV_ENDPOINTS: &str = "http://127.0.0.1:7401,http://127.0.0.1:7402,http://127.0.0.1:7403";

/// Options of every client command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every client command")]
pub(crate) struct Globals {
    /// Nodes to ask, comma-separated; any of them will do, the next is asked when one fails
    #[arg(long, global = true, env = "HOLDFAST_ENDPOINTS", value_name = "URL,…",
          value_delimiter = ',', default_value = DEV_ENDPOINTS, hide_default_value = true)]
    pub(crate) endpoints: Vec<String>,
    /// Time for one request with all its retries; waiting for a lock does not count [default: 10s]
    #[arg(long, global = true, value_name = "TIME", value_parser = parse::duration,
          default_value = "10s", hide_default_value = true)]
    pub(crate) timeout: Duration,
    /// How to print: tables are for terminals and turn into tab-separated lines elsewhere
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_default_value = true
    )]
    pub(crate) output: Format,
    /// Say nothing but the answer
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say what is done; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print each request as a curl command to standard error
    #[arg(long, global = true)]
    pub(crate) show_curl: bool,
    /// No colours (also NO_COLOR)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Read the asked node's own state if it is at most so old, instead of the newest
    #[arg(long, global = true, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) stale: Option<Duration>,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// The answer of the API, indented
    Json,
    /// The answer of the API, one object per line
    Ndjson,
    /// Names only, one per line, for xargs
    Name,
    /// KEY='value' lines for eval
    Env,
}
