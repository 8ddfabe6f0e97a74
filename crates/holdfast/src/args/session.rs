//! Flags of `holdfast session`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::parse;

/// `holdfast session …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// Open a session; whoever uses it must keep it alive
    New(NewSessionArgs),
    /// Renew a session once
    Keepalive {
        /// The session
        id: String,
    },
    /// List sessions
    Ls {
        /// Only of this host
        #[arg(long)]
        host: Option<String>,
        /// Only of this service
        #[arg(long)]
        service: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Show a session and everything it owns
    Get {
        /// The session
        id: String,
    },
    /// End a session: its locks are released, its ephemeral nodes removed
    End {
        /// The session
        id: String,
    },
}

/// `holdfast session new`
#[derive(Clone, Debug, Args)]
pub(crate) struct NewSessionArgs {
    /// Its id [default: a random one]
    pub(crate) id: Option<String>,
    /// Silence after which it may be expired
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "15s")]
    pub(crate) ttl: Duration,
    /// After it expires, its locks are granted to nobody for this long
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "0s")]
    pub(crate) lock_delay: Duration,
    /// Who is behind it, shown to those who wait
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Why it exists, shown to those who wait
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Where to look for more, shown to those who wait
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}
