//! Many seeds: one child process each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use sim::plan::FaultKind;
use sim::summary::{Summary, counts};

use super::mutants::VARIABLE;
use super::{CHILD_TIME_MAX, Length, RESULT, SEED_VARIABLE};

/// So many seeds must hit every kind of fault and every outcome at least once.
const COVERAGE_SEEDS: u64 = 100;
/// Time between two looks at the children.
const LOOK: Duration = Duration::from_millis(5);
/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct RunArgs {
    /// First and last seed, as `1..500`; one number is one seed.
    #[arg(long, default_value = "1..100")]
    seeds: Seeds,
    /// A file of seeds instead: one a line, before anything else in it; `#` begins a comment.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Children at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Begin no more seeds after so many seconds.
    #[arg(long)]
    time_box: Option<u64>,
    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    length: Length,
    /// The planted bug the children have.
    #[arg(skip)]
    pub(crate) mutant: Option<&'static str>,
}

#[derive(Clone, Copy)]
struct Seeds {
    first: u64,
    last: u64,
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is not a seed"));
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(text)?, number(text)?),
        };
        if first > last {
            return Err(format!("{first} is larger than {last}"));
        }
        Ok(Seeds { first, last })
    }
}

/// The command that runs one seed.
pub(crate) fn child(seed: u64, length: &Length) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("find this program")?);
    command
        .args(["seed", &seed.to_string()])
        .args(["--seconds", &length.seconds.to_string()])
        .env(SEED_VARIABLE, seed.to_string());
    Ok(command)
}

struct Running {
    seed: u64,
    child: Child,
    since: Instant,
}

impl Running {
    fn start(seed: u64, args: &RunArgs) -> anyhow::Result<Running> {
        let mut command = child(seed, &args.length)?;
        if let Some(id) = args.mutant {
            // What a bug makes a process say before it dies is not news.
            command.env(VARIABLE, id).stderr(Stdio::null());
        }
        let child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start a process for seed {seed}"))?;
        Ok(Running {
            seed,
            child,
            since: Instant::now(),
        })
    }

    /// What it came to, once it has ended.
    fn poll(&mut self) -> anyhow::Result<Option<Summary>> {
        if self.child.try_wait()?.is_none() {
            if self.since.elapsed() < CHILD_TIME_MAX {
                return Ok(None);
            }
            self.child.kill()?;
            self.child.wait()?;
            let what = format!(
                "not done after {CHILD_TIME_MAX:?}: a task spins without waiting for anything"
            );
            return Ok(Some(self.ended("no-progress", what)));
        }
        let mut text = String::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut text)?;
        }
        let result = text.lines().find_map(|line| line.strip_prefix(RESULT));
        let Some(result) = result else {
            let what = "the process ended without a result; its stderr says why".to_owned();
            return Ok(Some(self.ended("no-panic", what)));
        };
        Ok(Some(serde_json::from_str(result)?))
    }
}

impl Running {
    fn ended(&self, name: &str, what: String) -> Summary {
        Summary {
            seed: self.seed,
            broken: Some((name.to_owned(), what)),
            ..Summary::default()
        }
    }
}

/// Runs the seeds; what is done with each result is for the caller to say.
pub(crate) fn each(
    args: &RunArgs,
    seeds: impl Iterator<Item = u64>,
    mut done: impl FnMut(Summary) -> bool,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let over = || {
        args.time_box
            .is_some_and(|s| began.elapsed() > Duration::from_secs(s))
    };
    let mut seeds = seeds;
    let mut running: Vec<Running> = Vec::new();
    let mut stopped = false;
    loop {
        while running.len() < args.jobs && !stopped && !over() {
            match seeds.next() {
                Some(seed) => running.push(Running::start(seed, args)?),
                None => break,
            }
        }
        if running.is_empty() {
            return Ok(());
        }
        let mut left = Vec::new();
        for mut child in running {
            match child.poll()? {
                Some(summary) => stopped |= !done(summary),
                None => left.push(child),
            }
        }
        running = left;
        std::thread::sleep(LOOK);
    }
}

pub(crate) fn seeds(args: &RunArgs) -> anyhow::Result<Vec<u64>> {
    let Some(file) = &args.file else {
        return Ok((args.seeds.first..=args.seeds.last).collect());
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let words = lines.filter_map(|line| line.split_whitespace().next());
    words
        .map(|word| {
            word.parse()
                .with_context(|| format!("{word:?} is not a seed"))
        })
        .collect()
}

/// `sim run`.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let mut said = Instant::now();
    let mut total = Summary::default();
    let (mut count, mut broken) = (0_u64, BTreeMap::new());
    let mut out = std::io::stdout();
    each(args, seeds(args)?.into_iter(), |summary| {
        count += 1;
        total.add(&summary);
        let failed = summary.broken.clone();
        if let Some((name, what)) = failed {
            broken.insert(summary.seed, name.clone());
            let _ = writeln!(out, "{}", failure(&summary, &name, &what, args));
            return args.keep_going;
        }
        if said.elapsed() > PROGRESS {
            said = Instant::now();
            let _ = writeln!(
                out,
                "{count} seeds, {} s simulated, {} broken",
                total.simulated_us / 1_000_000,
                broken.len()
            );
        }
        true
    })?;
    write!(out, "{}", report(&total, count, &broken, began.elapsed()))?;
    Ok(if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn failure(summary: &Summary, name: &str, what: &str, args: &RunArgs) -> String {
    let seed = summary.seed;
    let seconds = args.length.seconds;
    format!(
        "seed {seed} BROKE {name}: {what}\n  plan: {}\n  replay: sim replay {seed} --seconds {seconds}",
        summary.plan
    )
}

fn report(total: &Summary, count: u64, broken: &BTreeMap<u64, String>, took: Duration) -> String {
    let simulated = total.simulated_us as f64 / 1e6;
    let real = took.as_secs_f64();
    let mut text = format!(
        "{count} seeds in {real:.1} s ({:.0} a minute), {simulated:.0} s simulated ({:.1} for each real one), {} steps, {} deliveries ({} held back)\n",
        count as f64 * 60.0 / real,
        simulated / real,
        total.steps,
        total.delivered,
        total.held
    );
    text += &format!(
        "operations: {}\n  succeeded: {}\n",
        counts(&total.outcomes),
        counts(&total.operations)
    );
    text += &format!("faults: {}\n", counts(&total.faults));
    text += &format!("checkers that were satisfied: {}\n", counts(&total.valid));
    if !total.unknown.is_empty() {
        text += &format!("checkers that could not say: {}\n", counts(&total.unknown));
    }
    let kinds = FaultKind::ALL.iter().map(|kind| kind.name());
    let missed: BTreeSet<_> = kinds
        .filter(|name| !total.faults.contains_key(*name))
        .collect();
    let outcomes = ["ok", "fail", "info"].into_iter();
    let missed_outcomes: Vec<_> = outcomes
        .filter(|name| !total.outcomes.contains_key(*name))
        .collect();
    if count >= COVERAGE_SEEDS || !missed.is_empty() || !missed_outcomes.is_empty() {
        text += &format!("never hit: faults {missed:?}, outcomes {missed_outcomes:?}\n");
    }
    text += &match broken.len() {
        0 => "no violation\n".to_owned(),
        some => format!("{some} seeds BROKEN: {broken:?}\n"),
    };
    text
}

/// `sim meta`.
pub(crate) fn meta(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let twice = (args.seeds.first..=args.seeds.last).flat_map(|seed| [seed, seed]);
    let mut first: BTreeMap<u64, Summary> = BTreeMap::new();
    let (mut same, mut other) = (0_u64, Vec::new());
    each(args, twice, |summary| {
        match first.remove(&summary.seed) {
            None => {
                first.insert(summary.seed, summary);
            }
            Some(before) if before == summary => same += 1,
            Some(before) => other.push((summary.seed, before.trace_lines, summary.trace_lines)),
        }
        true
    })?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{same} seeds gave the same trace twice, {} did not: {other:?}",
        other.len()
    )?;
    Ok(if other.is_empty() && same > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
