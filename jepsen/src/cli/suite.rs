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

/// By so much the faults move on from round to round; it and the number of runs have no divisor in
/// common, so that every workload comes to meet every line of faults.
const STEP: usize = 5;

/// What a suite is asked to be.
#[derive(Clone, Debug, Args)]
pub(super) struct SuiteArguments {
    /// Length of the faulty phase of each run.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// No run begins after so many seconds; 0: each run once, however long that takes.
    #[arg(long, default_value_t = 0)]
    time_box: u64,
    /// Rounds of all runs, each with other seeds and with the faults moved on to other workloads.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
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

/// One run of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Planned {
    workload: &'static str,
    door: &'static str,
    nemesis: &'static str,
    nodes: u64,
}

/// All of them: the first round as the table says; in each further one every workload takes over
/// the faults of another, and the sizes of clusters move on by one.
fn planned(arguments: &SuiteArguments) -> Vec<Planned> {
    let mut all = Vec::new();
    for round in 0..usize::try_from(arguments.rounds).unwrap_or(usize::MAX) {
        for (at, (workload, door, _)) in RUNS.iter().enumerate() {
            let nemesis = RUNS.iter().cycle().nth(at + round * STEP);
            let turn = at + round + round / RUNS.len();
            let nodes = arguments.nodes.iter().cycle().nth(turn);
            all.push(Planned {
                workload,
                door,
                nemesis: nemesis.map_or("all", |(_, _, nemesis)| nemesis),
                nodes: nodes.copied().unwrap_or(3),
            });
        }
    }
    all
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
    for (number, planned) in planned(arguments).into_iter().enumerate() {
        let over = Duration::from_secs(arguments.time_box);
        if arguments.time_box > 0 && began.elapsed() >= over {
            break;
        }
        let (workload, door, nemesis) = (planned.workload, planned.door, planned.nemesis);
        let child = Child {
            workload,
            door,
            nemesis,
            seconds: arguments.seconds,
            seed: first + number as u64,
            nodes: planned.nodes,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_workload_comes_to_meet_all_faults_on_clusters_of_every_size() {
        let arguments = SuiteArguments {
            seconds: 20,
            time_box: 0,
            rounds: 2 * RUNS.len() as u64,
            seed: None,
            nodes: vec![3, 5],
            binary: None,
            runs: PathBuf::new(),
            keep: false,
        };
        let all: BTreeSet<Planned> = planned(&arguments).into_iter().collect();
        let nemeses: BTreeSet<&str> = RUNS.iter().map(|(_, _, nemesis)| *nemesis).collect();
        for (workload, door, _) in RUNS {
            for nodes in [3, 5] {
                let of = |one: &&Planned| {
                    (one.workload, one.door, one.nodes) == (*workload, *door, nodes)
                };
                let met: BTreeSet<&str> = all.iter().filter(of).map(|one| one.nemesis).collect();
                assert_eq!(met, nemeses, "{workload} through {door} on {nodes}");
            }
        }
    }
}
