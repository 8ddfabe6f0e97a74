//! A world of real nodes, and every fault once: injected, seen, healed, seen to be healed.
//!
//! Each test starts itself again in namespaces of its own. Where that cannot be done it says so and
//! counts as skipped in its output; what needs no namespaces runs on loopback instead.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use checker::{Event, Process};
use jepsen::nemesis::Nemesis;
use jepsen::observer::{Observer, digests};
use jepsen::plan::{Fault, Plan};
use jepsen::world::isolation::{Isolation, isolate};
use jepsen::world::network::{Place, cut};
use jepsen::world::{Setup, World, process_state};

/// The binary under test: named by the environment, or built beside this test.
pub(crate) fn holdfast() -> PathBuf {
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
    let test = format!("world::{test}");
    let arguments = [&*test, "--exact", "--nocapture", "--test-threads=1"].map(OsString::from);
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
        settings: [("heartbeat", "60ms"), ("snapshot-entries", "100")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        sizes: std::collections::BTreeMap::new(),
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

/// Kind, target, amounts.
type Hurt<'a> = (&'a str, &'a str, &'a [(&'a str, i64)]);

/// Runs each fault once, and fails with the story of those that were not seen to begin or to end.
fn hurt_once(nodes: u64, faults: &[Hurt<'_>]) {
    let directory = tempfile::tempdir().unwrap();
    let kinds: Vec<&str> = faults.iter().map(|(kind, _, _)| *kind).collect();
    let world = World::start(&plan(nodes, &kinds), setup(&directory)).unwrap();
    let world = Arc::new(world);
    let (events, told) = sync_channel(10_000);
    let observer = Observer::start(Arc::clone(&world), events.clone());
    let nemesis = Nemesis::new(Arc::clone(&world), 1, events);
    // A worker to be hit: any process that stays.
    let mut worker = Command::new("sleep").arg("600").spawn().unwrap();
    nemesis.set_clients(vec![worker.id()]);
    for (kind, target, amounts) in faults {
        let started = Instant::now();
        let fault = Fault {
            at_ms: 0,
            lasts_ms: 1200,
            kind: (*kind).to_owned(),
            target: (*target).to_owned(),
            amounts: amounts
                .iter()
                .map(|&(name, n)| (name.to_owned(), n))
                .collect(),
        };
        nemesis.one(&fault, &AtomicBool::new(false));
        println!("{kind} {target}: {:.1} s", started.elapsed().as_secs_f64());
    }
    nemesis.recover().unwrap();
    let digests = digests(&world);
    observer.stop();
    let _ = worker.kill();
    let _ = worker.wait();
    let told: Vec<Event> = told.try_iter().collect();
    assert_seen(&told, faults.len());
    assert_same_digests(&digests, nodes);
    for (id, how) in world.shutdown() {
        assert_eq!(how, "exit code 0", "node {id}");
    }
    assert_eq!(world.keep_data().unwrap().len(), world.nodes().len());
}

fn assert_seen(told: &[Event], faults: usize) {
    let mut unseen = String::new();
    let named = |name: &str| Process::Named(name.to_owned());
    let of_nemesis: Vec<&Event> = told
        .iter()
        .filter(|e| e.process == named("nemesis"))
        .collect();
    for event in &of_nemesis {
        println!("{} {}", event.f, event.value);
        if event.value["observed"] != true {
            unseen += &format!("{} {}\n", event.f, event.value);
        }
    }
    assert_eq!(of_nemesis.len(), 2 * faults);
    let surprises = told
        .iter()
        .filter(|e| e.f == "node-end" && e.value["expected"] != true);
    for end in surprises {
        unseen += &format!("a node ended by itself: {}\n", end.value);
    }
    assert!(unseen.is_empty(), "not seen:\n{unseen}");
    let leaders = told
        .iter()
        .filter(|e| e.f == "leader" && e.value["state"] == "leader");
    assert!(leaders.count() > 0, "the observer saw no leader");
}

fn assert_same_digests(digests: &[Event], nodes: u64) {
    let shown: Vec<_> = digests
        .iter()
        .map(|e| (&e.value["zxid"], &e.value["digest"]))
        .collect();
    assert_eq!(shown.len() as u64, nodes, "{digests:?}");
    assert!(
        shown.iter().all(|one| Some(one) == shown.first()),
        "{digests:?}"
    );
}

#[test]
fn faults_of_processes_clients_and_operators_are_seen_and_healed() {
    if inside("faults_of_processes_clients_and_operators_are_seen_and_healed") {
        hurt_once(
            3,
            &[
                ("kill", "leader", &[]),
                ("kill", "majority", &[]),
                ("kill-all", "all", &[]),
                ("term", "follower", &[]),
                ("pause", "leader", &[]),
                ("restart-all", "all", &[]),
                ("leader-transfer", "leader", &[]),
                ("snapshot-storm", "all", &[]),
                ("client-pause", "client", &[]),
                ("client-kill", "client", &[]),
                ("bit-flip", "minority", &[]),
            ],
        );
    }
}

#[test]
fn faults_of_the_network_are_seen_and_healed() {
    if inside("faults_of_the_network_are_seen_and_healed") {
        hurt_once(
            3,
            &[
                ("partition-leader", "leader", &[]),
                ("partition-halves", "all", &[]),
                ("partition-majority-ring", "all", &[]),
                ("partition-bridge", "one", &[]),
                ("partition-one-way-in", "leader", &[]),
                ("partition-one-way-out", "leader", &[]),
                ("partition-clients", "minority", &[]),
                ("partition-peers", "follower", &[]),
                ("flapping", "follower", &[]),
                ("loss", "all", &[("percent", 20)]),
                ("delay", "all", &[("ms", 30), ("jitter", 10)]),
                ("big-packets", "one", &[]),
                ("reset", "one", &[]),
            ],
        );
    }
}

#[test]
fn faults_of_clocks_and_disks_are_seen_and_healed() {
    if inside("faults_of_clocks_and_disks_are_seen_and_healed") {
        hurt_once(
            3,
            &[
                ("clock-jump", "one", &[("seconds", 60)]),
                ("clock-drift", "one", &[("percent", 300)]),
                ("monotonic-epoch", "one", &[("seconds", 100_000)]),
                ("disk-full", "follower", &[]),
                ("disk-slow", "leader", &[("ms", 100)]),
                ("lost-writes", "all", &[]),
                ("torn-tail", "leader", &[]),
            ],
        );
    }
}

#[test]
fn members_come_and_go_and_are_seen() {
    if inside("members_come_and_go_and_are_seen") {
        // The lot of a fault's number decides what is changed: three of them meet more than one.
        let change: (&str, &str, &[(&str, i64)]) = ("membership", "follower", &[]);
        hurt_once(3, &[change; 3]);
    }
}
