//! `holdfast bench`: every workload through both doors, against real nodes.

use holdfast_tests::Cluster;
use holdfast_tests::cli::Finished;

const WORKLOADS: [&str; 9] = [
    "write", "create", "read", "mixed", "lock", "contend", "watch", "sessions", "failover",
];

fn bench(cluster: &Cluster, workload: &str, door: &str) -> Finished {
    let servers: Vec<String> = cluster
        .ids()
        .into_iter()
        .map(|id| cluster.zookeeper_address(id).to_string())
        .collect();
    let servers = servers.join(",");
    let mut arguments = vec!["bench", workload, "--door", door, "--zookeeper", &servers];
    arguments.extend(["-c", "4", "-s", "500ms", "--warm-up", "0s", "--keys", "8"]);
    if workload == "watch" {
        // Otherwise it waits for half a second between two changes.
        arguments.extend(["--rate", "50"]);
    }
    arguments.extend(["--output", "json", "--quiet"]);
    cluster.cli().run(&arguments)
}

#[test]
fn every_workload_runs_through_both_doors_without_an_error() {
    let cluster = Cluster::start(3);
    let _ = cluster.leader();
    for door in ["http", "zookeeper"] {
        for workload in WORKLOADS {
            let report = bench(&cluster, workload, door).expect(0).json();
            assert_eq!(report["errors"], serde_json::json!([]), "{report}");
            assert_eq!(report["door"], door);
            // The next sign of life of an idle session is seconds away.
            let done = report["operations"].as_u64().unwrap();
            assert!(done > 0 || workload == "sessions", "{report}");
            let longest = report["latency_us"]["max"].as_u64().unwrap();
            assert!(longest > 0 || done == 0, "{report}");
            assert_eq!(
                report["gaps"].is_object(),
                workload == "failover",
                "{report}"
            );
        }
    }
}

#[test]
fn a_cluster_that_is_not_there_is_said_to_be_not_there() {
    let mut cluster = Cluster::start(1);
    cluster.expect_log("");
    cluster.terminate(1);
    for door in ["http", "zookeeper"] {
        let failed = bench(&cluster, "write", door).expect(69);
        assert!(
            failed.stderr.contains("is a cluster running there"),
            "{}",
            failed.stderr
        );
    }
}

/// The figures in the docs are what anyone gets.
#[test]
fn figures_of_balancing_in_the_docs_are_those_of_the_command() {
    let out = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(holdfast_tests::process::binary())
        .args(["bench", "pick", "--quiet", "--out"])
        .arg(out.path())
        .output()
        .unwrap();
    assert_eq!(Finished::from(output).expect(0).stderr, "");
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/internals/balancing");
    for name in [
        "figures.json",
        "slow-instance.svg",
        "old-reports.svg",
        "keys-moved.svg",
        "turns.svg",
    ] {
        let is = std::fs::read_to_string(out.path().join(name)).unwrap();
        let told = std::fs::read_to_string(docs.join(name)).unwrap();
        assert!(
            is == told,
            "{name}: run `holdfast bench pick --out docs/internals/balancing`"
        );
    }
}
