//! The tree as a whole: what is in it from the start, what goes by itself, and that it adds up.

use holdfast_tests::zookeeper::{create, delete, path_request, stat_of};
use holdfast_tests::{Cluster, ZooKeeper, until};
use zookeeper::proto::acl::Acl;
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::EventType;
use zookeeper::proto::multi::MultiOp;
use zookeeper::proto::request::{AddWatchRequest, CreateTtlRequest, GetEphemeralsRequest, Request};
use zookeeper::proto::response::Response;
use zookeeper::proto::watch::AddWatchMode;

#[test]
fn a_fresh_tree_is_that_of_zookeeper() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    assert_eq!(client.children("/"), ["zookeeper"]);
    assert_eq!(client.children("/zookeeper"), ["config", "quota"]);
    let cversion = |client: &mut ZooKeeper, path| client.stat(path).unwrap().cversion;
    assert_eq!(cversion(&mut client, "/"), -1);
    assert_eq!(cversion(&mut client, "/zookeeper"), -2);
    // What ClickHouse looks for in a Keeper, to use what only that has.
    for path in ["/keeper", "/keeper/feature_flags", "/keeper/api_version"] {
        assert_eq!(client.refused(&stat_of(path)), ErrorCode::NoNode);
    }
    for path in ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"] {
        assert_eq!(client.refused(&delete(path)), ErrorCode::BadArguments);
    }
    let root = Request::Create(create("/", "", CreateMode::Persistent));
    assert_eq!(client.refused(&root), ErrorCode::NodeExists);
}

#[test]
fn a_time_to_live_ends_at_the_same_point_on_every_node() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    client.make("/p");
    let add = AddWatchRequest {
        path: "/p/short".to_owned(),
        mode: AddWatchMode::Persistent.code(),
    };
    let _ = client.done(&Request::AddWatch(add));
    let short = |path: &str| CreateTtlRequest {
        path: path.to_owned(),
        data: None,
        acl: vec![Acl::open()],
        flags: CreateMode::PersistentWithTtl.flags(),
        ttl: 500,
    };
    let _ = client.done(&Request::Multi(vec![
        MultiOp::CreateTtl(short("/p/with-child")),
        MultiOp::Create(create("/p/with-child/c", "", CreateMode::Persistent)),
    ]));
    let _ = client.done(&Request::CreateTtl(short("/p/short")));
    until("its time to be over", || client.stat("/p/short").is_none());
    assert_eq!(
        client.events(),
        [
            (EventType::NodeCreated, "/p/short".to_owned()),
            (EventType::NodeDeleted, "/p/short".to_owned()),
        ]
    );
    // One with a child stays.
    assert!(client.stat("/p/with-child").is_some());
    let parent = client.stat("/p");
    for node in cluster.ids() {
        let mut other = cluster.zookeeper(node);
        other.sync();
        assert_eq!(other.stat("/p"), parent);
    }
    let _ = client.done(&delete("/p/with-child/c"));
    until("its time to be over", || {
        client.stat("/p/with-child").is_none()
    });
    cluster.wait_digests_agree();
}

/// Numbers that look random and are the same in every run (an LCG).
fn numbers() -> impl Iterator<Item = usize> {
    let mut state: u32 = 12_345;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(state >> 16).ok()
    })
}

#[test]
fn counts_add_up_after_many_changes() {
    const PARENTS: usize = 4;
    const NAMES: usize = 8;
    const CHANGES: usize = 600;
    let cluster = Cluster::start(3);
    let mut clients: Vec<ZooKeeper> = cluster
        .ids()
        .iter()
        .map(|&n| cluster.zookeeper(n))
        .collect();
    clients[0].make("/t");
    for parent in 0..PARENTS {
        clients[0].make(&format!("/t/{parent}"));
    }
    let mut random = numbers();
    let mut next = move |below: usize| random.next().unwrap() % below;
    for _ in 0..CHANGES {
        let path = format!("/t/{}/{}", next(PARENTS), next(NAMES));
        let request = match next(4) {
            0 => delete(&path),
            1 => Request::Create(create(&path, "", CreateMode::Ephemeral)),
            2 => Request::Create(create(&path, "", CreateMode::EphemeralSequential)),
            _ => Request::Create(create(&path, "", CreateMode::Persistent)),
        };
        // Whether it succeeds depends on those before it.
        let _ = clients[next(3)].ask(&request);
    }
    let mut owned = 0;
    for client in &mut clients {
        client.sync();
        let mut below = 0;
        let session = client.session().session_id;
        let mut own = Vec::new();
        for parent in 0..PARENTS {
            let parent = format!("/t/{parent}");
            let names = client.children(&parent);
            let stat = client.stat(&parent).unwrap();
            assert_eq!(usize::try_from(stat.num_children).unwrap(), names.len());
            below += 1 + names.len();
            for name in names {
                let path = format!("{parent}/{name}");
                if client.stat(&path).unwrap().ephemeral_owner == session {
                    own.push(path);
                }
            }
        }
        let total = client.done(&Request::GetAllChildrenNumber(path_request("/t")));
        assert_eq!(total, Response::TotalNumber(i32::try_from(below).unwrap()));
        own.sort();
        owned += own.len();
        let listed = client.done(&Request::GetEphemerals(GetEphemeralsRequest {
            prefix_path: "/t".to_owned(),
        }));
        assert_eq!(listed, Response::Ephemerals(own));
    }
    assert!(owned > 0);
    let mut last = cluster.zookeeper(1);
    for mut client in clients {
        let _ = client.done(&Request::CloseSession);
    }
    last.sync();
    for parent in 0..PARENTS {
        let parent = format!("/t/{parent}");
        for name in last.children(&parent) {
            let stat = last.stat(&format!("{parent}/{name}")).unwrap();
            assert_eq!(stat.ephemeral_owner, 0);
        }
    }
    cluster.wait_digests_agree();
}
