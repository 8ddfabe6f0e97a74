//! Fence registers never go back, whoever dies meanwhile. (P-REGISTER)

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use holdfast_tests::{Cluster, Http, until};

/// Clients that show fences at the same time.
const SHOWERS: u64 = 3;
/// Answers before the leader is killed, and again between two kills.
const ANSWERS_BEFORE_KILL: u64 = 100;

struct Shower {
    id: u64,
    nodes: Vec<Http>,
    stop: Arc<AtomicBool>,
    /// The highest fence that was acknowledged to anybody.
    acknowledged: Arc<AtomicU64>,
    answers: Arc<AtomicU64>,
}

impl Shower {
    /// Shows fences that grow, with steps back in between.
    fn run(self) {
        let mut fence = self.id;
        let mut turn = 0_u64;
        while !self.stop.load(Ordering::SeqCst) {
            turn += 1;
            fence += SHOWERS;
            let shown = if turn.is_multiple_of(5) {
                fence / 2
            } else {
                fence
            };
            let known = self.acknowledged.load(Ordering::SeqCst);
            let node = usize::try_from((turn + self.id) % 3).unwrap();
            let body = format!("{{\"fence\":{shown}}}");
            let Ok(answer) = self.nodes[node].post("/v1/fences/disk/-/advance", body) else {
                // Down, or killed before it answered: unknown, which is no yes.
                continue;
            };
            if answer.status == 200 {
                assert!(shown >= known, "{shown} was accepted after {known}");
                assert_eq!(answer.json()["highest"], shown);
                self.acknowledged.fetch_max(shown, Ordering::SeqCst);
                self.answers.fetch_add(1, Ordering::SeqCst);
            } else if answer.status == 412 {
                let highest = answer.json()["highest"].as_u64().unwrap();
                assert!(highest > shown, "{shown} was refused for {highest}");
                assert!(highest >= known, "{highest} was told after {known}");
                self.answers.fetch_add(1, Ordering::SeqCst);
            } else {
                let (_, outcome) = answer.problem();
                assert!(matches!(outcome.as_str(), "unknown" | "not-applied"));
            }
        }
    }
}

#[test]
fn a_register_never_goes_back_although_the_leader_is_killed() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let answers = Arc::new(AtomicU64::new(0));
    let showers: Vec<JoinHandle<()>> = (0..SHOWERS)
        .map(|id| {
            let node = |id| cluster.http(id).timeout(Duration::from_secs(15));
            let shower = Shower {
                id,
                nodes: cluster.ids().into_iter().map(node).collect(),
                stop: Arc::clone(&stop),
                acknowledged: Arc::clone(&acknowledged),
                answers: Arc::clone(&answers),
            };
            std::thread::spawn(move || shower.run())
        })
        .collect();
    let more = || {
        let target = answers.load(Ordering::SeqCst) + ANSWERS_BEFORE_KILL;
        until("fences to be answered", || {
            answers.load(Ordering::SeqCst) >= target || showers.iter().any(JoinHandle::is_finished)
        });
    };
    for _ in 0..2 {
        more();
        let leader = cluster.leader();
        cluster.kill(leader);
        more();
        cluster.restart(leader);
    }
    more();
    stop.store(true, Ordering::SeqCst);
    for shower in showers {
        shower.join().unwrap();
    }
    let known = acknowledged.load(Ordering::SeqCst);
    let highest = |cluster: &Cluster, id: u64| {
        let http = cluster.http(id);
        let answer = http.get("/v1/fences/disk").unwrap().expect(200);
        answer.json()["highest"].as_u64().unwrap()
    };
    let kept = highest(&cluster, 1);
    assert!(kept >= known, "{kept} is kept, {known} was acknowledged");
    for id in cluster.ids() {
        assert_eq!(highest(&cluster, id), kept);
    }
    for id in cluster.ids() {
        cluster.kill(id);
    }
    cluster.start_all();
    for id in cluster.ids() {
        cluster.wait_ready(id);
        assert_eq!(highest(&cluster, id), kept, "after all nodes were killed");
    }
    cluster.wait_digests_agree();
}

#[test]
fn the_command_line_shows_fences() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let said = |words: &[&str]| cli.run(words).expect(0).stdout;
    assert_eq!(said(&["fence", "advance", "reports/2026", "7"]), "7\n");
    assert_eq!(said(&["fence", "advance", "reports/2026", "9"]), "9\n");
    let late = cli
        .run(&["fence", "advance", "reports/2026", "8"])
        .expect(82);
    assert!(late.stderr.contains("9 has been shown"), "{}", late.stderr);
    assert_eq!(said(&["fence", "get", "reports/2026"]), "9\n");
    let _ = said(&["fence", "advance", "disk", "1"]);
    assert_eq!(said(&["fence", "ls", "-o", "name"]), "disk\nreports/2026\n");
    let _ = said(&["fence", "rm", "disk"]);
    let _ = cli.run(&["fence", "get", "disk"]).expect(66);
}
