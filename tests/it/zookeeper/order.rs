//! What one connection sees, in the order it may rely on.

use holdfast_tests::zookeeper::{Received, create, get, path_request, set, stat_of, text, watched};
use holdfast_tests::{Cluster, ZooKeeper, eventually};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::event::EventType;
use zookeeper::proto::request::{AddWatchRequest, Request};
use zookeeper::proto::response::Response;
use zookeeper::proto::stat::Stat;
use zookeeper::proto::watch::AddWatchMode;

/// Requests sent at one go.
const PIPELINED: usize = 500;
/// Changes a concurrent writer makes.
const CHANGES: usize = 400;

#[test]
fn pipelined_writes_are_done_in_the_order_sent() {
    let cluster = Cluster::start(3);
    for node in [cluster.follower(), cluster.leader()] {
        let mut client = cluster.zookeeper(node);
        let parent = format!("/in-order-{node}");
        client.make(&parent);
        let path = |number: usize| format!("{parent}/n{number}");
        let requests: Vec<Request> = (0..PIPELINED)
            .map(|number| Request::Create2(create(&path(number), "", CreateMode::Persistent)))
            .collect();
        client.send_all(&requests);
        let mut last = 0;
        for number in 0..PIPELINED {
            let reply = client.reply();
            let Ok(Response::Create2(created)) = reply.result else {
                panic!("{reply:?}");
            };
            assert_eq!(created.path, path(number));
            assert_eq!(created.stat.czxid, reply.zxid);
            assert!(reply.zxid > last, "{} after {last}", reply.zxid);
            last = reply.zxid;
        }
    }
}

#[test]
fn more_requests_at_one_go_than_a_node_takes_up_are_all_answered() {
    /// Above what one connection may have under way.
    const MANY: usize = 3_500;
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    client.make("/many");
    // A node that has made room for this has room to read all the others at once.
    let _ = client.done(&set("/many", &"x".repeat(900_000)));
    let _ = client.done(&set("/many", ""));
    for request in [Request::Ping, get("/many"), set("/many", "x")] {
        client.send_all(&vec![request; MANY]);
        for _ in 0..MANY {
            assert!(client.reply().result.is_ok());
        }
    }
}

#[test]
fn a_pipelined_failure_does_not_upset_what_follows() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    let new = |path: &str| Request::Create(create(path, "", CreateMode::Persistent));
    client.send_all(&[
        new("/a"),
        new("/a"),
        new("/none/b"),
        new("/a/b"),
        stat_of("/a/b"),
    ]);
    let answers: Vec<bool> = (0..5).map(|_| client.reply().result.is_ok()).collect();
    assert_eq!(answers, [true, false, false, true, true]);
}

#[test]
fn what_replies_show_never_goes_back_within_a_pipeline() {
    let cluster = Cluster::start(3);
    for node in [cluster.follower(), cluster.leader()] {
        let mut client = cluster.zookeeper(node);
        let path = format!("/pings-{node}");
        client.make(&path);
        let sync = Request::Sync(path_request("/"));
        for between in [Request::Ping, sync] {
            // All of the writes are under way while the first requests between them are answered.
            let requests: Vec<Request> = (0..PIPELINED)
                .flat_map(|number| [set(&path, &number.to_string()), between.clone()])
                .collect();
            client.send_all(&requests);
            let mut last = 0;
            for _ in &requests {
                let reply = client.reply();
                assert!(reply.result.is_ok());
                assert!(reply.zxid >= last, "{} after {last}", reply.zxid);
                last = reply.zxid;
            }
        }
    }
}

/// Two clients write at the same time, and one watches what the other writes.
#[test]
fn replies_and_events_stand_in_the_order_of_what_happened() {
    let cluster = Cluster::start(3);
    for node in [cluster.follower(), cluster.leader()] {
        let (mut client, mut other) = (cluster.zookeeper(node), cluster.zookeeper(1));
        let (own, others) = (format!("/own-{node}"), format!("/others-{node}"));
        client.make(&own);
        client.make(&others);
        let _ = client.done(&Request::AddWatch(AddWatchRequest {
            path: others.clone(),
            mode: AddWatchMode::Persistent.code(),
        }));
        let writes = |path: &str| -> Vec<Request> {
            (0..PIPELINED)
                .map(|number| set(path, &number.to_string()))
                .collect()
        };
        other.send_all(&writes(&others));
        client.send_all(&writes(&own));
        let mut last = 0;
        for _ in 0..2 * PIPELINED {
            let zxid = match client.receive().unwrap() {
                Received::Event(event) => event.zxid,
                Received::Reply(reply) => reply.zxid,
            };
            assert!(zxid > last, "{zxid} after {last}");
            last = zxid;
        }
        for _ in 0..PIPELINED {
            assert!(other.reply().result.is_ok());
        }
    }
}

#[test]
fn a_pipelined_read_sees_the_writes_before_it_and_none_after() {
    let cluster = Cluster::start(3);
    for node in [cluster.follower(), cluster.leader()] {
        let mut client = cluster.zookeeper(node);
        let path = format!("/mixed-{node}");
        client.make(&path);
        let numbers = || (0..PIPELINED / 5).map(|number| number.to_string());
        let requests: Vec<Request> = numbers()
            .flat_map(|number| [set(&path, &number), get(&path)])
            .collect();
        client.send_all(&requests);
        let mut last = 0;
        for number in numbers() {
            let (written, read) = (client.reply(), client.reply());
            assert!(written.zxid >= last && read.zxid >= written.zxid);
            last = read.zxid;
            assert!(written.result.is_ok());
            assert_eq!(text(read.result.unwrap()), number);
        }
    }
}

#[test]
fn a_watch_set_just_before_a_write_of_the_same_client_fires() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    client.make("/own");
    for _ in 0..100 {
        let watch = Request::GetData(watched("/own"));
        client.send_all(&[set("/own", "1"), watch, set("/own", "2")]);
        let kinds: Vec<Option<EventType>> = (0..4)
            .map(|_| match client.receive().unwrap() {
                Received::Event(event) => Some(event.kind),
                Received::Reply(reply) => {
                    assert!(reply.result.is_ok());
                    None
                }
            })
            .collect();
        // After the reply that set the watch, before the reply to the write that fired it.
        assert_eq!(kinds, [None, None, Some(EventType::NodeDataChanged), None]);
    }
}

#[test]
fn what_is_left_of_pipelined_writes_when_the_leader_dies_is_their_beginning() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let follower = cluster.follower();
    let mut client = cluster.zookeeper(follower);
    client.make("/pipe");
    let number = |at: usize| Request::Create(create(&path_of(at), "", CreateMode::Persistent));
    let requests: Vec<Request> = (0..PIPELINED).map(number).collect();
    client.send_all(&requests);
    // Some are answered, some on their way, some not read yet.
    for _ in 0..PIPELINED / 10 {
        assert!(client.reply().result.is_ok());
    }
    let leader = cluster.leader();
    cluster.kill(leader);
    let mut answered = PIPELINED / 10;
    while answered < PIPELINED {
        match client.receive() {
            Ok(Received::Reply(reply)) => assert!(reply.result.is_ok(), "{reply:?}"),
            Ok(Received::Event(event)) => panic!("{event:?}"),
            Err(_) => break,
        }
        answered += 1;
    }
    let witness = eventually("a session after the failover", || {
        let address = cluster.zookeeper_address(follower);
        ZooKeeper::connect_with(address, &client.resumption()).ok()
    });
    assert_only_a_beginning_was_done(witness, answered);
    cluster.restart(leader);
}

#[test]
fn nothing_is_done_behind_a_write_that_a_busy_node_turned_back() {
    let cluster = Cluster::start_with(1, &["--proposals-in-flight-max=8"]);
    let mut client = cluster.zookeeper(1);
    client.make("/pipe");
    let number = |at: usize| Request::Create(create(&path_of(at), "", CreateMode::Persistent));
    let requests: Vec<Request> = (0..PIPELINED).map(number).collect();
    client.send_all(&requests);
    let mut answered = 0;
    while let Ok(received) = client.receive() {
        assert!(
            matches!(&received, Received::Reply(reply) if reply.result.is_ok()),
            "{received:?}"
        );
        answered += 1;
    }
    assert!(answered < PIPELINED, "the node was not busy");
    let witness = client.take_up(cluster.zookeeper_address(1)).unwrap();
    assert_only_a_beginning_was_done(witness, answered);
}

/// Whatever was done of the creates sent, it is the first ones, in order, and all those answered.
#[track_caller]
fn assert_only_a_beginning_was_done(mut witness: ZooKeeper, answered: usize) {
    assert!(!witness.session().is_refused());
    witness.sync();
    let done = witness.children("/pipe").len();
    assert!(done >= answered, "{done} of {answered} that were answered");
    let mut last = 0;
    for at in 0..PIPELINED {
        let stat = witness.stat(&path_of(at));
        assert_eq!(stat.is_some(), at < done, "{at} of {done}");
        if let Some(stat) = stat {
            assert!(stat.czxid > last, "{} after {last}", stat.czxid);
            last = stat.czxid;
        }
    }
}

fn path_of(at: usize) -> String {
    format!("/pipe/n{at}")
}

/// A reader that checks all it is shown against the rules for the order of events and replies.
struct Checked {
    client: ZooKeeper,
    path: &'static str,
    /// What the reply that set the watch showed, while the watch is set.
    armed: Option<Stat>,
    /// Transaction of the last event.
    told: i64,
    last_zxid: i64,
    events: usize,
}

impl Checked {
    fn take(&mut self) -> Option<Stat> {
        match self.client.receive().unwrap() {
            Received::Event(event) => {
                assert_eq!(
                    (event.kind, &*event.path),
                    (EventType::NodeDataChanged, self.path)
                );
                let armed = self
                    .armed
                    .take()
                    .expect("an event after the reply that set the watch");
                assert!(
                    event.zxid > armed.mzxid,
                    "an event of what was known already"
                );
                self.told = event.zxid;
                self.events += 1;
                None
            }
            Received::Reply(reply) => {
                assert!(reply.zxid >= self.last_zxid, "back in time");
                self.last_zxid = reply.zxid;
                match reply.result.unwrap() {
                    Response::Data(found) => Some(self.shown(found.stat)),
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn shown(&mut self, stat: Stat) -> Stat {
        assert!(stat.mzxid >= self.told, "an event of what is not shown yet");
        if let Some(armed) = self.armed {
            assert_eq!(armed.version, stat.version, "a new state before its event");
        }
        stat
    }
}

#[test]
fn events_stand_between_the_reply_that_set_the_watch_and_the_first_that_shows_the_change() {
    let cluster = Cluster::start(3);
    let path = "/watched";
    let mut writer = cluster.zookeeper(cluster.leader());
    writer.make(path);
    let mut client = cluster.zookeeper(cluster.follower());
    client.sync();
    let writing = std::thread::spawn(move || {
        for number in 0..CHANGES {
            let _ = writer.done(&set(path, &number.to_string()));
        }
    });
    let mut checked = Checked {
        client,
        path,
        armed: None,
        told: 0,
        last_zxid: 0,
        events: 0,
    };
    loop {
        // One sets the watch, and more look at once.
        let arm = Request::GetData(watched(path));
        checked
            .client
            .send_all(&[arm, get(path), get(path), get(path)]);
        let mut replies = 0;
        while replies < 4 {
            let Some(stat) = checked.take() else { continue };
            if replies == 0 {
                checked.armed = Some(stat);
            }
            replies += 1;
        }
        // Nobody lost a wake-up: as long as something is to come, it comes.
        while let Some(armed) = checked.armed {
            if armed.version == i32::try_from(CHANGES).unwrap() {
                writing.join().unwrap();
                assert!(checked.events > 0);
                return;
            }
            assert_eq!(checked.take(), None);
        }
    }
}
