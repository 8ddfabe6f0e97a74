//! How many operations ended per second, by outcome.

use std::collections::BTreeMap;

use super::html::grouped;
use super::latency::{OUTCOMES, Run};
use super::plot::{LEFT, Plot, RIGHT};
use super::scale::{Scale, Span, cell, ticks};
use super::svg::broken_line;

const HEIGHT: f64 = 180.0;
/// Most steps in time; a step is no shorter than half a second.
const STEPS_MAX: u64 = 240;
const STEP_NS_MIN: u64 = 500_000_000;

/// Lines of the rate by outcome.
pub(crate) fn rates(run: &Run<'_>) -> String {
    let step = run.length_ns.div_ceil(STEPS_MAX).max(STEP_NS_MIN);
    let steps = run.length_ns.div_ceil(step).max(1);
    let counts = OUTCOMES.iter().map(|(outcome, _)| {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for call in run.calls.iter().filter(|call| call.outcome() == *outcome) {
            if let Some(event) = call.complete {
                *counts
                    .entry((event.time / step).min(steps - 1))
                    .or_default() += 1;
            }
        }
        counts
    });
    let counts: Vec<BTreeMap<u64, u64>> = counts.collect();
    let most = counts.iter().flat_map(BTreeMap::values).max();
    let per_second = |count: u64| count as f64 * 1e9 / step as f64;

    let mut plot = Plot::new((0, run.length_ns), HEIGHT, run.faults);
    let y = Scale {
        values: Span {
            from: 0.0,
            to: per_second(most.copied().unwrap_or(1)) * 1.15,
        },
        pixels: Span {
            from: plot.bottom,
            to: plot.top,
        },
    };
    let words = |(rate, words): (f64, String)| {
        (
            y.at(rate),
            if rate >= 1000.0 {
                grouped(cell(rate))
            } else {
                words
            },
        )
    };
    plot.y_axis(ticks(y.values, 5.0).into_iter().map(words));
    for ((_, class), counts) in OUTCOMES.iter().zip(&counts) {
        let point = |at: u64| {
            let rate = per_second(counts.get(&at).copied().unwrap_or(0));
            (plot.x(at * step + step / 2).clamp(LEFT, RIGHT), y.at(rate))
        };
        let d = broken_line((0..steps).map(|at| Some(point(at))));
        if *class == "ok" {
            let area = format!("{d}V{:.1}H{:.1}Z", plot.bottom, point(0).0);
            plot.svg.path("filled ok", &area);
        }
        plot.svg.path(&format!("curve {class}"), &d);
    }
    plot.key(&[("ok", "ok"), ("fail", "fail"), ("info", "unknown")]);
    plot.finish("operations per second over time")
}
