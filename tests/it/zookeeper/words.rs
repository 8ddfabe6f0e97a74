//! Four-letter words: monitoring tools parse them line by line, so each is held against what
//! ZooKeeper 3.9.3 prints.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use holdfast_tests::zookeeper::{four_letters, set, stat_of, watched};
use holdfast_tests::{Cluster, ZooKeeper, eventually, until};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::request::Request;

/// Every word is answered.
pub(super) const ALL: &[&str] = &["--zookeeper-words=*"];
/// For how long a test holds up the followers: long enough to be told from a slow disk.
const HELD_UP: Duration = Duration::from_millis(300);

pub(super) fn ask(cluster: &Cluster, node: u64, word: &str) -> String {
    four_letters(cluster.zookeeper_address(node), word).unwrap()
}

/// A session's id as words show it.
pub(super) fn sid(client: &ZooKeeper) -> String {
    format!("0x{:x}", client.session().session_id)
}

/// The fields of a session's line in `cons`.
fn cons(cluster: &Cluster, node: u64, session: &str) -> BTreeMap<String, String> {
    let all = ask(cluster, node, "cons");
    let wanted = format!(",sid={session},");
    let line = all.lines().find(|line| line.contains(&wanted));
    let line = line.unwrap_or_else(|| panic!("{session} in {all}"));
    let (head, fields) = line.split_once('(').unwrap();
    assert!(
        head.starts_with(" /127.0.0.1:") && head.ends_with("[1]"),
        "{line}"
    );
    let fields = fields.strip_suffix(')').unwrap();
    let field = |field: &str| {
        let (name, value) = field.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    fields.split(',').map(field).collect()
}

fn mntr(cluster: &Cluster, node: u64) -> BTreeMap<String, String> {
    let text = ask(cluster, node, "mntr");
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once('\t').unwrap_or_else(|| panic!("{line:?}"));
        assert!(name.starts_with("zk_") && !value.is_empty(), "{line:?}");
        assert!(
            rows.insert(name.to_owned(), value.to_owned()).is_none(),
            "{line:?} twice"
        );
    }
    rows
}

#[test]
fn connections_are_shown_with_what_they_did() {
    let cluster = Cluster::start_with(1, ALL);
    let mut client = cluster.zookeeper(1);
    let session = sid(&client);
    client.make("/a");
    let _ = client.done(&stat_of("/a"));
    let _ = client.done(&Request::Ping);
    let fields = cons(&cluster, 1, &session);
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "avglat", "est", "lcxid", "llat", "lop", "lresp", "lzxid", "maxlat", "minlat",
            "queued", "recved", "sent", "sid", "to"
        ]
    );
    // The connect request counts.
    for (name, value) in [
        ("queued", "0"),
        ("recved", "4"),
        ("sent", "4"),
        ("lop", "PING"),
        ("lcxid", "0x2"),
        ("to", "30000"),
        ("lzxid", &format!("0x{:x}", client.seen())),
    ] {
        assert_eq!(fields[name], value, "{name} in {fields:?}");
    }
    // An event is sent too.
    let _ = client.done(&Request::GetData(watched("/a")));
    let _ = client.done(&set("/a", "new"));
    let _ = client.event();
    let fields = cons(&cluster, 1, &session);
    assert_eq!(
        (fields["recved"].as_str(), fields["sent"].as_str()),
        ("6", "7")
    );
    assert_eq!(fields["lop"], "SETD");

    let stat = ask(&cluster, 1, "stat");
    let (clients, server) = stat.split_once("\n\n").unwrap();
    let mut lines = clients.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("Zookeeper version: 3.9.3-")
    );
    assert_eq!(lines.next(), Some("Clients:"));
    let lines: Vec<&str> = lines.collect();
    // The word itself comes over a connection.
    assert_eq!(lines.len(), 2, "{stat}");
    assert!(
        lines[0].ends_with("[1](queued=0,recved=6,sent=7)"),
        "{stat}"
    );
    assert!(
        lines[1].ends_with("[0](queued=0,recved=1,sent=0)"),
        "{stat}"
    );
    assert!(server.contains("\nConnections: 2\n"), "{stat}");

    assert_eq!(ask(&cluster, 1, "crst"), "Connection stats reset.\n");
    let fields = cons(&cluster, 1, &session);
    assert_eq!(
        (fields["recved"].as_str(), fields["lop"].as_str()),
        ("0", "NA")
    );
    assert_eq!(fields["lzxid"], "0xffffffffffffffff");
    assert!(!fields.contains_key("lcxid"), "{fields:?}");
    let _ = client.done(&stat_of("/a"));
    assert_eq!(cons(&cluster, 1, &session)["recved"], "1");
}

#[test]
fn latency_and_outstanding_requests_are_measured() {
    let mut cluster = Cluster::start_with(3, ALL);
    let leader = cluster.leader();
    let mut client = cluster.zookeeper(leader);
    client.make("/slow");
    let srvr = ask(&cluster, leader, "srvr");
    assert!(
        srvr.contains("\nProposal sizes last/min/max: ") && !srvr.contains("/-1"),
        "{srvr}"
    );
    assert_eq!(ask(&cluster, leader, "srst"), "Server stats reset.\n");
    let session = sid(&client);
    let followers: Vec<u64> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != leader)
        .collect();
    for id in &followers {
        cluster.pause(*id);
    }
    let sent = Instant::now();
    client.send(&set("/slow", "1"));
    client.send(&set("/slow", "2"));
    eventually("both requests to be outstanding", || {
        let fields = cons(&cluster, leader, &session);
        (fields["queued"] == "2").then_some(())
    });
    assert!(ask(&cluster, leader, "srvr").contains("\nOutstanding: 2\n"));
    assert_eq!(mntr(&cluster, leader)["zk_outstanding_requests"], "2");
    eventually("the time to be seen", || {
        (sent.elapsed() >= HELD_UP).then_some(())
    });
    for id in &followers {
        cluster.resume(*id);
    }
    for _ in 0..2 {
        assert!(client.reply().result.is_ok());
    }
    let bound = sent.elapsed().as_millis();
    // Another may have been elected meanwhile.
    cluster.wait_ready(leader);
    let fields = cons(&cluster, leader, &session);
    assert_eq!(fields["queued"], "0");
    let longest: u128 = fields["maxlat"].parse().unwrap();
    assert!((250..=bound).contains(&longest), "{longest} of {bound} ms");
    let srvr = ask(&cluster, leader, "srvr");
    let line = srvr
        .lines()
        .find_map(|line| line.strip_prefix("Latency min/avg/max: "));
    let parts: Vec<f64> = line
        .unwrap()
        .split('/')
        .map(|part| part.parse().unwrap())
        .collect();
    assert!(parts[0] <= parts[1] && parts[1] <= parts[2], "{srvr}");
    assert_eq!(parts[2].to_string(), fields["maxlat"], "{srvr}");
    assert!(srvr.contains("\nOutstanding: 0\n"), "{srvr}");
    let rows = mntr(&cluster, leader);
    assert_eq!(rows["zk_max_latency"], fields["maxlat"]);
}

#[test]
fn the_leader_tells_truly_how_many_follow_it() {
    let mut cluster = Cluster::start_with(3, ALL);
    let leader = cluster.leader();
    let synced = |cluster: &Cluster| mntr(cluster, leader)["zk_synced_followers"].clone();
    until("both followers to be in step", || synced(&cluster) == "2");
    let follower = cluster.follower();
    cluster.kill(follower);
    until("one to be missed", || synced(&cluster) == "1");
    let rows = mntr(&cluster, leader);
    assert_eq!(rows["zk_server_state"], "leader");
    assert_eq!(rows["zk_peer_state"], "leading - broadcast");
    for (name, value) in [
        ("zk_learners", "1"),
        ("zk_followers", "2"),
        ("zk_quorum_size", "3"),
    ] {
        assert_eq!(rows[name], value, "{name}");
    }
    cluster.start_node(follower);
    cluster.wait_ready(follower);
    until("it to be in step again", || synced(&cluster) == "2");
    let rows = mntr(&cluster, follower);
    assert_eq!(rows["zk_server_state"], "follower");
    for leaders_only in ["zk_synced_followers", "zk_learners", "zk_leader_uptime"] {
        assert!(!rows.contains_key(leaders_only), "{leaders_only}");
    }
}

#[test]
fn monitored_values_are_numbers_and_the_right_ones() {
    let cluster = Cluster::start_with(1, ALL);
    let mut client = cluster.zookeeper(1);
    let mut other = cluster.zookeeper(1);
    client.make("/m");
    client.create("/m/e", CreateMode::Ephemeral);
    client.create("/m/s-", CreateMode::EphemeralSequential);
    let _ = client.refused(&Request::Exists(watched("/none")));
    let _ = client.done(&Request::GetChildren(watched("/m")));
    let _ = other.refused(&Request::Exists(watched("/none")));
    let rows = mntr(&cluster, 1);
    for (name, value) in &rows {
        let is_text = ["zk_version", "zk_server_state", "zk_peer_state"].contains(&name.as_str());
        let number = value.parse::<f64>();
        assert!(
            is_text || number.is_ok_and(f64::is_finite),
            "{name} {value:?}"
        );
    }
    for (name, value) in [
        ("zk_ephemerals_count", "2"),
        ("zk_global_sessions", "2"),
        ("zk_num_alive_connections", "3"),
        ("zk_watch_count", "3"),
        ("zk_op_count_create", "3"),
        ("zk_op_count_create_session", "2"),
        ("zk_op_count_exists", "2"),
        ("zk_op_count_total", "8"),
        ("zk_cnt_readlatency", "3"),
        ("zk_cnt_updatelatency", "5"),
        ("zk_cnt_node_created_watch_count", "0"),
        ("zk_connection_request_count", "3"),
    ] {
        assert_eq!(rows[name], value, "{name}");
    }
    for name in [
        "zk_open_file_descriptor_count",
        "zk_max_file_descriptor_count",
        "zk_approximate_data_size",
        "zk_znode_count",
        "zk_uptime",
        "zk_cnt_fsynctime",
        "zk_last_proposal_size",
        "zk_max_client_response_size",
    ] {
        assert!(
            rows[name].parse::<i64>().unwrap() > 0,
            "{name} {}",
            rows[name]
        );
    }
    client.make("/none");
    client.sync();
    other.sync();
    let rows = mntr(&cluster, 1);
    assert_eq!(rows["zk_max_node_created_watch_count"], "2");
    assert_eq!(rows["zk_avg_node_created_watch_count"], "2.0");
    assert_eq!(rows["zk_watch_count"], "1");
    drop(other);
    until("the connection to be gone", || {
        mntr(&cluster, 1)["zk_num_alive_connections"] == "2"
    });
}
