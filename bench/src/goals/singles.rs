//! Figures that stand alone: held against the machine, or not of the matrix.

use load::Latency;

use crate::contender::Contender::{Etcd, HoldfastZookeeper};
use crate::median::median;
use crate::results::Results;

/// KiB in bytes.
const KIB: f64 = 1024.0;
/// How long a leader must stay.
const LED_SECONDS: f64 = 600.0;

/// A figure that stands alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Single {
    pub(crate) what: String,
    pub(crate) found: String,
    pub(crate) must: &'static str,
    pub(crate) aim: &'static str,
    pub(crate) reached: bool,
}

/// Figures that are not of the matrix, or that are held against the machine.
pub(crate) fn singles(results: &Results) -> Vec<Single> {
    let mut all = Vec::new();
    all.extend(commit_latency(results));
    failovers(results, &mut all);
    millions(results, &mut all);
    sessions(results, &mut all);
    elections(results, &mut all);
    all
}

/// What a write by one client takes, over the least it can take.
fn commit_latency(results: &Results) -> Option<Single> {
    let sample = results.cell(HoldfastZookeeper, "write", 1)?;
    let least = results.costs.fsync_p50_us + results.costs.loopback_p50_us;
    let ratio = sample.p50_us / least.max(f64::EPSILON);
    Some(Single {
        what: "p50 of a write, 1 client, ZooKeeper port, over fdatasync + loopback round trip"
            .to_owned(),
        found: format!("{ratio:.2} ({:.0} over {least:.0} µs)", sample.p50_us),
        must: "2.0",
        aim: "1.5",
        reached: ratio <= 2.0,
    })
}

fn failovers(results: &Results, all: &mut Vec<Single>) {
    let harms = results.failovers.iter().flat_map(|found| &found.harms);
    for harmed in harms.filter(|harmed| harmed.contender.is_holdfast()) {
        let middle = median(harmed.gaps_ms.iter().copied());
        let worst = harmed.gaps_ms.iter().copied().fold(0.0, f64::max);
        let (what, must, aim, reached) = match harmed.harm.as_str() {
            "kill" => (
                "killed (kill -9)",
                "390 ms, worst 700 ms",
                "100 ms, worst 250 ms",
                middle <= 390.0 && worst <= 700.0,
            ),
            "stop" => ("frozen (SIGSTOP)", "1 s", "0.3 s", middle <= 1_000.0),
            _ => ("asked to end (SIGTERM)", "50 ms", "10 ms", middle <= 50.0),
        };
        all.push(Single {
            what: format!(
                "{}: no write after the leader is {what}",
                harmed.contender.title()
            ),
            found: format!("{middle:.0} ms, worst {worst:.0} ms"),
            must,
            aim,
            reached,
        });
    }
}

fn millions(results: &Results, all: &mut Vec<Single>) {
    let loaded = || results.millions.iter().flat_map(|found| &found.loaded);
    let Some(ours) = loaded().find(|loaded| loaded.contender.is_holdfast()) else {
        return;
    };
    let memory = |bytes: &[u64]| mean(bytes) / KIB / KIB;
    if let Some(etcd) = loaded().find(|loaded| loaded.contender == Etcd) {
        let (mine, theirs) = (memory(&ours.loaded_bytes), memory(&etcd.loaded_bytes));
        all.push(ratio(
            &format!(
                "memory of a server with {} znodes over etcd's, MiB",
                ours.znodes
            ),
            mine,
            theirs,
        ));
        let (mine, theirs) = (ours.restart_ms, etcd.restart_ms);
        all.push(Single {
            aim: "0.33",
            ..ratio(
                &format!("restart with {} znodes over etcd's, ms", ours.znodes),
                mine,
                theirs,
            )
        });
    }
    if let (Some(without), Some(with)) = (ours.writes, ours.writes_in_snapshot) {
        let ms = |latency: Latency| precise(latency.p99) / 1e3;
        let single = ratio(
            "p99 of a write while a snapshot is taken, over without, ms",
            ms(with),
            ms(without),
        );
        all.push(Single {
            must: "2",
            aim: "1.2",
            reached: ms(with) <= 2.0 * ms(without),
            ..single
        });
    }
}

/// Of memory and restart: three quarters of the peer's must be reached.
fn ratio(what: &str, ours: f64, theirs: f64) -> Single {
    let ratio = ours / theirs.max(f64::EPSILON);
    Single {
        what: what.to_owned(),
        found: format!("{ratio:.2} ({ours:.1} over {theirs:.1})"),
        must: "0.75",
        aim: "0.5",
        reached: ratio <= 0.75,
    }
}

fn sessions(results: &Results, all: &mut Vec<Single>) {
    let idle = results.sessions.iter().flat_map(|found| &found.idle);
    for idle in idle.filter(|idle| idle.contender.is_holdfast()) {
        let kib = idle.bytes_per_session / KIB;
        all.push(Single {
            what: format!(
                "{}: {} idle sessions",
                idle.contender.title(),
                idle.sessions
            ),
            found: format!("{:.1} % of a core, {kib:.1} KiB each", idle.cpu_percent),
            must: "5 %, 8 KiB",
            aim: "2 %, 4 KiB",
            reached: idle.cpu_percent <= 5.0 && kib <= 8.0,
        });
    }
}

fn elections(results: &Results, all: &mut Vec<Single>) {
    for led in results.elections.iter().flat_map(|found| &found.led) {
        all.push(Single {
            what: format!(
                "{}: elections in {:.0} s of writes by {} clients, nobody harmed",
                led.contender.title(),
                led.seconds,
                led.clients
            ),
            found: led.elections.to_string(),
            must: "0 in 600 s",
            aim: "0",
            reached: led.elections == 0 && led.seconds >= LED_SECONDS,
        });
    }
}

fn mean(figures: &[u64]) -> f64 {
    precise(figures.iter().sum()) / precise(figures.len() as u64).max(1.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures are shown with few digits"
)]
fn precise(figure: u64) -> f64 {
    figure as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::Contender::HoldfastHttp;
    use crate::results::{Cell, Costs, Elections, Failovers, Harmed, Led, Matrix, Sample};

    #[test]
    fn a_commit_is_held_against_the_disk() {
        let cell = Cell {
            contender: HoldfastZookeeper,
            workload: "write".to_owned(),
            clients: 1,
            median: Sample {
                p50_us: 500.0,
                ..Sample::default()
            },
            samples: Vec::new(),
        };
        let results = Results {
            matrix: Some(Matrix {
                command: String::new(),
                repeats: 1,
                seconds: 1.0,
                cells: vec![cell],
            }),
            costs: Costs {
                fsync_p50_us: 180.0,
                loopback_p50_us: 20.0,
                ..Costs::default()
            },
            ..Results::default()
        };
        let found = singles(&results);
        assert_eq!(found.len(), 1);
        assert!(found[0].found.starts_with("2.50 "), "{}", found[0].found);
        assert!(!found[0].reached);
    }

    #[test]
    fn the_worst_failover_counts_too() {
        let harmed = |gaps_ms| Harmed {
            contender: HoldfastHttp,
            harm: "kill".to_owned(),
            gaps_ms,
        };
        let results = Results {
            failovers: Some(Failovers {
                command: String::new(),
                harms: vec![
                    harmed(vec![90.0, 100.0, 110.0]),
                    harmed(vec![90.0, 100.0, 800.0]),
                ],
            }),
            ..Results::default()
        };
        let reached: Vec<bool> = singles(&results)
            .iter()
            .map(|single| single.reached)
            .collect();
        assert_eq!(reached, [true, false]);
    }

    #[test]
    fn a_leader_must_stay_for_the_whole_time() {
        let led = |seconds, elections| Led {
            contender: HoldfastZookeeper,
            clients: 256,
            seconds,
            elections,
            per_second: 50_000.0,
            longest_us: 90_000,
            cpu_percent: 140.0,
            errors: 0,
        };
        let results = Results {
            elections: Some(Elections {
                command: String::new(),
                led: vec![led(600.0, 0), led(600.0, 1), led(60.0, 0)],
            }),
            ..Results::default()
        };
        let reached: Vec<bool> = singles(&results)
            .iter()
            .map(|single| single.reached)
            .collect();
        assert_eq!(reached, [true, false, false]);
    }
}
