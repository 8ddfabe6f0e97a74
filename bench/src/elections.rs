//! Whether a leader that is alive stays the leader under full load: an election that nobody needed is a time
//! without writes that nobody asked for.

use std::time::Duration;

use anyhow::{Result, bail};
use load::{Plan, Workload};

use crate::contender::{Contender, Ground};
use crate::results::Led;
use crate::{say, suite};

/// How long the load runs before anything counts.
const WARM_UP: Duration = Duration::from_secs(1);

/// Writes with so many clients for so long through each of the protocols, and counts elections.
///
/// # Errors
/// The cluster does not start, does not say its term, or the load fails.
pub fn run(
    ground: &Ground,
    contenders: &[Contender],
    clients: usize,
    time: Duration,
) -> Result<Vec<Led>> {
    let mut all = Vec::new();
    for &contender in contenders {
        if !contender.is_holdfast() {
            bail!("{contender}: only Holdfast's elections can be counted");
        }
        let cluster = ground.start(contender)?;
        let before = cluster.term()?;
        let plan = Plan {
            warm_up: WARM_UP,
            ..suite::plan(Workload::Write, clients, time)
        };
        let (report, _, used) = suite::watched(&cluster, plan)?;
        let led = Led {
            contender,
            clients,
            seconds: time.as_secs_f64(),
            elections: cluster.term()?.saturating_sub(before),
            per_second: report.per_second,
            longest_us: report.latency_us.max,
            cpu_percent: used.percent(),
            errors: report.errors.iter().map(|error| error.count).sum(),
        };
        say(format_args!(
            "{contender}: {clients} clients for {} s: {} elections, {:.0} writes a second, the longest took {} ms, \
             {} errors",
            led.seconds,
            led.elections,
            led.per_second,
            led.longest_us / 1_000,
            led.errors
        ));
        all.push(led);
        cluster.stop()?;
    }
    Ok(all)
}
