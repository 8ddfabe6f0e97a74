//! Nodes come back on their data, and refuse data that is not theirs. (P-DUR)

use holdfast_tests::locks::{holding, stand_in_queue};
use holdfast_tests::process::{Process, command};
use holdfast_tests::{Cluster, log_gate};

#[test]
fn everything_is_there_after_all_nodes_were_stopped_and_started() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    cluster.open_session("a");
    let held = stand_in_queue(&cluster.http(1), "a", "orders/42", "c1");
    let _ = cluster
        .http(2)
        .put("/v1/nodes/cfg", "v")
        .unwrap()
        .expect(201);
    for id in cluster.ids() {
        cluster.terminate(id);
    }
    cluster.start_all();
    let http = cluster.http(3);
    assert_eq!(http.get("/v1/nodes/cfg").unwrap().expect(200).body, b"v");
    let claim = http
        .get("/v1/locks/orders/42/-/claims/c1")
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(claim["fence"], held["fence"]);
    cluster.wait_digests_agree();
}

#[test]
fn everything_is_there_after_all_nodes_were_killed_at_once() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    cluster.open_session("a");
    stand_in_queue(&cluster.http(1), "a", "orders/42", "c1");
    for n in 0..100 {
        let _ = cluster
            .http(n % 3 + 1)
            .put(&format!("/v1/nodes/n{n}"), "v")
            .unwrap()
            .expect(201);
    }
    for id in cluster.ids() {
        cluster.kill(id);
    }
    cluster.start_all();
    for n in 0..100 {
        let _ = cluster
            .http(n % 3 + 1)
            .get(&format!("/v1/nodes/n{n}"))
            .unwrap()
            .expect(200);
    }
    assert_eq!(holding(&cluster.http(2), "orders/42"), ["c1"]);
    cluster.wait_digests_agree();
}

#[test]
fn a_node_that_was_away_catches_up_from_a_snapshot() {
    let settings = ["--snapshot-entries=50", "--log-entries-kept=10"];
    let mut cluster = Cluster::start_with(3, &settings);
    cluster.expect_lost_peers();
    let away = cluster.follower();
    let present = cluster.leader();
    cluster.kill(away);
    for n in 0..300 {
        let _ = cluster
            .http(present)
            .put(&format!("/v1/nodes/n{n}"), "v")
            .unwrap()
            .expect(201);
    }
    cluster.restart(away);
    cluster.wait_digests_agree();
    // Without a purge it would have been sent the entries it lacks, and the snapshot none.
    let log = log_gate::read(&cluster.log_file(away));
    assert!(
        log.contains("installed a snapshot from the leader"),
        "{log}"
    );
    let stale = cluster.http(away).header("Holdfast-Consistency", "stale");
    let _ = stale.get("/v1/nodes/n299").unwrap().expect(200);
}

#[test]
fn a_directory_of_another_node_or_cluster_is_refused_and_left_alone() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    cluster.expect_log("the node stops");
    let other = Cluster::start_beside(&cluster, 1);
    cluster.terminate(3);
    let log = cluster.scratch().join("refused.log");
    let with = |arguments: Vec<String>| {
        let _ = std::fs::remove_file(&log);
        let mut process = Process::start(&arguments, &log);
        let status = process.wait();
        (status.code(), log_gate::read(&log))
    };
    let foreign = format!("--data-dir={}", cluster.data_dir(2).display());
    let own = cluster.arguments(3).into_iter();
    let foreign_node: Vec<String> = own
        .map(|a| {
            if a.starts_with("--data-dir=") {
                foreign.clone()
            } else {
                a
            }
        })
        .collect();
    let (code, log) = with(foreign_node.clone());
    assert_ne!(code, Some(0));
    assert!(log.contains("in use by another process"), "{log}");
    let id = other.status(1).unwrap()["cluster_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut foreign_cluster = cluster.arguments(3);
    foreign_cluster.push(format!("--cluster-id={id}"));
    let (code, log) = with(foreign_cluster);
    assert_ne!(code, Some(0));
    assert!(log.contains("belongs to cluster"), "{log}");
    cluster.terminate(2);
    let (code, log) = with(foreign_node);
    assert_ne!(code, Some(0));
    assert!(log.contains("belongs to node 2"), "{log}");
    // Both directories still serve their own nodes.
    cluster.start_all();
    cluster.wait_digests_agree();
}

#[test]
fn an_empty_directory_is_not_used_without_being_told_for_what() {
    let directory = tempfile::tempdir().unwrap();
    let path = format!("--data-dir={}", directory.path().join("new").display());
    let mut serve = command();
    serve.args(["serve", "--node-id=1", &path, "--api-listen=127.0.0.1:0"]);
    let refused = refused_output(&mut serve);
    assert!(refused.contains("neither bootstrap nor join"), "{refused}");
    assert!(
        !directory.path().join("new").exists(),
        "nothing may be left behind"
    );
}

fn refused_output(command: &mut std::process::Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    String::from_utf8_lossy(&output.stderr).into_owned()
}
