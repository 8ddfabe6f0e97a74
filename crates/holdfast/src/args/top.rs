//! Flags of `holdfast top`.

use std::time::Duration;

use clap::Args;

use super::parse;

/// `holdfast top`
#[derive(Clone, Debug, Args)]
pub(crate) struct TopArgs {
    /// Time between two readings
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "2s")]
    pub(crate) interval: Duration,
    /// Print one frame after two readings (rates need two) and end; this is also done where standard output is
    /// no terminal. With -o json or -o ndjson a reading is one line; without --once they go on coming
    #[arg(long)]
    pub(crate) once: bool,
}
