//! Watches: what fires them, what they tell, how long they live, and that they leave nothing behind.

use holdfast_tests::zookeeper::{auth, create, delete, four_letters, set, watched};
use holdfast_tests::{Cluster, ZooKeeper, until};
use zookeeper::proto::acl::{Acl, Id, Perms};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::EventType;
use zookeeper::proto::request::{AddWatchRequest, Request, SetAclRequest, WatchesRequest};
use zookeeper::proto::response::Response;
use zookeeper::proto::watch::{AddWatchMode, WatcherType};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

fn persistent(path: &str, mode: AddWatchMode) -> Request {
    Request::AddWatch(AddWatchRequest {
        path: path.to_owned(),
        mode: mode.code(),
    })
}

fn meant(path: &str, kind: WatcherType) -> WatchesRequest {
    WatchesRequest {
        path: path.to_owned(),
        watcher_type: kind.code(),
    }
}

fn of(kind: EventType, path: &str) -> (EventType, String) {
    (kind, path.to_owned())
}

/// A node that does not lead, a client that watches there, and one that writes elsewhere.
fn watcher_and_writer(cluster: &Cluster) -> (ZooKeeper, ZooKeeper) {
    let mut writer = cluster.zookeeper(cluster.leader());
    writer.make("/a");
    writer.make("/a/b");
    let mut watcher = cluster.zookeeper(cluster.follower());
    watcher.sync();
    (watcher, writer)
}

#[test]
fn a_child_watch_fires_on_children_that_come_and_go_and_on_nothing_else() {
    let cluster = Cluster::start(3);
    let (mut watcher, mut writer) = watcher_and_writer(&cluster);
    for listing in [Request::GetChildren, Request::GetChildren2] {
        let _ = watcher.done(&listing(watched("/a")));
        let _ = writer.done(&set("/a/b", "1"));
        let _ = writer.done(&set("/a", "1"));
        writer.make("/a/b/c");
        let _ = writer.done(&set("/a/b/c", "1"));
        let _ = writer.done(&delete("/a/b/c"));
        assert_eq!(watcher.events(), []);
        writer.make("/a/new");
        assert_eq!(watcher.events(), [of(NodeChildrenChanged, "/a")]);
        // Once only.
        let _ = writer.done(&delete("/a/new"));
        assert_eq!(watcher.events(), []);
        let _ = watcher.done(&listing(watched("/a")));
        writer.make("/a/new");
        let _ = writer.done(&delete("/a/new"));
        assert_eq!(watcher.events(), [of(NodeChildrenChanged, "/a")]);
    }
    let _ = watcher.done(&Request::GetChildren(watched("/a/b")));
    let _ = writer.done(&delete("/a/b"));
    assert_eq!(watcher.events(), [of(NodeDeleted, "/a/b")]);
}

#[test]
fn a_data_watch_fires_once_and_exists_waits_for_what_is_missing() {
    let cluster = Cluster::start(3);
    let (mut watcher, mut writer) = watcher_and_writer(&cluster);
    let _ = watcher.done(&Request::GetData(watched("/a")));
    writer.make("/a/new");
    let _ = writer.done(&delete("/a/new"));
    assert_eq!(watcher.events(), []);
    let _ = writer.done(&set("/a", "1"));
    let _ = writer.done(&set("/a", "2"));
    assert_eq!(watcher.events(), [of(NodeDataChanged, "/a")]);
    // Neither of these leaves a watch.
    let missing = Request::GetData(watched("/a/new"));
    assert_eq!(watcher.refused(&missing), ErrorCode::NoNode);
    let missing = Request::GetChildren(watched("/a/new"));
    assert_eq!(watcher.refused(&missing), ErrorCode::NoNode);
    writer.make("/a/new");
    assert_eq!(watcher.events(), []);
    let _ = writer.done(&delete("/a/new"));
    watcher.sync();
    let exists = Request::Exists(watched("/a/new"));
    assert_eq!(watcher.refused(&exists), ErrorCode::NoNode);
    writer.make("/a/new");
    assert_eq!(watcher.events(), [of(NodeCreated, "/a/new")]);
    let _ = watcher.done(&exists);
    let _ = watcher.done(&Request::GetChildren(watched("/a/new")));
    let _ = writer.done(&delete("/a/new"));
    // Two watches, one event.
    assert_eq!(watcher.events(), [of(NodeDeleted, "/a/new")]);
}

#[test]
fn a_recursive_watch_tells_the_path_that_changed_and_never_of_children() {
    let cluster = Cluster::start(3);
    let (mut watcher, mut writer) = watcher_and_writer(&cluster);
    let recursive = persistent("/a", AddWatchMode::PersistentRecursive);
    assert_eq!(watcher.done(&recursive), Response::AddWatch);
    writer.make("/a/b/c");
    writer.make("/a/b/c/d");
    let _ = writer.done(&set("/a/b/c", "1"));
    let _ = writer.done(&set("/a", "1"));
    writer.make("/ab");
    let _ = writer.done(&delete("/a/b/c/d"));
    let expected = [
        of(NodeCreated, "/a/b/c"),
        of(NodeCreated, "/a/b/c/d"),
        of(NodeDataChanged, "/a/b/c"),
        of(NodeDataChanged, "/a"),
        of(NodeDeleted, "/a/b/c/d"),
    ];
    assert_eq!(watcher.events(), expected);
}

#[test]
fn a_persistent_watch_stays_and_tells_of_data_and_children_of_its_path() {
    let cluster = Cluster::start(3);
    let (mut watcher, mut writer) = watcher_and_writer(&cluster);
    let add = persistent("/a/x", AddWatchMode::Persistent);
    assert_eq!(watcher.done(&add), Response::AddWatch);
    for _ in 0..2 {
        writer.make("/a/x");
        let _ = writer.done(&set("/a/x", "1"));
        writer.make("/a/x/y");
        let _ = writer.done(&set("/a/x/y", "1"));
        let _ = writer.done(&delete("/a/x/y"));
        let _ = writer.done(&delete("/a/x"));
        let expected = [
            of(NodeCreated, "/a/x"),
            of(NodeDataChanged, "/a/x"),
            of(NodeChildrenChanged, "/a/x"),
            of(NodeChildrenChanged, "/a/x"),
            of(NodeDeleted, "/a/x"),
        ];
        assert_eq!(watcher.events(), expected);
    }
}

#[test]
fn kinds_of_watch_on_one_path_are_independent() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    client.make("/a");
    let all = |client: &mut ZooKeeper| {
        let _ = client.done(&Request::GetData(watched("/a")));
        let _ = client.done(&Request::GetChildren(watched("/a")));
        let _ = client.done(&persistent("/a", AddWatchMode::Persistent));
        let _ = client.done(&persistent("/a", AddWatchMode::PersistentRecursive));
    };
    let kinds = [
        WatcherType::Children,
        WatcherType::Data,
        WatcherType::Persistent,
        WatcherType::PersistentRecursive,
    ];
    let set_now = |client: &mut ZooKeeper| -> Vec<WatcherType> {
        let mut there = kinds.to_vec();
        there.retain(|kind| {
            match client
                .ask(&Request::CheckWatches(meant("/a", *kind)))
                .result
            {
                Ok(Response::Empty) => true,
                Err(ErrorCode::NoWatcher) => false,
                other => panic!("{other:?}"),
            }
        });
        there
    };
    for removed in kinds {
        all(&mut client);
        assert_eq!(set_now(&mut client), kinds);
        let _ = client.done(&Request::RemoveWatches(meant("/a", removed)));
        let left: Vec<_> = kinds.into_iter().filter(|kind| *kind != removed).collect();
        assert_eq!(set_now(&mut client), left);
        let again = Request::RemoveWatches(meant("/a", removed));
        assert_eq!(client.refused(&again), ErrorCode::NoWatcher);
    }
    // One event for all of them; only the one-shot watch on data is used up.
    all(&mut client);
    let _ = client.done(&set("/a", "1"));
    assert_eq!(client.events(), [of(NodeDataChanged, "/a")]);
    let left: Vec<_> = kinds
        .into_iter()
        .filter(|kind| *kind != WatcherType::Data)
        .collect();
    assert_eq!(set_now(&mut client), left);
    client.make("/a/b");
    let expected = [of(NodeCreated, "/a/b"), of(NodeChildrenChanged, "/a")];
    assert_eq!(client.events(), expected);
    let left = [WatcherType::Persistent, WatcherType::PersistentRecursive];
    assert_eq!(set_now(&mut client), left);
    all(&mut client);
    let _ = client.done(&Request::RemoveWatches(meant("/a", WatcherType::Any)));
    assert_eq!(set_now(&mut client), []);
    let any = Request::CheckWatches(meant("/a", WatcherType::Any));
    assert_eq!(client.refused(&any), ErrorCode::NoWatcher);
    let _ = client.done(&set("/a", "2"));
    assert_eq!(client.events(), []);
}

#[test]
fn watches_do_not_outlive_their_connection_and_are_counted_exactly() {
    let cluster = Cluster::start(1);
    let address = cluster.zookeeper_address(1);
    let counted = || four_letters(address, "wchs").unwrap();
    let none = "0 connections watching 0 paths\nTotal watches:0\n";
    assert_eq!(counted(), none);
    let mut writer = cluster.zookeeper(1);
    for name in ["/a", "/b", "/c"] {
        writer.make(name);
    }
    let mut clients: Vec<ZooKeeper> = (0..20).map(|_| cluster.zookeeper(1)).collect();
    for client in &mut clients {
        for _ in 0..3 {
            let _ = client.done(&Request::GetData(watched("/a")));
            let _ = client.done(&Request::Exists(watched("/a")));
            let _ = client.done(&Request::GetChildren(watched("/b")));
            let _ = client.refused(&Request::Exists(watched("/none")));
        }
    }
    assert_eq!(
        counted(),
        "20 connections watching 3 paths\nTotal watches:60\n"
    );
    let _ = writer.done(&set("/a", "1"));
    assert_eq!(
        counted(),
        "20 connections watching 2 paths\nTotal watches:40\n"
    );
    for client in &mut clients {
        assert_eq!(client.events(), [of(NodeDataChanged, "/a")]);
        let _ = client.done(&persistent("/c", AddWatchMode::PersistentRecursive));
    }
    // One half closes its session, the other only its connection.
    for (number, mut client) in clients.into_iter().enumerate() {
        if number % 2 == 0 {
            let _ = client.done(&Request::CloseSession);
        } else {
            client.cut();
        }
    }
    until("all watches to be gone", || counted() == none);
}

#[test]
fn a_watch_tells_nothing_to_who_may_not_read() {
    let cluster = Cluster::start(3);
    let (mut watcher, mut writer) = watcher_and_writer(&cluster);
    let _ = writer.done(&auth("u:secret"));
    let _ = watcher.done(&persistent("/a", AddWatchMode::PersistentRecursive));
    let mut fields = create("/a/hidden", "", CreateMode::Persistent);
    fields.acl = vec![Acl {
        perms: Perms::ALL,
        id: Id {
            scheme: "auth".to_owned(),
            id: String::new(),
        },
    }];
    let acl = fields.acl.clone();
    let _ = writer.done(&Request::Create(fields));
    let _ = writer.done(&set("/a/hidden", "1"));
    assert_eq!(watcher.events(), []);
    // The one-shot watch is used up by what it may not tell.
    let _ = watcher.done(&Request::GetData(watched("/a/b")));
    let closed = SetAclRequest {
        path: "/a/b".to_owned(),
        acl,
        version: -1,
    };
    let _ = writer.done(&Request::SetAcl(closed.clone()));
    let _ = writer.done(&set("/a/b", "1"));
    let open = SetAclRequest {
        acl: vec![Acl::open()],
        ..closed
    };
    let _ = writer.done(&Request::SetAcl(open));
    let data = Request::CheckWatches(meant("/a/b", WatcherType::Data));
    assert_eq!(watcher.events(), []);
    assert_eq!(watcher.refused(&data), ErrorCode::NoWatcher);
    let _ = watcher.done(&auth("u:secret"));
    let _ = writer.done(&set("/a/hidden", "2"));
    assert_eq!(watcher.events(), [of(NodeDataChanged, "/a/hidden")]);
}
