//! `make soak SECONDS=600 CONNECTIONS=5000 WATCHES=50000`: a soak of the door for ZooKeeper clients.
//! Three more numbers may follow: changes a second, seconds between two disturbances of one client, and
//! seconds between two faults of nodes. Prints a line of progress now and then, and a table; fails when anything was wrong.
//! `HOLDFAST_TEST_SEED` repeats the choices of a run.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a tool for developers whose product is what it prints"
)]

use std::process::ExitCode;
use std::time::Duration;

use holdfast_tests::soak::{Settings, run};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| {
        let argument = arguments.next();
        argument.map_or(default, |text| text.parse().expect("a number"))
    };
    let seed = std::env::var("HOLDFAST_TEST_SEED").ok();
    let seed = seed.and_then(|text| text.parse().ok());
    let settings = Settings {
        time: Duration::from_secs(number(600) as u64),
        connections: number(5_000),
        watches: number(50_000),
        writes_per_second: number(100) as u64,
        disturb_every: Duration::from_secs(number(120) as u64),
        fault_every: Duration::from_secs(number(15) as u64),
        session_timeout: Duration::from_secs(10),
        progress_every: Duration::from_secs(5),
        seed: seed.unwrap_or_else(|| u64::from(std::process::id())),
    };
    println!("{settings:?}");
    let report = run(&settings, |line| println!("{line}"));
    println!("{report}");
    if report.wrong_count == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
