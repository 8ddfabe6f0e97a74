use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use node::{AcquireOutcome, ProposeError};
use raft_core::outcome::Reply;
use sim::Cluster;

use crate::harness::{
    SOON, accepted, acquire, by, claim_reply, create, draft, path, put, release, session,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_survive_the_leader_and_waiters_are_served_in_order() {
    let mut cluster = Cluster::found(3).await;
    let leader = cluster.leader().await;
    let others: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != leader).collect();
    let (a, b) = (others[0], others[1]);
    for name in ["s1", "s2", "s3"] {
        session(cluster.node(a), name, 30_000).await;
    }
    let held = claim_reply(accepted(cluster.node(a), by("s1", acquire("l", "c1", 0))).await);
    let waiting =
        claim_reply(accepted(cluster.node(b), by("s2", acquire("l", "c2", 60_000))).await);
    accepted(cluster.node(a), by("s3", acquire("l", "c3", 60_000))).await;
    assert!(held.claim.is_held());
    assert_eq!(waiting.position, 1);

    // Somebody waits on a node that lives on; the leader dies.
    let waiter = cluster.node(b).clone();
    let granted = tokio::spawn(async move {
        waiter
            .acquire(by("s2", acquire("l", "c2", 60_000)), SOON, SOON)
            .await
    });
    cluster.crash(leader).await;
    cluster.leader().await;

    let again = claim_reply(accepted(cluster.node(a), by("s1", acquire("l", "c1", 0))).await);
    assert!(again.claim.is_held());
    assert_eq!(again.claim.fence, held.claim.fence);
    accepted(cluster.node(a), by("s1", release("l", "c1"))).await;
    match granted.await.unwrap().unwrap() {
        AcquireOutcome::Granted(reply, _) => assert!(reply.claim.fence > held.claim.fence),
        // Asked after the release had come about: its turn had come already.
        AcquireOutcome::Decided(outcome) => {
            let reply = claim_reply(outcome.result.unwrap());
            assert!(reply.claim.is_held() && reply.claim.fence > held.claim.fence);
        }
        other => panic!("the next waiter was not granted: {other:?}"),
    }
    assert_eq!(cluster.node(a).state().counts().sessions, 3);
    cluster.start(leader).await;
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_under_way_in_a_failover_are_applied_exactly_once() {
    let mut cluster = Cluster::found(3).await;
    let leader = cluster.leader().await;
    let through = [1, 2, 3].into_iter().find(|id| *id != leader).unwrap();
    accepted(cluster.node(through), draft(create("/w", ""))).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..8)
        .map(|w| {
            let (node, stop) = (cluster.node(through).clone(), stop.clone());
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for i in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let name = format!("/w/{w}-{i}");
                    // A create that was applied twice would be refused the second time.
                    match node.propose(draft(create(&name, "")), SOON).await {
                        Ok(outcome) => {
                            assert!(outcome.result.is_ok(), "{name}: {:?}", outcome.result);
                            acknowledged.push(name);
                        }
                        Err(ProposeError::Unknown(_)) => {}
                        Err(ProposeError::NotApplied(why)) => panic!("{name}: {why}"),
                    }
                }
                acknowledged
            })
        })
        .collect();
    let progress = |cluster: &Cluster| cluster.node(through).peek(|s| s.counts().znodes);
    let first = progress(&cluster);
    cluster
        .until("some writes", || {
            (progress(&cluster) > first + 50).then_some(())
        })
        .await;
    cluster.crash(leader).await;
    cluster.leader().await;
    let second = progress(&cluster);
    cluster
        .until("more writes", || {
            (progress(&cluster) > second + 50).then_some(())
        })
        .await;
    stop.store(true, Ordering::SeqCst);
    let mut all = Vec::new();
    for writer in writers {
        all.extend(writer.await.unwrap());
    }
    cluster.start(leader).await;
    cluster.converge().await;
    let state = cluster.node(leader).state();
    for name in all {
        assert!(
            state.znode(&path(&name)).is_some(),
            "{name} was acknowledged and is gone"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_cut_off_says_unknown_and_the_rest_goes_on() {
    let cluster = Cluster::found(3).await;
    let old = cluster.leader().await;
    let others: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != old).collect();
    cluster.network.isolate(old, others.clone());
    let within = Duration::from_millis(200);
    let error = cluster
        .node(old)
        .propose(draft(put("/x", "lost?")), within)
        .await
        .unwrap_err();
    assert!(matches!(error, ProposeError::Unknown(_)), "{error}");
    let new = cluster.leader_among(&others).await;
    accepted(cluster.node(new), draft(put("/y", "kept"))).await;
    cluster.network.heal_all();
    cluster.leader().await;
    cluster.converge().await;
}

/// openraft goes on naming the leader of a term in which nobody can be elected any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_without_the_others_does_not_say_that_it_is_ready() {
    let mut cluster = Cluster::found(3).await;
    let leader = cluster.leader().await;
    let left = [1, 2, 3].into_iter().find(|id| *id != leader).unwrap();
    for id in (1..=3).filter(|id| *id != left) {
        cluster.crash(id).await;
    }
    let quorum = |cluster: &Cluster| {
        let checks = cluster.node(left).status().checks;
        let quorum = checks.into_iter().find(|check| check.name == "quorum");
        quorum.unwrap().ok
    };
    cluster
        .until("the silence to be noticed", || {
            (!quorum(&cluster)).then_some(())
        })
        .await;
    cluster.start(leader).await;
    cluster.leader_among(&[left, leader]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_all_crash_at_once() {
    let mut cluster = Cluster::found(3).await;
    accepted(cluster.node(1), draft(create("/all", ""))).await;
    let mut acknowledged = Vec::new();
    for round in 0..4 {
        for i in 0..20u64 {
            let name = format!("/all/{round}-{i}");
            accepted(cluster.node(i % 3 + 1), draft(create(&name, "x"))).await;
            acknowledged.push(name);
        }
        for id in [1, 2, 3] {
            cluster.crash(id).await;
        }
        for id in [1, 2, 3] {
            cluster.start(id).await;
        }
        cluster.leader().await;
        cluster.converge().await;
        let state = cluster.node(2).state();
        for name in &acknowledged {
            assert!(
                state.znode(&path(name)).is_some(),
                "{name} is gone after round {round}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_leader_hands_over_and_requests_under_way_go_on() {
    let cluster = Cluster::found(3).await;
    let leader = cluster.leader().await;
    let node = cluster.node(leader).clone();
    let report = node
        .hand_over(SOON)
        .await
        .expect("it led")
        .expect("handed over");
    assert_ne!(report.leader, leader);
    // Its own clients are served through the new leader.
    assert!(matches!(
        accepted(&node, draft(put("/x", "1"))).await,
        Reply::Znode(_)
    ));
    cluster.leader().await;
    cluster.converge().await;
}
