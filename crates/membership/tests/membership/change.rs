//! Members that come, get a vote, lose it and leave.

use std::time::Duration;

use membership::{Change, ChangeOptions, ReconfigureError, Refusal};

use crate::cluster::{Cluster, OPTIONS, address};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_learner_joins_is_promoted_demoted_and_removed() {
    let mut cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    cluster.write(leader, "a").await;
    let add = Change::AddLearner {
        id: 4,
        address: address(4),
    };
    let dry = cluster.node(leader).plan(&add).unwrap();
    assert!(dry.is_allowed(false));
    assert_eq!(
        cluster.node(leader).status().members.addresses.len(),
        3,
        "a plan does nothing"
    );

    // Added before it runs: the change does not wait for it, catching up does.
    cluster.node(leader).change(add, OPTIONS).await.unwrap();
    let early = Duration::from_millis(100);
    let not_yet = cluster.node(leader).wait_caught_up(4, early).await;
    assert!(
        matches!(not_yet, Err(ReconfigureError::NotCaughtUp { id: 4, .. })),
        "{not_yet:?}"
    );
    let silent = cluster
        .node(leader)
        .plan(&Change::Promote { id: 4 })
        .unwrap();
    assert!(
        silent.refusals.contains(&Refusal::Unreachable(4)),
        "{silent:?}"
    );

    cluster.start(4).await;
    cluster
        .node(leader)
        .wait_caught_up(4, OPTIONS.within)
        .await
        .unwrap();
    cluster.converged(&[1, 2, 3, 4], &["a"]).await;
    cluster
        .status(leader, "the learner answers", |status| {
            status.peers[&4].ack_age.is_some()
        })
        .await;
    cluster
        .node(leader)
        .change(Change::Promote { id: 4 }, OPTIONS)
        .await
        .unwrap();
    let status = cluster.node(leader).status();
    assert_eq!(status.members.voters, [1, 2, 3, 4].into());
    assert!(!status.members.is_joint());

    cluster
        .node(leader)
        .change(Change::Demote { id: 4 }, OPTIONS)
        .await
        .unwrap();
    assert_eq!(cluster.node(leader).status().members.learners, [4].into());
    cluster
        .node(leader)
        .change(Change::Remove { id: 4 }, OPTIONS)
        .await
        .unwrap();
    let status = cluster.node(leader).status();
    assert_eq!(status.members.addresses.len(), 3);
    assert_eq!(status.members.voters, [1, 2, 3].into());
    cluster.write(leader, "b").await;

    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_id_of_a_member_that_left_is_spent() {
    let mut cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let left = cluster.others(leader)[0];
    cluster
        .node(leader)
        .change(Change::Remove { id: left }, OPTIONS)
        .await
        .unwrap();
    cluster.kill(left).await;
    let again = Change::AddLearner {
        id: left,
        address: address(9),
    };
    let force = ChangeOptions {
        force: true,
        ..OPTIONS
    };
    let refused = cluster.node(leader).change(again, force).await;
    let Err(ReconfigureError::Refused(plan)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(plan.refusals, [Refusal::IdReused(left)]);
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_voter_is_replaced_in_one_change() {
    let mut cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    cluster.write(leader, "a").await;
    let [dead, other] = cluster.others(leader)[..] else {
        unreachable!()
    };
    cluster.kill(dead).await;
    cluster.write(leader, "b").await;
    // Removing the other one now would stop the cluster.
    let refused = cluster
        .node(leader)
        .change(Change::Remove { id: other }, OPTIONS);
    cluster
        .status(leader, "the dead one is silent", |status| {
            let age = status.peers[&dead].ack_age;
            age.is_none_or(|age| age > cluster.timing.leader_lease())
        })
        .await;
    let refused = refused.await;
    let Err(ReconfigureError::Refused(plan)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        plan.refusals,
        [Refusal::LosesQuorum {
            reachable: 1,
            quorum: 2
        }]
    );

    cluster.start(4).await;
    // Not a member before, so its id is new although the harness noted it at start.
    cluster.used.lock().unwrap().remove(&4);
    let change = Change::Replace {
        old: dead,
        new: 4,
        address: address(4),
    };
    cluster.node(leader).change(change, OPTIONS).await.unwrap();
    let status = cluster.node(leader).status();
    assert_eq!(status.members.voters, [leader, other, 4].into());
    assert_eq!(status.members.addresses.len(), 3);
    cluster.converged(&[leader, other, 4], &["a", "b"]).await;
    // The replacement's vote counts: the cluster survives the loss of another.
    cluster.kill(other).await;
    cluster.write(leader, "c").await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_removes_itself_is_succeeded() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    cluster.write(leader, "a").await;
    cluster
        .node(leader)
        .change(Change::Remove { id: leader }, OPTIONS)
        .await
        .unwrap();
    let others = cluster.others(leader);
    let next = cluster.leader_among(&others).await;
    cluster.write(next, "b").await;
    cluster.converged(&others, &["a", "b"]).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_leader_changes_and_only_one_at_a_time() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let follower = cluster.others(leader)[0];
    let add = |id| Change::AddLearner {
        id,
        address: address(id),
    };
    cluster
        .status(follower, "it knows the leader", |s| {
            s.leadership.leader == Some(leader)
        })
        .await;
    let refused = cluster.node(follower).change(add(4), OPTIONS).await;
    let known = Some(leader);
    assert!(
        matches!(refused, Err(ReconfigureError::NotLeader { leader }) if leader == known),
        "{refused:?}"
    );
    // Together: they take turns, nobody's change is lost.
    let node = cluster.node(leader);
    let (a, b, c) = tokio::join!(
        node.change(add(4), OPTIONS),
        node.change(add(5), OPTIONS),
        node.change(add(6), OPTIONS)
    );
    for changed in [a, b, c] {
        changed.unwrap();
    }
    assert_eq!(node.status().members.learners, [4, 5, 6].into());
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_left_half_way_by_a_dead_leader_is_finished() {
    let mut cluster = Cluster::founded(3).await;
    let first = cluster.leader().await;
    cluster.start(4).await;
    cluster.used.lock().unwrap().remove(&4);
    let add = Change::AddLearner {
        id: 4,
        address: address(4),
    };
    cluster.node(first).change(add, OPTIONS).await.unwrap();
    cluster
        .node(first)
        .wait_caught_up(4, OPTIONS.within)
        .await
        .unwrap();
    // The joint step alone, as a leader that dies between the two steps would leave it. (This
    // leader's own reconcile task may be quicker than its death; then it is the one that finishes.)
    let both = [[1, 2, 3].into(), [1, 2, 3, 4].into()];
    let members = cluster.node(first).status().members;
    let joint = raft_types::Membership::new(both.to_vec(), members.addresses).unwrap();
    let blank = openraft::EntryPayload::Blank;
    cluster
        .node(first)
        .raft()
        .append_membership(joint, blank, [])
        .await
        .unwrap();
    cluster.kill(first).await;
    let second = cluster.leader().await;
    let status = cluster
        .status(second, "the change is finished", |status| {
            !status.members.is_joint() && status.members.voters.len() == 4
        })
        .await;
    assert_eq!(status.members.voters, [1, 2, 3, 4].into());
    cluster.write(second, "after").await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_learner_behind_a_purged_log_gets_the_snapshot() {
    let mut cluster = Cluster::new();
    cluster.settings.snapshot_entries = 20;
    cluster.settings.entries_kept = 5;
    cluster.settings.purge_batch = 1;
    // Several chunks.
    cluster.settings.snapshot_chunk_bytes = 4096;
    cluster.found(3).await;
    let leader = cluster.leader().await;
    let values: Vec<String> = (0..60).map(|n| format!("{n:04}").repeat(100)).collect();
    for value in &values {
        cluster.write(leader, value).await;
    }
    cluster
        .status(leader, "the log is purged", |status| {
            status.log.purged.is_some_and(|at| at > 10)
        })
        .await;
    cluster.start(4).await;
    cluster.used.lock().unwrap().remove(&4);
    let add = Change::AddLearner {
        id: 4,
        address: address(4),
    };
    cluster.node(leader).change(add, OPTIONS).await.unwrap();
    let expected: Vec<&str> = values.iter().map(String::as_str).collect();
    cluster.converged(&[4], &expected).await;
    assert!(cluster.disks[&4].has_snapshot());
    cluster
        .node(leader)
        .wait_caught_up(4, OPTIONS.within)
        .await
        .unwrap();
    cluster.end().await;
}
