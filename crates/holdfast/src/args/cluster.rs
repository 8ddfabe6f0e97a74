//! Flags of `holdfast cluster` and `holdfast snapshot`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// How a membership change is asked for.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ChangeArgs {
    /// Say what would happen, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do it although the cluster calls it unsafe
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) force: bool,
}

/// `holdfast cluster …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Members, leader, how many may fail
    Status,
    /// Members only
    Members,
    /// Add a node as a learner: it receives everything and counts for nothing
    Add {
        /// Its id, never used before
        id: String,
        /// host:port of its peer port
        peer: String,
        /// Base URL of its API
        api: String,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Make a learner a voter
    Promote {
        /// Its id
        id: String,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Remove a node for good
    Remove {
        /// Its id
        id: String,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Put a new node in the place of a lost one
    Replace {
        /// The node that goes
        old: String,
        /// The node that comes
        new: String,
        /// host:port of its peer port
        peer: String,
        /// Base URL of its API
        api: String,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Hand leadership over
    Transfer {
        /// Who shall lead [default: whoever is most up to date]
        to: Option<String>,
    },
    /// Ask every member how it is (exit code 84 if one is not well)
    Health,
    /// Compare the state of all members (exit code 84 if two differ)
    Digest,
}

/// `holdfast snapshot …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Have a node take a snapshot and write it to a file
    Save {
        /// The file
        file: PathBuf,
    },
    /// List the snapshots of a node
    Ls,
    /// Have a node check a snapshot file
    Verify {
        /// The file
        file: PathBuf,
    },
    /// Put a snapshot in force on the whole cluster; ends every session
    Restore {
        /// The file
        file: PathBuf,
        /// Also when the cluster holds data, which is lost then
        #[arg(long)]
        replace: bool,
        /// Say what would happen, change nothing
        #[arg(long)]
        dry_run: bool,
    },
}
