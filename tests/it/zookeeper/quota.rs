//! Quotas as `setquota`, `listquota` and `delquota` of ZooKeeper's command line set, show and remove
//! them: by ordinary reads and writes.

use holdfast_tests::locks::{acquire, release, stand_in_queue};
use holdfast_tests::zookeeper::{create, delete, set, watched};
use holdfast_tests::{Cluster, ZooKeeper, log_gate, until};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::multi::MultiOp;
use zookeeper::proto::request::Request;

const SOFT_LINE: &str = "than the soft limit of the quota";

fn limits_of(path: &str) -> String {
    format!("/zookeeper/quota{path}/zookeeper_limits")
}

fn stats_of(path: &str) -> String {
    format!("/zookeeper/quota{path}/zookeeper_stats")
}

fn creation(path: &str, data: &str) -> Request {
    Request::Create(create(path, data, CreateMode::Persistent))
}

/// `setquota`: looks for quotas above and below, makes what is missing, or writes the new limits.
fn set_quota(client: &mut ZooKeeper, path: &str, limits: &str) {
    assert!(client.stat(path).is_some());
    let mut quota_path = "/zookeeper/quota".to_owned();
    for name in path.split('/').skip(1) {
        quota_path = format!("{quota_path}/{name}");
        if client.stat(&quota_path).is_none() {
            client.make(&quota_path);
        } else {
            let _ = client.children(&quota_path);
        }
    }
    if client.stat(&limits_of(path)).is_some() {
        let _ = client.data(&limits_of(path));
        let _ = client.data(&stats_of(path));
        let _ = client.done(&set(&limits_of(path), limits));
        return;
    }
    let _ = client.done(&creation(&limits_of(path), limits));
    let _ = client.done(&creation(&stats_of(path), "count=0,bytes=0"));
    assert_eq!(client.data(&limits_of(path)), limits);
}

/// `listquota`: limits and usage.
fn list_quota(client: &mut ZooKeeper, path: &str) -> (String, String) {
    (client.data(&limits_of(path)), client.data(&stats_of(path)))
}

/// `delquota`: both znodes, and those above them that have become empty.
fn delete_quota(client: &mut ZooKeeper, path: &str) {
    let mut quota_path = format!("/zookeeper/quota{path}");
    for name in client.children(&quota_path) {
        let _ = client.done(&delete(&format!("{quota_path}/{name}")));
    }
    while quota_path != "/zookeeper/quota" && client.children(&quota_path).is_empty() {
        let _ = client.done(&delete(&quota_path));
        let end = quota_path.rfind('/').unwrap();
        quota_path.truncate(end);
    }
}

#[test]
fn the_usage_of_a_tree_is_shown_on_every_node_and_after_a_restart() {
    let mut cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(1);
    for (path, data) in [
        ("/a", "some"),
        ("/a/b", "some"),
        ("/a/b/v", "some"),
        ("/a/b/v/d", "some"),
    ] {
        let _ = client.done(&creation(path, data));
    }
    set_quota(&mut client, "/a/b/v", "count=10,bytes=50");
    let (limits, usage) = list_quota(&mut client, "/a/b/v");
    assert_eq!(
        (&*limits, &*usage),
        ("count=10,bytes=50", "count=2,bytes=8")
    );
    let before = client.stat(&stats_of("/a/b/v")).unwrap();
    let _ = client.done(&Request::GetData(watched(&stats_of("/a/b/v"))));

    let _ = client.create("/a/b/v/e", CreateMode::Ephemeral);
    let _ = client.done(&set("/a/b/v/d", "12"));
    let mut other = cluster.zookeeper(2);
    other.sync();
    assert_eq!(list_quota(&mut other, "/a/b/v").1, "count=3,bytes=6");
    // Nobody wrote it: only what it says has changed.
    let after = client.stat(&stats_of("/a/b/v")).unwrap();
    assert_eq!(after, before);
    assert_eq!(client.events(), []);
    let _ = client.done(&Request::CloseSession);
    other.sync();
    assert_eq!(list_quota(&mut other, "/a/b/v").1, "count=2,bytes=6");
    cluster.wait_digests_agree();

    // From a snapshot, with writes after it.
    let _ = cluster
        .http(3)
        .post("/v1/snapshots", "")
        .unwrap()
        .expect(201);
    let _ = other.done(&creation("/a/b/v/x", "xyz"));
    cluster.expect_lost_peers();
    cluster.restart(3);
    let mut third = cluster.zookeeper(3);
    third.sync();
    assert_eq!(list_quota(&mut third, "/a/b/v").1, "count=3,bytes=9");
    cluster.wait_digests_agree();

    delete_quota(&mut third, "/a/b/v");
    assert_eq!(third.children("/zookeeper/quota"), [""; 0]);
    for n in 0..10 {
        third.make(&format!("/a/b/v/free{n}"));
    }
}

#[test]
fn a_hard_limit_refuses_at_both_doors_and_never_a_delete() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    let http = cluster.http(1);
    client.make("/app");
    set_quota(
        &mut client,
        "/app",
        "count=-1,bytes=-1=;byteHardLimit=8;countHardLimit=3",
    );
    let _ = client.done(&creation("/app/1", "1234"));
    client.make("/app/2");
    assert_eq!(
        client.refused(&creation("/app/3", "")),
        ErrorCode::QuotaExceeded
    );
    assert_eq!(
        client.refused(&creation("/app/2", "")),
        ErrorCode::NodeExists
    );
    assert_eq!(
        client.refused(&set("/app/2", "12345")),
        ErrorCode::QuotaExceeded
    );
    let of = |path: &str| MultiOp::Create(create(path, "", CreateMode::Persistent));
    let one_too_many = Request::Multi(vec![of("/else"), of("/app/3")]);
    let results = client.ask(&one_too_many).result;
    assert!(
        format!("{results:?}").contains("QuotaExceeded"),
        "{results:?}"
    );
    assert_eq!(client.stat("/else"), None);

    let put = http.put("/v1/nodes/app/3", "x").unwrap().expect(507);
    let (code, outcome) = put.problem();
    assert_eq!((&*code, &*outcome), ("node_quota_exceeded", "not-applied"));
    let problem = put.json();
    assert_eq!(problem["path"], "/app", "{problem}");
    assert_eq!(problem["limited"], "znodes", "{problem}");
    for (field, number) in [("limit", 3), ("usage", 3), ("actual", 4)] {
        assert_eq!(problem[field], number, "{field} of {problem}");
    }
    let _ = http.delete("/v1/nodes/app/1").unwrap().expect(200);
    let _ = http.put("/v1/nodes/app/3", "12345678").unwrap().expect(201);
    client.sync();
    assert_eq!(list_quota(&mut client, "/app").1, "count=3,bytes=8");
    // `setquota` again, with more of it.
    set_quota(
        &mut client,
        "/app",
        "count=-1,bytes=-1=;byteHardLimit=9;countHardLimit=3",
    );
    let _ = client.done(&set("/app/2", "9"));
}

#[test]
fn a_claim_below_a_quota_is_refused_and_a_release_makes_room() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    let http = cluster.http(1);
    cluster.open_session("web");
    let first = stand_in_queue(&http, "web", "jobs/1", "c1");
    assert_eq!(first["state"], "held");
    client.sync();
    // The znodes `/locks/jobs` and `/locks/jobs/1`, and two claims.
    set_quota(
        &mut client,
        "/locks/jobs",
        "count=-1,bytes=-1=;countHardLimit=4",
    );
    let recipe = Request::Create(create(
        "/locks/jobs/1/recipe-lock-",
        "",
        CreateMode::EphemeralSequential,
    ));
    let _ = client.done(&recipe);
    assert_eq!(client.refused(&recipe), ErrorCode::QuotaExceeded);
    let refused = acquire(&http, "web", "jobs/1", "c2").unwrap().expect(507);
    assert_eq!(refused.problem().0, "node_quota_exceeded");
    let _ = release(&http, "web", "jobs/1", "c1").unwrap().expect(200);
    let waits = stand_in_queue(&http, "web", "jobs/1", "c2");
    assert_eq!(waits["state"], "waiting");
}

#[test]
fn a_soft_limit_is_logged_by_the_node_that_was_asked_and_not_for_every_write() {
    let mut cluster = Cluster::start(3);
    cluster.expect_log(SOFT_LINE);
    let mut client = cluster.zookeeper(2);
    client.make("/soft");
    set_quota(&mut client, "/soft", "count=2,bytes=-1");
    for n in 0..20 {
        client.make(&format!("/soft/{n}"));
    }
    let lines = |node: u64| {
        let log = log_gate::read(&cluster.log_file(node));
        let found = log.lines().filter(|line| line.contains(SOFT_LINE));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    until("the line in the log", || !lines(2).is_empty());
    cluster.wait_digests_agree();
    let told = lines(2);
    assert_eq!(told.len(), 1, "{told:#?}");
    for part in ["WARN", "quota=/soft", "limit=2", "usage=3"] {
        assert!(told[0].contains(part), "{part} is not in {}", told[0]);
    }
    assert_eq!((lines(1).len(), lines(3).len()), (0, 0));
}
