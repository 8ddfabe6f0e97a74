//! Founding, writing, application calls, and links that fail without a word.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use membership::{CallError, Change, FoundError, Founded, Role};
use raft_types::EntryBytes;

use crate::cluster::{Cluster, OPTIONS, PATIENCE, address, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_founded_once_and_replicates() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    cluster.write(leader, "a").await;
    cluster.write(leader, "b").await;
    cluster.converged(&[1, 2, 3], &["a", "b"]).await;

    let again: BTreeMap<_, _> = (1..=3).map(|id| (id, address(id))).collect();
    assert_eq!(cluster.node(2).found(again).await, Ok(Founded::Before));
    for id in [1, 2, 3] {
        let status = cluster
            .status(id, "everybody knows the leader", |s| {
                s.leadership.leader == Some(leader)
            })
            .await;
        let role = if id == leader {
            Role::Leader
        } else {
            Role::Follower
        };
        assert_eq!(status.leadership.role, role);
        assert_eq!(status.members.voters, [1, 2, 3].into());
    }
    cluster.end().await;
}

#[tokio::test]
async fn founding_is_refused_for_others_and_for_nobody() {
    let mut cluster = Cluster::new();
    cluster.start(1).await;
    let node = cluster.node(1);
    assert_eq!(node.found(BTreeMap::new()).await, Err(FoundError::Size(0)));
    let others = [(2, address(2))].into();
    assert_eq!(node.found(others).await, Err(FoundError::NotAMember(1)));
    assert_eq!(node.status().members.log_id, None);
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writes_go_through_the_pipeline_in_order() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    // More than the bytes in flight of one stream, so that back-pressure is part of it.
    let value = |n: usize| format!("{n:07}").repeat(20_000);
    let payload = |n: usize| EntryBytes(Bytes::from(value(n)));
    let raft = cluster.node(leader).raft();
    let mut written = raft.client_write_many((0..200).map(payload)).await.unwrap();
    while let Some(result) = written.next().await {
        result.unwrap().unwrap();
    }
    for id in [1, 2, 3] {
        let state = &cluster.nodes[&id].state;
        eventually("all applied", || {
            (state.lock().unwrap().values.len() == 200).then_some(())
        })
        .await;
        let state = state.lock().unwrap();
        let right = |(n, found): (usize, &Vec<u8>)| found == value(n).as_bytes();
        assert_eq!(
            state.values.iter().enumerate().position(|at| !right(at)),
            None
        );
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_swallows_everything_does_not_wedge_replication() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let [follower, other] = cluster.others(leader)[..] else {
        unreachable!()
    };
    cluster.write(leader, "before").await;

    // Half open: neither side is told; the acknowledgements are lost first.
    cluster.network.cut_one_way(follower, leader);
    cluster.network.cut_one_way(leader, follower);
    cluster.write(leader, "during").await;
    cluster
        .converged(&[leader, other], &["before", "during"])
        .await;
    // Long enough for the connection to be given up, so that healing finds dead connections.
    cluster
        .status(leader, "the silence is noticed", |status| {
            let age = status.peers[&follower].ack_age;
            age.is_some_and(|age| age > cluster.timing.peer_idle_timeout * 2)
        })
        .await;

    cluster.network.heal_all();
    cluster.converged(&[1, 2, 3], &["before", "during"]).await;
    let leader = cluster.leader().await;
    cluster.write(leader, "after").await;
    cluster
        .converged(&[1, 2, 3], &["before", "during", "after"])
        .await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_are_given_up_and_replaced() {
    let mut cluster = Cluster::new();
    // Longer than the test's patience: only hearing nothing can tell.
    cluster.timing.append_timeout = PATIENCE * 2;
    cluster.timing.install_snapshot_timeout = PATIENCE * 2;
    cluster.found(3).await;
    let leader = cluster.leader().await;
    cluster.start(4).await;
    cluster.used.lock().unwrap().remove(&4);
    let add = Change::AddLearner {
        id: 4,
        address: address(4),
    };
    cluster.node(leader).change(add, OPTIONS).await.unwrap();
    cluster.write(leader, "before").await;
    cluster.converged(&[1, 2, 3, 4], &["before"]).await;
    // Nothing heals here, and the leader keeps its quorum.
    cluster.network.swallow(leader, 4);
    cluster.write(leader, "after").await;
    cluster.converged(&[1, 2, 3, 4], &["before", "after"]).await;
    let swallowed = std::time::Instant::now();
    cluster
        .status(leader, "heartbeats are answered again", |status| {
            status.peers[&4]
                .ack_age
                .is_some_and(|age| age < swallowed.elapsed())
        })
        .await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_arrive_in_order_and_their_failures_say_what_is_known() {
    let mut cluster = Cluster::founded(3).await;
    let peers = cluster.node(1).peers().clone();
    let body = |n: u32| Bytes::from(n.to_le_bytes().to_vec());
    let calls = (0..500).map(|n| peers.call(2, 0, body(n), PATIENCE));
    let answers = futures::future::join_all(calls).await;
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap(), body(u32::try_from(n).unwrap()));
    }
    let arrived = cluster.nodes[&2].calls.arrived.lock().unwrap().clone();
    let expected: Vec<_> = (0..500).map(|n| (1, body(n))).collect();
    assert_eq!(arrived, expected);

    // Delivered and never answered.
    let short = Duration::from_millis(100);
    let silent = peers.call(2, 1, Bytes::new(), short).await;
    assert!(
        matches!(silent, Err(CallError::Unknown { to: 2, .. })),
        "{silent:?}"
    );
    // A pending call whose peer dies.
    let pending = tokio::spawn({
        let peers = peers.clone();
        async move { peers.call(3, 1, Bytes::from_static(b"x"), PATIENCE).await }
    });
    eventually("the call has arrived", || {
        (!cluster.nodes[&3].calls.arrived.lock().unwrap().is_empty()).then_some(())
    })
    .await;
    cluster.kill(3).await;
    let lost = pending.await.unwrap();
    assert!(
        matches!(lost, Err(CallError::Unknown { to: 3, .. })),
        "{lost:?}"
    );
    // Nobody there, nobody known, nobody else.
    for to in [3, 99, 1] {
        let refused = peers.call(to, 0, Bytes::new(), PATIENCE).await;
        assert!(
            matches!(refused, Err(CallError::NotSent { .. })),
            "{refused:?}"
        );
    }
    cluster.end().await;
}
