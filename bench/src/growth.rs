//! How the cost of Holdfast grows: with what is in it, with who waits and watches, and with the number of nodes.

use std::time::Duration;

use anyhow::{Context as _, Result};
use load::{Plan, Workload};

use crate::contender::{Contender, Ground};
use crate::million::{Http, load_all};
use crate::one::{self, Errand};
use crate::results::Point;
use crate::sessions::open_more_files;
use crate::{say, suite};

/// Clients that write where writes are measured.
const WRITERS: usize = 64;
/// Before the measurement, so that everybody has connected.
const WARM_UP: Duration = Duration::from_secs(2);

/// What there is more and more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// Znodes of 100 bytes, while others are written.
    Znodes,
    /// Watchers of one znode that is written.
    Watchers,
    /// Idle sessions, while znodes are written.
    Sessions,
    /// Clients that want one lock.
    Waiters,
    /// Nodes of the cluster.
    Nodes,
}

impl What {
    const ALL: [What; 5] = [
        What::Znodes,
        What::Watchers,
        What::Sessions,
        What::Waiters,
        What::Nodes,
    ];

    const fn name(self) -> &'static str {
        match self {
            What::Znodes => "znodes",
            What::Watchers => "watchers of one znode",
            What::Sessions => "idle sessions",
            What::Waiters => "clients that want one lock",
            What::Nodes => "nodes",
        }
    }

    const fn counts(self) -> &'static [u64] {
        match self {
            What::Znodes => &[10_000, 100_000, 1_000_000, 5_000_000],
            What::Watchers | What::Sessions | What::Waiters => &[10, 100, 1_000, 10_000],
            What::Nodes => &[3, 5],
        }
    }

    /// What one operation is.
    const fn operation(self) -> &'static str {
        match self {
            What::Znodes | What::Sessions | What::Nodes => "writes",
            What::Watchers => "watchers told",
            What::Waiters => "hand-offs",
        }
    }
}

/// Measures everything; at most so much of each thing. A point that fails is said and left out.
///
/// # Errors
/// A person wants an end, or files cannot be opened by the thousand.
pub fn run(ground: &Ground, time: Duration, most: u64) -> Result<Vec<Point>> {
    open_more_files()?;
    let mut points = Vec::new();
    for what in What::ALL {
        for &count in what.counts() {
            if count > most {
                continue;
            }
            ground.go_on()?;
            let point = match point(ground, time, what, count) {
                Ok(point) => point,
                Err(error) => {
                    say(format_args!("{count} {}: left out: {error:#}", what.name()));
                    continue;
                }
            };
            say(format_args!(
                "{count} {}: {:.0} {} a second, p99 {:.2} ms, {} MiB",
                point.what,
                point.sample.per_second,
                point.operation,
                point.sample.p99_us / 1e3,
                point.resident_bytes >> 20
            ));
            points.push(point);
        }
    }
    Ok(points)
}

fn point(ground: &Ground, time: Duration, what: What, count: u64) -> Result<Point> {
    let contender = match what {
        What::Sessions | What::Watchers => Contender::HoldfastZookeeper,
        What::Znodes | What::Waiters | What::Nodes => Contender::HoldfastHttp,
    };
    let mut ground = ground.clone();
    if what == What::Nodes {
        ground.nodes = Some(count);
    }
    let cluster = ground.start(contender)?;
    let clients = usize::try_from(count)?;
    if what == What::Znodes {
        let leader = cluster.leader()?;
        let endpoints = cluster.endpoints()?;
        let leader = endpoints.get(leader).context("the leader has no address")?;
        one::run(contender, leader, Errand::Ensure)?;
        load_all(contender, leader, count)?;
        // So that none is due while writes are measured: `million` shows what one does to them.
        for node in cluster.http_endpoints()? {
            Http::open(&node)?.post("/v1/snapshots", "")?;
        }
    }
    let (workload, clients) = match what {
        What::Watchers => (Workload::Watch, clients + 1),
        What::Waiters => (Workload::Contend, clients),
        What::Znodes | What::Sessions | What::Nodes => (Workload::Write, WRITERS),
    };
    let idle = (what == What::Sessions).then(|| -> Result<_> {
        let plan = suite::plan(Workload::Sessions, usize::try_from(count)?, time * 4);
        let running = contender.run(cluster.endpoints()?, plan);
        suite::until_measured(&running);
        Ok(running)
    });
    let idle = idle.transpose()?;
    let plan = Plan {
        warm_up: WARM_UP,
        ..suite::plan(workload, clients, time)
    };
    let (sample, resident) = suite::measured(&cluster, plan)?;
    // Its sessions end with the nodes.
    drop(idle);
    cluster.stop()?;
    Ok(Point {
        what: what.name().to_owned(),
        count,
        operation: what.operation().to_owned(),
        sample,
        resident_bytes: resident.into_iter().max().unwrap_or_default(),
    })
}
