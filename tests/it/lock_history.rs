//! The past of a lock: on every node the same, whatever happens to the nodes. (P-HISTORY)

use std::time::Duration;

use holdfast_tests::{Cluster, Http, eventually, until};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const LOCK: &str = "/v1/locks/jobs/nightly";

fn claim(id: &str) -> String {
    format!("{LOCK}/-/claims/{id}")
}

/// Acquires and releases; repeated until it is known, which changes nothing.
fn hold(http: &Http, session: &str, id: &str) {
    let http = http.session(session).timeout(SOON);
    let body = json!({"wait": "1m", "reason": format!("run {id}")}).to_string();
    eventually("the lock to be held", || {
        let answer = http.put(&claim(id), &body).ok()?;
        matches!(answer.status, 200 | 201).then_some(())
    });
    eventually("the lock to be released", || {
        let answer = http.delete(&claim(id)).ok()?;
        (answer.status == 200).then_some(())
    });
}

fn history(http: &Http) -> Value {
    let path = format!("{LOCK}/-/history");
    http.get(&path).unwrap().expect(200).json()
}

#[test]
fn the_past_of_a_lock_is_the_same_on_every_node_and_outlives_them() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    for session in ["a", "b"] {
        cluster.open_session(session);
    }
    let leader = cluster.leader();
    let others: Vec<u64> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != leader)
        .collect();
    let (left, right) = (cluster.http(others[0]), cluster.http(others[1]));
    hold(&left, "a", "c1");
    hold(&right, "b", "c2");
    let before = history(&left);
    assert_eq!(before["holds"][0]["reason"], "run c2");
    cluster.kill(leader);
    hold(&left, "a", "c3");
    let after = history(&right);
    assert_eq!(after["count"], 3);
    assert_eq!(after["holds"][0]["claim"], "c3");
    assert_eq!(after["holds"][0]["end"], "released");
    assert_eq!(after["holds"][1], before["holds"][0]);
    assert_eq!(after["holds"][2], before["holds"][1]);

    foreseen_and_shown(&cluster, &left);

    let after = history(&right);
    assert_eq!(after["count"], 4, "one only waited");
    cluster.restart(leader);
    cluster.wait_digests_agree();
    for id in cluster.ids() {
        assert_eq!(history(&cluster.http(id)), after, "at node {id}");
    }
    for id in cluster.ids() {
        cluster.kill(id);
    }
    cluster.start_all();
    cluster.wait_digests_agree();
    for id in cluster.ids() {
        assert_eq!(
            history(&cluster.http(id)),
            after,
            "at node {id}, started anew"
        );
    }
}

/// With three holds known a wait is foreseen, and the command line shows all of it.
fn foreseen_and_shown(cluster: &Cluster, http: &Http) {
    let body = json!({"wait": "1m"}).to_string();
    let ask = |session: &str, id: &str| http.session(session).put(&claim(id), &body).unwrap();
    let _ = ask("a", "c4").expect(201);
    let waiting = ask("b", "c5").expect(202).json();
    assert!(waiting["eta_ms"]["p95"].is_u64(), "{waiting}");
    let cli = cluster.cli();
    let why = cli.run(&["locks", "explain", "jobs/nightly"]).expect(0);
    assert!(
        why.stdout.contains("half of the last 3 holds"),
        "{}",
        why.stdout
    );
    let past = cli.run(&["locks", "history", "jobs/nightly"]).expect(0);
    assert!(past.stdout.contains("run c2"), "{}", past.stdout);
    until("the lock to be hot", || {
        let hot = cli.run(&["locks", "hot"]).expect(0);
        hot.stdout.contains("jobs/nightly")
    });
    for (session, id) in [("b", "c5"), ("a", "c4")] {
        let _ = http
            .session(session)
            .delete(&claim(id))
            .unwrap()
            .expect(200);
    }
}
