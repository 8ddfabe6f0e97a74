//! How many operations a second the checkers judge, on one core: `checker-bench [SEED]`.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::time::Instant;

use checker::generate::{Shape, register_history};
use checker::linearizable::Linearizable;
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
    let shapes = [
        ("1 register x 10,000 operations, 10 clients", one),
        (
            "the same, answers name versions",
            Shape {
                versions: true,
                ..one
            },
        ),
        (
            "the same, 5 values, no versions",
            Shape {
                values: Some(5),
                ..one
            },
        ),
        (
            "1 x 100,000",
            Shape {
                ops: 100_000,
                ..one
            },
        ),
        (
            "1 x 100,000, versions",
            Shape {
                ops: 100_000,
                versions: true,
                ..one
            },
        ),
        (
            "1 x 10,000, 15 of unknown outcome",
            Shape { crashed: 15, ..one },
        ),
        (
            "the same, versions",
            Shape {
                crashed: 15,
                versions: true,
                ..one
            },
        ),
        (
            "1 x 10,000, 100 of unknown outcome, versions",
            Shape {
                crashed: 100,
                versions: true,
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
        (
            "5,000 registers x 200, versions",
            Shape {
                ops: 200,
                keys: 5000,
                versions: true,
                ..one
            },
        ),
    ];
    println!("seed {seed}");
    for (name, shape) in shapes {
        let history = register_history(&shape, seed);
        run(name, &Linearizable, &history);
    }
}

fn run(name: &str, checker: &dyn Checker, history: &History) {
    let begin = Instant::now();
    let report = checker.check(history, &Limits::default());
    let seconds = begin.elapsed().as_secs_f64();
    let ops = report.counts.get("operations").copied().unwrap_or(0);
    let rate = ops as f64 / seconds;
    let verdict = format!("{:?}", report.verdict).to_lowercase();
    println!(
        "{:<14} {name:<46} {ops:>8} ops {seconds:>7.3} s {rate:>9.0} ops/s  {verdict}",
        checker.name()
    );
}
