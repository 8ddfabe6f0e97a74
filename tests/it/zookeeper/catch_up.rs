//! `setWatches`: a client that was away hears of what it missed, and goes on watching.

use holdfast_tests::zookeeper::{Received, delete, four_letters, set};
use holdfast_tests::{Cluster, ZooKeeper, until};
use zookeeper::proto::event::{EventType, WatcherEvent};
use zookeeper::proto::header::Xid;
use zookeeper::proto::request::{Request, SetWatches, SetWatches2};
use zookeeper::proto::response::Response;

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

fn paths(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Events up to the next reply, which must be a success.
fn before_the_reply(client: &mut ZooKeeper) -> Vec<WatcherEvent> {
    let mut events = Vec::new();
    loop {
        match client.receive().unwrap() {
            Received::Event(event) => events.push(event),
            Received::Reply(reply) => {
                assert_eq!(reply.result, Ok(Response::Empty));
                return events;
            }
        }
    }
}

/// A client that saw everything, then another that changed it.
fn changed_while_away(cluster: &Cluster) -> (ZooKeeper, ZooKeeper) {
    let mut client = cluster.zookeeper(1);
    for path in ["/same", "/changed", "/deleted", "/parent", "/lonely"] {
        client.make(path);
    }
    client.make("/parent/child");
    let mut writer = cluster.zookeeper(2);
    writer.sync();
    let _ = writer.done(&set("/changed", "1"));
    let _ = writer.done(&delete("/deleted"));
    writer.make("/created");
    let _ = writer.done(&delete("/parent/child"));
    let again = client.take_up(cluster.zookeeper_address(3)).unwrap();
    (again, writer)
}

#[test]
fn what_was_missed_is_told_before_the_reply_and_the_rest_is_watched() {
    let cluster = Cluster::start(3);
    let (mut client, mut writer) = changed_while_away(&cluster);
    let seen = client.seen();
    client.sync();
    let request = Request::SetWatches(SetWatches {
        relative_zxid: seen,
        data_watches: paths(&["/same", "/changed", "/deleted"]),
        exist_watches: paths(&["/created", "/not-yet"]),
        child_watches: paths(&["/parent", "/lonely", "/deleted"]),
    });
    // The number the C client uses for it.
    client.send_as(Xid::SET_WATCHES, &request);
    let events = before_the_reply(&mut client);
    // They belong to no transaction.
    assert!(events.iter().all(|event| event.zxid == -1), "{events:?}");
    let mut told: Vec<(i32, &str)> = events.iter().map(|e| (e.kind.code(), &*e.path)).collect();
    told.sort_unstable();
    let mut expected = vec![
        (NodeDataChanged.code(), "/changed"),
        (NodeDeleted.code(), "/deleted"),
        (NodeCreated.code(), "/created"),
        (NodeChildrenChanged.code(), "/parent"),
        (NodeDeleted.code(), "/deleted"),
    ];
    expected.sort_unstable();
    assert_eq!(told, expected);
    // Those that had nothing to tell are set: three of them, and no more.
    let counted = four_letters(cluster.zookeeper_address(3), "wchs").unwrap();
    assert_eq!(counted, "1 connections watching 3 paths\nTotal watches:3\n");
    let _ = writer.done(&set("/changed", "2"));
    let _ = writer.done(&set("/same", "1"));
    writer.make("/not-yet");
    writer.make("/lonely/child");
    let expected = [
        (NodeDataChanged, "/same".to_owned()),
        (NodeCreated, "/not-yet".to_owned()),
        (NodeChildrenChanged, "/lonely".to_owned()),
    ];
    assert_eq!(client.events(), expected);
}

#[test]
fn persistent_watches_are_set_again_without_a_word_about_the_past() {
    let cluster = Cluster::start(3);
    let (mut client, mut writer) = changed_while_away(&cluster);
    let seen = client.seen();
    client.sync();
    // Java numbers it like any other request.
    client.send(&Request::SetWatches2(SetWatches2 {
        relative_zxid: seen,
        data_watches: paths(&["/changed"]),
        exist_watches: Vec::new(),
        child_watches: Vec::new(),
        persistent_watches: paths(&["/changed", "/parent"]),
        persistent_recursive_watches: paths(&["/same"]),
    }));
    let events = before_the_reply(&mut client);
    assert_eq!(events.len(), 1, "{events:?}");
    for _ in 0..2 {
        writer.make("/same/deep");
        writer.make("/parent/child");
        let _ = writer.done(&delete("/parent/child"));
        let _ = writer.done(&delete("/same/deep"));
        let expected = [
            (NodeCreated, "/same/deep".to_owned()),
            (NodeChildrenChanged, "/parent".to_owned()),
            (NodeChildrenChanged, "/parent".to_owned()),
            (NodeDeleted, "/same/deep".to_owned()),
        ];
        assert_eq!(client.events(), expected);
    }
}

#[test]
fn a_client_comes_back_with_its_watches_when_its_node_restarts() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let node = cluster.follower();
    let address = cluster.zookeeper_address(node);
    let mut client = cluster.zookeeper(node);
    client.make("/kept");
    cluster.terminate(node);
    assert!(client.is_closed());
    let other = cluster.running()[0];
    let _ = cluster.zookeeper(other).done(&set("/kept", "while away"));
    cluster.start_node(node);
    cluster.wait_ready(node);
    let mut again = None;
    until("the session to be taken up", || {
        again = client.take_up(address).ok();
        again.is_some()
    });
    let mut client = again.unwrap();
    assert!(!client.session().is_refused());
    let seen = client.seen();
    client.sync();
    client.send(&Request::SetWatches(SetWatches {
        relative_zxid: seen,
        data_watches: paths(&["/kept"]),
        exist_watches: Vec::new(),
        child_watches: paths(&["/kept"]),
    }));
    let events = before_the_reply(&mut client);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (events[0].kind, &*events[0].path),
        (NodeDataChanged, "/kept")
    );
    assert_eq!(client.data("/kept"), "while away");
    cluster.zookeeper(other).make("/kept/child");
    assert_eq!(client.events(), [(NodeChildrenChanged, "/kept".to_owned())]);
}
