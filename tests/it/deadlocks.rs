//! Waits that would never end: refused once they close a cycle, on whichever node. (P-DEADLOCK)

use holdfast_tests::locks::{acquire, holding, release, stand_in_queue, waiting};
use holdfast_tests::{Cluster, Http, eventually, until};
use serde_json::Value;

/// What a node has seen, without its own part of the answer.
fn seen(http: &Http) -> Value {
    http.get("/v1/deadlocks").unwrap().expect(200).json()["deadlocks"].clone()
}

#[test]
fn a_cycle_is_refused_also_after_the_leader_was_killed_and_all_nodes_know_of_it() {
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
    // a waits for b, and b for c.
    for (session, lock) in [("a", "x"), ("b", "y"), ("c", "z"), ("a", "y"), ("b", "z")] {
        stand_in_queue(&left, session, lock, &format!("{session}-{lock}"));
    }
    cluster.kill(leader);
    let refused = eventually("an answer", || {
        let answer = acquire(&right, "c", "x", "c-x").ok()?;
        matches!(answer.status, 409 | 201 | 202).then_some(answer)
    });
    let refused = refused.expect(409);
    assert_eq!(refused.problem(), ("deadlock".into(), "not-applied".into()));
    let cycle = refused.json()["cycle"].clone();
    let who: Vec<&str> = cycle
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["session"].as_str().unwrap())
        .collect();
    assert_eq!(who, ["c", "a", "b"]);
    assert!(waiting(&left, "x").is_empty(), "it does not wait");

    // A node that read up to the refusal has seen it.
    let known = seen(&left);
    assert_eq!(known[0]["cycle"], cycle);
    assert_eq!(seen(&right), known);

    // Nobody waits in vain: who lets go is followed by the next, to the last.
    let _ = release(&right, "c", "z", "c-z").unwrap().expect(200);
    until("b to hold what c had", || holding(&left, "z") == ["b-z"]);
    let _ = release(&right, "b", "y", "b-y").unwrap().expect(200);
    until("a to hold what b had", || holding(&left, "y") == ["a-y"]);
    let asked = acquire(&right, "c", "x", "c-x").unwrap().expect(202).json();
    assert_eq!(asked["state"], "waiting", "no cycle any more");

    cluster.restart(leader);
    cluster.wait_digests_agree();
}
