//! Sessions: taken up at another node, refused, moved, kept alive, closed.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use holdfast_tests::zookeeper::{
    create, four_letters, handshake, is_end, new_session, stat_of, watched,
};
use holdfast_tests::{Cluster, ZooKeeper, eventually, until};
use zookeeper::proto::connect::{ConnectRequest, ConnectResponse};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::request::Request;

/// Shortest timeout the nodes of a test grant that needs sessions to expire.
const SHORT: Duration = Duration::from_secs(1);
const SHORT_FLAG: &str = "--zookeeper-session-min=1s";

fn short_session() -> ConnectRequest {
    ConnectRequest {
        timeout_ms: i32::try_from(SHORT.as_millis()).unwrap(),
        ..new_session()
    }
}

#[track_caller]
fn assert_sent_away<T: std::fmt::Debug>(result: io::Result<T>) {
    let error = result.expect_err("the server must close without an answer");
    assert!(is_end(&error), "{error}");
}

#[test]
fn a_session_goes_on_at_another_node_with_what_it_owns() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(1);
    assert!(!client.session().is_refused());
    client.create("/mine", CreateMode::Ephemeral);
    for node in [2, 3, 1] {
        let mut again = client.take_up(cluster.zookeeper_address(node)).unwrap();
        client.cut();
        let before = again.resumption();
        assert_eq!(Some(again.session().session_id), Some(before.session_id));
        assert_ne!(again.session().password, [0; 16]);
        // Without a sync: a client never goes back in time, whichever node it comes to.
        let stat = again.stat("/mine").expect("what it owns");
        assert_eq!(stat.ephemeral_owner, again.session().session_id);
        client = again;
    }
    // The timeout is agreed upon again.
    let wish = ConnectRequest {
        timeout_ms: 12_345,
        ..client.resumption()
    };
    let again = ZooKeeper::connect_with(cluster.zookeeper_address(2), &wish).unwrap();
    assert_eq!(again.session().timeout_ms, 12_345);
    assert_eq!(again.session().session_id, client.session().session_id);
    assert_eq!(again.session().password, client.session().password);
}

#[test]
fn a_session_is_refused_with_zeros_and_its_owner_keeps_it() {
    let cluster = Cluster::start(3);
    let mut owner = cluster.zookeeper(1);
    owner.create("/mine", CreateMode::Ephemeral);
    let mut gone = cluster.zookeeper(2);
    let _ = gone.done(&Request::CloseSession);
    let right = owner.resumption();
    let mut wrong = owner.session().password;
    wrong[15] ^= 1;
    let wrong = Some(Bytes::copy_from_slice(&wrong));
    let refused = [
        ConnectRequest {
            password: wrong.clone(),
            ..right.clone()
        },
        ConnectRequest {
            password: Some(Bytes::from_static(&[0; 16])),
            ..right.clone()
        },
        ConnectRequest {
            password: None,
            ..right.clone()
        },
        ConnectRequest {
            session_id: -1,
            ..right.clone()
        },
        ConnectRequest {
            session_id: i64::MAX,
            ..right.clone()
        },
        ConnectRequest {
            session_id: i64::MIN,
            ..right.clone()
        },
        gone.resumption(),
        ConnectRequest {
            password: wrong,
            read_only: None,
            ..right
        },
    ];
    for request in refused {
        for node in cluster.ids() {
            let address = cluster.zookeeper_address(node);
            let answer = handshake(address, &request).unwrap();
            // All zeros but the length of the password.
            let mut zeros = vec![0; if request.read_only.is_some() { 37 } else { 36 }];
            zeros[19] = 16;
            assert_eq!(answer, zeros, "{request:?}");
            let mut refused = ZooKeeper::connect_with(address, &request).unwrap();
            assert!(refused.is_closed());
        }
    }
    assert!(owner.stat("/mine").is_some(), "the owner was disturbed");
}

#[test]
fn connect_requests_with_and_without_the_last_byte_are_answered_alike() {
    let cluster = Cluster::start(1);
    let address = cluster.zookeeper_address(1);
    for (read_only, bytes) in [(None, 36), (Some(false), 37), (Some(true), 37)] {
        let request = ConnectRequest {
            read_only,
            ..new_session()
        };
        let answer = handshake(address, &request).unwrap();
        assert_eq!(answer.len(), bytes);
        let answer = ConnectResponse::decode(answer).unwrap();
        assert!(!answer.is_refused());
        // To be willing to read only is not to want to.
        assert_eq!(answer.read_only, read_only.map(|_| false));
        let mut client = ZooKeeper::connect_with(address, &request).unwrap();
        client.create("/n-", CreateMode::PersistentSequential);
    }
}

#[test]
fn a_moved_session_is_no_longer_served_by_its_former_connection() {
    let cluster = Cluster::start(3);
    for (from, to) in [(1, 2), (2, 3), (3, 1)] {
        let mut old = cluster.zookeeper(from);
        let mine = format!("/mine-{from}");
        old.create(&mine, CreateMode::Ephemeral);
        let mut new = old.take_up(cluster.zookeeper_address(to)).unwrap();
        let late = format!("/late-{from}");
        old.send(&Request::Create(create(&late, "", CreateMode::Persistent)));
        assert!(old.is_closed());
        assert_eq!(new.stat(&late), None);
        assert!(new.stat(&mine).is_some());
    }
}

#[test]
fn a_former_connection_cannot_close_the_session() {
    let cluster = Cluster::start(3);
    let mut old = cluster.zookeeper(1);
    old.create("/mine", CreateMode::Ephemeral);
    let mut new = old.take_up(cluster.zookeeper_address(2)).unwrap();
    old.send(&Request::CloseSession);
    assert!(old.is_closed());
    new.sync();
    assert!(new.stat("/mine").is_some());
    new.create("/mine-too", CreateMode::Ephemeral);
}

#[test]
fn a_second_connection_at_the_same_node_ends_the_first() {
    let cluster = Cluster::start(1);
    let mut old = cluster.zookeeper(1);
    old.create("/mine", CreateMode::Ephemeral);
    let mut new = old.take_up(cluster.zookeeper_address(1)).unwrap();
    assert!(old.is_closed());
    assert!(new.stat("/mine").is_some());
}

#[test]
fn a_connection_whose_session_lives_on_elsewhere_does_not_stay_for_ever() {
    let cluster = Cluster::start_with(3, &[SHORT_FLAG]);
    let address = cluster.zookeeper_address(1);
    let mut old = ZooKeeper::connect_with(address, &short_session()).unwrap();
    let _ = old.done(&Request::Exists(watched("/")));
    let again = ConnectRequest {
        timeout_ms: old.session().timeout_ms,
        ..old.resumption()
    };
    let mut new = ZooKeeper::connect_with(cluster.zookeeper_address(2), &again).unwrap();
    until("the watch of the old connection to be gone", || {
        let _ = new.done(&Request::Ping);
        four_letters(address, "wchs")
            .unwrap()
            .starts_with("0 connections")
    });
    assert!(old.is_closed());
    let _ = new.done(&Request::Ping);
}

#[test]
fn a_client_that_has_seen_more_than_a_node_is_sent_away() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(1);
    client.make("/seen");
    let ahead = client.seen() + 1_000_000;
    for node in cluster.ids() {
        let address = cluster.zookeeper_address(node);
        for request in [new_session(), client.resumption()] {
            let request = ConnectRequest {
                last_zxid_seen: ahead,
                ..request
            };
            assert_sent_away(handshake(address, &request));
        }
    }
    // The attempts have not taken the session from its connection.
    client.create("/still-here", CreateMode::Ephemeral);
}

#[test]
fn a_client_never_goes_back_in_time_at_a_node_that_was_stalled() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let follower = cluster.follower();
    let address = cluster.zookeeper_address(follower);
    let mut writer = cluster.zookeeper(cluster.leader());
    for _ in 0..10 {
        cluster.pause(follower);
        let paths: Vec<String> = (0..20)
            .map(|_| writer.create("/n-", CreateMode::PersistentSequential))
            .collect();
        let ahead = ConnectRequest {
            last_zxid_seen: writer.seen(),
            ..new_session()
        };
        cluster.resume(follower);
        let mut client = eventually(
            "the node to have caught up",
            || match ZooKeeper::connect_with(address, &ahead) {
                Ok(client) => Some(client),
                Err(error) if is_end(&error) => None,
                Err(error) => panic!("{error}"),
            },
        );
        for path in paths {
            assert!(client.stat(&path).is_some(), "{path}");
        }
    }
}

#[test]
fn reading_through_a_follower_keeps_a_session_and_silence_ends_it() {
    let cluster = Cluster::start_with(3, &[SHORT_FLAG]);
    let address = cluster.zookeeper_address(cluster.follower());
    let mut reader = ZooKeeper::connect_with(address, &short_session()).unwrap();
    assert_eq!(
        u128::try_from(reader.session().timeout_ms).unwrap(),
        SHORT.as_millis()
    );
    reader.create("/mine", CreateMode::Ephemeral);
    let began = Instant::now();
    until("several timeouts to pass", || {
        assert!(reader.stat("/mine").is_some());
        began.elapsed() > SHORT * 4
    });
    let mut other = cluster.zookeeper(cluster.leader());
    other.sync();
    assert!(other.stat("/mine").is_some());
    // From here on it says nothing.
    until("the silent session to end", || {
        other.stat("/mine").is_none()
    });
    assert!(reader.is_closed());
    assert!(reader.take_up(address).unwrap().session().is_refused());
}

#[test]
fn closing_a_session_takes_everything_it_owns_before_it_is_answered() {
    let cluster = Cluster::start(3);
    let follower = cluster.follower();
    let mut client = cluster.zookeeper(follower);
    let mut witness = cluster.zookeeper(follower);
    client.make("/owned");
    let numbered = Request::Create(create("/owned/n-", "", CreateMode::EphemeralSequential));
    // The last ones are still under way when the session closes.
    let mut requests = vec![numbered; 50];
    requests.push(Request::CloseSession);
    client.send_all(&requests);
    for _ in 0..50 {
        assert!(client.reply().result.is_ok());
    }
    let closed = client.reply();
    assert!(closed.result.is_ok());
    assert!(client.is_closed());
    // At the same node no sync is needed.
    let parent = witness.stat("/owned").unwrap();
    assert_eq!((parent.num_children, parent.pzxid), (0, closed.zxid));
    let mut elsewhere = cluster.zookeeper(cluster.leader());
    elsewhere.sync();
    assert!(elsewhere.children("/owned").is_empty());
    assert!(
        client
            .take_up(cluster.zookeeper_address(1))
            .unwrap()
            .session()
            .is_refused()
    );
}

#[test]
fn nothing_is_done_after_a_session_was_closed() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    let late = Request::Create(create("/late", "", CreateMode::Persistent));
    client.send_all(&[Request::CloseSession, late, stat_of("/")]);
    assert!(client.reply().result.is_ok());
    assert!(client.is_closed());
    assert_eq!(cluster.zookeeper(1).stat("/late"), None);
}
