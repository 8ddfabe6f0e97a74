use std::time::Duration;

use node::ReadOptions;
use raft_core::outcome::Refusal;
use sim::Cluster;

use crate::harness::{SOON, accepted, create, done, draft, put, refused, value};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_takes_writes_and_sees_its_own_at_once() {
    let cluster = Cluster::found(3).await;
    for id in [1, 2, 3] {
        let node = cluster.node(id);
        let at = format!("/n{id}");
        accepted(node, draft(create(&at, "v"))).await;
        // Without a read round: the outcome came out of this node's own apply.
        assert_eq!(node.peek(|state| value(state, &at)).as_deref(), Some("v"));
    }
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_an_outcome_and_takes_a_zxid() {
    let cluster = Cluster::found(3).await;
    let node = cluster.node(1);
    let first = done(node, draft(create("/a", ""))).await.moment.zxid;
    let second = done(node, draft(create("/a", ""))).await;
    assert_eq!(second.moment.zxid.0, first.0 + 1);
    assert!(matches!(second.result, Err(Refusal::NodeExists { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_on_all_nodes_share_log_entries() {
    let cluster = Cluster::found(3).await;
    accepted(cluster.node(1), draft(create("/many", ""))).await;
    let before = cluster.node(1).status().last_index;
    let writers = (0..600u64).map(|i| {
        let node = cluster.node(i % 3 + 1).clone();
        tokio::spawn(
            async move { accepted(&node, draft(create(&format!("/many/{i}"), "x"))).await },
        )
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    cluster.converge().await;
    let state = cluster.node(2).state();
    let children = state
        .children(&crate::harness::path("/many"), None, 1000)
        .unwrap();
    assert_eq!(children.len(), 600);
    let entries = cluster.node(1).status().last_index - before;
    assert!(entries < 600, "600 writes took {entries} log entries");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_without_a_leader_says_that_nothing_happened() {
    let mut cluster = Cluster::found(3).await;
    cluster.crash(2).await;
    cluster.crash(3).await;
    let node = cluster.node(1).clone();
    // Whoever led: after the lease nobody does, and a write that arrives then is never appended.
    let gone = tokio::time::Duration::from_millis(300);
    let error = loop {
        match node.propose(draft(put("/x", "1")), gone).await {
            Err(error) if crate::harness::is_definite(&error) => break error,
            Err(_) => {}
            Ok(outcome) => panic!("a minority answered {outcome:?}"),
        }
    };
    assert!(error.to_string().contains("no leader"), "{error}");
    cluster.start(2).await;
    cluster.start(3).await;
    cluster.leader().await;
    refused(cluster.node(1), draft(create("/zookeeper", ""))).await;
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_in_flight_is_refused_before_it_happens() {
    let settings = node::NodeSettings {
        proposals_in_flight_max: 4,
        ..Default::default()
    };
    let cluster = Cluster::found_with(3, Default::default(), settings).await;
    let leader = cluster.leader().await;
    let others: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != leader).collect();
    // A leader cut from everybody keeps what it was given.
    cluster.network.isolate(leader, others.clone());
    let node = cluster.node(leader).clone();
    let stuck: Vec<_> = (0..4)
        .map(|i| {
            let node = node.clone();
            let command = create(&format!("/stuck{i}"), "");
            tokio::spawn(async move { node.propose(draft(command), Duration::from_secs(2)).await })
        })
        .collect();
    cluster
        .until("four in flight", || {
            (node.status().proposals_in_flight == 4).then_some(())
        })
        .await;
    let error = node
        .propose(draft(create("/fifth", "")), SOON)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "this node already has 4 proposals in flight"
    );
    for task in stuck {
        assert!(task.await.unwrap().is_err());
    }
    cluster.network.heal_all();
    cluster.leader().await;
    cluster.converge().await;
    let options = ReadOptions::default();
    let found = node
        .query(options, SOON, |state| value(state, "/fifth"))
        .await
        .unwrap();
    assert_eq!(found.value, None);
}
