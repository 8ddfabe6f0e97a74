//! `multi`: all or nothing, and the right answer for each member.

use holdfast_tests::zookeeper::{create, set, watched};
use holdfast_tests::{Cluster, ZooKeeper};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::EventType;
use zookeeper::proto::multi::{MultiOp, MultiReadOp, OpResult};
use zookeeper::proto::request::{CheckVersionRequest, DeleteRequest, Request, SetDataRequest};
use zookeeper::proto::response::Response;

fn new(path: &str) -> MultiOp {
    MultiOp::Create(create(path, "", CreateMode::Persistent))
}

fn check(path: &str, version: i32) -> MultiOp {
    MultiOp::Check(CheckVersionRequest {
        path: path.to_owned(),
        version,
    })
}

fn delete(path: &str) -> MultiOp {
    MultiOp::Delete(DeleteRequest {
        path: path.to_owned(),
        version: -1,
    })
}

fn change(path: &str, data: &'static str) -> MultiOp {
    MultiOp::SetData(SetDataRequest {
        path: path.to_owned(),
        data: Some(data.into()),
        version: -1,
    })
}

#[track_caller]
fn results(client: &mut ZooKeeper, ops: Vec<MultiOp>) -> Vec<OpResult> {
    match client.done(&Request::Multi(ops)) {
        Response::Multi(results) => results,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn codes(client: &mut ZooKeeper, ops: Vec<MultiOp>) -> Vec<i32> {
    let code = |result: OpResult| match result {
        OpResult::Error(code) => code.code(),
        other => panic!("{other:?}"),
    };
    results(client, ops).into_iter().map(code).collect()
}

#[test]
fn a_failed_multi_answers_each_member_changes_nothing_and_fires_nothing() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    client.make("/a");
    let before = client.stat("/a").unwrap();
    let _ = client.done(&Request::GetData(watched("/a")));
    let _ = client.done(&Request::GetChildren(watched("/a")));
    let _ = client.refused(&Request::Exists(watched("/new")));
    let outer = client.seen();
    let ops = vec![
        new("/new"),
        change("/a", "x"),
        delete("/none"),
        new("/a/b"),
        check("/a", -1),
    ];
    assert_eq!(codes(&mut client, ops), [0, 0, -101, -2, -2]);
    assert_eq!(client.seen(), outer + 1, "an attempt takes one zxid");
    assert_eq!(client.stat("/a"), Some(before));
    assert_eq!(client.stat("/new"), None);
    assert_eq!(client.events(), []);
    for (failing, code) in [
        (check("/a", 7), ErrorCode::BadVersion),
        (check("/none", -1), ErrorCode::NoNode),
        (new("/a"), ErrorCode::NodeExists),
        (new("noslash"), ErrorCode::BadArguments),
        (new("/a/"), ErrorCode::BadArguments),
        // The parent is looked for first.
        (new("/x/"), ErrorCode::NoNode),
        (new("no/slash"), ErrorCode::NoNode),
        (new("/x/../y"), ErrorCode::NoNode),
    ] {
        let ops = vec![new("/new"), failing, new("/newer")];
        assert_eq!(codes(&mut client, ops), [0, code.code(), -2]);
    }
    assert_eq!(client.stat("/new"), None);
    // The watches are all still there.
    let ops = vec![new("/new"), change("/a", "y"), new("/a/b")];
    assert_eq!(results(&mut client, ops).len(), 3);
    let expected = [
        (EventType::NodeCreated, "/new".to_owned()),
        (EventType::NodeDataChanged, "/a".to_owned()),
        (EventType::NodeChildrenChanged, "/a".to_owned()),
    ];
    assert_eq!(client.events(), expected);
}

#[test]
fn members_see_those_before_them_and_share_one_zxid() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    let numbered = |path: &str| MultiOp::Create2(create(path, "", CreateMode::EphemeralSequential));
    let ops = vec![
        new("/q"),
        numbered("/q/n-"),
        numbered("/q/n-"),
        MultiOp::CreateContainer(create("/q/box", "", CreateMode::Container)),
        change("/q", "set"),
        check("/q", 1),
        new("/gone"),
        delete("/gone"),
    ];
    let results = results(&mut client, ops);
    let zxid = client.seen();
    let stat = client.stat("/q").unwrap();
    assert_eq!((stat.czxid, stat.mzxid, stat.pzxid), (zxid, zxid, zxid));
    let [
        OpResult::Create { path },
        OpResult::Create2(first),
        OpResult::Create2(second),
        OpResult::Create2(container),
        OpResult::SetData(set),
        OpResult::Check,
        OpResult::Create { path: gone },
        OpResult::Delete,
    ] = &results[..]
    else {
        panic!("{results:?}");
    };
    assert_eq!((&**path, &**gone), ("/q", "/gone"));
    assert_eq!(
        (&*first.path, &*second.path),
        ("/q/n-0000000000", "/q/n-0000000001")
    );
    assert_eq!(first.stat.ephemeral_owner, client.session().session_id);
    assert_eq!(first.stat.czxid, zxid);
    assert_eq!(
        (&*container.path, container.stat.ephemeral_owner),
        ("/q/box", 0)
    );
    assert_eq!((set.version, set.num_children, set.mzxid), (1, 3, zxid));
    assert_eq!(client.stat("/gone"), None);
}

#[test]
fn an_empty_multi_succeeds_and_one_that_cannot_be_read_fails_as_a_whole() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    assert_eq!(results(&mut client, Vec::new()), []);
    let before = client.seen();
    let strange = vec![MultiOp::Create(zookeeper::proto::request::CreateRequest {
        flags: 99,
        ..create("/x", "", CreateMode::Persistent)
    })];
    assert_eq!(
        client.refused(&Request::Multi(strange)),
        ErrorCode::MarshallingError
    );
    assert_eq!(client.seen(), before + 1);
    // The connection stays.
    client.make("/x");
}

#[test]
fn members_of_a_multi_read_are_answered_one_by_one() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    client.make("/a");
    client.make("/a/b");
    let _ = client.done(&set("/a", "data"));
    let of = |path: &str| path.to_owned();
    let reads = vec![
        MultiReadOp::GetData { path: of("/a") },
        MultiReadOp::GetData { path: of("/none") },
        MultiReadOp::GetChildren { path: of("/a") },
    ];
    let Response::Multi(results) = client.done(&Request::MultiRead(reads)) else {
        panic!("not the answer to a multiRead");
    };
    let [
        OpResult::GetData(data),
        OpResult::Error(ErrorCode::NoNode),
        OpResult::GetChildren { children },
    ] = &results[..]
    else {
        panic!("{results:?}");
    };
    assert_eq!(data.data.as_deref(), Some(&b"data"[..]));
    assert_eq!(*children, ["b"]);
}
