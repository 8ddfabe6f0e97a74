//! Health checks of instances, over real sockets: the leader checks, all nodes see the verdict.

use std::collections::BTreeMap;

use node::Node;
use raft_core::command::{Command, RegisterInstance, ServiceCommand, ServiceOp};
use raft_core::ids::{InstanceId, ServiceName};
use raft_core::service::{CheckSpec, Probe, Registration, Verdict};
use sim::Cluster;
use tokio::net::TcpListener;

use crate::harness::{accepted, draft};

fn service() -> ServiceName {
    ServiceName::parse("shop").unwrap()
}

fn instance() -> InstanceId {
    InstanceId::parse("web-1").unwrap()
}

/// The one instance, at this port of loopback.
fn register_at(port: u16) -> Command {
    let check = CheckSpec {
        probe: Probe::Tcp,
        interval_ms: 500,
        timeout_ms: 500,
        fail_after: 1,
        pass_after: 1,
    };
    let registration = Registration {
        address: "127.0.0.1".to_owned(),
        port,
        weight: 1,
        zone: None,
        tags: Vec::new(),
        meta: BTreeMap::new(),
        check: Some(check),
    };
    let register = RegisterInstance {
        instance: instance(),
        registration,
        ttl_ms: Some(3_600_000),
        state: None,
    };
    Command::Service(ServiceCommand {
        service: service(),
        op: ServiceOp::Register(Box::new(register)),
    })
}

fn verdict(node: &Node) -> Option<Verdict> {
    node.peek(|state| {
        let found = state.instance(&service(), &instance()).ok()?;
        found.instance.verdict.clone()
    })
}

/// The verdict, once every node has it.
async fn verdict_everywhere(cluster: &Cluster, passing: bool, text: &str) -> Verdict {
    let what = format!("the verdict {text:?} on every node");
    let found = cluster.until(&what, || {
        let all = cluster.running().into_iter();
        let mut all: Vec<Verdict> = all
            .map(|id| verdict(cluster.node(id)))
            .collect::<Option<_>>()?;
        all.dedup();
        let is_it = |found: &Verdict| found.passing == passing && found.text == text;
        all.pop().filter(|found| all.is_empty() && is_it(found))
    });
    found.await
}

async fn listen(port: u16) -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_outlives_the_leader_that_found_it_and_the_next_leader_goes_on() {
    let mut cluster = Cluster::found(3).await;
    let leader = cluster.leader().await;
    let (listener, port) = listen(0).await;
    accepted(cluster.node(leader), draft(register_at(port))).await;
    let connected = format!("TCP 127.0.0.1:{port}: connected");
    let refused = format!("TCP 127.0.0.1:{port}: connection refused");
    verdict_everywhere(&cluster, true, &connected).await;
    drop(listener);
    let failing = verdict_everywhere(&cluster, false, &refused).await;

    cluster.crash(leader).await;
    let next = cluster.leader().await;
    assert_eq!(verdict(cluster.node(next)), Some(failing));
    let (_listener, _) = listen(port).await;
    verdict_everywhere(&cluster, true, &connected).await;
    cluster.start(leader).await;
    cluster.converge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_moves_is_checked_where_it_is_now() {
    let cluster = Cluster::found(1).await;
    let (listener, closed) = listen(0).await;
    drop(listener);
    let node = cluster.node(1);
    accepted(node, draft(register_at(closed))).await;
    let refused = format!("TCP 127.0.0.1:{closed}: connection refused");
    verdict_everywhere(&cluster, false, &refused).await;

    let (_listener, open) = listen(0).await;
    accepted(node, draft(register_at(open))).await;
    let connected = format!("TCP 127.0.0.1:{open}: connected");
    verdict_everywhere(&cluster, true, &connected).await;
}
