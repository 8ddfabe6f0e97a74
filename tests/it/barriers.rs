//! Barriers: all or none go on, and all or none have left, whatever happens to the nodes. (P-BARRIER)

use std::thread::JoinHandle;
use std::time::Duration;

use holdfast_tests::cli::Finished;
use holdfast_tests::sse::Event;
use holdfast_tests::{Cluster, EventStream, Http, eventually, until};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);
const BARRIER: &str = "/v1/barriers/load/start";

fn member(session: &str) -> String {
    format!("{BARRIER}/-/members/{session}")
}

/// Comes in under the name of the session, and again until all are there.
fn enter(http: &Http, session: &'static str) -> JoinHandle<Value> {
    let http = http
        .session(session)
        .header("Prefer", "wait=5")
        .timeout(SOON);
    let ask = move || {
        let answer = http.put(&member(session), r#"{"parties": 5}"#).ok()?;
        matches!(answer.status, 200 | 201).then(|| answer.json())
    };
    std::thread::spawn(move || eventually("all to be there", ask))
}

/// Leaves, and again until all have.
fn leave(http: &Http, session: &'static str) -> JoinHandle<Value> {
    let http = http
        .session(session)
        .header("Prefer", "wait=5")
        .timeout(SOON);
    let ask = move || {
        let answer = http.delete(&member(session)).ok()?;
        (answer.status == 200).then(|| answer.json())
    };
    std::thread::spawn(move || eventually("all to have left", ask))
}

fn until_inside(http: &Http, inside: u64) {
    until("parties to be in the barrier", || {
        let answer = http.get(BARRIER).ok();
        answer.is_some_and(|answer| answer.status == 200 && answer.json()["inside"] == inside)
    });
}

/// Position of an event.
fn index(event: &Event) -> u64 {
    let id = event.id.as_deref().unwrap();
    id.split('.').next().unwrap().parse().unwrap()
}

fn is(event: &Event, name: &str, child: &str) -> bool {
    event.name == name && event.field("path") == format!("/barriers/load/start/{child}")
}

#[test]
fn five_meet_and_part_while_the_leader_is_killed() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let sessions = ["a", "b", "c", "d", "e"];
    for session in sessions {
        cluster.open_session(session);
    }
    let leader = cluster.leader();
    let mut others = cluster.ids();
    others.retain(|id| *id != leader);
    let (left, right) = (cluster.http(others[0]), cluster.http(others[1]));
    let path = "/v1/nodes/barriers/load/start/-/events";
    let mut stream = EventStream::open(&right, path, None).unwrap();

    // Four wait at nodes that stay; the fifth comes when the leader of the cluster has been killed.
    let mut parties: Vec<JoinHandle<Value>> = ["a", "b"]
        .map(|session| enter(&left, session))
        .into_iter()
        .chain(["c", "d"].map(|session| enter(&right, session)))
        .collect();
    until_inside(&left, 4);
    cluster.kill(leader);
    parties.push(enter(&right, "e"));
    let met: Vec<Value> = parties
        .into_iter()
        .map(|party| party.join().unwrap())
        .collect();
    let opened = met[4]["opened_index"].as_u64().unwrap();
    for party in &met {
        assert_eq!(party["state"], "open", "{party}");
        assert_eq!(party["opened_index"], opened, "{party}");
        assert!(party["entered_index"].as_u64() <= Some(opened), "{party}");
    }
    assert_eq!(
        met[4]["entered_index"], opened,
        "it opens with the last one"
    );

    // It is open from the position at which the last one came in, and not before.
    let told = stream.until(SOON, |event| is(event, "node.created", "ready"));
    let came = |session: &&str| {
        let event = told.iter().find(|event| is(event, "node.created", session));
        index(event.unwrap())
    };
    let positions: Vec<u64> = sessions.iter().map(came).collect();
    assert_eq!(positions.iter().max(), Some(&opened));
    assert_eq!(index(told.last().unwrap()), opened);

    // Four leave, and none of them is through before the fifth has: it dies.
    let parting: Vec<JoinHandle<Value>> = ["a", "b", "c", "d"]
        .map(|session| leave(&left, session))
        .into();
    until_inside(&right, 1);
    assert!(parting.iter().all(|party| !party.is_finished()));
    let _ = right.delete("/v1/sessions/e").unwrap().expect(200);
    for party in parting {
        assert_eq!(party.join().unwrap()["state"], "free");
    }
    let told = stream.until(SOON, |event| is(event, "node.deleted", "ready"));
    let last = told.iter().find(|event| is(event, "node.deleted", "e"));
    assert_eq!(index(told.last().unwrap()), index(last.unwrap()));

    cluster.restart(leader);
    cluster.wait_digests_agree();
    let seen = cluster.http(leader).get(BARRIER).unwrap().expect(200);
    assert_eq!(seen.json()["state"], "free");
}

#[test]
fn commands_begin_when_all_are_there_and_end_together() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let http = cluster.http(1);
    // Who runs in the barrier sees it open; `go` lets the last one end.
    let script = "echo $HOLDFAST_MEMBER in $HOLDFAST_BARRIER; while [ ! -e \"$0\" ]; do sleep 0.1; kill -0 $PPID || exit 9; done";
    let directory = tempfile::tempdir().unwrap();
    let go = directory.path().join("go");
    let party = |id: &str, command: &[&str]| {
        let words = ["barrier", "load/start", "--parties", "3", "--id", id];
        let words: Vec<&str> = words.iter().chain(command).copied().collect();
        cli.start(&words)
    };
    let inside = |inside: u64| {
        until("parties to be in the barrier", || {
            let answer = http.get(BARRIER).ok();
            answer.is_some_and(|answer| answer.json()["inside"] == inside)
        });
    };
    let first = party("first", &[]);
    let second = party("second", &["--", "sh", "-c", "exit 4"]);
    inside(2);
    let differs = cli.run(&["barrier", "load/start", "--parties", "4"]);
    let differs = differs.expect(82);
    assert!(differs.stderr.contains("parties"), "{}", differs.stderr);
    let third = party("third", &["--", "sh", "-c", script, go.to_str().unwrap()]);
    // Two are on their way out and wait for the third.
    inside(1);
    std::fs::write(&go, "").unwrap();
    let third = Finished::from(third.wait_with_output().unwrap()).expect(0);
    assert_eq!(third.stdout, "third in load/start\n");
    let _ = Finished::from(first.wait_with_output().unwrap()).expect(0);
    let _ = Finished::from(second.wait_with_output().unwrap()).expect(4);
    let seen = http.get(BARRIER).unwrap().expect(200).json();
    assert_eq!(seen["state"], "free");
}
