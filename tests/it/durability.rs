//! Nothing that was acknowledged is ever lost: rounds of `kill -9` of random nodes, also of all at
//! once, during writes; then every acknowledged write is read back. (P-DUR)
//!
//! `HOLDFAST_TEST_ROUNDS` sets the number of rounds (`make durability`: 200);
//! `HOLDFAST_TEST_SEED` the choice of victims, which is printed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use holdfast_tests::{Cluster, Http, until};

/// Rounds where nobody says otherwise: enough to see every kind of choice.
const ROUNDS_DEFAULT: u64 = 8;
/// Writers, each with znodes of its own.
const WRITERS: u64 = 6;
/// Znodes of one writer; values count up.
const ZNODES_PER_WRITER: u64 = 4;
/// Writes acknowledged in a round before somebody is killed.
const WRITES_BEFORE_KILL: u64 = 40;

/// What one znode may show: the last acknowledged value, or any later one whose outcome is unknown.
#[derive(Clone, Copy, Debug, Default)]
struct Allowed {
    acknowledged: u64,
    attempted: u64,
}

struct Writer {
    id: u64,
    nodes: Vec<Http>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
}

impl Writer {
    fn run(self) -> BTreeMap<String, Allowed> {
        let mut book: BTreeMap<String, Allowed> = BTreeMap::new();
        let mut turn = 0_u64;
        while !self.stop.load(Ordering::SeqCst) {
            turn += 1;
            let path = format!("/v1/nodes/w{}-{}", self.id, turn % ZNODES_PER_WRITER);
            let allowed = book.entry(path.clone()).or_default();
            let value = allowed.attempted + 1;
            let node = usize::try_from((turn / 3 + self.id) % 3).unwrap();
            let answer = self.nodes[node].put(&path, value.to_string());
            match answer {
                Ok(answer) if matches!(answer.status, 200 | 201) => {
                    *allowed = Allowed {
                        acknowledged: value,
                        attempted: value,
                    };
                    self.acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                Ok(answer) => {
                    let (_, outcome) = answer.problem();
                    assert!(matches!(outcome.as_str(), "unknown" | "not-applied"));
                    if outcome == "unknown" {
                        allowed.attempted = value;
                    }
                }
                // A node that is down, or was killed before it answered: unknown.
                Err(_) => allowed.attempted = value,
            }
        }
        book
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

/// One node, two, or all; most often one.
fn victims(dice: &mut Dice) -> Vec<u64> {
    let first = dice.roll(3) + 1;
    match dice.roll(6) {
        0 => vec![1, 2, 3],
        1 => vec![first, first % 3 + 1],
        _ => vec![first],
    }
}

#[test]
fn durability_under_random_kills() {
    let rounds = setting("HOLDFAST_TEST_ROUNDS", ROUNDS_DEFAULT);
    let seed = setting("HOLDFAST_TEST_SEED", u64::from(std::process::id()));
    eprintln!("HOLDFAST_TEST_ROUNDS={rounds} HOLDFAST_TEST_SEED={seed}");
    // Snapshots and purges shall happen under way, too.
    let mut cluster = Cluster::start_with(3, &["--snapshot-entries=500", "--log-entries-kept=100"]);
    cluster.expect_lost_peers();
    let mut dice = Dice(seed);
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let writers: Vec<JoinHandle<BTreeMap<String, Allowed>>> = (0..WRITERS)
        .map(|id| {
            let node = |id| cluster.http(id).timeout(Duration::from_secs(15));
            let writer = Writer {
                id,
                nodes: cluster.ids().into_iter().map(node).collect(),
                stop: Arc::clone(&stop),
                acknowledged: Arc::clone(&acknowledged),
            };
            std::thread::spawn(move || writer.run())
        })
        .collect();
    for round in 0..rounds {
        let target = acknowledged.load(Ordering::SeqCst) + WRITES_BEFORE_KILL;
        until("writes to be acknowledged", || {
            acknowledged.load(Ordering::SeqCst) >= target
        });
        let victims = victims(&mut dice);
        eprintln!(
            "round {round}: {} acknowledged, killing {victims:?}",
            target
        );
        for id in &victims {
            cluster.kill(*id);
        }
        for id in victims {
            cluster.start_node(id);
        }
        for id in cluster.ids() {
            cluster.wait_ready(id);
        }
    }
    stop.store(true, Ordering::SeqCst);
    let books: Vec<_> = writers
        .into_iter()
        .map(|writer| writer.join().unwrap())
        .collect();
    cluster.wait_digests_agree();
    let mut read = 0;
    for (path, allowed) in books.iter().flatten() {
        for id in cluster.ids() {
            let answer = cluster.http(id).get(path).unwrap();
            let found: u64 = match answer.status {
                200 => answer.text().parse().unwrap(),
                _ => 0,
            };
            let range = allowed.acknowledged..=allowed.attempted;
            assert!(
                range.contains(&found),
                "{path} on node {id}: {found} is not in {range:?}"
            );
            read += 1;
        }
    }
    eprintln!(
        "{} acknowledged writes, {read} reads",
        acknowledged.load(Ordering::SeqCst)
    );
}
