//! A world of real nodes, and every fault once: injected, seen, healed, seen to be healed.
//!
//! Each test starts itself again in namespaces of its own. Where that cannot be done it says so and
//! counts as skipped in its output; what needs no namespaces runs on loopback instead.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: it fails by panics, and says what it skips"
)]

use std::ffi::OsString;
use std::path::PathBuf;

use jepsen::plan::Plan;
use jepsen::world::isolation::{Isolation, isolate};
use jepsen::world::network::{Place, cut};
use jepsen::world::{Setup, World, process_state};

/// The binary under test: named by the environment, or built beside this test.
fn holdfast() -> PathBuf {
    if let Some(path) = std::env::var_os("HOLDFAST_TEST_BINARY") {
        return PathBuf::from(path);
    }
    let harness = PathBuf::from(env!("CARGO_BIN_EXE_hf-jepsen"));
    let binary = harness.with_file_name("holdfast");
    assert!(
        binary.is_file(),
        "{} is missing: build it with `cargo build -p holdfast`, or name one in \
         HOLDFAST_TEST_BINARY",
        binary.display()
    );
    binary
}

/// Runs a test inside namespaces; false: it has run there, or cannot.
fn inside(test: &str) -> bool {
    let arguments = [test, "--exact", "--nocapture", "--test-threads=1"].map(OsString::from);
    match isolate(&arguments).unwrap() {
        Isolation::Inside => true,
        Isolation::Ended(code) => {
            assert_eq!(code, 0, "{test} failed inside its namespaces, see above");
            false
        }
        Isolation::Impossible(why) => {
            println!("skipped 1 test, {test}: it needs namespaces and there are none: {why}");
            false
        }
    }
}

fn plan(nodes: u64, nemesis: &[&str]) -> Plan {
    Plan {
        seed: 1,
        workload: "register".to_owned(),
        door: "http".to_owned(),
        nodes,
        seconds: 10,
        concurrency: 1,
        rate: 10,
        settings: [("heartbeat", "100ms"), ("snapshot-entries", "100")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        nemesis: nemesis.iter().map(|&name| name.to_owned()).collect(),
        schedule: Vec::new(),
    }
}

fn setup(directory: &tempfile::TempDir) -> Setup {
    let mut setup = Setup::new(directory.path().to_owned(), holdfast()).unwrap();
    setup.harness = PathBuf::from(env!("CARGO_BIN_EXE_hf-jepsen"));
    setup
}

#[test]
fn nodes_are_hosts_that_can_be_killed_paused_and_cut_off() {
    if !inside("nodes_are_hosts_that_can_be_killed_paused_and_cut_off") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let world = World::start(&plan(3, &[]), setup(&directory)).unwrap();
    assert_eq!(world.running(), [1, 2, 3]);
    let pid = world.pid(2).unwrap();
    world.pause(2).unwrap();
    assert_eq!(process_state(pid), Some('T'));
    world.resume(2).unwrap();
    world.kill(2).unwrap();
    assert_eq!(process_state(pid), None);
    world.start_node(2).unwrap();
    world.wait_ready(2).unwrap();
    let network = world.network().unwrap();
    network
        .hurt("hf1", &cut(&[Place::Node(1)], &[Place::Clients]))
        .unwrap();
    assert!(world.http_as_client(1).unwrap().get("/readyz").is_err());
    assert!(world.http(1).unwrap().get("/readyz").is_ok());
    assert!(network.hits("hf1").unwrap() > 0);
    network.heal("hf1").unwrap();
    assert!(world.http_as_client(1).unwrap().get("/readyz").is_ok());
    world.add_node(4).unwrap();
    world.wait_ready(4).unwrap();
    assert!(world.take_ends().is_empty());
    for (id, how) in world.shutdown() {
        assert_eq!(how, "exit code 0", "node {id}");
    }
}

#[test]
fn without_namespaces_nodes_run_on_loopback() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::start(&plan(1, &[]), setup(&directory)).unwrap();
    let pid = world.pid(1).unwrap();
    let answer = world.http(1).unwrap().get("/v1/health").unwrap();
    assert_eq!(answer.json()["status"], "ok", "{answer:?}");
    assert!(world.network().is_none());
    drop(world);
    assert_eq!(process_state(pid), None);
    let refused = World::start(&plan(1, &["partition-leader"]), setup(&directory));
    let words = refused.unwrap_err().to_string();
    assert!(
        words.contains("partition-leader cannot be made here"),
        "{words}"
    );
}
