//! `holdfast bench pick`: what the strategies of balancing do, as figures and plots.

mod figures;
mod plots;

use std::path::Path;

use crate::args::PickArgs;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Shown};
use figures::Figures;

/// Runs all trials and writes what they found.
///
/// # Errors
/// The directory cannot be written.
pub(super) fn run(out: Output, args: &PickArgs) -> Result<u8, Failure> {
    let figures = Figures::measure(args.seed, args.requests);
    write(&args.out, &figures).map_err(|error| {
        let what = format!("write figures and plots to {}", args.out.display());
        Failure::new(Exit::BadInput, what, error)
    })?;
    out.show(&shown(&figures)?)?;
    let directory = args.out.display();
    out.note(&format!("figures.json and the plots are in {directory}"));
    Ok(0)
}

fn write(directory: &Path, figures: &Figures) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(directory)?;
    let json = serde_json::to_string_pretty(figures)?;
    std::fs::write(directory.join("figures.json"), json + "\n")?;
    for (name, svg) in plots::all(figures)? {
        std::fs::write(directory.join(name), svg)?;
    }
    Ok(())
}

fn shown(figures: &Figures) -> Result<Shown, Failure> {
    let row = |each: &figures::SlowInstance| {
        vec![
            each.strategy.to_owned(),
            format!("{:.2}", each.slow_share_percent),
            format!("{:.2}", figures.capacity_share_percent),
            format!("{:.1}", each.mean_ms),
            format!("{:.1}", each.p99_ms),
        ]
    };
    let columns = ["STRATEGY", "SLOW GETS %", "CAN TAKE %", "MEAN MS", "P99 MS"];
    Shown::list(&figures.slow_instance, &columns, row)?.json(figures)
}
