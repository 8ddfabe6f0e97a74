//! How long operations took: every one of them as a dot, and their quantiles over time.
//!
//! A million dots are not drawn: the plane is a grid of small cells, a cell that was hit is one
//! dot, darker where it was hit more often. So the page is bounded, and no outlier is lost.

use std::collections::BTreeMap;

use checker::{Call, Outcome};

use super::faults::Interval;
use super::html::duration;
use super::plot::Plot;
use super::scale::{Scale, Span, cell};
use super::stats::{WAITING, latency, quantile};
use super::svg::broken_line;

/// Width and height of a cell in pixels.
const CELL: f64 = 3.0;
const HEIGHT: f64 = 240.0;
/// Steps in time of the quantiles.
const STEPS: u64 = 200;

/// How outcomes are called in classes and keys.
pub(crate) const OUTCOMES: &[(Outcome, &str)] = &[
    (Outcome::Ok, "ok"),
    (Outcome::Fail, "fail"),
    (Outcome::Info, "info"),
];

/// A run as the drawings over time need it.
pub(crate) struct Run<'a> {
    pub(crate) calls: &'a [Call<'a>],
    pub(crate) faults: &'a [Interval],
    pub(crate) length_ns: u64,
}

/// Those that ended and were not told to wait.
fn timed<'a>(run: &'a Run<'a>) -> impl Iterator<Item = (&'a Call<'a>, f64)> {
    let prompt = |call: &&Call<'_>| !WAITING.contains(&call.invoke.f.as_str());
    let ms = |call: &'a Call<'a>| Some((call, (latency(call)? as f64 / 1e6).max(0.001)));
    run.calls.iter().filter(prompt).filter_map(ms)
}

/// Whole decades around all latencies, as logarithms.
fn decades(run: &Run<'_>) -> Span {
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for (_, ms) in timed(run) {
        from = from.min(ms.log10().floor());
        to = to.max(ms.log10().ceil());
    }
    Span { from, to }
}

fn frame(run: &Run<'_>) -> (Plot, Scale) {
    let mut plot = Plot::new((0, run.length_ns), HEIGHT, run.faults);
    let y = Scale {
        values: decades(run),
        pixels: Span {
            from: plot.bottom - 4.0,
            to: plot.top + 22.0,
        },
    };
    let mut power = y.values.from;
    let mut ticks = Vec::new();
    while power <= y.values.to {
        ticks.push((y.at(power), duration(10_f64.powf(power))));
        power += 1.0;
    }
    plot.y_axis(ticks);
    (plot, y)
}

/// A dot for every operation, by when it began.
pub(crate) fn scatter(run: &Run<'_>) -> String {
    let (mut plot, y) = frame(run);
    for (outcome, name) in OUTCOMES {
        let mut cells: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for (call, ms) in timed(run).filter(|(call, _)| call.outcome() == *outcome) {
            let x = plot.x(call.invoke.time);
            let at = (cell(x / CELL), cell(y.at(ms.log10()) / CELL));
            *cells.entry(at).or_default() += 1;
        }
        for (density, least, most) in [("few", 1, 1), ("some", 2, 9), ("many", 10, u64::MAX)] {
            let hit = |(_, count): &(&(u64, u64), &u64)| (least..=most).contains(*count);
            let dots = cells.iter().filter(hit).map(|((x, y), _)| dot(*x, *y));
            let dots: String = dots.collect();
            plot.svg.path(&format!("dots {name} {density}"), &dots);
        }
    }
    plot.key(&[("ok", "ok"), ("fail", "fail"), ("info", "unknown")]);
    plot.finish("latency of every operation over time")
}

/// A line without length, which a round end makes a dot.
fn dot(x: u64, y: u64) -> String {
    let middle = |place: u64| place as f64 * CELL + CELL / 2.0;
    format!("M{} {}h0", middle(x), middle(y))
}

/// Half, 95 and 99 of 100 of the ok operations took no longer; and the longest.
pub(crate) fn quantiles(run: &Run<'_>) -> String {
    const LINES: &[(usize, &str)] = &[(500, "p50"), (950, "p95"), (990, "p99"), (1000, "max")];
    let (mut plot, y) = frame(run);
    let step = (run.length_ns / STEPS).max(1);
    let mut steps: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (call, _) in timed(run).filter(|(call, _)| call.outcome() == Outcome::Ok) {
        let took = steps.entry(call.invoke.time / step).or_default();
        took.extend(latency(call));
    }
    for took in steps.values_mut() {
        took.sort_unstable();
    }
    for (permille, class) in LINES.iter().rev() {
        let point = |at: u64| {
            let took = steps.get(&at)?;
            let ms = (quantile(took, *permille) as f64 / 1e6).max(0.001);
            Some((plot.x(at * step + step / 2), y.at(ms.log10())))
        };
        let d = broken_line((0..=STEPS).map(point));
        plot.svg.path(&format!("curve {class}"), &d);
    }
    plot.key(
        &LINES
            .iter()
            .map(|(_, class)| (*class, *class))
            .collect::<Vec<_>>(),
    );
    plot.finish("quantiles of latency over time")
}
