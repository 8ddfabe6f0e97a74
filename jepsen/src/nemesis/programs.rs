//! Programs of our own that a fault needs inside a node's network or below its data: subcommands of
//! `hf-jepsen` that nobody starts by hand.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use super::quality;
use crate::losefs;
use crate::world::http::Http;
use crate::world::{World, network, run};

/// For a connection through a link that may be cut.
const PROBE: Duration = Duration::from_millis(700);

/// A part of the harness that runs as a process of its own.
#[derive(Clone, Debug, Subcommand)]
pub enum Program {
    /// A disk that forgets what was not synced (FUSE).
    #[command(hide = true)]
    Losefs {
        /// Directory below which the durable content is kept.
        backing: PathBuf,
        /// Where it is mounted.
        mount: PathBuf,
        /// Unix socket for commands.
        #[arg(long)]
        control: PathBuf,
        /// Names need an fsync of their directory, too.
        #[arg(long)]
        strict: bool,
    },
    /// Holds packets of a queue for a while.
    #[command(hide = true)]
    Delay {
        /// Number of the queue.
        #[arg(long)]
        queue: u16,
        /// For so long, in ms.
        #[arg(long)]
        ms: u64,
        /// And up to so much more, in ms: packets overtake each other.
        #[arg(long)]
        jitter: u64,
        /// Of the lot that spreads them.
        #[arg(long)]
        seed: u64,
    },
    /// Tries one connection, and says what came of it.
    #[command(hide = true)]
    Probe {
        /// To where.
        to: SocketAddr,
    },
}

/// A command line that names such a part.
#[derive(Clone, Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    program: Program,
}

impl Program {
    /// Whether a subcommand is one of these.
    #[must_use]
    pub fn is_named(command: &str) -> bool {
        matches!(command, "losefs" | "delay" | "probe")
    }

    /// From this process's command line; ends the process with words when it is wrong.
    #[must_use]
    pub fn from_arguments() -> Program {
        Arguments::parse().program
    }

    /// Does its work; `probe` ends at once, the others when they are killed.
    ///
    /// # Errors
    /// What the system refused.
    #[expect(clippy::print_stdout, reason = "the answer of a program")]
    pub fn run(self) -> Result<()> {
        match self {
            Program::Losefs {
                backing,
                mount,
                control,
                strict,
            } => losefs::serve(&backing, &mount, &control, strict),
            Program::Delay {
                queue,
                ms,
                jitter,
                seed,
            } => quality::hold_packets(queue, ms, jitter, seed),
            Program::Probe { to } => {
                println!("{}", probe(to));
                Ok(())
            }
        }
    }
}

/// `connected`, `refused`, `timeout`, or what else the system says.
fn probe(to: SocketAddr) -> String {
    let http = Http {
        to,
        from: None,
        timeout: PROBE,
    };
    let Err(error) = http.connect() else {
        return "connected".to_owned();
    };
    let kind = error
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind);
    match kind {
        Some(std::io::ErrorKind::TimedOut) => "timeout".to_owned(),
        Some(std::io::ErrorKind::ConnectionRefused) => "refused".to_owned(),
        _ => format!("{error:#}"),
    }
}

/// Tries a connection to a node: from another node to its peer port, or as clients do.
pub(super) fn probe_from(world: &World, from: Option<u64>, to: u64) -> Result<String> {
    let Some(from) = from else {
        return Ok(probe(world.http(to)?.to));
    };
    let peer = world.peer_address(to).context("there is no such node")?;
    let mut words = network::prefix(from);
    words.push(world.setup().harness.display().to_string());
    words.extend(["probe".to_owned(), peer.to_string()]);
    let (program, arguments) = words.split_first().context("a command")?;
    Ok(run(program, arguments)?.trim().to_owned())
}
