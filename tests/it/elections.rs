//! Elections: one leader at a time, growing terms, whatever happens to the nodes. (P-ELECT)

use std::time::Duration;

use holdfast_tests::cli::Finished;
use holdfast_tests::sse::Event;
use holdfast_tests::{Cluster, EventStream, Http, eventually, until};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

fn candidate(session: &str) -> String {
    format!("/v1/elections/app/-/candidates/{session}")
}

/// A session stands under its own name.
fn stand(http: &Http, session: &str) -> Value {
    let body = json!({"value": format!("at {session}")}).to_string();
    let answer = http
        .session(session)
        .put(&candidate(session), body)
        .unwrap();
    assert!(matches!(answer.status, 200..=202), "{}", answer.text());
    answer.json()
}

fn election(http: &Http) -> Value {
    http.get("/v1/elections/app").unwrap().expect(200).json()
}

/// The leader hands over at once.
fn hand_over(http: &Http, leader: &Value, to: &str) -> Value {
    let ask = json!({"to": to, "deadline": "0s", "term": leader["term"]}).to_string();
    let answer = http.post("/v1/elections/app/-/transfer", ask).unwrap();
    let handed = answer.expect(200).json();
    assert_eq!(handed["leader"]["candidate"], to);
    assert!(handed["term"].as_u64() > leader["term"].as_u64());
    handed
}

/// What a resignation and a transfer tell.
const CHANGES: [&str; 6] = [
    "election.ended",
    "election.left",
    "election.elected",
    "election.transfer",
    "election.ended",
    "election.elected",
];

#[test]
fn a_leader_leads_on_when_nodes_die_and_is_followed_in_larger_terms() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    for session in ["a", "b", "c"] {
        cluster.open_session(session);
    }
    let leader = cluster.leader();
    let others: Vec<u64> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != leader)
        .collect();
    let (left, right) = (cluster.http(others[0]), cluster.http(others[1]));
    let first = stand(&left, "a");
    assert_eq!(first["state"], "leader");
    assert_eq!(stand(&right, "b")["position"], 1);
    assert_eq!(stand(&left, "c")["position"], 2);
    let path = "/v1/elections/app/-/events";
    let mut stream = EventStream::open(&right, path, None).unwrap();

    // It waits at a node that stays, while the leader of the cluster is killed.
    let waiter = {
        let http = right.session("b").header("Prefer", "wait=10").timeout(SOON);
        let body = json!({"value": "at b"}).to_string();
        let ask = move || {
            let answer = http.put(&candidate("b"), &body).ok()?;
            matches!(answer.status, 200 | 201).then(|| answer.json())
        };
        std::thread::spawn(move || eventually("the second to lead", ask))
    };
    cluster.kill(leader);
    let again = eventually("the leader to be asked", || {
        let http = left.session("a");
        let body = json!({"value": "at a"}).to_string();
        let answer = http.put(&candidate("a"), body).ok()?;
        (answer.status == 200).then(|| answer.json())
    });
    assert_eq!(again["term"], first["term"], "it leads on");
    assert!(again["safe_ms"].as_u64().is_some(), "{again}");

    let resigned = left
        .session("a")
        .delete(&candidate("a"))
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(resigned["state"], "resigned");
    let second = waiter.join().unwrap();
    assert_eq!(second["state"], "leader");
    assert!(second["term"].as_u64() > first["term"].as_u64());

    // What the first leader wrote in its term is refused from now on.
    let late = left.header("Holdfast-Term", &format!("app={}", first["term"]));
    let late = late.put("/v1/nodes/plan", "x").unwrap().expect(412);
    assert_eq!(late.problem(), ("term_stale".into(), "not-applied".into()));

    let handed = hand_over(&right, &second, "c");
    let elected =
        |event: &Event| event.name == "election.elected" && event.field("candidate") == "c";
    let told = stream.until(SOON, elected);
    let names = told.iter().map(|event| event.name.as_str());
    let changes: Vec<&str> = names.filter(|name| name.starts_with("election.")).collect();
    assert_eq!(changes, CHANGES);

    cluster.restart(leader);
    cluster.wait_digests_agree();
    let seen = election(&cluster.http(leader));
    assert_eq!(seen["leader"]["candidate"], "c");
    assert_eq!(seen["term"], handed["term"]);
    assert_eq!(seen["standby"][0]["candidate"], "b");
}

#[test]
fn a_candidate_that_dies_is_followed_and_its_command_is_stopped() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    // It ends by itself when `holdfast` is gone.
    let script =
        "echo leads in $HOLDFAST_TERM; while kill -0 $PPID 2>/dev/null; do sleep 0.1; done";
    let elect = |id: &str| {
        let words = ["elect", "app", "--id", id, "--value", id, "--ttl", "2s"];
        let words: Vec<&str> = words
            .into_iter()
            .chain(["--", "sh", "-c", script])
            .collect();
        cli.start(&words)
    };
    let http = cluster.http(1);
    let mut first = elect("one");
    until("the first to lead", || {
        http.get("/v1/elections/app").is_ok_and(|a| a.status == 200)
    });
    let term = election(&http)["term"].as_u64().unwrap();
    let second = elect("two");
    until("the second to stand", || {
        election(&http)["candidate_count"] == 2
    });

    // It dies without a word; the cluster finds out by its silence.
    first.kill().unwrap();
    first.wait().unwrap();
    until("the second to lead", || {
        election(&http)["leader"]["candidate"] == "two"
    });
    let next = election(&http)["term"].as_u64().unwrap();
    assert!(next > term, "{next} after {term}");

    // Asked to hand over to a third, it stops its command and resigns.
    let third = elect("three");
    until("the third to stand", || {
        election(&http)["candidate_count"] == 2
    });
    let _ = cli
        .run(&[
            "elections",
            "transfer",
            "app",
            "three",
            "--reason",
            "upgrade",
        ])
        .expect(0);
    until("the third to lead", || {
        election(&http)["leader"]["candidate"] == "three"
    });
    let ended = Finished::from(second.wait_with_output().unwrap()).expect(80);
    assert_eq!(ended.stdout, format!("leads in {next}\n"));
    assert!(
        ended
            .stderr
            .contains("asked to hand over to three: upgrade"),
        "{}",
        ended.stderr
    );

    let shown = cli.run(&["elections", "get", "app"]).expect(0).stdout;
    assert!(shown.contains("three"), "{shown}");
    let pid = Pid::from_raw(i32::try_from(third.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let ended = Finished::from(third.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(143), "{}", ended.stderr);
    until("nobody to stand", || {
        http.get("/v1/elections/app")
            .is_ok_and(|answer| answer.status == 404)
    });
    assert!(test_kill_process(pid).is_err());
}
