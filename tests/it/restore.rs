//! A backup of one cluster put in force on another, with the command line as an operator uses it.

use holdfast_tests::locks::{holding, stand_in_queue};
use holdfast_tests::{Cluster, until};

#[test]
fn a_backup_comes_back_in_a_new_cluster_with_larger_fences_and_no_session() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backup.snapshot");
    let file = file.to_str().unwrap();

    let first = Cluster::start(3);
    first.open_session("a");
    let before = stand_in_queue(&first.http(1), "a", "orders/42", "c1");
    for n in 0..200 {
        let path = format!("/v1/nodes/config/n{n}?parents=1");
        let _ = first.http(2).put(&path, "kept").unwrap().expect(201);
    }
    let _ = first.cli().run(&["snapshot", "save", file]).expect(0);
    drop(first);

    let second = Cluster::start(3);
    let cli = second.cli();
    let would = cli
        .run(&["snapshot", "restore", file, "--dry-run"])
        .expect(0);
    assert!(would.stdout.contains("true"), "{}", would.stdout);
    let empty = second.http(1).get("/v1/nodes/config").unwrap();
    let _ = empty.expect(404);

    let _ = cli.run(&["snapshot", "restore", file]).expect(0);
    for id in second.ids() {
        until("the restored tree", || {
            second
                .http(id)
                .get("/v1/nodes/config/n199")
                .is_ok_and(|read| read.body == b"kept")
        });
    }
    second.wait_digests_agree();
    assert!(holding(&second.http(2), "orders/42").is_empty());
    second.open_session("b");
    let after = stand_in_queue(&second.http(3), "b", "orders/42", "c1");
    assert!(after["fence"].as_u64().unwrap() > before["fence"].as_u64().unwrap());

    let again = cli.run(&["snapshot", "restore", file]).expect(82);
    assert!(again.stderr.contains("replace"), "{}", again.stderr);
    let _ = cli
        .run(&["snapshot", "restore", file, "--replace"])
        .expect(0);
    assert!(holding(&second.http(1), "orders/42").is_empty());
    second.wait_digests_agree();
}

#[test]
fn a_restored_cluster_restarts_into_the_same_state_and_streams_are_told_that_history_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backup.snapshot");
    let file = file.to_str().unwrap();
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let _ = cluster
        .http(1)
        .put("/v1/nodes/a", "old")
        .unwrap()
        .expect(201);
    let cli = cluster.cli();
    let _ = cli.run(&["snapshot", "save", file]).expect(0);
    let _ = cluster
        .http(1)
        .put("/v1/nodes/a", "new")
        .unwrap()
        .expect(200);
    let _ = cli
        .run(&["snapshot", "restore", file, "--replace"])
        .expect(0);
    let read = cluster.http(2).get("/v1/nodes/a").unwrap().expect(200);
    assert_eq!(read.body, b"old");
    let http = cluster.http(2).header("Last-Event-ID", "2.0");
    let resumed = http.get("/v1/events").unwrap();
    let _ = resumed.expect(410);
    for id in cluster.ids() {
        cluster.kill(id);
    }
    cluster.start_all();
    let read = cluster.http(3).get("/v1/nodes/a").unwrap().expect(200);
    assert_eq!(read.body, b"old");
    cluster.wait_digests_agree();
}
