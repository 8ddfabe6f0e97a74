//! Counters count each addition once, whoever dies meanwhile, and are the znodes that ZooKeeper's
//! recipes count at. (P-COUNT)

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use holdfast_tests::zookeeper::set;
use holdfast_tests::{Cluster, Http, until};

/// Clients that add at the same time.
const ADDERS: u64 = 4;
/// Additions of each. Many enough to be under way when the leader dies.
const ADDITIONS: u64 = 300;
/// Attempts at one addition: with nodes that are asked in turn, minutes.
const ATTEMPTS_MAX: u64 = 200;

struct Adder {
    id: u64,
    nodes: Vec<Http>,
    done: Arc<AtomicU64>,
}

impl Adder {
    /// Adds 1 so many times, each under a key of its own that stays until there is an answer.
    fn run(self) -> Vec<i64> {
        let mut values = Vec::new();
        for n in 0..ADDITIONS {
            values.push(self.add(n));
            self.done.fetch_add(1, Ordering::SeqCst);
        }
        values
    }

    fn add(&self, n: u64) -> i64 {
        for attempt in 0..ATTEMPTS_MAX {
            let at = usize::try_from((self.id + n + attempt) % 3).unwrap();
            let http = self.nodes[at].header("Idempotency-Key", &format!("{}-{n}", self.id));
            let Ok(answer) = http.post("/v1/counters/total/-/add", r#"{"delta":1}"#) else {
                // Down, or killed before it answered: unknown.
                continue;
            };
            if answer.status == 200 {
                return answer.json()["value"].as_i64().unwrap();
            }
            let (code, outcome) = answer.problem();
            let is_repeatable =
                outcome == "unknown" || code == "no_leader" || code == "in_progress";
            let is_passing = matches!(
                code.as_str(),
                "not_caught_up" | "shutting_down" | "overloaded"
            );
            assert!(is_repeatable || is_passing, "{}", answer.text());
        }
        panic!("addition {n} of {} was not answered", self.id);
    }
}

#[test]
fn every_addition_counts_once_although_the_leader_is_killed() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let done = Arc::new(AtomicU64::new(0));
    let adders: Vec<JoinHandle<Vec<i64>>> = (0..ADDERS)
        .map(|id| {
            let node = |id| cluster.http(id).timeout(Duration::from_secs(15));
            let adder = Adder {
                id,
                nodes: cluster.ids().into_iter().map(node).collect(),
                done: Arc::clone(&done),
            };
            std::thread::spawn(move || adder.run())
        })
        .collect();
    for round in 1..=2 {
        until("additions to flow", || {
            done.load(Ordering::SeqCst) >= round * ADDERS * ADDITIONS / 4
                || adders.iter().any(JoinHandle::is_finished)
        });
        let leader = cluster.leader();
        cluster.kill(leader);
        cluster.restart(leader);
    }
    let mut values: Vec<i64> = adders.into_iter().flat_map(|a| a.join().unwrap()).collect();
    values.sort_unstable();
    let total = i64::try_from(ADDERS * ADDITIONS).unwrap();
    let expected: Vec<i64> = (1..=total).collect();
    assert_eq!(values, expected, "an addition counted twice, or not at all");
    for id in cluster.ids() {
        let http = cluster.http(id);
        let counter = http.get("/v1/counters/total").unwrap().expect(200).json();
        assert_eq!(counter["value"], total);
    }
    cluster.wait_digests_agree();
}

#[test]
fn zookeeper_clients_count_at_the_same_znode() {
    let cluster = Cluster::start(3);
    let http = cluster.http(2);
    let add = |delta: &str| {
        let body = format!("{{\"delta\":{delta}}}");
        let answer = http.post("/v1/counters/shared/-/add", body).unwrap();
        answer.expect(200).json()["value"].as_i64()
    };
    assert_eq!(add("41"), Some(41));
    let mut zookeeper = cluster.zookeeper(1);
    zookeeper.sync();
    assert_eq!(zookeeper.data("/counters/shared"), "41");
    let _ = zookeeper.done(&set("/counters/shared", "100"));
    assert_eq!(add("-1"), Some(99));
    // Eight bytes, the highest first, are what Curator writes.
    let _ = zookeeper.done(&set("/counters/shared", "\0\0\0\0\0\0\u{1}\0"));
    assert_eq!(add("1"), Some(257));
    zookeeper.sync();
    let data = zookeeper.data("/counters/shared");
    assert_eq!(data, "\0\0\0\0\0\0\u{1}\u{1}");
    cluster.wait_digests_agree();
}

#[test]
fn the_command_line_counts_and_hands_out_numbers() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let said = |words: &[&str]| cli.run(words).expect(0).stdout;
    assert_eq!(said(&["counter", "add", "jobs/done"]), "1\n");
    assert_eq!(said(&["counter", "add", "jobs/done", "-5"]), "-4\n");
    assert_eq!(said(&["counter", "get", "jobs/done"]), "-4\n");
    assert_eq!(said(&["counter", "block", "ids", "1000"]), "1 1000\n");
    assert_eq!(said(&["counter", "ls"]), "ids\t1000\t0\njobs/done\t-4\t1\n");
    assert_eq!(
        said(&["counter", "ls", "jobs/", "-o", "name"]),
        "jobs/done\n"
    );
    let _ = said(&["counter", "rm", "ids"]);
    let _ = cli.run(&["counter", "get", "ids"]).expect(66);
    let _ = cli.run(&["put", "/counters/ids", "many"]).expect(0);
    let _ = cli.run(&["counter", "add", "ids"]).expect(65);
}
