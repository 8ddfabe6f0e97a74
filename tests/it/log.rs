//! `holdfast log`: what lies on the disks of nodes that were stopped and killed. (P-DUR, P-EQUAL)

use std::collections::BTreeMap;

use holdfast_tests::Cluster;
use holdfast_tests::locks::stand_in_queue;
use serde_json::{Value, json};

/// The lines of one node's log.
fn lines(cluster: &Cluster, id: u64) -> Vec<Value> {
    let directory = cluster.data_dir(id).display().to_string();
    let printed = cluster.cli().run(&["log", &directory, "-o", "ndjson"]);
    let printed = printed.expect(0).stdout;
    let parse = |line| serde_json::from_str(line).unwrap();
    printed.lines().map(parse).collect()
}

/// What two nodes must have in common at each index both have: the entry, and the state after it.
fn entries(lines: &[Value]) -> BTreeMap<u64, (&Value, &Value)> {
    let entries = lines.iter().filter(|line| line["line"] == "entry");
    entries
        .map(|line| {
            (
                line["index"].as_u64().unwrap(),
                (&line["hash"], &line["digest"]),
            )
        })
        .collect()
}

/// Commands applied, by what they did.
fn applied<'a>(lines: &'a [Value], command: &str) -> Vec<&'a Value> {
    let commands = lines.iter().filter_map(|line| line["commands"].as_array());
    let commands = commands.flatten();
    commands
        .filter(|found| found["command"] == command && found["outcome"] == "applied")
        .collect()
}

#[test]
fn the_logs_of_all_nodes_tell_the_same_and_every_answer_is_in_them() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    cluster.open_session("a");
    let held = stand_in_queue(&cluster.http(1), "a", "orders/42", "c1");
    let mut positions = Vec::new();
    for n in 0..40 {
        if n == 20 {
            cluster.kill(2);
            cluster.restart(2);
        }
        let path = format!("/v1/nodes/n{n}");
        let answer = cluster.http(n % 3 + 1).put(&path, "v").unwrap().expect(201);
        positions.push(
            answer
                .header("holdfast-index")
                .unwrap()
                .parse::<u64>()
                .unwrap(),
        );
    }
    cluster.wait_digests_agree();
    let running = cluster.data_dir(1).display().to_string();
    let refused = cluster.cli().run(&["log", &running]).expect(65);
    assert!(refused.stderr.contains("in use"), "{}", refused.stderr);

    cluster.kill(2);
    cluster.terminate(1);
    cluster.terminate(3);
    let logs: Vec<Vec<Value>> = cluster
        .ids()
        .iter()
        .map(|&id| lines(&cluster, id))
        .collect();
    let first = entries(&logs[0]);
    for log in &logs {
        for (index, entry) in entries(log) {
            if let Some(other) = first.get(&index) {
                assert_eq!(entry, *other, "entry {index}");
            }
        }
        let puts = applied(log, "put");
        assert_eq!(puts.len(), 40);
        let found: Vec<u64> = puts
            .iter()
            .map(|put| put["zxid"].as_u64().unwrap())
            .collect();
        assert_eq!(found, positions);
        let acquired = applied(log, "acquire");
        assert_eq!(acquired[0]["fence"], held["fence"]);
        assert_eq!(acquired[0]["claim"], json!("c1"));
        assert_eq!(log.last().unwrap().get("problem"), None);
    }
    // A node reads its directory as it did before.
    cluster.start_all();
    cluster.wait_digests_agree();
}

#[test]
fn a_node_on_its_own_disk_shows_the_digest_it_told() {
    let mut cluster = Cluster::start(1);
    for n in 0..10 {
        let path = format!("/v1/nodes/n{n}");
        let _ = cluster.http(1).put(&path, "v").unwrap().expect(201);
    }
    let told = cluster.http(1).get("/v1/cluster/digest").unwrap();
    let told = told.expect(200).json();
    cluster.kill(1);
    let log = lines(&cluster, 1);
    // The index of the HTTP API is the position: the zxid.
    let at = log
        .iter()
        .rfind(|line| line["line"] == "entry" && line["zxid"] == told["index"]);
    let at = at.unwrap_or_else(|| panic!("no entry for {told}"));
    assert_eq!(at["digest"], told["digest"], "{told}");
}
