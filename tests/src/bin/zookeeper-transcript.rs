//! Runs the scripts of `tests/transcript/` against a real ZooKeeper and against three nodes of Holdfast, and
//! says where they differ; and whether the kept recording is still what the real one gives.
//! `UPDATE=1` keeps the new one.
//!
//! `make zookeeper-transcript ARGS=3` takes three servers of ZooKeeper instead of one. The folder of the jars is
//! in `ZOOKEEPER_JARS`.

#![expect(
    clippy::print_stdout,
    reason = "a tool whose product is what it prints"
)]
#![expect(
    clippy::expect_used,
    reason = "a tool for developers: a broken expectation ends it"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use holdfast_tests::RealZooKeeper;
use holdfast_tests::transcript::{
    Differences, Runner, Script, Transcript, compare, golden, keep, run_here, scripts,
};

/// Among several servers of ZooKeeper one that was sent a `create` it could not read stopped answering, a
/// `sync` of another client too: only a server by itself can be asked this.
const OF_ONE_SERVER: &str = "12-odd-requests";

fn main() -> ExitCode {
    let size = std::env::args()
        .nth(1)
        .map_or(1, |size| size.parse().expect("a number of servers"));
    let mut scripts = scripts();
    if size > 1 {
        scripts.retain(|script| script.name != OF_ONE_SERVER);
        println!("without {OF_ONE_SERVER}: one of several servers would hang");
    }
    let steps: usize = scripts.iter().map(|script| script.steps.len()).sum();
    println!("{} scripts, {steps} steps", scripts.len());
    let real = record(size, &scripts);
    let keeps = std::env::var_os("UPDATE").is_some();
    let mut is_good = true;
    if keeps {
        real.iter().for_each(keep);
        println!("the recording is kept");
    } else {
        is_good &= say("the kept recording", &old(&real));
    }
    is_good &= say("Holdfast", &run_here(&scripts, &real));
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn record(size: usize, scripts: &[Script]) -> Vec<Transcript> {
    let jars = std::env::var_os("ZOOKEEPER_JARS").expect("ZOOKEEPER_JARS: the folder of the jars");
    let real = RealZooKeeper::start(size, &PathBuf::from(jars));
    let mut runner = Runner::new(real.addresses());
    let recorded = scripts
        .iter()
        .map(|script| runner.run(script, None))
        .collect();
    println!("recorded from {size} server(s) of a real ZooKeeper");
    recorded
}

fn old(real: &[Transcript]) -> Differences {
    let mut differences = Differences::default();
    for fresh in real {
        differences.extend(compare(&golden(&fresh.script), fresh));
    }
    differences
}

fn say(who: &str, differences: &Differences) -> bool {
    if differences.is_empty() {
        println!("{who}: the same, frame by frame");
    } else {
        println!("{who}: {differences}");
    }
    differences.is_empty()
}
