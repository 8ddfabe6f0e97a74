//! Every planted bug, and how soon the simulation sees it.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use mutant::{About, Mutant};

use super::expected::{Simulated, simulated};
use super::many::{RunArgs, each, seeds};

/// Names the bug, for the child.
pub(crate) const VARIABLE: &str = "HOLDFAST_MUTANT";

#[derive(Args)]
pub(crate) struct MutantArgs {
    /// Only these, as `m02,m21`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    #[command(flatten)]
    run: RunArgs,
}

/// What came of one bug.
struct Caught {
    seed: u64,
    by: String,
    expected: bool,
}

/// `sim mutants`: the seeds without a bug first, then with each until it is seen.
pub(crate) fn mutants(mut args: MutantArgs) -> anyhow::Result<ExitCode> {
    if mutant::marker().is_none() {
        bail!(
            "this build has no planted bugs, so nothing was run; build it with `--features mutants`"
        );
    }
    let mut out = std::io::stdout();
    let mut failed = 0_u32;
    writeln!(
        out,
        "| mutant | must fire | fired | first seed | seconds | |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    let mut furthest = 0;
    for about in chosen(&args.only) {
        let invariants = match simulated(about.mutant) {
            Simulated::Shows(invariants) => invariants,
            Simulated::Absent(why) => {
                writeln!(
                    out,
                    "| {} | {} | | | | not here: {why} |",
                    about.id, about.checker
                )?;
                continue;
            }
        };
        args.run.mutant = Some(about.id);
        let (caught, tried, took) = hunt(&args.run, about, invariants)?;
        let (id, must) = (about.id, about.checker);
        let seconds = took.as_secs_f64();
        furthest = furthest.max(caught.as_ref().map_or(0, |caught| caught.seed));
        failed += u32::from(!caught.as_ref().is_some_and(|caught| caught.expected));
        match caught {
            Some(Caught { seed, by, expected }) => {
                let remark = if expected { "" } else { "ANOTHER" };
                writeln!(
                    out,
                    "| {id} | {must} | {by} | {seed} | {seconds:.1} | {remark} |"
                )?;
            }
            None => writeln!(
                out,
                "| {id} | {must} | | | {seconds:.1} | MISSED in {tried} seeds |"
            )?,
        }
        out.flush()?;
    }
    args.run.mutant = None;
    let (broken, count) = clean(&args.run, furthest)?;
    writeln!(out, "without a bug: {count} seeds, {broken} broken")?;
    let good = failed == 0 && broken == 0;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn chosen(only: &[String]) -> impl Iterator<Item = &'static About> {
    let wanted = |about: &&About| only.is_empty() || only.iter().any(|id| id == about.id);
    Mutant::all().iter().filter(wanted)
}

/// Runs seeds until the bug is seen by what may see it; another sighting is kept until then.
fn hunt(
    args: &RunArgs,
    about: &About,
    invariants: &[&str],
) -> anyhow::Result<(Option<Caught>, u64, Duration)> {
    let began = Instant::now();
    let (mut caught, mut tried) = (None::<Caught>, 0);
    each(args, seeds(args)?.into_iter(), |summary| {
        tried += 1;
        let Some((by, _)) = summary.broken else {
            return true;
        };
        let expected = by == about.checker || invariants.contains(&by.as_str());
        if caught.is_none() || (expected && caught.as_ref().is_some_and(|c| !c.expected)) {
            let seed = summary.seed;
            caught = Some(Caught { seed, by, expected });
        }
        !expected
    })?;
    Ok((caught, tried, began.elapsed()))
}

/// The same seeds, as far as they were needed, without a bug.
fn clean(args: &RunArgs, furthest: u64) -> anyhow::Result<(u64, u64)> {
    let same = seeds(args)?.into_iter().filter(|seed| *seed <= furthest);
    let (mut broken, mut count) = (0, 0);
    each(args, same, |summary| {
        count += 1;
        broken += u64::from(summary.broken.is_some());
        true
    })?;
    Ok((broken, count))
}
