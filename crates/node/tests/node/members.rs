use membership::RaftSettings;
use node::{ChangeError, MemberChange, NodeSettings};
use raft_core::outcome::Reply;
use sim::Cluster;

use crate::harness::{SOON, accepted, create, draft, put};

fn add(id: u64) -> MemberChange {
    MemberChange::AddLearner {
        id,
        peer: format!("node-{id}"),
        api: format!("http://node-{id}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_node_joins_by_snapshot_is_promoted_and_an_old_one_leaves() {
    let raft = RaftSettings {
        snapshot_entries: 50,
        entries_kept: 10,
        ..Default::default()
    };
    let mut cluster = Cluster::found_with(3, raft, NodeSettings::default()).await;
    accepted(cluster.node(1), draft(create("/m", ""))).await;
    for i in 0..300u64 {
        accepted(cluster.node(i % 3 + 1), draft(put("/m", &i.to_string()))).await;
    }
    cluster.add(4).await;
    let node = cluster.node(1).clone();
    let dry = node
        .change_members(add(4), true, false, SOON)
        .await
        .unwrap();
    assert!(!dry.done);
    assert_eq!(dry.before.voters, dry.after.voters);
    node.change_members(add(4), false, false, SOON)
        .await
        .unwrap();
    let caught_up = || (cluster.node(4).applied() >= node.applied()).then_some(());
    cluster.until("the learner to catch up", caught_up).await;
    let report = node
        .change_members(MemberChange::Promote { id: 4 }, false, false, SOON)
        .await
        .unwrap();
    assert_eq!((report.after.quorum, report.after.tolerates), (3, 1));
    let leader = cluster.leader().await;
    let gone = [1, 2, 3].into_iter().find(|id| *id != leader).unwrap();
    let remove = MemberChange::Remove { id: gone };
    cluster
        .node(leader)
        .change_members(remove, false, false, SOON)
        .await
        .unwrap();
    cluster.stop(gone).await;
    let status = cluster.node(leader).cluster_status(SOON).await.unwrap();
    assert_eq!(status.members.len(), 3);
    assert_eq!(status.failure_tolerance, 1);
    let again = cluster
        .node(leader)
        .change_members(add(gone), false, false, SOON)
        .await;
    match again {
        Err(ChangeError::Refused(report)) => {
            assert!(
                report.refusals[0].contains("was used before"),
                "{:?}",
                report.refusals
            );
            assert!(!report.can_be_forced);
        }
        other => panic!("an id came back: {other:?}"),
    }
    cluster.leader().await;
    assert!(matches!(
        accepted(cluster.node(4), draft(put("/m", "end"))).await,
        Reply::Znode(_)
    ));
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_restarts_from_its_snapshot_and_the_log_after_it() {
    let mut cluster = Cluster::found(3).await;
    accepted(cluster.node(1), draft(create("/s", ""))).await;
    let taken = cluster.node(1).take_snapshot(SOON).await.unwrap();
    assert!(taken.info.bytes > 0);
    accepted(cluster.node(1), draft(put("/s", "after"))).await;
    cluster.crash(1).await;
    cluster.start(1).await;
    cluster.leader().await;
    cluster.converge().await;
    let state = cluster.node(1).state();
    assert_eq!(
        crate::harness::value(&state, "/s").as_deref(),
        Some("after")
    );
}

/// The second of two that are asked for at once would end up with the first, which lacks what came since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_asked_for_while_another_is_written_has_what_came_since() {
    let cluster = Cluster::found(3).await;
    // So that it takes long to write.
    let data = "x".repeat(1 << 20);
    for number in 0..32 {
        accepted(
            cluster.node(1),
            draft(create(&format!("/s{number}"), &data)),
        )
        .await;
    }
    let node = cluster.node(1);
    let first = node.take_snapshot(SOON);
    let second = async {
        accepted(node, draft(put("/s", "since"))).await;
        node.take_snapshot(SOON).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.unwrap().info.index < second.unwrap().info.index);
}

/// openraft lets a learner lead; whoever takes a leader's vote away expects another to lead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_demoted_hands_over_and_can_be_promoted_again() {
    let cluster = Cluster::found(3).await;
    let old = cluster.leader().await;
    accepted(cluster.node(old), draft(create("/m", ""))).await;
    let demote = MemberChange::Demote { id: old };
    let other = [1, 2, 3].into_iter().find(|id| *id != old).unwrap();
    cluster
        .node(other)
        .change_members(demote, false, false, SOON)
        .await
        .unwrap();
    let new = cluster.leader().await;
    assert_ne!(new, old);
    accepted(cluster.node(old), draft(put("/m", "through a learner"))).await;
    let promote = || {
        let promote = MemberChange::Promote { id: old };
        cluster
            .node(new)
            .change_members(promote, false, false, SOON)
    };
    promote().await.unwrap();
    let status = cluster.node(new).cluster_status(SOON).await.unwrap();
    assert_eq!(status.failure_tolerance, 1);
    cluster.converge().await;
}
