//! One state behind two doors: what comes in by one is seen through the other.

use holdfast_tests::locks::{claim_path, holding, release, stand_in_queue, waiting};
use holdfast_tests::zookeeper::{delete, set, watched};
use holdfast_tests::{Cluster, until};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::event::EventType;
use zookeeper::proto::request::Request;

#[test]
fn znodes_are_the_same_through_both_doors() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(1);
    client.make("/shared");
    let _ = client.done(&set("/shared", "by zookeeper"));
    let read = cluster.http(2).get("/v1/nodes/shared").unwrap().expect(200);
    assert_eq!(read.text(), "by zookeeper");
    let _ = client.done(&Request::GetData(watched("/shared")));
    let _ = cluster.http(3).put("/v1/nodes/shared", "by http").unwrap();
    client.sync();
    assert_eq!(
        client.events(),
        [(EventType::NodeDataChanged, "/shared".to_owned())]
    );
    assert_eq!(client.data("/shared"), "by http");
    let _ = cluster
        .http(2)
        .put("/v1/nodes/other", "new")
        .unwrap()
        .expect(201);
    client.sync();
    assert_eq!(client.data("/other"), "new");
    assert_eq!(client.stat("/other").unwrap().version, 0);
    let _ = client.done(&delete("/other"));
    let _ = cluster.http(3).get("/v1/nodes/other").unwrap().expect(404);
}

#[test]
fn one_queue_serves_lock_recipes_and_lock_requests() {
    let cluster = Cluster::start(3);
    cluster.open_session("web");
    let http = cluster.http(1);
    let first = stand_in_queue(&http, "web", "door", "c1");
    assert_eq!(first["state"], "held");
    // As a recipe would: an ephemeral sequential znode in the queue, a watch on the one before it.
    let mut client = cluster.zookeeper(2);
    client.sync();
    let own = client.create(
        "/locks/door/recipe__lock__",
        CreateMode::EphemeralSequential,
    );
    let queue = client.children("/locks/door");
    assert_eq!(queue.len(), 2, "{queue:?}");
    let before = queue
        .iter()
        .find(|name| !own.ends_with(name.as_str()))
        .unwrap();
    let before = format!("/locks/door/{before}");
    assert!(
        client
            .stat(&before)
            .is_some_and(|stat| stat.ephemeral_owner != 0)
    );
    let _ = client.done(&Request::Exists(watched(&before)));
    assert_eq!(waiting(&http, "door").len(), 1);
    let _ = stand_in_queue(&http, "web", "door", "c3");
    assert_eq!(waiting(&http, "door").len(), 2);
    let _ = release(&cluster.http(3), "web", "door", "c1")
        .unwrap()
        .expect(200);
    assert_eq!(client.event(), (EventType::NodeDeleted, before));
    let held = holding(&http, "door");
    assert_eq!(held.len(), 1, "{held:?}");
    assert!(held[0] != "c3", "{held:?}");
    // The recipe's fence is where its znode was made.
    let lock = http.get("/v1/locks/door").unwrap().expect(200).json();
    let czxid = client.stat(&own).unwrap().czxid;
    assert_eq!(lock["holders"][0]["fence"].as_i64(), Some(czxid), "{lock}");
    let _ = client.done(&Request::CloseSession);
    until("the next in line to hold the lock", || {
        holding(&http, "door") == ["c3"]
    });
    let claim = http
        .session("web")
        .get(&claim_path("door", "c3"))
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(claim["state"], "held");
}
