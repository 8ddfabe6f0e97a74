//! `hf-jepsen suite`: every workload under rotating faults.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use super::run::binary;
use crate::child::Child;
use crate::report::results::{self, Results};
use crate::report::suite;

/// A run of the suite: workload, door, faults. In the order of what finds most.
const RUNS: &[(&str, &str, &str)] = &[
    ("register", "http", "kill,partition-leader,pause"),
    ("lock", "http", "kill,pause,client-pause"),
    ("set", "http", "lost-writes,torn-tail"),
    ("session", "http", "kill,pause,snapshot-storm"),
    ("watch", "http", "kill,partition-peers,reset"),
    ("append", "http", "partition-halves,kill"),
    ("semaphore", "http", "kill,client-kill,partition-leader"),
    (
        "queue",
        "http",
        "kill-all,client-kill,partition-majority-ring",
    ),
    (
        "unique-ids",
        "http",
        "restart-all,leader-transfer,snapshot-storm",
    ),
    (
        "rwlock",
        "http",
        "pause,leader-transfer,partition-one-way-in",
    ),
    ("election", "http", "kill,pause,partition-leader,term"),
    ("lock", "zookeeper", "kill,partition-clients,pause"),
    ("register", "zookeeper", "kill,partition-bridge,pause"),
    ("watch", "zookeeper", "kill,reset,pause"),
    ("register", "http", "membership,kill"),
    ("set", "sdk", "kill,reset,partition-leader"),
    ("lock", "http", "clock-jump,clock-drift,kill"),
    ("register", "http", "loss,delay,big-packets"),
    ("set", "http", "disk-full,disk-slow,kill"),
    ("append", "http", "bit-flip,snapshot-storm,kill"),
    ("lock", "both", "kill,partition-halves,pause"),
    (
        "register",
        "http",
        "partition-one-way-out,flapping,monotonic-epoch",
    ),
];

/// What a suite is asked to be.
#[derive(Clone, Debug, Args)]
pub(super) struct SuiteArguments {
    /// Length of the faulty phase of each run.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// No run begins after so many seconds; 0: each run once, however long that takes.
    #[arg(long, default_value_t = 0)]
    time_box: u64,
    /// Rounds of all runs, each with other seeds.
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// Seed of the first run; each further one has the next.
    #[arg(long)]
    seed: Option<u64>,
    /// Voters; several: in turn.
    #[arg(long, default_value = "3", value_delimiter = ',')]
    nodes: Vec<u64>,
    /// The `holdfast` binary; default: beside this program.
    #[arg(long, env = "HOLDFAST_TEST_BINARY")]
    binary: Option<PathBuf>,
    /// Where runs are kept.
    #[arg(long, default_value = "jepsen/runs")]
    runs: PathBuf,
    /// Keep the directories of runs that passed, too.
    #[arg(long)]
    keep: bool,
}

/// `hf-jepsen suite`.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub(super) fn suite(arguments: &SuiteArguments) -> Result<u8> {
    let binary = binary(arguments.binary.as_ref())?;
    let began = Instant::now();
    let first = arguments
        .seed
        .unwrap_or_else(|| crate::world::now() % 1_000_000);
    let name = jiff::Timestamp::now()
        .strftime("suite-%Y%m%dT%H%M%SZ.md")
        .to_string();
    let table = arguments.runs.join(name);
    let mut all: Vec<Results> = Vec::new();
    let mut failed = 0_u64;
    let rounds = (0..arguments.rounds).flat_map(|_| RUNS.iter());
    for (number, (workload, door, nemesis)) in rounds.enumerate() {
        let over = Duration::from_secs(arguments.time_box);
        if arguments.time_box > 0 && began.elapsed() >= over {
            break;
        }
        let nodes = arguments.nodes.get(number % arguments.nodes.len().max(1));
        let child = Child {
            workload,
            door,
            nemesis,
            seconds: arguments.seconds,
            seed: first + number as u64,
            nodes: nodes.copied().unwrap_or(3),
            binary: &binary,
            runs: &arguments.runs,
            mutant: None,
            settings: &[],
        };
        match child.run() {
            Ok(results) => {
                suite::append(&table, &results)?;
                print!("{}", suite::terminal(std::slice::from_ref(&results)));
                child.tidy(&results, arguments.keep);
                all.push(results);
            }
            Err(error) => {
                failed += 1;
                println!(
                    "{workload} {nemesis} seed {}: no verdict: {error:#}",
                    child.seed
                );
            }
        }
    }
    let worst = all.iter().map(|one| one.verdict).max();
    println!(
        "{} runs, {failed} without a verdict; table: {}",
        all.len(),
        table.display()
    );
    if failed > 0 {
        anyhow::bail!("{failed} runs failed in the harness");
    }
    Ok(worst.map_or(2, results::exit_code))
}
