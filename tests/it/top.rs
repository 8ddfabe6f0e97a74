//! `holdfast top`: what an operator sees of a cluster, also while something is wrong with it.

use holdfast_tests::terminal::Terminal;
use holdfast_tests::{Cluster, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const CLAIMS: &str = "/v1/locks/deploy/prod/-/claims";

/// Three nodes; a lock that is held, for a reason that would clear a screen, and waited for.
fn busy_cluster() -> Cluster {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    cluster.open_session("b");
    let http = cluster.http(1);
    let why = json!({"reason": "release \u{1b}[2J 2.8.1"}).to_string();
    let held = http.session("a").put(&format!("{CLAIMS}/c1"), &why);
    let _ = held.unwrap().expect(201);
    let waiting = http.session("b").put(&format!("{CLAIMS}/c2"), "{}");
    let _ = waiting.unwrap().expect(202);
    cluster
}

fn once(cluster: &Cluster) -> Value {
    let words = ["top", "--once", "--interval", "200ms", "-o", "json"];
    cluster.cli().run(&words).expect(0).json()
}

#[test]
fn one_frame_is_plain_text_or_a_line_of_json() {
    let cluster = busy_cluster();
    let leader = format!("leader n{}", cluster.leader());
    let plain = cluster.cli().run(&["top", "--interval", "200ms"]).expect(0);
    let lock = |line: &&str| line.starts_with("deploy/prod ") && line.contains("\u{fffd}[2J 2.8.1");
    assert!(
        plain.stdout.lines().any(|line| lock(&line)),
        "{}",
        plain.stdout
    );
    assert!(!plain.stdout.contains('\u{1b}'), "{}", plain.stdout);
    for part in [
        leader.as_str(),
        "can lose 1 of 3",
        "(3 of 3 nodes)",
        "waits for deploy/prod",
    ] {
        assert!(plain.stdout.contains(part), "{part}: {}", plain.stdout);
    }

    let seen = once(&cluster);
    assert_eq!(seen["errors"], json!({}));
    assert!(seen["at"].as_str().unwrap().ends_with('Z'), "{seen}");
    assert_eq!(seen["hot"][0]["queue_length"], 1);
    assert_eq!(seen["rates"]["nodes"], 3);
    let sessions = seen["sessions"].as_array().unwrap();
    assert!(
        sessions.iter().all(|session| session["left_ms"].is_u64()),
        "{seen}"
    );
}

#[test]
fn what_a_dead_node_does_not_say_is_named_and_the_rest_is_there() {
    let mut cluster = busy_cluster();
    cluster.expect_lost_peers();
    let dead = cluster.follower();
    cluster.kill(dead);
    until("the member to be unreachable", || {
        let seen = once(&cluster);
        let members = seen["cluster"]["members"].as_array().unwrap().clone();
        let member = &members[usize::try_from(dead).unwrap() - 1];
        let named = seen["errors"][format!("nodes.n{dead}")].is_string();
        assert_eq!(seen["hot"][0]["lock"], "deploy/prod");
        named && member["reachable"] == false && seen["rates"]["nodes"] == 2
    });
}

#[test]
fn without_a_quorum_it_says_what_each_node_says_and_that_it_knows_no_more() {
    let mut cluster = busy_cluster();
    cluster.expect_lost_peers();
    for id in [1, 3] {
        cluster.kill(id);
    }
    let words = ["top", "--once", "--interval", "200ms", "-o", "json"];
    until("the cluster not to answer", || {
        let finished = cluster.cli().run(&words);
        let seen = finished.json();
        let nodes = seen["nodes"].as_object().unwrap();
        // By its address, if it is not known who is in.
        let left = nodes.values().any(|node| node["node"] == "n2");
        let silent = nodes.values().filter(|node| node.is_null()).count();
        let unknown = seen["errors"]["hot"].is_string() && seen["hot"].is_null();
        finished.code == Some(69) && left && silent == 2 && unknown
    });
}

#[test]
fn on_a_terminal_keys_turn_tables_and_the_terminal_is_given_back() {
    let cluster = busy_cluster();
    let live = || {
        let mut command = cluster
            .cli()
            .command(&["top", "--interval", "200ms", "--no-color"]);
        Terminal::start(&mut command)
    };
    let mut terminal = live();
    terminal.wait_for("deploy/prod");
    assert!(!terminal.is_as_before(), "keys come one by one");
    terminal.press("\r");
    terminal.wait_for("why is deploy/prod as it is");
    terminal.wait_for("request-release");
    terminal.press("q2");
    terminal.wait_for("HOLDS");
    terminal.press("q");
    terminal.wait_until_left();
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
    assert!(terminal.is_as_before());

    let mut terminal = live();
    terminal.wait_for("deploy/prod");
    let pid = Pid::from_raw(i32::try_from(terminal.child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    terminal.wait_until_left();
    assert_eq!(terminal.child.wait().unwrap().code(), Some(143));
    assert!(terminal.is_as_before());
}
