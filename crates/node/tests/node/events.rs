use membership::RaftSettings;
use node::{EventId, NodeSettings};
use raft_core::event::EventKind;
use raft_core::ids::Zxid;
use sim::Cluster;

use crate::harness::{SOON, accepted, create, done, draft, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_resumed_on_another_node_has_no_gap_and_no_repeat() {
    let cluster = Cluster::found(3).await;
    let mut stream = cluster.node(1).events_from_now();
    accepted(cluster.node(1), draft(create("/e", ""))).await;
    let first = stream.next().await.unwrap();
    for i in 0..20 {
        accepted(cluster.node(3), draft(put("/e", &i.to_string()))).await;
    }
    let node = cluster.node(2);
    node.await_applied(first.moment.zxid, SOON).await.unwrap();
    let last = EventId {
        zxid: first.moment.zxid,
        ordinal: first.events.last().unwrap().ordinal,
    };
    let mut resumed = node.events_after(last).unwrap();
    for i in 0..20 {
        let commit = resumed.next().await.unwrap();
        let expected = i.to_string();
        match &commit.events[0].kind {
            EventKind::NodeChanged {
                value: Some(value), ..
            } => assert_eq!(&value[..], expected.as_bytes()),
            other => panic!("unexpected event {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_that_is_gone_is_said_to_be_gone() {
    let settings = NodeSettings {
        event_commits_max: 5,
        ..Default::default()
    };
    let cluster = Cluster::found_with(1, RaftSettings::default(), settings).await;
    let node = cluster.node(1);
    let mut slow = node.events_from_now();
    let start = node.applied();
    accepted(node, draft(create("/e", ""))).await;
    for i in 0..10 {
        accepted(node, draft(put("/e", &i.to_string()))).await;
    }
    let gone = node
        .events_after(EventId {
            zxid: start,
            ordinal: u32::MAX,
        })
        .unwrap_err();
    assert_eq!(gone.oldest.zxid, Zxid(node.applied().0 - 5));
    assert!(node.events_after(gone.oldest).is_ok());
    assert_eq!(slow.next().await.unwrap_err(), gone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_there_before_the_answer() {
    let cluster = Cluster::found(3).await;
    let node = cluster.node(2);
    for i in 0..50 {
        let before = EventId::after_command(node.applied());
        let zxid = done(node, draft(create(&format!("/b{i}"), "")))
            .await
            .moment
            .zxid;
        let mut stream = node.events_after(before).unwrap();
        // Ready at once: no waiting for a publication behind the answer.
        let next = futures::FutureExt::now_or_never(stream.next());
        assert_eq!(next.expect("published").unwrap().moment.zxid, zxid);
    }
}
