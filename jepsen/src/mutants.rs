//! `hf-jepsen mutants`: proof that the runs bite. Every planted bug in the run that should show it;
//! caught is only what the checker named for it finds, and Holdfast itself must pass the same run.

mod scenarios;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use checker::Verdict;
use clap::Args;

use crate::child::Child;
use crate::report::results::Results;
use scenarios::{SCENARIOS, Scenario};

/// Which planted bugs, with which binary.
#[derive(Clone, Debug, Args)]
pub struct MutantsArguments {
    /// Only these, comma-separated: m01,m17.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// A `holdfast` binary built with the feature `mutants`.
    #[arg(long)]
    binary: PathBuf,
    /// Where runs are kept.
    #[arg(long, default_value = "jepsen/runs/mutants")]
    runs: PathBuf,
    /// Seeds tried for each until it is caught.
    #[arg(long, default_value_t = 3)]
    tries: u64,
    /// First seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave out the runs without the bug.
    #[arg(long)]
    only_bugs: bool,
}

/// What came of one planted bug.
struct Row {
    scenario: &'static Scenario,
    /// The checkers named for it that fired, and after how many seconds of the run's clock the first.
    caught: Option<(BTreeSet<String>, f64)>,
    /// Others that fired.
    others: Vec<String>,
    tries: u64,
    clean: Option<Verdict>,
}

/// Runs them and prints the table.
///
/// # Errors
/// The harness failed.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub fn mutants(arguments: &MutantsArguments) -> Result<u8> {
    let wanted =
        |s: &&Scenario| arguments.only.is_empty() || arguments.only.iter().any(|id| id == s.mutant);
    let scenarios: Vec<&'static Scenario> = SCENARIOS.iter().filter(wanted).collect();
    ensure!(!scenarios.is_empty(), "there is no such planted bug");
    let has_own = cfg!(feature = "mutants");
    ensure!(
        has_own || scenarios.iter().all(|scenario| scenario.door != "sdk"),
        "bugs of the client library are planted in hf-jepsen itself: build it with the feature mutants"
    );
    let mut clean: BTreeMap<String, Verdict> = BTreeMap::new();
    let mut missed = 0;
    println!(
        "| mutant | workload | faults | caught by | after | runs | also fired | Holdfast itself |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for scenario in scenarios {
        let mut row = hunt(scenario, arguments)?;
        if !arguments.only_bugs {
            row.clean = Some(clean_run(scenario, arguments, &mut clean)?);
        }
        missed += u64::from(row.caught.is_none());
        missed += u64::from(row.clean.is_some_and(|verdict| verdict != Verdict::Valid));
        println!("{}", row.line());
    }
    Ok(u8::from(missed > 0))
}

/// Seed after seed until the checker that is meant to fires.
fn hunt(scenario: &'static Scenario, arguments: &MutantsArguments) -> Result<Row> {
    let mut row = Row {
        scenario,
        caught: None,
        others: Vec::new(),
        tries: 0,
        clean: None,
    };
    for seed in arguments.seed..arguments.seed + arguments.tries {
        row.tries += 1;
        let child = child(scenario, arguments, seed, Some(scenario.mutant));
        let results = child.run()?;
        row.read(&results, &child.run_dir())?;
        if row.caught.is_some() {
            break;
        }
    }
    Ok(row)
}

fn child<'a>(
    scenario: &'static Scenario,
    arguments: &'a MutantsArguments,
    seed: u64,
    mutant: Option<&'a str>,
) -> Child<'a> {
    Child {
        workload: scenario.workload,
        door: scenario.door,
        nemesis: scenario.nemesis,
        seconds: scenario.seconds,
        seed,
        nodes: scenario.nodes,
        binary: &arguments.binary,
        runs: &arguments.runs,
        mutant,
        settings: scenario.settings,
    }
}

/// The same run with no bug planted; once for all bugs that share it.
fn clean_run(
    scenario: &'static Scenario,
    arguments: &MutantsArguments,
    known: &mut BTreeMap<String, Verdict>,
) -> Result<Verdict> {
    let child = child(scenario, arguments, arguments.seed, None);
    let name = child.run_dir().display().to_string();
    if let Some(verdict) = known.get(&name) {
        return Ok(*verdict);
    }
    let results = child.run()?;
    child.tidy(&results, false);
    known.insert(name, results.verdict);
    Ok(results.verdict)
}

impl Row {
    /// Who fired in a run, and when.
    fn read(&mut self, results: &Results, run_dir: &Path) -> Result<()> {
        let history = crate::history_file::read(&run_dir.join(crate::report::HISTORY))?;
        for report in &results.checkers {
            if report.verdict != Verdict::Invalid {
                continue;
            }
            // The second pass of a checker counts as the checker.
            let name = report.checker.split(' ').next().unwrap_or_default();
            if !self.scenario.catches.contains(&name) {
                self.others.push(report.checker.clone());
                continue;
            }
            let first = report
                .findings
                .iter()
                .flat_map(|finding| &finding.events)
                .min();
            let event = first.and_then(|&at| history.events.get(usize::try_from(at).ok()?));
            let seconds = event.map_or(results.seconds, |event| nanos_to_seconds(event.time));
            let (names, known) = self
                .caught
                .get_or_insert_with(|| (BTreeSet::new(), seconds));
            names.insert(name.to_owned());
            *known = known.min(seconds);
        }
        self.others.sort();
        self.others.dedup();
        Ok(())
    }

    fn line(&self) -> String {
        let scenario = self.scenario;
        let (caught, after) = match &self.caught {
            Some((names, seconds)) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                (names.join(" "), format!("{seconds:.1} s"))
            }
            None => ("**not caught**".to_owned(), String::new()),
        };
        let clean = self
            .clean
            .map_or_else(|| "not run".to_owned(), |v| format!("{v:?}").to_lowercase());
        format!(
            "| {} | {} ({}) | {} | {caught} | {after} | {} | {} | {clean} |",
            scenario.mutant,
            scenario.workload,
            scenario.door,
            scenario.nemesis,
            self.tries,
            self.others.join(" ")
        )
    }
}

fn nanos_to_seconds(nanos: u64) -> f64 {
    std::time::Duration::from_nanos(nanos).as_secs_f64()
}
