//! Holdfast and its peers under the same load, side by side: `hf-bench`. See `README.md` beside this crate.
//!
//! ```text
//!  cli.rs ──► suite.rs, failover.rs, million.rs, sessions.rs, growth.rs, elections.rs     what is measured
//!               │ starts and ends servers through      │ puts them under load through
//!               ▼                                      ▼
//!             contender.rs ──► bench/peers/*.sh      crate load, with the drivers etcd.rs and redis.rs
//!
//!             fsync.rs       refuses whoever does not sync
//!             results.rs     what was found ──► latest.json
//!             goals.rs       the ratios, held against what must be reached
//!             report.rs, plot.rs   the same for readers
//! ```

mod cli;
pub mod contender;
pub mod elections;
pub mod etcd;
pub mod failover;
pub mod fsync;
mod goals;
pub mod growth;
pub mod machine;
pub mod median;
pub mod million;
mod one;
mod plot;
pub mod process;
pub mod redis;
pub mod report;
pub mod results;
pub mod sessions;
pub mod suite;

pub use cli::main;

/// Says how far it is, to whoever waits.
#[expect(
    clippy::print_stderr,
    reason = "a program that runs for an hour says so"
)]
fn say(what: std::fmt::Arguments<'_>) {
    eprintln!("hf-bench: {what}");
}
