//! `/zookeeper/config` follows the membership, whoever changes it.

use node::{MemberChange, Node, Reconfiguration, ReconfigureFailure, WantedMember};
use raft_core::acl::Identity;
use raft_core::ids::Zxid;
use sim::Cluster;

use crate::harness::{SOON, value};

fn text(node: &Node) -> String {
    value(&node.state(), "/zookeeper/config").unwrap()
}

fn add(id: u64) -> MemberChange {
    MemberChange::AddLearner {
        id,
        peer: format!("node-{id}"),
        api: format!("http://node-{id}"),
    }
}

fn line(id: u64, role: &str) -> String {
    format!("server.{id}=node-{id}:0:80:{role}")
}

/// Waits until every running node shows these lines, and says the same bytes everywhere.
async fn shows(cluster: &Cluster, lines: &[String]) -> String {
    let ids = cluster.running();
    let what = format!("{lines:?}");
    cluster
        .until(&what, || {
            let texts: Vec<String> = ids.iter().map(|id| text(cluster.node(*id))).collect();
            let shown: Vec<&str> = texts[0].lines().collect();
            let (version, members) = shown.split_last()?;
            let same = texts.iter().all(|text| *text == texts[0]);
            (same && members == lines && version.starts_with("version=")).then(|| texts[0].clone())
        })
        .await
}

fn founders(role: [&str; 3]) -> Vec<String> {
    let line = |(id, role): (u64, &str)| format!("{};node-{id}:2181", line(id, role));
    (1..).zip(role).map(line).collect()
}

const THREE: [&str; 3] = ["participant"; 3];

fn by_super(joining: Vec<WantedMember>, leaving: &[u64]) -> Reconfiguration {
    Reconfiguration {
        joining,
        leaving: leaving.iter().copied().collect(),
        identities: vec![Identity {
            scheme: "super".to_owned(),
            id: String::new(),
        }],
        ..Reconfiguration::default()
    }
}

fn wanted(id: u64, voter: bool) -> WantedMember {
    WantedMember {
        id,
        peer: format!("node-{id}"),
        api: format!("http://node-{id}"),
        clients: format!("node-{id}:2181"),
        voter,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_follows_changes_that_no_zookeeper_client_asked_for() {
    let mut cluster = Cluster::found_with_doors(3).await;
    shows(&cluster, &founders(THREE)).await;
    cluster.add(4).await;
    let change = |change| {
        let node = cluster.node(1).clone();
        async move {
            node.change_members(change, false, false, SOON)
                .await
                .unwrap()
        }
    };
    change(add(4)).await;
    let mut all = founders(THREE);
    // The newcomer says itself where its clients reach it.
    all.push(format!("{};node-4:2181", line(4, "observer")));
    shows(&cluster, &all).await;
    change(MemberChange::Promote { id: 4 }).await;
    all[3] = format!("{};node-4:2181", line(4, "participant"));
    shows(&cluster, &all).await;
    change(MemberChange::Remove { id: 4 }).await;
    cluster.stop(4).await;
    shows(&cluster, &founders(THREE)).await;
}

/// The leader dies as soon as the change is made: nobody is left who knows that there is something
/// to be told but the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_leader_shows_what_the_old_one_changed() {
    let mut cluster = Cluster::found_with_doors(3).await;
    shows(&cluster, &founders(THREE)).await;
    let leader = cluster.leader().await;
    let node = cluster.node(leader).clone();
    node.change_members(add(9), false, false, SOON)
        .await
        .unwrap();
    cluster.crash(leader).await;
    let mut all = founders(THREE);
    all.push(line(9, "observer"));
    shows(&cluster, &all).await;
}

/// A node that starts applies its log again, and must not take what it sees on the way for the present.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_writes_nothing() {
    let mut cluster = Cluster::found_with_doors(3).await;
    shows(&cluster, &founders(THREE)).await;
    let leader = cluster.leader().await;
    let before = cluster.node(leader).applied();
    for id in [1, 2, 3] {
        cluster.crash(id).await;
        cluster.start(id).await;
        cluster.leader().await;
    }
    cluster.converge().await;
    assert_eq!(cluster.node(1).applied(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconfiguration_can_be_asked_for_on_any_node() {
    let cluster = Cluster::found_with_doors(3).await;
    let before = shows(&cluster, &founders(THREE)).await;
    for id in [1, 2, 3] {
        let node = cluster.node(id);
        let new = 10 + id;
        let version = node
            .reconfigure(by_super(vec![wanted(new, false)], &[]), SOON)
            .await
            .unwrap();
        // What the caller is told is there at once, at the node it asked.
        let shown = text(node);
        let observer = format!("{};node-{new}:2181\n", line(new, "observer"));
        assert!(shown.contains(&observer), "{shown}");
        assert!(
            shown.ends_with(&format!("version={:x}", version.0)),
            "{shown}"
        );
        assert_ne!(shown, before);
        let gone = node
            .reconfigure(by_super(Vec::new(), &[new]), SOON)
            .await
            .unwrap();
        assert!(gone > version);
        assert!(!text(node).contains(&observer));
    }
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_can_be_removed_with_others_and_is_the_last_to_go() {
    let cluster = Cluster::found_with_doors(5).await;
    let leader = cluster.leader().await;
    let stays: Vec<u64> = (1..=5).filter(|id| *id != leader).collect();
    let ask = by_super(Vec::new(), &[leader, stays[0]]);
    let node = cluster.node(stays[1]);
    node.reconfigure(ask, SOON).await.unwrap();
    let left: Vec<u64> = node.state().members().map(|(id, _)| id).collect();
    assert_eq!(left, stays[1..]);
}

/// Each thing that is wrong is told in ZooKeeper's order, and nothing has happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_refused_in_order_and_changes_nothing() {
    let mut cluster = Cluster::found_with_doors(3).await;
    let before = shows(&cluster, &founders(THREE)).await;
    let node = cluster.node(2).clone();
    let refused = |ask: Reconfiguration| {
        let node = node.clone();
        async move { node.reconfigure(ask, SOON).await.unwrap_err() }
    };
    // Everything is wrong: the version comes first.
    let all_wrong = Reconfiguration {
        based_on: Some(Zxid(2)),
        identities: Vec::new(),
        ..by_super(vec![wanted(7, true)], &[1, 2, 3])
    };
    assert_eq!(
        refused(all_wrong.clone()).await,
        ReconfigureFailure::BadVersion { current: 3 }
    );
    let nobody_votes = Reconfiguration {
        joining: vec![wanted(7, false)],
        based_on: Some(Zxid(3)),
        ..all_wrong
    };
    assert!(matches!(
        refused(nobody_votes.clone()).await,
        ReconfigureFailure::BadArguments(_)
    ));
    let not_ready = Reconfiguration {
        joining: vec![wanted(7, true)],
        leaving: [].into(),
        ..nobody_votes
    };
    assert!(matches!(
        refused(not_ready.clone()).await,
        ReconfigureFailure::NoQuorum(_)
    ));
    let not_allowed = Reconfiguration {
        joining: vec![wanted(7, false)],
        ..not_ready
    };
    assert_eq!(refused(not_allowed).await, ReconfigureFailure::NoAuth);
    // With one node down, two of three are needed; without another of them nobody could agree.
    let leader = cluster.leader().await;
    let down = [1, 2, 3].into_iter().find(|id| *id != leader && *id != 2);
    let down = down.unwrap();
    cluster.crash(down).await;
    let rest: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != down).collect();
    let leaves = *rest.iter().find(|id| **id != 2).unwrap();
    cluster
        .until("the lost node to be missed", || {
            let quorum_age = cluster.node(leader).status().quorum_age;
            quorum_age.map(|_| ())
        })
        .await;
    let failure = loop {
        let ask = by_super(Vec::new(), &[leaves]);
        match node.reconfigure(ask, SOON).await {
            Err(ReconfigureFailure::NoLeader | ReconfigureFailure::InProgress) => {}
            other => break other.unwrap_err(),
        }
    };
    assert!(
        matches!(failure, ReconfigureFailure::NoQuorum(_)),
        "{failure:?}"
    );
    assert_eq!(text(&node), before);
}
