//! Flags of `holdfast log`.

use std::path::PathBuf;

use clap::Args;

/// Flags of `holdfast log`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogArgs {
    /// Data directory of a node that is not running; nothing in it is changed
    #[arg(value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// First entry to print; those before it are applied without being shown
    #[arg(
        long,
        value_name = "INDEX",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub(crate) from: u64,
}
