//! A leader goes away under ZooKeeper clients.

use std::time::{Duration, Instant};

use holdfast_tests::zookeeper::{is_end, new_session, set};
use holdfast_tests::{Cluster, ZooKeeper, eventually};
use zookeeper::proto::connect::ConnectRequest;
use zookeeper::proto::create_mode::CreateMode;

const SHORT: Duration = Duration::from_secs(2);
const SHORT_FLAG: &str = "--zookeeper-session-min=2s";
/// Long enough for busy machines, and far below what a client would wait for.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

#[test]
fn connecting_during_a_leader_change_is_answered_or_refused_soon() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let leader = cluster.leader();
    cluster.kill(leader);
    for node in cluster.running() {
        let address = cluster.zookeeper_address(node);
        let mut client = eventually("a session", || {
            let asked = Instant::now();
            let answer = ZooKeeper::connect_with(address, &new_session());
            assert!(asked.elapsed() < ANSWER_WITHIN, "{:?}", asked.elapsed());
            match answer {
                Ok(client) => Some(client),
                Err(error) if is_end(&error) => None,
                Err(error) => panic!("{error}"),
            }
        });
        assert!(!client.session().is_refused());
        client.create("/n-", CreateMode::PersistentSequential);
    }
    cluster.restart(leader);
}

#[test]
fn a_session_that_says_something_outlives_the_leader_it_was_opened_at() {
    let mut cluster = Cluster::start_with(3, &[SHORT_FLAG]);
    cluster.expect_lost_peers();
    let leader = cluster.leader();
    let wish = ConnectRequest {
        timeout_ms: i32::try_from(SHORT.as_millis()).unwrap(),
        ..new_session()
    };
    let mut client = ZooKeeper::connect_with(cluster.zookeeper_address(leader), &wish).unwrap();
    client.create("/mine", CreateMode::Ephemeral);
    client.make("/data");
    let _ = client.done(&set("/data", "acknowledged"));
    cluster.kill(leader);
    assert!(client.is_closed());
    for node in cluster.running() {
        let again = ConnectRequest {
            timeout_ms: wish.timeout_ms,
            ..client.resumption()
        };
        let address = cluster.zookeeper_address(node);
        client = eventually("the session to be taken up", || {
            ZooKeeper::connect_with(address, &again).ok()
        });
        assert!(!client.session().is_refused());
        assert!(client.stat("/mine").is_some());
        assert_eq!(client.data("/data"), "acknowledged");
    }
    cluster.restart(leader);
}
