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

/// What a test needs of a command under a lock that has something to do with requests.
struct UnderLock {
    cluster: Cluster,
    process: std::process::Child,
}

impl UnderLock {
    /// Runs `script` under the lock, with these flags, in a directory where it says `ready`.
    fn start(flags: &[&str], script: &str) -> UnderLock {
        let cluster = Cluster::start(1);
        let mut words = vec!["lock", "deploy/prod"];
        words.extend(flags);
        words.extend(["--", "sh", "-c", script]);
        let mut command = cluster.cli().command(&words);
        let process = command.current_dir(cluster.scratch()).spawn().unwrap();
        let started = UnderLock { cluster, process };
        started.until_there("ready");
        started
    }

    fn until_there(&self, file: &str) {
        let path = self.cluster.scratch().join(file);
        until(file, || path.exists());
    }

    fn write(&self, file: &str) {
        std::fs::write(self.cluster.scratch().join(file), "").unwrap();
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.cluster.scratch().join(file)).unwrap_or_default()
    }

    fn ask(&self, reason: &str) {
        let body = json!({"reason": reason, "deadline": "9s"}).to_string();
        let path = format!("{LOCK}/-/request-release");
        let http = self.cluster.http(1);
        let _ = http.post(&path, &body).unwrap().expect(200);
    }

    fn until_answered(&self, within: std::ops::Range<u64>) {
        until("the answer of the holder", || {
            let needs = holder(&self.cluster.http(1))["release_request"]["needs_ms"].as_u64();
            needs.is_some_and(|ms| within.contains(&ms))
        });
    }

    fn end(self) -> (Cluster, std::process::Output) {
        (self.cluster, self.process.wait_with_output().unwrap())
    }
}

#[test]
fn a_command_that_is_asked_for_is_ended_answers_and_releases() {
    let script = "trap 'touch asked; until test -e go; do sleep 0.05; done; exit 7' TERM
        touch ready; while :; do sleep 0.05; done";
    let under = UnderLock::start(&["--on-request", "term", "--grace", "5m"], script);
    under.ask("hotfix");
    under.until_there("asked");
    under.until_answered(200_000..300_001);
    let held = holder(&under.cluster.http(1));
    assert!(held.is_object(), "held until the command is done: {held}");
    under.write("go");
    let (cluster, output) = under.end();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.contains("released deploy/prod"), "{said}");
    assert!(holder(&cluster.http(1)).is_null(), "{said}");
}

#[test]
fn every_request_is_told_to_the_command_as_its_owner_wished() {
    let hook = "printf '%s|%s\\n' \"$HOLDFAST_LOCK\" \"$HOLDFAST_ASKED_REASON\" >> asked
        kill -USR1 \"$HOLDFAST_PID\"
        test \"$HOLDFAST_ASKED_REASON\" = again && echo 10m || echo 90s";
    let script = "trap 'echo told >> told' USR1
        touch ready; until test -e go; do sleep 0.05; done";
    let under = UnderLock::start(&["--on-request", hook], script);
    under.ask("$(touch harm) `touch harm` \u{1b}[2J");
    under.until_answered(1..90_001);
    under.ask("again");
    under.until_answered(90_001..600_001);
    until("the command to be told", || !under.read("told").is_empty());
    assert_eq!(
        under.read("asked"),
        "deploy/prod|$(touch harm) `touch harm` \u{fffd}[2J\ndeploy/prod|again\n"
    );
    assert!(!under.cluster.scratch().join("harm").exists());
    under.write("go");
    let (_, output) = under.end();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("answered: needed for 10m00s"), "{said}");
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
