//! Leaders that die, are cut off, or leave in good order.

use std::time::{Duration, Instant};

use bytes::Bytes;
use membership::{TransferOutcome, TransferRefusal};
use raft_types::EntryBytes;

use crate::cluster::{Cluster, PATIENCE, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_leader_is_replaced_and_comes_back_as_follower() {
    let mut cluster = Cluster::founded(3).await;
    let first = cluster.leader().await;
    cluster.write(first, "a").await;
    cluster.kill(first).await;
    let second = cluster.leader().await;
    assert_ne!(second, first);
    cluster.write(second, "b").await;
    cluster.start(first).await;
    cluster.converged(&[1, 2, 3], &["a", "b"]).await;
    cluster.end().await;
}

/// Found by a run under faults (watch, five nodes, seed 2123): for a moment after its restart a node
/// said that it knew of no term.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_node_knows_its_term_from_its_first_moment() {
    let mut cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let term = cluster.node(leader).status().leadership.term;
    let id = cluster.others(leader)[0];
    for _ in 0..20 {
        cluster.kill(id).await;
        cluster.start(id).await;
        let node = cluster.node(id);
        let (told, watched) = (node.status().leadership, *node.leadership().borrow());
        assert!(told.term >= term, "{told:?}, and the term was {term}");
        assert!(watched.term >= term, "{watched:?}, and the term was {term}");
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_leader_is_replaced_without_waiting_for_its_lease() {
    let mut cluster = Cluster::new();
    // A lease far longer than the time allowed below: only the shortcut can make it.
    cluster.timing.election_min = Duration::from_secs(20);
    cluster.timing.election_max = Duration::from_secs(40);
    cluster.timing.append_timeout = Duration::from_secs(50);
    cluster.timing.install_snapshot_timeout = Duration::from_secs(60);
    for id in 1..=3 {
        cluster.start(id).await;
    }
    let members = (1..=3)
        .map(|id| (id, crate::cluster::address(id)))
        .collect();
    cluster.node(1).found(members).await.unwrap();
    cluster.node(1).raft().trigger().elect(true).await.unwrap();
    let first = cluster.leader().await;
    cluster.write(first, "a").await;
    cluster.converged(&[1, 2, 3], &["a"]).await;

    let killed = Instant::now();
    cluster.kill(first).await;
    let second = cluster.leader().await;
    assert!(
        killed.elapsed() < Duration::from_secs(15),
        "{:?}",
        killed.elapsed()
    );
    cluster.write(second, "b").await;

    // And once more with a restart instead of a refused connection: another incarnation answers.
    cluster.start(first).await;
    cluster.converged(&[first, second], &["a", "b"]).await;
    let killed = Instant::now();
    let term = cluster.node(second).status().leadership.term;
    cluster.network.kill(second);
    let old = cluster.nodes.remove(&second).unwrap();
    cluster.start_beside(second, old).await;
    let third = eventually("a leader of a newer term", || {
        cluster.nodes.keys().copied().find(|id| {
            let node = cluster.node(*id);
            node.has_quorum() && node.status().leadership.term > term
        })
    })
    .await;
    assert!(
        killed.elapsed() < Duration::from_secs(15),
        "{:?}",
        killed.elapsed()
    );
    cluster.write(third, "c").await;
    cluster.converged(&[1, 2, 3], &["a", "b", "c"]).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_follower_that_loses_its_connections_deposes_nobody() {
    let mut cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let term = cluster.node(leader).status().leadership.term;
    let [follower, _] = cluster.others(leader)[..] else {
        unreachable!()
    };
    // Its own process dies and comes back: the leader's connections to it end, the leader lives.
    cluster.kill(follower).await;
    cluster.start(follower).await;
    cluster.write(leader, "a").await;
    cluster.converged(&[1, 2, 3], &["a"]).await;
    let now = cluster.node(leader).status().leadership;
    assert_eq!((now.leader, now.term), (Some(leader), term));
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_reset_between_living_nodes_depose_nobody() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let term = cluster.node(leader).status().leadership.term;
    cluster.write(leader, "a").await;
    cluster.converged(&[1, 2, 3], &["a"]).await;
    for other in cluster.others(leader) {
        cluster.network.reset(leader, other);
    }
    cluster.write(leader, "b").await;
    cluster.converged(&[1, 2, 3], &["a", "b"]).await;
    // Later than any campaign the shortcut would have held.
    let reset = Instant::now();
    eventually("the leader is heard of long after", || {
        let late = reset.elapsed() > cluster.timing.heartbeat * 6;
        (late && cluster.node(leader).has_quorum()).then_some(())
    })
    .await;
    let now = cluster.node(leader).status().leadership;
    assert_eq!((now.leader, now.term), (Some(leader), term));
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_cut_off_commits_nothing_and_catches_up_after_healing() {
    let cluster = Cluster::founded(3).await;
    let old = cluster.leader().await;
    cluster.write(old, "a").await;
    cluster.converged(&[1, 2, 3], &["a"]).await;
    cluster.network.isolate(old, cluster.others(old));
    let lost = tokio::spawn({
        let raft = cluster.node(old).raft().clone();
        async move {
            raft.client_write(EntryBytes(Bytes::from_static(b"lost")))
                .await
        }
    });

    let new = cluster.leader_among(&cluster.others(old)).await;
    assert_ne!(new, old);
    cluster.write(new, "b").await;
    eventually("the old leader knows that it has no quorum", || {
        (!cluster.node(old).has_quorum()).then_some(())
    })
    .await;
    assert!(
        !lost.is_finished(),
        "a write without quorum must stay undecided"
    );

    cluster.network.heal_all();
    cluster.converged(&[1, 2, 3], &["a", "b"]).await;
    let outcome = tokio::time::timeout(PATIENCE, lost).await.unwrap().unwrap();
    assert!(outcome.is_err(), "{outcome:?}");
    let leader = cluster.leader().await;
    cluster.write(leader, "c").await;
    cluster.converged(&[1, 2, 3], &["a", "b", "c"]).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_is_handed_to_the_node_named() {
    let cluster = Cluster::founded(3).await;
    let first = cluster.leader().await;
    cluster.write(first, "a").await;
    let target = cluster.others(first)[1];
    let outcome = cluster.node(first).transfer(Some(target), PATIENCE).await;
    let TransferOutcome::Transferred { leader, term } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(leader, target);
    assert!(term > 1);
    assert_eq!(cluster.leader().await, target);
    cluster.write(target, "b").await;
    cluster.converged(&[1, 2, 3], &["a", "b"]).await;

    let refused = cluster.node(first).transfer(None, PATIENCE).await;
    assert_eq!(
        refused,
        TransferOutcome::NotTransferred(TransferRefusal::NotLeader)
    );
    let refused = cluster.node(target).transfer(Some(9), PATIENCE).await;
    let reason = TransferRefusal::NotAnotherVoter(9);
    assert_eq!(refused, TransferOutcome::NotTransferred(reason));
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_to_a_silent_voter_is_not_begun() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let [silent, other] = cluster.others(leader)[..] else {
        unreachable!()
    };
    cluster.network.cut(silent, leader);
    cluster.network.cut(silent, other);
    cluster.write(leader, "a").await;
    let within = Duration::from_millis(300);
    let refused = cluster.node(leader).transfer(Some(silent), within).await;
    let reason = TransferRefusal::NoneCaughtUp(within);
    assert_eq!(refused, TransferOutcome::NotTransferred(reason));
    // Still leads and still writes.
    cluster.write(leader, "b").await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_stops_hands_over_first() {
    let mut cluster = Cluster::founded(3).await;
    let first = cluster.leader().await;
    cluster.write(first, "a").await;
    let leaving = cluster.nodes.remove(&first).unwrap();
    let outcome = leaving.consensus.stop(PATIENCE).await;
    let Some(TransferOutcome::Transferred { leader, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(cluster.leader().await, leader);
    cluster.write(leader, "b").await;
    tokio::time::timeout(PATIENCE, leaving.consensus.halted())
        .await
        .unwrap();
    cluster.start(first).await;
    cluster.converged(&[1, 2, 3], &["a", "b"]).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_whose_port_refuses_connections_is_dialled_at_a_measured_rate() {
    let mut cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let dead = cluster.others(leader)[0];
    cluster.kill(dead).await;
    cluster.write(leader, "something to replicate").await;
    let before = cluster.network.dials(leader, dead);
    // The window of the measurement.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let dials = cluster.network.dials(leader, dead) - before;
    // Heartbeats and replication try again; without a back-off it is thousands.
    assert!((1..100).contains(&dials), "{dials} dials in one second");
    cluster.end().await;
}
