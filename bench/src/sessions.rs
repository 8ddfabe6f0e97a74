//! What idle sessions cost, each with a connection of its own.

use std::time::Duration;

use anyhow::Result;
use load::{Plan, Workload};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::contender::{Contender, Ground};
use crate::results::Idle;
use crate::{say, suite};

/// Between the last session and the measurement: what opening them needed is freed or not by then.
const SETTLE: Duration = Duration::from_secs(3);

/// Opens so many sessions with everybody and looks on for a while.
///
/// # Errors
/// Somebody does not start or refuses sessions.
pub fn run(
    ground: &Ground,
    contenders: &[Contender],
    sessions: usize,
    time: Duration,
) -> Result<Vec<Idle>> {
    open_more_files()?;
    let mut all = Vec::new();
    for &contender in contenders {
        if contender == Contender::Redis {
            continue;
        }
        let cluster = ground.start(contender)?;
        let before: u64 = cluster.resident_bytes()?.iter().sum();
        let plan = Plan {
            warm_up: SETTLE,
            ..suite::plan(Workload::Sessions, sessions, time)
        };
        let (report, after, used) = suite::watched(&cluster, plan)?;
        let after: u64 = after.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "memory of some digits")]
        let bytes_per_session = after.saturating_sub(before) as f64 / sessions.max(1) as f64;
        let idle = Idle {
            contender,
            sessions,
            bytes_per_session,
            cpu_percent: used.percent(),
            errors: report.errors.iter().map(|error| error.count).sum(),
        };
        say(format_args!(
            "{contender}: {sessions} sessions: {:.1} KiB each, {:.1} % of a core, {} errors",
            bytes_per_session / 1024.0,
            idle.cpu_percent,
            idle.errors
        ));
        all.push(idle);
        cluster.stop()?;
    }
    Ok(all)
}

/// Every connection is an open file here too.
pub(crate) fn open_more_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )?;
    Ok(())
}
