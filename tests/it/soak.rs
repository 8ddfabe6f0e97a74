//! A short soak, so that the long one works when it is needed; and what its judges think of made-up
//! histories. The long one is `make soak`.

mod histories;
mod watching;

use std::time::Duration;

use holdfast_tests::soak::{Settings, run};

#[test]
fn a_short_soak_finds_nothing_wrong() {
    let settings = Settings {
        time: Duration::from_secs(12),
        connections: 200,
        watches: 2_000,
        writes_per_second: 50,
        disturb_every: Duration::from_secs(4),
        fault_every: Duration::from_secs(2),
        session_timeout: Duration::from_secs(10),
        progress_every: Duration::from_secs(2),
        seed: u64::from(std::process::id()),
    };
    eprintln!("{settings:?}");
    let report = run(&settings, |line| eprintln!("{line}"));
    eprintln!("{report}");
    assert_eq!(report.wrong_count, 0, "{:#?}", report.wrong);
}
