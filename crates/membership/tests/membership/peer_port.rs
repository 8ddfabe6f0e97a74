//! What reaches the peer port and is not a peer.

use std::sync::Arc;
use std::time::Duration;

use membership::peer::network::{PeerNetwork, TcpNetwork};
use membership::{CallError, Consensus, RaftSettings, StartOptions, Timing};
use raft_types::seam::SystemEntropy;
use raft_types::{ClusterId, NodeId, PeerAddress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::cluster::{Cluster, PATIENCE, Recorder, address, eventually, timing};
use crate::store::{Disk, StateMachine};

async fn over_tcp(node_id: NodeId, cluster: u128) -> Consensus<StateMachine> {
    over_tcp_with(node_id, cluster, timing()).await
}

async fn over_tcp_with(node_id: NodeId, cluster: u128, timing: Timing) -> Consensus<StateMachine> {
    let disk = Disk::default();
    let (state_machine, _) = StateMachine::new(disk.clone());
    Consensus::start(StartOptions {
        node_id,
        cluster_id: ClusterId(cluster),
        listen: "127.0.0.1:0".to_owned(),
        timing,
        settings: RaftSettings::default(),
        log_store: disk.log_store(),
        state_machine,
        snapshots: Arc::new(disk),
        network: Arc::new(TcpNetwork),
        service: Arc::new(Recorder::default()),
        entropy: Arc::new(SystemEntropy),
        member_history: Arc::new(|_| false),
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_closed_and_harms_nobody() {
    let node = over_tcp(1, 7).await;
    let peer = node.local_peer_address().to_owned();
    let members = [(
        1,
        PeerAddress {
            peer: peer.clone(),
            api: String::new(),
        },
    )]
    .into();
    node.found(members).await.unwrap();
    eventually("it leads alone", || node.has_quorum().then_some(())).await;
    let before = node.garbage_connections();

    let http = b"GET /v1/locks HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    let zeros = vec![0; 4096];
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    // A well-formed frame whose kind has no business here.
    let keep_alive = vec![
        13, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0xa2, 0x45, 0xe5, 0xbb,
    ];
    let inputs = [http, zeros, noise, keep_alive, Vec::new(), vec![1, 2, 3]];
    let count = inputs.len() as u64;
    for input in inputs {
        let mut stream = TcpNetwork.connect(&peer).await.unwrap();
        // The node may close while the rest is still being sent.
        let _ = stream.write_all(&input).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        let _ = read.expect("the node closes the connection");
        assert_eq!(answer, [], "strangers are told nothing");
    }
    // One that says nothing at all is closed too.
    let mut mute = TcpNetwork.connect(&peer).await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, mute.read_to_end(&mut Vec::new())).await;
    let _ = closed.expect("the node closes the connection");
    eventually("all are counted", || {
        (node.garbage_connections() == before + count + 1).then_some(())
    })
    .await;
    assert!(node.has_quorum());
    node.halt().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_cluster_is_refused_before_raft() {
    let ours = over_tcp(1, 7).await;
    let theirs = over_tcp(2, 8).await;
    let member = |node: &Consensus<StateMachine>| PeerAddress {
        peer: node.local_peer_address().to_owned(),
        api: String::new(),
    };
    let members = [(1, member(&ours)), (2, member(&theirs))].into();
    ours.found(members).await.unwrap();
    let refused = eventually_call(&ours, 2).await;
    assert!(refused.contains("cluster"), "{refused}");
    // It has heard nothing of Raft.
    let status = theirs.status();
    assert_eq!((status.log.last, status.leadership.term), (None, 0));
    assert!(!ours.has_quorum());
    ours.halt().await;
    theirs.halt().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_another_id_is_refused_before_raft() {
    let ours = over_tcp(1, 7).await;
    let other = over_tcp(3, 7).await;
    let member = |node: &Consensus<StateMachine>| PeerAddress {
        peer: node.local_peer_address().to_owned(),
        api: String::new(),
    };
    let members = [(1, member(&ours)), (2, member(&other))].into();
    ours.found(members).await.unwrap();
    let refused = eventually_call(&ours, 2).await;
    assert!(
        refused.contains("node 2 was meant but this is node 3"),
        "{refused}"
    );
    let status = other.status();
    assert_eq!((status.log.last, status.leadership.term), (None, 0));
    ours.halt().await;
    other.halt().await;
}

/// Calls until the member is known, and returns why it was refused.
async fn eventually_call(node: &Consensus<StateMachine>, to: NodeId) -> String {
    eventually("the member is known", || {
        node.status()
            .members
            .addresses
            .contains_key(&to)
            .then_some(())
    })
    .await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let call = node
            .peers()
            .call(to, 0, bytes::Bytes::new(), PATIENCE)
            .await;
        let Err(CallError::NotSent { reason, .. }) = call else {
            panic!("{call:?}")
        };
        if !reason.contains("no address") {
            return reason;
        }
        assert!(tokio::time::Instant::now() < deadline, "{reason}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_an_error_that_names_it() {
    let mut cluster = Cluster::new();
    cluster.start(1).await;
    let disk = Disk::default();
    let (state_machine, _) = StateMachine::new(disk.clone());
    let taken = Consensus::start(StartOptions {
        node_id: 2,
        cluster_id: cluster.id,
        listen: address(1).peer,
        timing: timing(),
        settings: RaftSettings::default(),
        log_store: disk.log_store(),
        state_machine,
        snapshots: Arc::new(disk),
        network: Arc::new(cluster.network.endpoint(2)),
        service: Arc::new(Recorder::default()),
        entropy: Arc::new(SystemEntropy),
        member_history: Arc::new(|_| false),
    })
    .await;
    let error = taken.map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "listen for peers on n1");
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_real_sockets_a_leader_that_ends_is_replaced_before_its_lease_is_over() {
    let mut slow = timing();
    slow.election_min = Duration::from_secs(20);
    slow.election_max = Duration::from_secs(40);
    slow.append_timeout = Duration::from_secs(50);
    slow.install_snapshot_timeout = Duration::from_secs(60);
    let mut nodes = Vec::new();
    for id in 1..=3 {
        nodes.push(over_tcp_with(id, 7, slow).await);
    }
    let address = |node: &Consensus<StateMachine>| PeerAddress {
        peer: node.local_peer_address().to_owned(),
        api: String::new(),
    };
    let members = nodes
        .iter()
        .map(|node| (node.node_id(), address(node)))
        .collect();
    nodes[0].found(members).await.unwrap();
    nodes[0].raft().trigger().elect(true).await.unwrap();
    eventually("the first leads", || nodes[0].has_quorum().then_some(())).await;
    eventually("all follow", || {
        nodes
            .iter()
            .all(|node| node.status().leadership.leader == Some(1))
            .then_some(())
    })
    .await;

    let ended = std::time::Instant::now();
    nodes.remove(0).halt().await;
    eventually("another leads", || {
        nodes.iter().any(Consensus::has_quorum).then_some(())
    })
    .await;
    assert!(
        ended.elapsed() < Duration::from_secs(15),
        "{:?}",
        ended.elapsed()
    );
    for node in nodes {
        node.halt().await;
    }
}
