//! `hf-jepsen run` and `hf-jepsen check`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::plan::{CONCURRENCY, Plan, RATE};
use crate::report::results::{self, Results};
use crate::run::{self, Place};
use crate::world::isolation::{Isolation, isolate};
use crate::world::missing_faults;
use crate::{history_file, report};

/// What one run is asked to be.
#[derive(Clone, Debug, Args)]
pub(super) struct RunArguments {
    /// What clients do: register, lock, rwlock, semaphore, set, unique-ids, queue, append, watch, session, election.
    #[arg(long, default_value = "register")]
    workload: String,
    /// Faults, comma-separated; `all` rotates through those that can be made here, `none` makes none.
    /// More can be asked of each: `pause@leader/8000` (whom, how many ms), `kill@all/900+4000` (and
    /// when), `delay:ms=30`.
    #[arg(long, default_value = "all", value_delimiter = ',')]
    nemesis: Vec<String>,
    /// Length of the faulty phase.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Where every choice comes from; without it one is drawn and shown.
    #[arg(long)]
    seed: Option<u64>,
    /// Voters at the start.
    #[arg(long, default_value_t = 3)]
    nodes: u64,
    /// How clients speak: http, zookeeper, both, sdk.
    #[arg(long, default_value = "http")]
    door: String,
    /// Clients at a time.
    #[arg(long, default_value_t = CONCURRENCY)]
    concurrency: u64,
    /// Operations a second asked of all clients together.
    #[arg(long, default_value_t = RATE)]
    rate: u64,
    /// A flag of every node, like snapshot-entries=100; may be repeated.
    #[arg(long = "set", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// The `holdfast` binary; default: beside this program.
    #[arg(long, env = "HOLDFAST_TEST_BINARY")]
    binary: Option<PathBuf>,
    /// Where runs are kept.
    #[arg(long, default_value = "jepsen/runs")]
    runs: PathBuf,
    /// Directory of this run, instead of one named by time below --runs.
    #[arg(long)]
    run_dir: Option<PathBuf>,
    /// A planted bug, for a binary that has them.
    #[arg(long)]
    mutant: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The binary named, or the one beside this program.
pub(crate) fn binary(named: Option<&PathBuf>) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.clone());
    }
    let here = std::env::current_exe().context("find the path of this program")?;
    let beside = here.with_file_name("holdfast");
    anyhow::ensure!(
        beside.is_file(),
        "there is no {}: build it (cargo build -p holdfast), or name one with --binary",
        beside.display()
    );
    Ok(beside)
}

/// `hf-jepsen run`.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub(super) fn run(arguments: &RunArguments) -> Result<u8> {
    // The seed must be the same inside and outside.
    let seed = arguments
        .seed
        .unwrap_or_else(|| crate::world::now() % 1_000_000);
    let mut words: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    if arguments.seed.is_none() {
        words.push(format!("--seed={seed}").into());
    }
    match isolate(&words)? {
        Isolation::Inside => {}
        Isolation::Ended(code) => return Ok(code),
        Isolation::Impossible(why) => {
            tell(&format!(
                "nodes share loopback, faults of the network are missing: {why}"
            ));
        }
    }
    let asked = Plan {
        seed,
        workload: arguments.workload.clone(),
        door: arguments.door.clone(),
        nodes: arguments.nodes,
        seconds: arguments.seconds,
        concurrency: arguments.concurrency,
        rate: arguments.rate,
        sizes: BTreeMap::new(),
        nemesis: arguments.nemesis.clone(),
        schedule: Vec::new(),
        settings: arguments.settings.iter().cloned().collect(),
    };
    let plan = Plan::draw(asked, &missing_faults())?;
    let place = Place {
        run_dir: arguments.run_dir.clone().unwrap_or_else(|| {
            let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
            let nemesis = crate::plan::file_name(&plan.nemesis.join(","));
            let name = format!("{time}-{}-{nemesis}-{seed}", plan.workload);
            arguments.runs.join(name)
        }),
        binary: binary(arguments.binary.as_ref())?,
        mutant: arguments.mutant.clone(),
    };
    let results = run::run(&plan, &place)?;
    print!("{}", report::suite::summary(&results));
    println!("{}", place.run_dir.join("report.html").display());
    Ok(results::exit_code(results.verdict))
}

/// `hf-jepsen check`: the checkers once more, on the stored history and the logs that were kept.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub(super) fn check(run_dir: &Path) -> Result<u8> {
    let results = Results::read(run_dir)?;
    let history = history_file::read(&run_dir.join(report::HISTORY))?;
    let reports = run::check_again(&results.plan, &history, run_dir)?;
    for report in &reports {
        println!(
            "{:?}\t{}\t{:?}",
            report.verdict, report.checker, report.counts
        );
        for finding in &report.findings {
            println!("\t{} {:?}", finding.what, finding.events);
        }
    }
    Ok(results::exit_code(results::together(&reports)))
}

#[expect(clippy::print_stderr, reason = "a remark beside the answer")]
fn tell(what: &str) {
    eprintln!("hf-jepsen: {what}");
}
