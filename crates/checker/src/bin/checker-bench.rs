//! How many operations a second the checkers judge, on one core: `checker-bench [SEED]`.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::time::Instant;

use checker::generate::{Shape, register_history};
use checker::linearizable::Linearizable;
use checker::versions::Versions;
use checker::{Checker, History, Limits};

fn main() {
    let seed = std::env::args()
        .nth(1)
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1);
    let one = Shape {
        ops: 10_000,
        clients: 10,
        versions: false,
        ..Shape::default()
    };
    println!("seed {seed}");
    for (name, shape) in [
        ("1 register x 10,000 operations, 10 clients", one),
        (
            "the same, only 5 values",
            Shape {
                values: Some(5),
                ..one
            },
        ),
        (
            "the same, 15 of unknown outcome",
            Shape { crashed: 15, ..one },
        ),
        (
            "the same, 100 of unknown outcome",
            Shape {
                crashed: 100,
                ..one
            },
        ),
        (
            "1 register x 100,000",
            Shape {
                ops: 100_000,
                ..one
            },
        ),
        (
            "5,000 registers x 200",
            Shape {
                ops: 200,
                keys: 5000,
                ..one
            },
        ),
    ] {
        for versions in [true, false] {
            // Many unknown outcomes without versions are more than a search can do.
            if !versions && shape.crashed > 15 {
                continue;
            }
            let history = register_history(&Shape { versions, ..shape }, seed);
            let name = if versions {
                format!("{name}, versions")
            } else {
                name.to_owned()
            };
            run(&name, &Linearizable, &history);
            if versions {
                run(&name, &Versions, &history);
            }
        }
    }
}

fn run(name: &str, checker: &dyn Checker, history: &History) {
    let begin = Instant::now();
    let report = checker.check(history, &Limits::default());
    let seconds = begin.elapsed().as_secs_f64();
    let ops = report
        .counts
        .get("operations")
        .or_else(|| report.counts.get("operations with a version"))
        .copied()
        .unwrap_or(0);
    let rate = ops as f64 / seconds;
    let verdict = format!("{:?}", report.verdict).to_lowercase();
    println!(
        "{:<14} {name:<46} {ops:>8} ops {seconds:>7.3} s {rate:>9.0} ops/s  {verdict}",
        checker.name()
    );
}
