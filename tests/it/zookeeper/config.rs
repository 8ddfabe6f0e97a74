//! `/zookeeper/config` and `reconfig`.

use std::net::Ipv4Addr;

use holdfast_tests::zookeeper::{auth, create, get, path_request, set, stat_of, watched};
use holdfast_tests::{Cluster, ZooKeeper, eventually};
use zookeeper::proto::acl::Perms;
use zookeeper::proto::config::{Role, ServerLine, servers};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::EventType;
use zookeeper::proto::request::{ReconfigRequest, Request};
use zookeeper::proto::response::{GetDataResponse, Response};

const CONFIG: &str = "/zookeeper/config";
/// Password "test".
const SUPER: &str = "--zookeeper-super-digest=super:D/InIHSb7yEEbrWz8b9l71RjZJU=";
const ENABLED: &str = "--zookeeper-reconfig=true";

fn cluster_of_three() -> Cluster {
    Cluster::start_with(3, &[SUPER, ENABLED])
}

fn by_super(cluster: &Cluster, node: u64) -> ZooKeeper {
    let mut client = cluster.zookeeper(node);
    let _ = client.done(&auth("super:test"));
    client
}

fn reconfig(joining: Option<&str>, leaving: Option<&str>, version: i64) -> Request {
    Request::Reconfig(ReconfigRequest {
        joining_servers: joining.map(str::to_owned),
        leaving_servers: leaving.map(str::to_owned),
        new_members: None,
        cur_config_id: version,
    })
}

fn joining(line: &str) -> Request {
    reconfig(Some(line), None, -1)
}

#[track_caller]
fn done(client: &mut ZooKeeper, request: &Request) -> (String, GetDataResponse) {
    match client.done(request) {
        Response::Data(found) => {
            let text = found.data.clone().unwrap_or_default().to_vec();
            (String::from_utf8(text).unwrap(), found)
        }
        other => panic!("{other:?}"),
    }
}

/// Waits until the text at this node has a line of this kind for a server.
fn wait_for_line(cluster: &Cluster, node: u64, id: u64, role: Option<Role>) -> Option<ServerLine> {
    let mut client = cluster.zookeeper(node);
    eventually(&format!("server {id} as {role:?} at node {node}"), || {
        let lines = servers(&client.data(CONFIG)).ok()?;
        let line = lines.into_iter().find(|line| line.id == id);
        let is_it = line.as_ref().map(|line| line.role) == role;
        is_it.then_some(line)
    })
}

#[test]
fn it_shows_every_node_where_it_is_and_is_the_same_everywhere() {
    let cluster = Cluster::start(3);
    let mut texts = Vec::new();
    for node in cluster.ids() {
        let mut client = cluster.zookeeper(node);
        // So that this node has what the others have.
        let _ = client.done(&Request::Sync(path_request("/")));
        let (text, found) = done(&mut client, &get(CONFIG));
        assert_eq!(found.stat.version, -1);
        let version = text.rsplit_once("version=").unwrap().1;
        let version = i64::from_str_radix(version, 16).unwrap();
        assert_eq!(version, found.stat.mzxid);
        texts.push((text, found));
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    let lines = servers(&texts[0].0).unwrap();
    assert_eq!(lines.len(), 3);
    for line in lines {
        let host = Ipv4Addr::LOCALHOST.to_string();
        let port = cluster.zookeeper_address(line.id).port();
        assert_eq!(line.clients, (host.clone(), port));
        assert_eq!((line.host, line.role), (host, Role::Participant));
        assert_eq!(line.first_port, cluster.peer_address(line.id).port());
    }
}

#[test]
fn everybody_reads_it_and_nobody_writes_it_by_hand() {
    let cluster = cluster_of_three();
    let mut client = cluster.zookeeper(1);
    let Response::Acl(found) = client.done(&Request::GetAcl(path_request(CONFIG))) else {
        panic!("an access list");
    };
    let lists: Vec<_> = found
        .acl
        .iter()
        .map(|acl| (acl.perms, acl.id.id.as_str()))
        .collect();
    assert_eq!(lists, [(Perms::READ, "anyone")]);
    assert_eq!(client.refused(&set(CONFIG, "x")), ErrorCode::NoAuth);
    let mut operator = by_super(&cluster, 2);
    assert_eq!(operator.refused(&set(CONFIG, "x")), ErrorCode::BadArguments);
}

/// As kazoo does it: the new server does not exist.
#[test]
fn an_observer_nobody_has_heard_of_comes_and_goes_and_watchers_are_told() {
    let mut cluster = cluster_of_three();
    cluster.expect_lost_peers();
    let line = "server.100=127.0.0.1:1:2:observer;127.0.0.1:3";
    for node in cluster.ids() {
        let mut watcher = cluster.zookeeper(cluster.follower());
        let before = done(&mut watcher, &Request::GetData(watched(CONFIG))).0;
        let mut operator = by_super(&cluster, node);
        let added = line.replace("100", &(100 + node).to_string());
        let (text, found) = done(&mut operator, &joining(&added));
        assert!(text.contains(&added), "{text}");
        assert_eq!(found.stat.version, -1);
        // The reply is what is there, and the next read of this client finds it.
        assert_eq!(done(&mut operator, &get(CONFIG)).0, text);
        assert_eq!(
            watcher.event(),
            (EventType::NodeDataChanged, CONFIG.to_owned())
        );
        assert_ne!(done(&mut watcher, &get(CONFIG)).0, before);
        let leaving = reconfig(None, Some(&(100 + node).to_string()), found.stat.mzxid);
        let (text, _) = done(&mut operator, &leaving);
        assert!(!text.contains(&added), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_in_zookeepers_order() {
    let cluster = cluster_of_three();
    let mut client = cluster.zookeeper(cluster.follower());
    let version = client.stat(CONFIG).unwrap().mzxid;
    let good = "server.999=0.0.0.0:1234:2345:observer;3456";
    let cases = [
        // The version before the text, the text before the members, and who asks last.
        (
            reconfig(Some("some thing"), None, version + 1),
            ErrorCode::BadVersion,
        ),
        (joining("some thing"), ErrorCode::BadArguments),
        (reconfig(None, Some("x"), -1), ErrorCode::BadArguments),
        (reconfig(None, Some("1,2,3"), -1), ErrorCode::BadArguments),
        (
            joining(&format!("{good},server.998=0.0.0.0:1234:1:observer;1")),
            ErrorCode::BadArguments,
        ),
        (
            joining("server.999=127.0.0.1:1234:2345:participant;3456"),
            ErrorCode::NewConfigNoQuorum,
        ),
        (joining(good), ErrorCode::NoAuth),
        (reconfig(None, None, version), ErrorCode::NoAuth),
    ];
    for (request, expected) in cases {
        assert_eq!(client.refused(&request), expected, "{request:?}");
    }
    assert_eq!(
        client.stat(CONFIG).unwrap().mzxid,
        version,
        "nothing happened"
    );
    let mut operator = by_super(&cluster, 1);
    assert_eq!(
        operator.refused(&reconfig(Some(good), None, version + 1)),
        ErrorCode::BadVersion
    );
    let all = Request::Reconfig(ReconfigRequest {
        joining_servers: None,
        leaving_servers: None,
        new_members: Some(String::new()),
        cur_config_id: -1,
    });
    assert_eq!(operator.refused(&all), ErrorCode::BadArguments);
}

#[test]
fn it_is_off_unless_it_is_switched_on() {
    let cluster = Cluster::start_with(1, &[SUPER]);
    let mut operator = by_super(&cluster, 1);
    assert_eq!(
        operator.refused(&joining("some thing")),
        ErrorCode::ReconfigDisabled
    );
}

/// A node that joins by HTTP is shown; then a ZooKeeper client gives it a vote, and takes it away.
#[test]
fn a_node_that_joined_becomes_a_participant_and_leaves() {
    let mut cluster = cluster_of_three();
    cluster.expect_lost_peers();
    cluster.join(4);
    cluster.wait_ready(4);
    let line = wait_for_line(&cluster, 1, 4, Some(Role::Observer)).unwrap();
    assert_eq!(line.clients.1, cluster.zookeeper_address(4).port());
    let mut operator = by_super(&cluster, cluster.follower());
    let votes = ServerLine {
        role: Role::Participant,
        ..line
    };
    let promoted = eventually("the new node to have caught up", || {
        match operator.ask(&joining(&votes.to_string())).result {
            Ok(Response::Data(found)) => found.data,
            Err(ErrorCode::NewConfigNoQuorum) => None,
            other => panic!("{other:?}"),
        }
    });
    let promoted = String::from_utf8(promoted.to_vec()).unwrap();
    assert!(promoted.contains(&votes.to_string()), "{promoted}");
    let quorum = cluster.http(1).get("/v1/cluster").unwrap().json()["quorum"].clone();
    assert_eq!(quorum, 3);
    let _ = done(&mut operator, &reconfig(None, Some("4"), -1));
    cluster.kill(4);
    assert_eq!(wait_for_line(&cluster, 2, 4, None), None);
}

/// A client that writes behind a reconfiguration finds what it had written before and after.
#[test]
fn writes_around_it_keep_their_order() {
    let mut cluster = cluster_of_three();
    cluster.expect_lost_peers();
    let mut operator = by_super(&cluster, cluster.follower());
    let node = |path: &str| Request::Create(create(path, "", CreateMode::Persistent));
    let all = [
        node("/before"),
        joining("server.100=127.0.0.1:1:2:observer;127.0.0.1:3"),
        node("/after"),
        stat_of("/after"),
        reconfig(None, Some("100"), -1),
        stat_of(CONFIG),
    ];
    operator.send_all(&all);
    let replies: Vec<Response> = all
        .iter()
        .map(|_| operator.reply().result.unwrap())
        .collect();
    let czxid = |path: &str, operator: &mut ZooKeeper| operator.stat(path).unwrap().czxid;
    let [
        _,
        Response::Data(joined),
        _,
        _,
        Response::Data(left),
        Response::Stat(last),
    ] = &replies[..]
    else {
        panic!("{replies:?}");
    };
    assert!(czxid("/before", &mut operator) < joined.stat.mzxid);
    assert!(joined.stat.mzxid < czxid("/after", &mut operator));
    assert!(czxid("/after", &mut operator) < left.stat.mzxid);
    assert_eq!(left.stat, *last);
}
