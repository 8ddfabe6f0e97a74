//! Tests of the simulation itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sim::plan::{Plan, Workload};

/// Short runs: the tests are not built for speed.
const SECONDS: &str = "1";

fn sim(args: &[&str]) -> std::io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(args)
        .env("RUST_BACKTRACE", "0")
        .output()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// So many seeds are looked at for one of every workload.
const SEEDS_MAX: u64 = 40;

/// The workloads a trace names in its first line.
fn workloads(trace: &str) -> BTreeSet<String> {
    let words = trace.lines().next().unwrap_or_default().split(' ');
    let named = words.filter_map(|word| word.strip_prefix("workloads="));
    named
        .flat_map(|all| all.split('+'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_seed_gives_the_same_trace_in_two_processes_whatever_the_workload() {
    let all: BTreeSet<_> = Workload::all()
        .iter()
        .map(|w| w.name().to_owned())
        .collect();
    let mut seen = BTreeSet::new();
    for seed in 1..=SEEDS_MAX {
        let plan = Plan::of(seed, 1).describe();
        if workloads(&plan).is_subset(&seen) {
            continue;
        }
        let seed = seed.to_string();
        let traces = [0, 1].map(|_| text(&sim(&["replay", &seed, "--seconds", SECONDS]).unwrap()));
        let lines = traces[0].lines().count();
        assert!(lines > 300, "seed {seed} has a trace of {lines} lines");
        let both = traces[0].lines().zip(traces[1].lines());
        let differs = both.into_iter().find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(traces[0].len(), traces[1].len(), "seed {seed}");
        seen.append(&mut workloads(&plan));
    }
    assert_eq!(seen, all);
}

#[test]
fn two_seeds_are_two_runs() {
    let of = |seed| text(&sim(&["replay", seed, "--seconds", SECONDS]).unwrap());
    assert_ne!(of("1"), of("2"));
}

#[test]
fn a_file_of_seeds_that_is_not_there_is_named() {
    let nowhere = PathBuf::from("/nowhere/seeds.txt");
    let output = sim(&["run", "--file", &nowhere.display().to_string()]).unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/seeds.txt"));
}

#[test]
fn every_seed_that_failed_once_is_a_seed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/found.txt");
    let text = std::fs::read_to_string(file).expect("read the seeds");
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(!lines.is_empty());
    for line in lines {
        let (seed, why) = line.split_once(' ').expect("a seed and why");
        assert!(
            seed.parse::<u64>().is_ok() && !why.trim().is_empty(),
            "{line}"
        );
    }
}
