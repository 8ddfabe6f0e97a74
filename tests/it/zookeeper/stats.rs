//! Stats: recipes compute with them, so every number has to be ZooKeeper's.

use holdfast_tests::zookeeper::{create, delete, set};
use holdfast_tests::{Cluster, ZooKeeper};
use zookeeper::proto::acl::Acl;
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::request::{CreateTtlRequest, Request, SetAclRequest};
use zookeeper::proto::response::{Create2Response, Response};
use zookeeper::proto::stat::Stat;

#[track_caller]
fn created(client: &mut ZooKeeper, request: &Request) -> Create2Response {
    match client.done(request) {
        Response::Create2(created) => created,
        other => panic!("{other:?}"),
    }
}

/// The zxid of a write that succeeds.
#[track_caller]
fn zxid_of(client: &mut ZooKeeper, request: &Request) -> i64 {
    let reply = client.ask(request);
    assert!(reply.result.is_ok(), "{request:?}: {reply:?}");
    reply.zxid
}

fn plain(path: &str) -> Request {
    Request::Create(create(path, "", CreateMode::Persistent))
}

#[test]
fn each_write_changes_its_own_numbers_and_no_others() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    let made = zxid_of(&mut client, &plain("/p"));
    let fresh = client.stat("/p").unwrap();
    assert_eq!((fresh.czxid, fresh.mzxid, fresh.pzxid), (made, made, made));
    assert_eq!((fresh.version, fresh.cversion, fresh.aversion), (0, 0, 0));
    assert_eq!((fresh.num_children, fresh.ephemeral_owner), (0, 0));
    assert_eq!(fresh.ctime, fresh.mtime);

    let child = zxid_of(&mut client, &plain("/p/c"));
    let expected = Stat {
        pzxid: child,
        cversion: 1,
        num_children: 1,
        ..fresh
    };
    assert_eq!(client.stat("/p"), Some(expected));

    let changed = zxid_of(&mut client, &set("/p/c", "four"));
    assert_eq!(
        client.stat("/p"),
        Some(expected),
        "a child's data is its own matter"
    );
    let stat = client.stat("/p/c").unwrap();
    assert_eq!(
        (stat.czxid, stat.mzxid, stat.pzxid),
        (child, changed, child)
    );
    assert_eq!((stat.version, stat.cversion, stat.data_length), (1, 0, 4));

    let grandchild = zxid_of(&mut client, &plain("/p/c/g"));
    assert_eq!(client.stat("/p"), Some(expected));
    let _ = client.done(&delete("/p/c/g"));
    let after = client.stat("/p/c").unwrap();
    assert!(after.pzxid > grandchild);
    assert_eq!(
        (after.cversion, after.mzxid, after.mtime),
        (2, stat.mzxid, stat.mtime)
    );

    let acl = Request::SetAcl(SetAclRequest {
        path: "/p/c".to_owned(),
        acl: vec![Acl::open()],
        version: 0,
    });
    let _ = client.done(&acl);
    let expected_child = Stat {
        aversion: 1,
        ..after
    };
    assert_eq!(client.stat("/p/c"), Some(expected_child));
    assert_eq!(client.stat("/p"), Some(expected));

    let deleted = zxid_of(&mut client, &delete("/p/c"));
    let expected = Stat {
        pzxid: deleted,
        cversion: 2,
        num_children: 0,
        ..fresh
    };
    assert_eq!(client.stat("/p"), Some(expected));
    // What fails changes nothing.
    let _ = client.refused(&delete("/p/c"));
    let _ = client.refused(&plain("/p"));
    assert_eq!(client.stat("/p"), Some(expected));
    // Every node has the same, times included.
    for node in cluster.ids() {
        let mut other = cluster.zookeeper(node);
        other.sync();
        assert_eq!(other.stat("/p"), Some(expected));
    }
}

#[test]
fn two_writes_in_a_row_have_zxids_in_a_row() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    client.make("/row");
    let first = zxid_of(&mut client, &set("/row", "1"));
    assert_eq!(zxid_of(&mut client, &set("/row", "2")), first + 1);
    // An attempt that fails takes one too; reads and syncs take none.
    let failed = client.ask(&delete("/none"));
    assert_eq!(failed.zxid, first + 2);
    client.sync();
    let _ = client.done(&Request::Ping);
    let _ = client.data("/row");
    assert_eq!(zxid_of(&mut client, &set("/row", "3")), first + 3);
}

#[test]
fn creates_that_answer_with_a_stat_answer_with_the_right_one() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    let session = client.session().session_id;
    let ttl = Request::CreateTtl(CreateTtlRequest {
        path: "/ttl".to_owned(),
        data: Some("12345".into()),
        acl: vec![Acl::open()],
        flags: CreateMode::PersistentWithTtl.flags(),
        ttl: 3_600_000,
    });
    let two = |path: &str, mode| Request::Create2(create(path, "12345", mode));
    let container = create("/container", "12345", CreateMode::Container);
    for (request, owner) in [
        (two("/plain", CreateMode::Persistent), 0),
        (two("/ephemeral", CreateMode::Ephemeral), session),
        (two("/n-", CreateMode::PersistentSequential), 0),
        (two("/e-", CreateMode::EphemeralSequential), session),
        (two("/flagged", CreateMode::Container), 0),
        (Request::CreateContainer(container), 0),
        (ttl, 0),
    ] {
        let created = created(&mut client, &request);
        assert_eq!(
            Some(created.stat),
            client.stat(&created.path),
            "{request:?}"
        );
        assert_eq!(created.stat.ephemeral_owner, owner, "{request:?}");
        assert_eq!(created.stat.data_length, 5);
        assert_eq!(created.stat.czxid, created.stat.pzxid);
    }
    let mut nothing = create("/null", "", CreateMode::Persistent);
    nothing.data = None;
    let null = created(&mut client, &Request::Create2(nothing));
    assert_eq!(null.stat.data_length, 0);
    let found = |client: &mut ZooKeeper, path: &str| match client
        .done(&holdfast_tests::zookeeper::get(path))
    {
        Response::Data(found) => found.data,
        other => panic!("{other:?}"),
    };
    assert_eq!(found(&mut client, "/null"), None);
    let _ = created(
        &mut client,
        &Request::Create2(create("/empty", "", CreateMode::Persistent)),
    );
    assert_eq!(found(&mut client, "/empty").as_deref(), Some(&b""[..]));
}

#[test]
fn numbers_of_sequential_names_count_every_create() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    client.make("/q");
    client.make("/q/a");
    client.create("/q/b", CreateMode::Ephemeral);
    let next = |client: &mut ZooKeeper, mode| client.create("/q/n-", mode);
    assert_eq!(
        next(&mut client, CreateMode::PersistentSequential),
        "/q/n-0000000002"
    );
    let _ = client.done(&delete("/q/a"));
    let _ = client.done(&delete("/q/n-0000000002"));
    assert_eq!(
        next(&mut client, CreateMode::EphemeralSequential),
        "/q/n-0000000003"
    );
    // Neither a failed create nor one of a grandchild counts.
    let _ = client.refused(&plain("/q/b"));
    let _ = client.refused(&plain("/q/b/none"));
    let container = Request::CreateContainer(create("/q/box", "", CreateMode::Container));
    let _ = client.done(&container);
    client.make("/q/box/inner");
    assert_eq!(
        client.create("/q/", CreateMode::PersistentSequential),
        "/q/0000000005"
    );
    assert_eq!(
        next(&mut client, CreateMode::EphemeralSequential),
        "/q/n-0000000006"
    );
    let stat = client.stat("/q").unwrap();
    assert_eq!(stat.cversion, 2 * 7 - stat.num_children);
}
