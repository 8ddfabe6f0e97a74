use std::sync::mpsc;
use std::time::Duration;

use futures::future::join_all;
use node::{DryRunError, NotApplied, ReadOptions};
use raft_core::dry_run::DryRun;
use raft_core::outcome::{Reply, ZnodeReply};
use sim::Cluster;

use crate::harness::{SOON, accepted, create, done, draft, put, value};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_any_node_it_sees_what_was_acknowledged() {
    let cluster = Cluster::found(3).await;
    let node = |i: u64| cluster.node(i % 3 + 1);
    for i in 0..20 {
        let text = i.to_string();
        let written = done(node(i), draft(put("/x", &text))).await.moment.zxid;
        let tried = node(i + 1).dry_run(
            draft(put("/x", "other")),
            ReadOptions::default(),
            SOON,
            |run| {
                let both = (value(&run.before, "/x"), value(&run.after, "/x"));
                (both, run.outcome.clone())
            },
        );
        let answer = tried.await.unwrap();
        let (both, outcome) = answer.value;
        assert_eq!(both, (Some(text), Some("other".to_owned())));
        assert!(answer.zxid >= written);
        assert_eq!(outcome.moment.zxid.0, answer.zxid.0 + 1);
        let done = matches!(outcome.result, Ok(Reply::Znode(ZnodeReply::DataSet { .. })));
        assert!(done, "{outcome:?}");
        assert_eq!(outcome.events.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_all_answered() {
    let cluster = Cluster::found(1).await;
    accepted(cluster.node(1), draft(create("/x", "1"))).await;
    let tried = (0..50).map(|_| {
        let again = draft(create("/x", "2"));
        let refused = |run: &DryRun| run.outcome.result.is_err();
        cluster
            .node(1)
            .dry_run(again, ReadOptions::default(), SOON, refused)
    });
    for answer in join_all(tried).await {
        assert!(answer.unwrap().value);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_does_not_get_its_turn_in_time_is_told_so() {
    let cluster = Cluster::found(1).await;
    let node = cluster.node(1);
    let (began, has_begun) = mpsc::sync_channel(2);
    let mut held = Vec::new();
    for _ in 0..2 {
        let (go_on, wait) = mpsc::sync_channel::<()>(1);
        let (node, began) = (node.clone(), began.clone());
        let tried = tokio::spawn(async move {
            let tell = move |_: &DryRun| {
                began.send(()).unwrap();
                wait.recv().unwrap();
            };
            let draft = draft(create("/x", ""));
            node.dry_run(draft, ReadOptions::default(), SOON, tell)
                .await
        });
        held.push((go_on, tried));
    }
    let both = tokio::task::spawn_blocking(move || {
        (0..2).for_each(|_| has_begun.recv_timeout(SOON).unwrap());
    });
    both.await.unwrap();
    let short = Duration::from_millis(50);
    let third = node.dry_run(
        draft(create("/x", "")),
        ReadOptions::default(),
        short,
        |_| (),
    );
    let refused = third.await.unwrap_err();
    let DryRunError::NotTried(NotApplied::Overloaded { limit: 2, .. }) = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        refused.to_string(),
        "this node already has 2 dry runs in flight"
    );
    for (go_on, tried) in held {
        go_on.send(()).unwrap();
        tried.await.unwrap().unwrap();
    }
    let draft = draft(create("/x", ""));
    let next = node.dry_run(draft, ReadOptions::default(), SOON, |_| ());
    next.await.unwrap();
}

/// It would stop every node: whoever finds it must not be told "try later".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_invariant_stays_a_panic() {
    let cluster = Cluster::found(1).await;
    let node = cluster.node(1).clone();
    let tried = tokio::spawn(async move {
        let broken = |_: &DryRun| -> () { panic!("I-0 is broken") };
        let draft = draft(create("/x", ""));
        let tried = node.dry_run(draft, ReadOptions::default(), SOON, broken);
        tried.await.unwrap();
    });
    let panic = tried.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"I-0 is broken"));
}
