use std::time::Duration;

use node::{AcquireOutcome, ClaimStanding};
use raft_core::command::SessionRef;
use raft_core::lock::{ClaimEnd, ClaimState};
use raft_core::outcome::{Refusal, Reply};
use raft_core::query::session::SessionStatus;
use sim::Cluster;

use crate::harness::{
    SOON, accepted, acquire, by, claim, claim_reply, draft, lock, open_session, refused, release,
    session,
};

fn is_live(cluster: &Cluster, node: u64, id: raft_core::ids::SessionId) -> bool {
    cluster
        .node(node)
        .peek(|state| matches!(state.session(&SessionRef::Id(id)), SessionStatus::Live(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_session_expires_and_its_lock_goes_to_the_next() {
    let cluster = Cluster::found(3).await;
    let node = cluster.node(1);
    let silent = session(node, "silent", 5_000).await;
    let kept = session(node, "kept", 5_000).await;
    accepted(node, by("silent", acquire("l", "c1", 0))).await;
    let other = cluster.node(2).clone();
    let waiting = tokio::spawn(async move {
        other
            .acquire(by("kept", acquire("l", "c2", 60_000)), SOON, SOON)
            .await
    });
    cluster
        .until("a queue", || {
            (node.peek(|s| s.counts().claims) == 2).then_some(())
        })
        .await;
    // Two steps, a sign of life of one session in between.
    cluster.advance(Duration::from_millis(3_000));
    let alive = cluster.node(3).keep_alive(vec![kept], SOON).await.unwrap();
    assert!(alive[0].alive);
    assert_eq!(alive[0].safe_ms, 5_000);
    cluster.advance(Duration::from_millis(3_000));
    assert!(matches!(
        waiting.await.unwrap().unwrap(),
        AcquireOutcome::Granted(..)
    ));
    assert!(!is_live(&cluster, 2, silent));
    assert!(is_live(&cluster, 2, kept));
    let gone = refused(node, draft(open_session("silent", 5_000))).await;
    assert!(matches!(gone, Refusal::SessionEnded(_)), "{gone:?}");
    let answer = cluster
        .node(3)
        .keep_alive(vec![silent], SOON)
        .await
        .unwrap();
    assert!(!answer[0].alive);
    cluster.converge().await;
}

/// Found by the simulation, seed 20172: the round that confirmed the deposed leader's answer was its
/// successor's, which had not heard of the session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposed_leader_promises_no_time_that_its_successor_does_not_give() {
    let cluster = Cluster::found(3).await;
    let old = cluster.leader().await;
    let others: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != old).collect();
    let id = session(cluster.node(old), "s", 5_000).await;
    cluster.network.isolate(old, others.clone());
    let new = cluster.leader_among(&others).await;
    let heard = |node: u64| cluster.node(node).session_contact(id);
    cluster.until("a successor's seat", || heard(new)).await;
    cluster.advance(Duration::from_secs(3));
    let deposed = cluster.node(old).clone();
    let asked = tokio::spawn(async move { deposed.keep_alive(vec![id], SOON).await });
    let taken = || heard(old).filter(|age| age.is_zero());
    cluster.until("a sign of life at the old one", taken).await;
    cluster.network.heal_all();
    let answer = asked.await.unwrap().unwrap();
    assert!(answer[0].alive);
    let leader = cluster.leader().await;
    assert_eq!(heard(leader), Some(Duration::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_leader_gives_every_session_its_full_time() {
    let mut cluster = Cluster::found(3).await;
    let leader = cluster.leader().await;
    let survivor = [1, 2, 3].into_iter().find(|id| *id != leader).unwrap();
    let id = session(cluster.node(survivor), "s", 5_000).await;
    cluster.advance(Duration::from_millis(4_500));
    cluster.crash(leader).await;
    // More silence than the timeout in all, but not under one leader.
    cluster.advance(Duration::from_millis(4_500));
    cluster.leader().await;
    accepted(
        cluster.node(survivor),
        draft(crate::harness::put("/x", "1")),
    )
    .await;
    cluster.advance(Duration::from_millis(4_500));
    accepted(
        cluster.node(survivor),
        draft(crate::harness::put("/x", "2")),
    )
    .await;
    assert!(is_live(&cluster, survivor, id));
    cluster.advance(Duration::from_millis(1_500));
    cluster
        .until("expiry", || {
            (!is_live(&cluster, survivor, id)).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wall_clock_that_jumps_ends_nothing() {
    let cluster = Cluster::found(3).await;
    let node = cluster.node(1);
    let id = session(node, "s", 5_000).await;
    accepted(node, by("s", acquire("l", "c1", 0))).await;
    for n in [1, 2, 3] {
        cluster.sim(n).clock.jump_wall_to(4_000_000_000_000);
    }
    accepted(node, draft(crate::harness::put("/x", "1"))).await;
    for n in [1, 2, 3] {
        cluster.sim(n).clock.jump_wall_to(1_000_000_000_000);
    }
    let moment = crate::harness::done(node, draft(crate::harness::put("/x", "2")))
        .await
        .moment;
    assert!(
        moment.wall.0 >= 4_000_000_000_000,
        "wall stamps never go back"
    );
    assert!(is_live(&cluster, 1, id));
    let held = claim_reply(accepted(node, by("s", acquire("l", "c1", 0))).await);
    assert!(held.claim.is_held());
}

/// Who is told `held` must not lose the lock because the node that told it died right behind: the
/// answer is later than the commit of the pick-up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiter_is_told_of_its_grant_when_the_pick_up_is_committed() {
    let mut cluster = Cluster::found(3).await;
    let (holder, told, other) = (1, 2, 3);
    session(cluster.node(holder), "a", 3_600_000).await;
    session(cluster.node(holder), "b", 3_600_000).await;
    accepted(cluster.node(holder), by("a", acquire("l", "c1", 0))).await;
    let waiter = cluster.node(told).clone();
    let next = tokio::spawn(async move {
        waiter
            .acquire(by("b", acquire("l", "c2", 600_000)), SOON, SOON)
            .await
    });
    cluster
        .until("a queue", || {
            let claims = cluster.node(holder).peek(|s| s.counts().claims);
            (claims == 2).then_some(())
        })
        .await;
    accepted(cluster.node(holder), by("a", release("l", "c1"))).await;
    let (granted, zxid) = match next.await.unwrap().unwrap() {
        AcquireOutcome::Granted(reply, zxid) => (reply, zxid),
        other => panic!("unexpected outcome {other:?}"),
    };
    cluster.crash(told).await;
    let picked_up = |state: &ClaimState| {
        matches!(
            state,
            ClaimState::Held {
                acknowledge_by: None,
                ..
            }
        )
    };
    assert!(picked_up(&granted.claim.state), "{granted:?}");
    // The position told with it is one at which that is so, also where nobody was told.
    let survivor = cluster.node(other);
    survivor.await_applied(zxid, SOON).await.unwrap();
    let (standing, _) = survivor
        .await_claim(&lock("l"), &claim("c2"), Duration::ZERO)
        .await;
    match standing {
        ClaimStanding::Live(reply) => assert!(picked_up(&reply.claim.state), "{reply:?}"),
        other => panic!("unexpected standing {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_nobody_picks_up_is_abandoned() {
    let cluster = Cluster::found(3).await;
    let node = cluster.node(1);
    for name in ["a", "b", "c"] {
        session(node, name, 3_600_000).await;
    }
    accepted(node, by("a", acquire("l", "c1", 0))).await;
    // Queued by a request that did not wait for its turn: nobody will notice the grant.
    accepted(node, by("b", acquire("l", "c2", 600_000))).await;
    let waiter = cluster.node(2).clone();
    let next = tokio::spawn(async move {
        waiter
            .acquire(by("c", acquire("l", "c3", 600_000)), SOON, SOON)
            .await
    });
    cluster
        .until("a queue", || {
            (node.peek(|s| s.counts().claims) == 3).then_some(())
        })
        .await;
    accepted(node, by("a", release("l", "c1"))).await;
    cluster.advance(Duration::from_millis(10_500));
    assert!(matches!(
        next.await.unwrap().unwrap(),
        AcquireOutcome::Granted(..)
    ));
    match refused(node, by("b", acquire("l", "c2", 600_000))).await {
        Refusal::ClaimEnded(ended) => assert_eq!(ended.end, ClaimEnd::Abandoned),
        other => panic!("unexpected refusal {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wait_of_a_claim_is_kept_by_the_cluster() {
    let cluster = Cluster::found(3).await;
    let node = cluster.node(1);
    session(node, "a", 3_600_000).await;
    session(node, "b", 3_600_000).await;
    accepted(node, by("a", acquire("l", "c1", 0))).await;
    let waiter = cluster.node(2).clone();
    let waiting = tokio::spawn(async move {
        waiter
            .acquire(by("b", acquire("l", "c2", 2_000)), SOON, SOON)
            .await
    });
    cluster
        .until("a queue", || {
            (node.peek(|s| s.counts().claims) == 2).then_some(())
        })
        .await;
    cluster.advance(Duration::from_millis(2_500));
    match waiting.await.unwrap().unwrap() {
        AcquireOutcome::Ended(ended, _) => assert_eq!(ended.end, ClaimEnd::WaitElapsed),
        other => panic!("unexpected outcome {other:?}"),
    }
    assert!(matches!(
        accepted(node, by("a", release("l", "c1"))).await,
        Reply::ClaimEnded(_)
    ));
}
