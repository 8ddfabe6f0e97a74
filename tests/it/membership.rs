//! Nodes come and go. (P-MEMB)

use holdfast_tests::process::Process;
use holdfast_tests::{Cluster, log_gate, until};
use serde_json::{Value, json};

fn member(cluster: &Cluster, id: u64) -> Option<Value> {
    let status = cluster.status(cluster.running()[0])?;
    let members = status["members"].as_array()?.clone();
    members
        .into_iter()
        .find(|member| member["id"] == format!("n{id}"))
}

fn role(cluster: &Cluster, id: u64) -> Option<String> {
    Some(member(cluster, id)?["role"].as_str()?.to_owned())
}

#[test]
fn a_fourth_node_joins_is_promoted_and_takes_the_place_of_another() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    for n in 0..50 {
        let _ = cluster
            .http(1)
            .put(&format!("/v1/nodes/n{n}"), "v")
            .unwrap()
            .expect(201);
    }
    cluster.join(4);
    until("node 4 to be a learner", || {
        role(&cluster, 4).as_deref() == Some("learner")
    });
    cluster.wait_ready(4);
    cluster.wait_digests_agree();
    let _ = cluster.http(4).get("/v1/nodes/n49").unwrap().expect(200);

    let dry = cluster
        .http(2)
        .post("/v1/cluster/members/n4/promote?dry_run=1", "")
        .unwrap()
        .expect(200);
    let dry = dry.json();
    assert_eq!(
        (&dry["applied"], &dry["after"]["quorum"]),
        (&json!(false), &json!(3))
    );
    assert_eq!(role(&cluster, 4).as_deref(), Some("learner"));
    let _ = cluster
        .http(2)
        .post("/v1/cluster/members/n4/promote", "")
        .unwrap()
        .expect(200);
    assert_eq!(role(&cluster, 4).as_deref(), Some("voter"));

    let leaving = cluster.follower();
    let removed = cluster
        .http(4)
        .delete(&format!("/v1/cluster/members/n{leaving}"))
        .unwrap()
        .expect(200);
    assert_eq!(
        removed.json()["after"]["voters"].as_array().unwrap().len(),
        3
    );
    until("the member to be gone", || {
        member(&cluster, leaving).is_none()
    });
    cluster.kill(leaving);
    // The three that are left bear the loss of one.
    let lost = cluster.leader();
    cluster.kill(lost);
    let http = cluster.http(cluster.running()[0]);
    until("a write to be acknowledged", || {
        http.put("/v1/nodes/x", "y")
            .is_ok_and(|answer| matches!(answer.status, 200 | 201))
    });
}

#[test]
fn a_lost_node_is_replaced_by_a_new_one_in_one_change() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let lost = cluster.follower();
    cluster.kill(lost);
    cluster.join(7);
    cluster.wait_ready(7);
    let body = json!({
        "old": format!("n{lost}"), "new": "n7",
        "peer": cluster.peer_address(7).to_string(), "api": cluster.url(7),
    });
    let leader = cluster.leader();
    let path = "/v1/cluster/members/-/replace";
    let replaced = cluster
        .http(leader)
        .post(path, body.to_string())
        .unwrap()
        .expect(200);
    assert_eq!(replaced.json()["applied"], true);
    until("node 7 to vote", || {
        role(&cluster, 7).as_deref() == Some("voter")
    });
    assert_eq!(member(&cluster, lost), None);
    cluster.wait_digests_agree();
}

#[test]
fn a_removed_number_is_never_taken_in_again() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    cluster.expect_log("the node stops");
    cluster.join(4);
    cluster.wait_ready(4);
    let _ = cluster
        .http(1)
        .delete("/v1/cluster/members/n4")
        .unwrap()
        .expect(200);
    cluster.kill(4);
    let body = json!({"peer": "127.0.0.1:1", "api": "http://127.0.0.1:1"}).to_string();
    let again = cluster
        .http(2)
        .put("/v1/cluster/members/n4", body)
        .unwrap()
        .expect(409);
    assert_eq!(
        again.problem(),
        ("unsafe_change".into(), "not-applied".into())
    );
}

#[test]
fn a_change_that_would_cost_the_quorum_is_refused_with_the_arithmetic() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let down = cluster.follower();
    cluster.kill(down);
    let leader = cluster.leader();
    let other = cluster
        .running()
        .into_iter()
        .find(|id| *id != leader)
        .unwrap();
    // Two of three are up: without one of these two, one of the other two would have to do.
    let http = cluster.http(leader);
    until("the loss to be noticed", || {
        cluster
            .status(leader)
            .is_some_and(|status| status["failure_tolerance"] == 0)
    });
    let refused = http
        .delete(&format!("/v1/cluster/members/n{other}"))
        .unwrap()
        .expect(409);
    assert_eq!(
        refused.problem(),
        ("unsafe_change".into(), "not-applied".into())
    );
    assert!(!refused.json()["arithmetic"].as_array().unwrap().is_empty());
    assert_eq!(role(&cluster, other).as_deref(), Some("voter"));
}

#[test]
fn a_node_that_lost_its_disk_is_not_let_in_under_its_old_number() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    cluster.expect_log("the node stops");
    let _ = cluster.http(1).put("/v1/nodes/x", "y").unwrap().expect(201);
    let unlucky = cluster.follower();
    cluster.kill(unlucky);
    std::fs::remove_dir_all(cluster.data_dir(unlucky)).unwrap();
    let log = cluster.log_file(unlucky);
    let mut process = Process::start(&cluster.arguments(unlucky), &log);
    let status = process.wait();
    assert_eq!(status.code(), Some(78), "{}", log_gate::tail(&log, 20));
    let said = log_gate::read(&log);
    assert!(
        said.contains("must not come back under its number"),
        "{said}"
    );
    // And not at the second attempt either, as a service manager would make it.
    let mut process = Process::start(&cluster.arguments(unlucky), &log);
    assert_eq!(process.wait().code(), Some(78));
}

#[test]
fn leadership_moves_to_the_node_that_is_named() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let to = cluster.follower();
    let from = cluster.leader();
    let body = json!({"to": format!("n{to}")}).to_string();
    let moved = cluster
        .http(to)
        .post("/v1/cluster/leader", body)
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(
        (&moved["from"], &moved["to"]),
        (&json!(format!("n{from}")), &json!(format!("n{to}")))
    );
    assert_eq!(cluster.leader(), to);
    let _ = cluster
        .http(from)
        .put("/v1/nodes/x", "y")
        .unwrap()
        .expect(201);
}

#[test]
fn a_founder_that_comes_late_is_let_in() {
    let mut cluster = Cluster::prepare(3, &[]);
    cluster.expect_lost_peers();
    cluster.start_node(1);
    cluster.start_node(2);
    cluster.wait_ready(1);
    let _ = cluster.http(1).put("/v1/nodes/x", "y").unwrap().expect(201);
    cluster.start_node(3);
    cluster.wait_ready(3);
    assert_eq!(
        cluster.http(3).get("/v1/nodes/x").unwrap().expect(200).body,
        b"y"
    );
    cluster.wait_digests_agree();
}
