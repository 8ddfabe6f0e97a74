//! A holder is asked to release: it hears of it wherever it listens, whatever happens to the nodes, and keeps
//! the lock as long as it likes. (P-ASK)

use std::time::Duration;

use holdfast_tests::{Cluster, EventStream, Http, eventually, until};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const LOCK: &str = "/v1/locks/deploy/prod";

fn holder(http: &Http) -> Value {
    let lock = http.get(LOCK).unwrap().expect(200).json();
    lock["holders"][0].clone()
}

#[test]
fn a_request_reaches_the_holder_at_another_node_and_outlives_the_leader() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    cluster.open_session("a");
    let leader = cluster.leader();
    let others: Vec<u64> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != leader)
        .collect();
    let (left, right) = (cluster.http(others[0]), cluster.http(others[1]));
    let claim = format!("{LOCK}/-/claims/c1");
    let held = left
        .session("a")
        .put(&claim, "{}")
        .unwrap()
        .expect(201)
        .json();
    let mut stream = EventStream::renewing(&left, "a").unwrap();

    cluster.kill(leader);
    // Asked until it is known; a repeat with the same key is the same request.
    let body = json!({"reason": "hotfix", "deadline": "1s"}).to_string();
    let asking = right.header("Idempotency-Key", "ask-1").timeout(SOON);
    let asked = eventually("the holder to be asked", || {
        let path = format!("{LOCK}/-/request-release");
        let answer = asking.post(&path, &body).ok()?;
        (answer.status == 200).then(|| answer.json())
    });
    assert_eq!(asked["fence"], held["fence"]);
    let told = stream.until(SOON, |event| event.name == "lock.release_requested");
    let told = told.last().unwrap();
    assert_eq!(told.field("reason"), "hotfix");

    let cli = cluster.cli();
    let words = [
        "locks",
        "request-release",
        "deploy/prod",
        "--reason",
        "again",
        "--deadline",
        "9s",
    ];
    let _ = cli.run(&words).expect(0);
    let answer = json!({"claim": "c1", "needs": "90s"}).to_string();
    let path = format!("{LOCK}/-/answer");
    let _ = left.session("a").post(&path, &answer).unwrap().expect(200);
    let why = cli.run(&["locks", "explain", "deploy/prod"]).expect(0);
    assert!(why.stdout.contains("it says it needs"), "{}", why.stdout);

    cluster.restart(leader);
    cluster.wait_digests_agree();
    for id in cluster.ids() {
        let held = holder(&cluster.http(id));
        assert_eq!(held["release_request"]["reason"], "again", "at node {id}");
        assert!(held["release_request"]["needs_ms"].is_u64(), "{held}");
    }
    let _ = left.session("a").delete(&claim).unwrap().expect(200);
    assert!(holder(&right).is_null(), "released when its owner liked");
}

#[test]
fn a_command_under_a_lock_says_that_it_is_asked_for() {
    let cluster = Cluster::start(1);
    let cli = cluster.cli();
    let http = cluster.http(1);
    // It ends by itself when `holdfast` is gone.
    let script = "while kill -0 $PPID 2>/dev/null; do sleep 0.1; done";
    let command = cli.start(&["lock", "deploy/prod", "--", "sh", "-c", script]);
    until("the lock to be held", || {
        http.get(LOCK)
            .is_ok_and(|a| a.status == 200 && a.json()["holder_count"] == 1)
    });
    let words = [
        "locks",
        "request-release",
        "deploy/prod",
        "--reason",
        "hotfix",
        "--deadline",
        "9s",
    ];
    let _ = cli.run(&words).expect(0);
    let said = said_by(command, "hotfix");
    assert!(said.contains("asks for deploy/prod within"), "{said}");
}

/// Reads what a process says until a line has this text, and ends it.
fn said_by(mut process: std::process::Child, text: &str) -> String {
    use std::io::{BufRead as _, BufReader};

    let stderr = process.stderr.take().unwrap();
    let (sender, lines) = std::sync::mpsc::sync_channel(100);
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let found = eventually("the command to say it", || {
        lines
            .recv_timeout(SOON)
            .ok()
            .filter(|line| line.contains(text))
    });
    process.kill().unwrap();
    process.wait().unwrap();
    drop(lines);
    reader.join().unwrap();
    found
}
