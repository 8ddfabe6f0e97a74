use std::time::Duration;

use node::{Consistency, ReadError, ReadOptions};
use raft_core::ids::Zxid;
use sim::Cluster;

use crate::harness::{SOON, accepted, done, draft, put, value};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linearizable_read_on_any_node_sees_every_acknowledged_write() {
    let cluster = Cluster::found(3).await;
    for i in 0..60u64 {
        let text = i.to_string();
        accepted(cluster.node(i % 3 + 1), draft(put("/x", &text))).await;
        let reader = cluster.node((i + 1) % 3 + 1);
        let answer = reader
            .query(ReadOptions::default(), SOON, |s| value(s, "/x"))
            .await
            .unwrap();
        assert_eq!(answer.value, Some(text));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_cut_off_answers_no_linearizable_read() {
    let cluster = Cluster::found(3).await;
    let old = cluster.leader().await;
    accepted(cluster.node(old), draft(put("/x", "1"))).await;
    let others: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != old).collect();
    cluster.network.isolate(old, others.clone());
    let new = cluster.leader_among(&others).await;
    accepted(cluster.node(new), draft(put("/x", "2"))).await;
    let within = Duration::from_millis(500);
    let read = cluster
        .node(old)
        .query(ReadOptions::default(), within, |s| value(s, "/x"))
        .await;
    assert!(matches!(read, Err(ReadError::NoLeader { .. })), "{read:?}");
    // A stale read says what it is.
    let stale = ReadOptions {
        consistency: Consistency::Stale { max_age: None },
        min_zxid: None,
    };
    let read = cluster
        .node(old)
        .query(stale, within, |s| value(s, "/x"))
        .await
        .unwrap();
    assert_eq!(read.value.as_deref(), Some("1"));
    cluster.network.heal_all();
    cluster.converge().await;
    let read = cluster
        .node(old)
        .query(ReadOptions::default(), SOON, |s| value(s, "/x"))
        .await;
    assert_eq!(read.unwrap().value.as_deref(), Some("2"));
}

/// A load balancer that sends clients to a node which says it is ready must not send them into the
/// past: it came back into the same term, with a leader it knows, and lacks what it missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_is_ready_when_it_has_caught_up() {
    let mut cluster = Cluster::found(3).await;
    let leader = cluster.leader().await;
    let away = leader % 3 + 1;
    for round in 0..5u64 {
        cluster.crash(away).await;
        for i in 0..200u64 {
            let at = format!("/n{round}-{i}");
            accepted(cluster.node(leader), draft(put(&at, &"v".repeat(10_000)))).await;
        }
        let acknowledged = cluster.node(leader).applied();
        cluster.start(away).await;
        let node = cluster.node(away).clone();
        let ready = async {
            while !node.status().is_ready() {
                tokio::task::yield_now().await;
            }
            node.applied()
        };
        let applied = tokio::time::timeout(SOON, ready).await.unwrap();
        assert!(acknowledged <= applied, "{applied} of {acknowledged}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn min_zxid_waits_for_what_the_reader_has_seen() {
    let cluster = Cluster::found(3).await;
    let seen = done(cluster.node(1), draft(put("/x", "new")))
        .await
        .moment
        .zxid;
    let stale = Consistency::Stale { max_age: None };
    let options = ReadOptions {
        consistency: stale,
        min_zxid: Some(seen),
    };
    let read = cluster
        .node(2)
        .query(options, SOON, |s| value(s, "/x"))
        .await
        .unwrap();
    assert_eq!(read.value.as_deref(), Some("new"));
    let options = ReadOptions {
        consistency: stale,
        min_zxid: Some(Zxid(seen.0 + 1000)),
    };
    let within = Duration::from_millis(50);
    let read = cluster
        .node(2)
        .query(options, within, |s| value(s, "/x"))
        .await;
    assert!(
        matches!(read, Err(ReadError::NotCaughtUp { .. })),
        "{read:?}"
    );
}
