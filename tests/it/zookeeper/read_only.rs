//! A node that lost its quorum, for clients that take a read-only server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use holdfast_tests::zookeeper::{
    create, delete, four_letters, is_end, list, new_session, path_request, set, watched,
};
use holdfast_tests::{Cluster, ZooKeeper, eventually, until};
use zookeeper::proto::connect::ConnectRequest;
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::request::{ReconfigRequest, Request};
use zookeeper::proto::response::Response;

const READ_ONLY: &str = "--zookeeper-read-only=true";
/// No client is left without an answer or a closed connection for longer, on a busy machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

fn takes_read_only() -> ConnectRequest {
    ConnectRequest {
        read_only: Some(true),
        ..new_session()
    }
}

/// Whether the node sends this client away, and soon.
fn is_sent_away(address: SocketAddr, request: &ConnectRequest) -> bool {
    let asked = Instant::now();
    let answer = ZooKeeper::connect_with(address, request);
    assert!(asked.elapsed() < ANSWER_WITHIN, "{:?}", asked.elapsed());
    matches!(answer, Err(error) if is_end(&error))
}

fn isro(address: SocketAddr) -> String {
    four_letters(address, "isro").unwrap()
}

/// Three nodes with a little data, two of them killed.
fn alone(settings: &[&str]) -> (Cluster, ZooKeeper) {
    let mut cluster = Cluster::start_with(3, settings);
    cluster.expect_lost_peers();
    let mut client = cluster.zookeeper(1);
    client.make("/a");
    let _ = client.done(&set("/a", "before"));
    cluster.kill(2);
    cluster.kill(3);
    (cluster, client)
}

#[test]
fn reads_are_served_and_everything_else_is_refused() {
    let (cluster, mut before) = alone(&[READ_ONLY]);
    let address = cluster.zookeeper_address(1);
    until("read-only mode", || isro(address) == "ro");
    assert!(before.is_closed(), "a session of the cluster is not served");
    let mut client = ZooKeeper::connect_with(address, &takes_read_only()).unwrap();
    assert_eq!(client.session().read_only, Some(true));
    assert_eq!(client.data("/a"), "before");
    let Response::Children(children) = client.done(&list("/")) else {
        panic!("children");
    };
    assert_eq!(children, ["a", "zookeeper"]);
    let fields = create("/b", "", CreateMode::Ephemeral);
    let refused = [
        Request::Create(fields.clone()),
        Request::Create2(fields),
        set("/a", "after"),
        delete("/a"),
        Request::Sync(path_request("/a")),
        Request::Multi(Vec::new()),
        Request::Reconfig(ReconfigRequest {
            joining_servers: None,
            leaving_servers: Some("2".to_owned()),
            new_members: None,
            cur_config_id: -1,
        }),
    ];
    for request in &refused {
        assert_eq!(
            client.refused(request),
            ErrorCode::NotReadOnly,
            "{request:?}"
        );
    }
    let _ = client.done(&Request::Ping);
    assert!(
        four_letters(address, "srvr")
            .unwrap()
            .contains("Mode: read-only")
    );
    // Who did not ask for it, and who has a session of the cluster, is sent away.
    assert!(is_sent_away(address, &new_session()));
    let resumption = ConnectRequest {
        read_only: Some(true),
        ..before.resumption()
    };
    assert!(is_sent_away(address, &resumption));
    client.done(&Request::CloseSession);
    assert!(client.is_closed());
}

#[test]
fn when_the_quorum_returns_the_connections_end_and_the_session_is_none() {
    let (mut cluster, before) = alone(&[READ_ONLY]);
    let address = cluster.zookeeper_address(1);
    let mut client = eventually("to be served reads", || {
        ZooKeeper::connect_with(address, &takes_read_only()).ok()
    });
    assert_eq!(client.session().read_only, Some(true));
    let _ = client.done(&Request::GetData(watched("/a")));
    cluster.start_all();
    assert!(client.is_closed());
    until("read-write mode", || isro(address) == "rw");
    // The local session is not known anywhere: the client starts anew.
    let again = ConnectRequest {
        read_only: Some(true),
        last_zxid_seen: 0,
        ..client.resumption()
    };
    for node in cluster.ids() {
        let answer = ZooKeeper::connect_with(cluster.zookeeper_address(node), &again).unwrap();
        assert!(answer.session().is_refused());
    }
    let mut fresh = ZooKeeper::connect_with(address, &takes_read_only()).unwrap();
    assert_eq!(fresh.session().read_only, Some(false));
    let _ = fresh.done(&set("/a", "after"));
    // And the session of the cluster goes on.
    let taken_up = before.take_up(cluster.zookeeper_address(2)).unwrap();
    assert!(!taken_up.session().is_refused());
}

#[test]
fn without_the_setting_everybody_is_sent_away() {
    let (cluster, mut before) = alone(&[]);
    let address = cluster.zookeeper_address(1);
    assert!(before.is_closed());
    assert!(is_sent_away(address, &takes_read_only()));
    assert_eq!(isro(address), "null");
}
