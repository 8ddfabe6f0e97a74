//! Figures for `docs/`: how long a failover takes, whether a loaded cluster elects without need, what a
//! million znodes cost. Real processes, real disk; prints tables, asserts nothing about time.
//!
//! `make measure WHAT=failover|handover|stall|steady|million ARGS="--flag-for-every-node=..."`; build the
//! release binary first (`make measure` does and names it in `HOLDFAST_TEST_BINARY`).

#![expect(
    clippy::print_stdout,
    reason = "a tool whose product is what it prints"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for developers: a broken expectation ends it"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use holdfast_tests::{Cluster, Http, until};
use serde_json::{Value, json};

/// Rounds of a failover measurement.
const ROUNDS: usize = 15;
/// Writers that load the cluster.
const WRITERS: usize = 32;
/// How long a loaded cluster is watched for elections.
const STEADY: Duration = Duration::from_secs(60);
/// Znodes of the large tree, and bytes in each.
const ZNODES: usize = 1_000_000;
const ZNODE_BYTES: usize = 100;
/// Creates in one transaction while loading it.
const PER_TXN: usize = 1_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let flags: Vec<String> = arguments.collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    match what.as_str() {
        "failover" => failover(&flags, Cluster::kill),
        "handover" => failover(&flags, Cluster::terminate),
        "stall" => failover(&flags, |cluster, leader| cluster.pause(leader)),
        "steady" => steady(&flags),
        "million" => million(&flags),
        other => {
            panic!("measure what? failover, handover, stall, steady or million, not {other:?}")
        }
    }
}

/// Writers on nodes that live on, each in a loop; the time of each success is kept.
struct Load {
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<Vec<Instant>>>,
    done: Arc<AtomicU64>,
}

impl Load {
    fn on(targets: &[Http], writers: usize) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let done = Arc::new(AtomicU64::new(0));
        let spawn = |i: usize| {
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            let http = targets[i % targets.len()].clone();
            std::thread::spawn(move || {
                write_until(&stop, &done, &http, &format!("/v1/nodes/load-{i}"))
            })
        };
        let writers = (0..writers).map(spawn).collect();
        Load {
            stop,
            writers,
            done,
        }
    }

    /// Ends it; gives the moments of all successes, sorted.
    fn end(self) -> Vec<Instant> {
        self.stop.store(true, Ordering::SeqCst);
        let lists = self
            .writers
            .into_iter()
            .map(|w| w.join().expect("a writer"));
        let mut moments: Vec<Instant> = lists.flatten().collect();
        moments.sort();
        moments
    }
}

fn write_until(stop: &AtomicBool, done: &AtomicU64, http: &Http, path: &str) -> Vec<Instant> {
    let mut successes = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        if http
            .put(path, b"x")
            .is_ok_and(|answer| matches!(answer.status, 200 | 201 | 204))
        {
            successes.push(Instant::now());
            done.fetch_add(1, Ordering::SeqCst);
        }
    }
    successes
}

/// The longest time without a success that begins after `from`.
fn longest_gap(moments: &[Instant], from: Instant) -> Duration {
    let first = moments
        .partition_point(|moment| *moment < from)
        .saturating_sub(1);
    moments[first..]
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap_or_default()
}

fn summary(mut values: Vec<u128>) -> String {
    values.sort_unstable();
    let at = |percent: usize| values[(values.len() - 1) * percent / 100];
    format!(
        "min {} median {} p90 {} max {} (n = {})",
        at(0),
        at(50),
        at(90),
        at(100),
        values.len()
    )
}

/// Ends the leader while writers go on at the other nodes.
fn failover(flags: &[&str], end: fn(&mut Cluster, u64)) {
    let mut cluster = Cluster::start_with(3, flags);
    cluster.expect_log("");
    let mut gaps = Vec::new();
    for round in 0..ROUNDS {
        let leader = cluster.leader();
        let others: Vec<Http> = cluster
            .running()
            .into_iter()
            .filter(|id| *id != leader)
            .map(|id| cluster.http(id))
            .collect();
        let load = Load::on(&others, WRITERS);
        let before = load.done.load(Ordering::SeqCst);
        until("some writes", || {
            load.done.load(Ordering::SeqCst) > before + 500
        });
        let ended = Instant::now();
        end(&mut cluster, leader);
        let after = load.done.load(Ordering::SeqCst);
        until("writes after it", || {
            load.done.load(Ordering::SeqCst) > after + 500
        });
        let gap = longest_gap(&load.end(), ended).as_millis();
        println!("round {round}: longest time without an acknowledged write {gap} ms");
        gaps.push(gap);
        cluster.restart(leader);
    }
    println!("ms without an acknowledged write: {}", summary(gaps));
}

/// A cluster under full load: does it elect without need?
fn steady(flags: &[&str]) {
    let cluster = Cluster::start_with(3, flags);
    let term =
        |cluster: &Cluster| -> Value { cluster.status(1).expect("a status")["term"].clone() };
    let all: Vec<Http> = cluster
        .ids()
        .into_iter()
        .map(|id| cluster.http(id))
        .collect();
    let _ = cluster.leader();
    let before = term(&cluster);
    let load = Load::on(&all, WRITERS * 2);
    let start = Instant::now();
    until_elapsed(STEADY, start);
    let done = load.done.load(Ordering::SeqCst);
    load.end();
    let per_second = u128::from(done) * 1000 / start.elapsed().as_millis().max(1);
    println!(
        "{done} writes, {per_second}/s; term before {before}, after {}",
        term(&cluster)
    );
}

fn until_elapsed(time: Duration, since: Instant) {
    while since.elapsed() < time {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Memory and restart time of a large tree on one node.
fn million(flags: &[&str]) {
    let mut cluster = Cluster::start_with(1, flags);
    let _ = cluster.leader();
    let http = cluster.http(1);
    let value = "x".repeat(ZNODE_BYTES);
    let create = |path: String| json!({"create": path, "value": value});
    let txn = |steps: Vec<Value>| {
        let body = json!({"if": [], "then": steps}).to_string();
        let _ = http
            .header("content-type", "application/json")
            .post("/v1/txn", &body)
            .expect("an answer")
            .expect(200);
    };
    let empty = resident_kib(cluster.pid(1));
    txn((0..ZNODES / PER_TXN)
        .map(|p| create(format!("/p{p}")))
        .collect());
    let start = Instant::now();
    for p in 0..ZNODES / PER_TXN {
        txn((0..PER_TXN)
            .map(|i| create(format!("/p{p}/node-{i:04}")))
            .collect());
    }
    let loaded = resident_kib(cluster.pid(1));
    println!(
        "loaded {ZNODES} znodes of {ZNODE_BYTES} bytes in {} ms",
        start.elapsed().as_millis()
    );
    println!(
        "resident KiB: empty {empty}, loaded {loaded}, bytes per znode {}",
        (loaded - empty) * 1024 / ZNODES as u64
    );
    restart(&mut cluster, "from the log alone");
    let start = Instant::now();
    let slow = cluster.http(1).timeout(Duration::from_secs(300));
    let _ = slow
        .post("/v1/snapshots", b"")
        .expect("an answer")
        .expect(201);
    println!("snapshot in {} ms", start.elapsed().as_millis());
    restart(&mut cluster, "from the snapshot");
    println!("resident KiB after it: {}", resident_kib(cluster.pid(1)));
}

fn restart(cluster: &mut Cluster, how: &str) {
    cluster.terminate(1);
    let start = Instant::now();
    cluster.start_node(1);
    cluster.wait_ready(1);
    println!(
        "restart {how}: ready after {} ms",
        start.elapsed().as_millis()
    );
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("VmRSS");
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number")
}
