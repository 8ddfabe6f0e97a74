//! ZooKeeper's `AdminServer` on the node's API port, and the door in its metrics.

use holdfast_tests::zookeeper::{create, four_letters, get, set, watched};
use holdfast_tests::{Cluster, until};
use serde_json::Value;
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::header::Xid;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::Request;

#[track_caller]
fn asked(cluster: &Cluster, node: u64, name: &str) -> Value {
    let answer = cluster.http(node).get(&format!("/commands/{name}"));
    let answer = answer.unwrap().expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

fn metrics(cluster: &Cluster) -> String {
    cluster.http(1).get("/metrics").unwrap().expect(200).text()
}

/// The value of one sample.
fn metric(cluster: &Cluster, name: &str) -> f64 {
    let text = metrics(cluster);
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("{name} in {text}"));
    value.parse().unwrap()
}

#[test]
fn commands_are_listed_and_have_long_and_short_names() {
    let cluster = Cluster::start(1);
    let list = cluster.http(1).get("/commands").unwrap().expect(200);
    assert!(
        list.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    let list = list.text();
    for (name, others) in [
        ("configuration", ["conf", "config"].as_slice()),
        ("connections", &["cons"]),
        ("environment", &["env", "envi"]),
        ("is_read_only", &["isro"]),
        ("leader", &["lead"]),
        ("monitor", &["mntr"]),
        ("server_stats", &["srvr"]),
        ("stats", &["stat"]),
        ("watch_summary", &["wchs"]),
        ("zabstate", &[]),
    ] {
        assert!(
            list.contains(&format!("<a href=\"/commands/{name}\">{name}</a>")),
            "{list}"
        );
        for asked_as in others.iter().chain([&name]) {
            let answer = asked(&cluster, 1, asked_as);
            assert_eq!(answer["command"], name);
            assert!(answer["error"].is_null(), "{answer}");
        }
    }
    let unknown = asked(&cluster, 1, "nonsense");
    assert_eq!(unknown["command"], "nonsense");
    assert_eq!(unknown["error"], "Unknown command: nonsense");
}

#[test]
fn what_is_not_done_here_is_not_to_be_taken_for_done() {
    let cluster = Cluster::start(1);
    let http = cluster.http(1);
    let refused = |answer: holdfast_tests::http::Answer, status| {
        let answer = answer.expect(status).json();
        assert!(
            answer["error"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{answer}"
        );
    };
    refused(http.get("/commands/snapshot").unwrap(), 501);
    refused(http.post("/commands/restore", "bytes").unwrap(), 501);
    refused(http.post("/commands/shed", "{}").unwrap(), 501);
    refused(http.get("/commands/restore").unwrap(), 405);
    refused(http.post("/commands/monitor", "").unwrap(), 405);
    for name in ["set_trace_mask", "system_properties", "last_snapshot"] {
        assert!(asked(&cluster, 1, name)["error"].is_string(), "{name}");
    }
}

#[test]
fn commands_tell_what_words_tell_under_the_names_of_the_admin_server() {
    let cluster = Cluster::start(3);
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let mut client = cluster.zookeeper(leader);
    client.make("/c");
    client.create("/c/e", CreateMode::Ephemeral);
    let _ = client.done(&Request::GetData(watched("/c")));
    let session = client.session().session_id;

    let connections = asked(&cluster, leader, "cons");
    let one = &connections["connections"][0];
    assert_eq!(one["session_id"], session);
    assert_eq!(one["last_operation"], "GETD");
    assert_eq!(one["packets_received"], 4);
    assert_eq!(one["last_zxid"], client.seen());
    assert!(
        one["avg_latency"].is_u64() && one["established"].is_u64(),
        "{one}"
    );
    assert_eq!(connections["secure_connections"], Value::Array(Vec::new()));

    let dump = asked(&cluster, leader, "dump");
    let owned = &dump["session_id_to_ephemeral_paths"][session.to_string()];
    assert_eq!(owned, &serde_json::json!(["/c/e"]));
    let buckets = dump["expiry_time_to_session_ids"].as_object().unwrap();
    assert!(buckets.values().any(|ids| ids[0] == session), "{dump}");

    let watches = asked(&cluster, leader, "watches");
    let watched = &watches["session_id_to_watched_paths"][session.to_string()];
    assert_eq!(watched, &serde_json::json!(["/c"]));
    let by_path = asked(&cluster, leader, "wchp");
    assert_eq!(
        by_path["path_to_session_ids"]["/c"],
        serde_json::json!([session])
    );
    assert_eq!(asked(&cluster, leader, "wchs")["num_total_watches"], 1);

    let stats = asked(&cluster, leader, "srvr");
    assert_eq!(stats["server_stats"]["server_state"], "leader");
    assert_eq!(stats["read_only"], false);
    assert!(
        stats["proposal_stats"]["last_buffer_size"]
            .as_i64()
            .unwrap()
            > 0,
        "{stats}"
    );
    assert!(asked(&cluster, follower, "srvr")["proposal_stats"].is_null());

    let monitor = asked(&cluster, leader, "mntr");
    assert_eq!(monitor["ephemerals_count"], 1);
    assert_eq!(monitor["server_state"], "leader");
    let told = asked(&cluster, follower, "leader");
    assert_eq!(
        (&told["is_leader"], &told["leader_id"]),
        (&false.into(), &leader.into())
    );
    assert_eq!(told["leader_ip"], "127.0.0.1");
    let voters = asked(&cluster, follower, "voting_view");
    assert_eq!(
        voters["current_config"].as_object().unwrap().len(),
        3,
        "{voters}"
    );
    for id in cluster.ids() {
        assert_eq!(
            voters["current_config"][id.to_string()]["client_address"],
            cluster.zookeeper_address(id).to_string()
        );
    }
}

#[test]
fn limits_that_were_reached_are_counted() {
    let mut cluster = Cluster::start_with(
        1,
        &[
            "--zookeeper-connections-per-address=3",
            "--zookeeper-jute-maxbuffer=2000",
        ],
    );
    cluster.expect_log("too many ZooKeeper connections from one address");
    let address = cluster.zookeeper_address(1);
    let mut client = cluster.zookeeper(1);
    let _second = cluster.zookeeper(1);
    let third = cluster.zookeeper(1);
    assert_eq!(four_letters(address, "ruok").unwrap_or_default(), "");
    assert_eq!(
        metric(&cluster, "holdfast_zookeeper_connections_refused_total"),
        1.0
    );
    third.cut();
    until("a place to be free", || {
        four_letters(address, "ruok").is_ok_and(|answer| answer == "imok")
    });

    let parent = format!("/{}", "a".repeat(120));
    client.make(&parent);
    let mut fill = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            client.make(&format!("{parent}/{number}{}", "x".repeat(120)));
        }
        client.children(&parent).len()
    };
    // Ten names of 120 bytes fit a reply of 2,000, twenty do not, and are sent all the same.
    let large = "holdfast_zookeeper_replies_large_total";
    assert_eq!((fill(0..10), metric(&cluster, large)), (10, 0.0));
    assert_eq!((fill(10..20), metric(&cluster, large)), (20, 1.0));

    let long = Request::Create(create("/long", &"x".repeat(2_000), CreateMode::Persistent));
    let mut frame = bytes::BytesMut::new();
    long.encode(Xid(99), &mut frame).unwrap();
    client.send_bytes(Xid(99), OpCode::Create, &frame);
    assert!(client.is_closed());
    assert_eq!(
        metric(&cluster, "holdfast_zookeeper_frames_too_long_total"),
        1.0
    );
}

#[test]
fn a_connection_with_as_many_requests_as_it_may_have_is_counted() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader();
    let mut client = cluster.zookeeper(leader);
    client.make("/full");
    let followers: Vec<u64> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != leader)
        .collect();
    for id in &followers {
        cluster.pause(*id);
    }
    let writes: Vec<Request> = (0..1_200)
        .map(|number| set("/full", &number.to_string()))
        .collect();
    client.send_all(&writes);
    let http = cluster.http(leader);
    let reached = "holdfast_zookeeper_outstanding_reached_total 1\n";
    let outstanding = "holdfast_zookeeper_outstanding 1000\n";
    until("a thousand requests to be under way, and no more", || {
        let text = http.get("/metrics").unwrap().expect(200).text();
        text.contains(reached) && text.contains(outstanding)
    });
    for id in &followers {
        cluster.resume(*id);
    }
    for number in 0..writes.len() {
        assert!(client.reply().result.is_ok(), "{number}");
    }
}

#[test]
fn what_clients_do_is_counted() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    client.make("/w");
    let _ = client.done(&Request::GetData(watched("/w")));
    let _ = client.done(&set("/w", "1"));
    let _ = client.done(&get("/w"));
    assert_eq!(client.events().len(), 1);
    let ops = "holdfast_zookeeper_request_duration_seconds_count";
    for (name, value) in [
        (format!("{ops}{{op=\"getData\"}}"), 2.0),
        (format!("{ops}{{op=\"setData\"}}"), 1.0),
        (
            "holdfast_zookeeper_request_duration_seconds_bucket{le=\"+Inf\",op=\"setData\"}"
                .to_owned(),
            1.0,
        ),
        (format!("{ops}{{op=\"createSession\"}}"), 1.0),
        (
            "holdfast_zookeeper_events_total{event=\"changed\"}".to_owned(),
            1.0,
        ),
        ("holdfast_zookeeper_sessions_opened_total".to_owned(), 1.0),
        ("holdfast_zookeeper_connections".to_owned(), 1.0),
        ("holdfast_zookeeper_watches".to_owned(), 0.0),
        ("num_alive_connections".to_owned(), 1.0),
        ("watch_count".to_owned(), 0.0),
        ("global_sessions".to_owned(), 1.0),
    ] {
        assert_eq!(metric(&cluster, &name), value, "{name}");
    }
    let again = client.take_up(cluster.zookeeper_address(1)).unwrap();
    assert!(client.is_closed());
    until("the session to have moved", || {
        metric(&cluster, "holdfast_zookeeper_sessions_moved_total") == 1.0
    });
    assert_eq!(
        metric(&cluster, "holdfast_zookeeper_sessions_taken_up_total"),
        1.0
    );
    drop(again);
    assert!(metrics(&cluster).ends_with("# EOF\n"));
    assert!(metric(&cluster, "fsynctime_count") > 0.0);
}
