//! The matrix: the same load on everybody, in turn, again and again.
//!
//! A B C A B C, not A A B B C C: whatever else happens on the machine meanwhile (a disk that gets slow, a
//! processor that gets warm) meets everybody. Each turn starts from nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use load::{Count, Pace, Plan, Reading, Report, Running, Workload};

use crate::contender::{Cluster, Contender, Ground};
use crate::fsync;
use crate::median::median;
use crate::results::{Cell, Sample, Who};
use crate::say;

/// Clients of the workloads that are run with more and more of them.
pub const CLIENTS: [usize; 4] = [1, 16, 64, 256];
/// Clients that want one lock.
const CONTENDING: usize = 64;
/// Those that watch one znode, and the one that writes it.
const WATCHING: usize = 1_001;
/// Bytes of a value.
const VALUE_BYTES: usize = 100;
/// Znodes or keys that are written and read.
const KEYS: u64 = 1_000;
/// Between two looks at a run.
const LOOK: Duration = Duration::from_millis(1);
/// CPU is read so long before a run ends: afterwards the servers are idle.
const BEFORE_THE_END: Duration = Duration::from_millis(100);

/// How the matrix is run.
#[derive(Clone, Debug)]
pub struct Suite {
    /// How often each cell is measured.
    pub repeats: usize,
    /// For how long each time.
    pub time: Duration,
    /// How long the load runs before that.
    pub warm_up: Duration,
    /// What the clients do.
    pub workloads: Vec<Workload>,
    /// Who takes part.
    pub contenders: Vec<Contender>,
}

/// A plan with what is the same in all runs here.
#[must_use]
pub fn plan(workload: Workload, clients: usize, time: Duration) -> Plan {
    Plan {
        workload,
        clients,
        time,
        warm_up: Duration::ZERO,
        value_bytes: VALUE_BYTES,
        keys: KEYS,
        pace: Pace::Closed,
        // Whoever is asked says how its users read.
        reading: Reading::default(),
        answer_within: Duration::from_secs(30),
        threads: 1,
        // Not another run's: its locks may still be held, by clients that were stopped where they stood.
        root: format!("bench-{workload}-{clients}"),
        run: Plan::fresh_run(),
    }
}

/// Numbers of clients that a workload is run with.
fn clients_of(workload: Workload) -> &'static [usize] {
    match workload {
        Workload::Contend => &[CONTENDING],
        Workload::Watch => &[WATCHING],
        Workload::Write
        | Workload::Create
        | Workload::Read
        | Workload::Mixed
        | Workload::Lock
        | Workload::Sessions
        | Workload::Failover => &CLIENTS,
    }
}

/// Starts everybody once and looks whether they sync.
///
/// # Errors
/// Somebody does not, or does not come up.
pub fn introduce(ground: &Ground, contenders: &[Contender]) -> Result<Vec<Who>> {
    let mut all = Vec::new();
    for &contender in contenders {
        let version = ground.version(contender)?;
        say(format_args!("{contender}: {version}: does it sync?"));
        let cluster = ground.start(contender)?;
        let syncs = fsync::check(&cluster)?;
        all.push(Who {
            contender,
            version,
            settings: cluster.settings()?,
            syncs,
            synced_writes: fsync::WRITES,
        });
        cluster.stop()?;
    }
    Ok(all)
}

/// Runs everything. A cell that fails is said and left out.
///
/// # Errors
/// Somebody does not start or stop, or a person wants an end.
pub fn run(ground: &Ground, suite: &Suite) -> Result<Vec<Cell>> {
    let mut samples: BTreeMap<(Contender, &str, usize), Vec<Sample>> = BTreeMap::new();
    for repeat in 1..=suite.repeats {
        for &contender in &suite.contenders {
            let takes_part = |workload: &&Workload| contender.takes_part(**workload);
            let workloads: Vec<Workload> =
                suite.workloads.iter().filter(takes_part).copied().collect();
            if workloads.is_empty() {
                continue;
            }
            let cluster = ground.start(contender)?;
            for workload in workloads {
                for &clients in clients_of(workload) {
                    cluster.go_on()?;
                    let plan = Plan {
                        warm_up: suite.warm_up,
                        ..plan(workload, clients, suite.time)
                    };
                    let at = format!(
                        "{repeat}/{} {contender} {workload} {clients}",
                        suite.repeats
                    );
                    match measure(&cluster, plan) {
                        Ok(sample) => {
                            say(format_args!("{at}: {}", brief(&sample)));
                            let key = (contender, workload.name(), clients);
                            samples.entry(key).or_default().push(sample);
                        }
                        Err(error) => say(format_args!("{at}: left out: {error:#}")),
                    }
                }
            }
            cluster.stop()?;
        }
    }
    Ok(samples.into_iter().map(cell).collect())
}

fn brief(sample: &Sample) -> String {
    format!(
        "{:.0}/s, p50 {:.2} ms, p99 {:.2} ms, {:.3} CPU-s per 1,000, {} errors",
        sample.per_second,
        sample.p50_us / 1e3,
        sample.p99_us / 1e3,
        sample.cpu_s_per_1000,
        sample.errors
    )
}

fn cell(
    ((contender, workload, clients), samples): ((Contender, &str, usize), Vec<Sample>),
) -> Cell {
    let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
    Cell {
        contender,
        workload: workload.to_owned(),
        clients,
        median: Sample {
            per_second: of(|sample| sample.per_second),
            p50_us: of(|sample| sample.p50_us),
            p99_us: of(|sample| sample.p99_us),
            cpu_s_per_1000: of(|sample| sample.cpu_s_per_1000),
            errors: of(|sample| sample.errors),
        },
        samples,
    }
}

fn measure(cluster: &Cluster, plan: Plan) -> Result<Sample> {
    measured(cluster, plan).map(|(sample, _)| sample)
}

/// A run, and the memory of each server shortly before its end.
pub(crate) fn measured(cluster: &Cluster, plan: Plan) -> Result<(Sample, Vec<u64>)> {
    let (report, resident, used) = watched(cluster, plan)?;
    Ok((sample(&report, used.per_operation() * 1e3), resident))
}

#[expect(clippy::cast_precision_loss, reason = "figures of some digits")]
fn sample(report: &Report, cpu_s_per_1000: f64) -> Sample {
    Sample {
        per_second: report.per_second,
        p50_us: report.latency_us.p50 as f64,
        p99_us: report.latency_us.p99 as f64,
        cpu_s_per_1000,
        errors: report.errors.iter().map(|error| error.count).sum::<u64>() as f64,
    }
}

/// What the servers used between two moments of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    cpu_s: f64,
    seconds: f64,
    operations: u64,
}

impl Used {
    #[expect(clippy::cast_precision_loss, reason = "operations of some seconds")]
    fn per_operation(&self) -> f64 {
        self.cpu_s / (self.operations as f64).max(1.0)
    }

    /// Percent of one core.
    pub(crate) fn percent(&self) -> f64 {
        self.cpu_s / self.seconds.max(f64::EPSILON) * 100.0
    }
}

/// A run, the memory of each server shortly before its end, and what they used while it was measured.
pub(crate) fn watched(cluster: &Cluster, plan: Plan) -> Result<(Report, Vec<u64>, Used)> {
    let time = plan.time;
    let contender = cluster.contender();
    let running = contender.run(cluster.endpoints()?, plan);
    until_measured(&running);
    let begun = Instant::now();
    let before = moment(cluster, &running)?;
    while begun.elapsed() < time.saturating_sub(BEFORE_THE_END) && !running.is_finished() {
        std::thread::sleep(LOOK);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = moment(cluster, &running)?;
    let resident = cluster.resident_bytes()?;
    let report = running.wait().context("put it under load")?;
    let used = Used {
        cpu_s: after.0 - before.0,
        seconds,
        operations: after.1.done.saturating_sub(before.1.done),
    };
    Ok((report, resident, used))
}

/// Waits until operations count: all clients are in their loops, and the warm-up is over.
pub(crate) fn until_measured(running: &Running) {
    while running.count() == Count::default() && !running.is_finished() {
        std::thread::sleep(LOOK);
    }
}

fn moment(cluster: &Cluster, running: &Running) -> Result<(f64, Count)> {
    Ok((cluster.cpu_seconds()?, running.count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_the_median_of_each_figure_by_itself() {
        let sample = |per_second, p99_us| Sample {
            per_second,
            p99_us,
            ..Sample::default()
        };
        let samples = vec![sample(3.0, 10.0), sample(1.0, 30.0), sample(2.0, 20.0)];
        let cell = cell(((Contender::Etcd, "write", 16), samples));
        assert_eq!(cell.median, sample(2.0, 20.0));
        assert_eq!(cell.samples.len(), 3);
    }
}
