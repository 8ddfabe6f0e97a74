//! A million znodes or keys: what they weigh, how soon a server is back with them, what a snapshot of them does
//! to writes.

mod batch;

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use load::{Latency, Pace, Plan, Workload};
use rustix::process::Signal;

pub(crate) use self::batch::{Http, load_all};
use crate::contender::{Cluster, Contender, Ground};
use crate::failover::{signal, until_back};
use crate::median::median;
use crate::one::{self, Errand};
use crate::results::Loaded;
use crate::{say, suite};

/// Heap of ZooKeeper's servers, unless it is said: a million znodes do not fit what `zkServer.sh` gives.
pub const HEAP: &str = "2g";
/// Writes a second while a snapshot is taken, and while none is: the same rate, or the latencies would not compare.
const RATE: f64 = 1_000.0;
/// Clients that share them.
const CLIENTS: usize = 16;
/// After the last znode, before memory is read: what loading needed is freed or not by then.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a server may take to come back.
const BACK: Duration = Duration::from_secs(120);
/// Between two tries to read from it.
const LOOK: Duration = Duration::from_millis(2);

/// Puts so many into everybody and looks.
///
/// # Errors
/// Somebody does not start, refuses them, or does not come back.
pub fn run(
    ground: &Ground,
    contenders: &[Contender],
    znodes: u64,
    time: Duration,
) -> Result<Vec<Loaded>> {
    let mut all = Vec::new();
    for &contender in contenders {
        if contender == Contender::Redis {
            continue;
        }
        let cluster = ground.start(contender)?;
        let loaded = look(&cluster, znodes, time)?;
        say(format_args!(
            "{contender}: {znodes} in {:.1} s, {:?} MiB, restart {:.0} ms",
            loaded.load_s,
            loaded
                .loaded_bytes
                .iter()
                .map(|b| b >> 20)
                .collect::<Vec<u64>>(),
            loaded.restart_ms
        ));
        all.push(loaded);
        cluster.stop()?;
    }
    Ok(all)
}

fn look(cluster: &Cluster, znodes: u64, time: Duration) -> Result<Loaded> {
    let contender = cluster.contender();
    let leader = cluster.leader()?;
    let empty_bytes = cluster.resident_bytes()?;
    let endpoints = cluster.endpoints()?;
    let at_leader = endpoints.get(leader).context("the leader has no address")?;
    one::run(contender, at_leader, Errand::Ensure)?;
    let begun = Instant::now();
    load_all(contender, at_leader, znodes)?;
    let load_s = begun.elapsed().as_secs_f64();
    sleep(SETTLE);
    let loaded_bytes = cluster.resident_bytes()?;
    cluster.go_on()?;
    let restart_ms = restart(cluster, leader)?;
    cluster.go_on()?;
    let writes = Some(writes(cluster, time)?);
    let (writes_in_snapshot, snapshot_ms) = if contender.is_holdfast() {
        let (latency, ms) = writes_in_snapshot(cluster, time)?;
        (Some(latency), Some(ms))
    } else {
        (None, None)
    };
    Ok(Loaded {
        contender,
        znodes,
        load_s,
        empty_bytes,
        loaded_bytes,
        restart_ms,
        writes,
        writes_in_snapshot,
        snapshot_ms,
    })
}

/// Kills a follower, starts it again, and gives how long it took until it answered a read, in milliseconds.
fn restart(cluster: &Cluster, leader: usize) -> Result<f64> {
    let pids = cluster.pids()?;
    let endpoints = cluster.endpoints()?;
    let follower = (leader + 1) % pids.len().max(1);
    let pid = *pids.get(follower).context("no follower")?;
    let endpoint = endpoints.get(follower).context("no follower")?;
    signal(pid, Signal::KILL)?;
    while std::fs::read_dir(format!("/proc/{pid}/task"))
        .is_ok_and(|mut tasks| tasks.next().is_some())
    {
        sleep(LOOK);
    }
    let begun = Instant::now();
    cluster.restart(follower)?;
    while let Err(error) = one::run(cluster.contender(), endpoint, Errand::Read) {
        if begun.elapsed() > BACK {
            return Err(error).context("wait for a follower with its znodes");
        }
        sleep(LOOK);
    }
    let restart_ms = begun.elapsed().as_secs_f64() * 1e3;
    until_back(cluster, follower)?;
    Ok(restart_ms)
}

fn steady(time: Duration) -> Plan {
    Plan {
        pace: Pace::Open { rate: RATE },
        warm_up: Duration::from_secs(1),
        ..suite::plan(Workload::Write, CLIENTS, time)
    }
}

fn writes(cluster: &Cluster, time: Duration) -> Result<Latency> {
    let running = cluster.contender().run(cluster.endpoints()?, steady(time));
    Ok(running.wait().context("write")?.latency_us)
}

/// The same while the leader takes one snapshot after the other; and how long one took, in milliseconds.
fn writes_in_snapshot(cluster: &Cluster, time: Duration) -> Result<(Latency, f64)> {
    let endpoints = cluster.http_endpoints()?;
    let leader = endpoints.get(cluster.leader()?).context("no leader")?;
    let running = cluster.contender().run(cluster.endpoints()?, steady(time));
    suite::until_measured(&running);
    let mut took = Vec::new();
    let mut http = Http::open(leader)?;
    while !running.is_finished() {
        let begun = Instant::now();
        http.post("/v1/snapshots", "")?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let report = running.wait().context("write while snapshots are taken")?;
    Ok((report.latency_us, median(took)))
}
