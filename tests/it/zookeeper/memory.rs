//! What a connection may hold in a node's memory.

use holdfast_tests::Cluster;
use holdfast_tests::zookeeper::{Received, create, four_letters, get, list, set};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::request::{ReadRequest, Request};
use zookeeper::proto::response::Response;

/// Bytes of a large znode.
const LARGE: usize = 900_000;
const MIB: u64 = 1024;

/// A figure of a process in KiB, by its name in `/proc/PID/status`.
fn memory(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let number = line.split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}

#[test]
fn a_pipeline_of_large_reads_is_answered_in_portions() {
    const READS: usize = 500;
    let mut cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    client.make("/large");
    let _ = client.done(&set("/large", &"x".repeat(LARGE)));
    let pid = cluster.pid(1);
    let before = memory(pid, "VmHWM:");
    client.send_all(&vec![get("/large"); READS]);
    for _ in 0..READS {
        let Ok(Response::Data(read)) = client.reply().result else {
            panic!("not the data");
        };
        assert_eq!(read.data.unwrap().len(), LARGE);
    }
    // Half of the replies at once would be far more.
    let grown = memory(pid, "VmHWM:") - before;
    assert!(grown < 100 * MIB, "{grown} KiB for {READS} replies");
}

#[test]
fn many_events_before_a_reply_arrive_in_order_and_before_it() {
    const CHILDREN: usize = 6_000;
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    let parent = format!("/{}", "long".repeat(100));
    client.make(&parent);
    let watch = |path: String| Request::Exists(ReadRequest { path, watch: true });
    let path = |number: usize| format!("{parent}/n{number:05}");
    let watches: Vec<Request> = (0..CHILDREN).map(|number| watch(path(number))).collect();
    client.send_all(&watches);
    for _ in 0..CHILDREN {
        let _ = client.reply();
    }
    // Their events are some megabytes, and the client reads none of them meanwhile.
    let create = |number| Request::Create(create(&path(number), "", CreateMode::Persistent));
    let mut writer = cluster.zookeeper(1);
    writer.send_all(&(0..CHILDREN).map(create).collect::<Vec<_>>());
    for _ in 0..CHILDREN {
        assert!(writer.reply().result.is_ok());
    }
    client.send(&list(&parent));
    for number in 0..CHILDREN {
        let received = client.receive().unwrap();
        let Received::Event(event) = received else {
            panic!("{received:?} before event {number}");
        };
        assert_eq!(event.path, path(number));
    }
    let reply = client.reply();
    let Ok(Response::Children(children)) = reply.result else {
        panic!("{reply:?}");
    };
    assert_eq!(children.len(), CHILDREN);
}

#[test]
fn idle_connections_do_not_keep_the_memory_of_large_replies() {
    const CONNECTIONS: usize = 200;
    let mut cluster = Cluster::start(1);
    let mut owner = cluster.zookeeper(1);
    owner.make("/large");
    let _ = owner.done(&set("/large", &"x".repeat(LARGE)));
    let pid = cluster.pid(1);
    let before = memory(pid, "VmRSS:");
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = cluster.zookeeper(1);
        let _ = client.done(&get("/large"));
        clients.push(client);
    }
    let now = memory(pid, "VmRSS:");
    let grown = now.saturating_sub(before);
    assert!(
        grown < 60 * MIB,
        "{grown} KiB for {CONNECTIONS} idle connections"
    );
    assert_eq!(clients.len(), CONNECTIONS);
}

#[test]
fn watches_leave_nothing_behind_however_they_go() {
    const ROUNDS: usize = 20;
    const PATHS: usize = 1_000;
    let cluster = Cluster::start(1);
    let address = cluster.zookeeper_address(1);
    let mut writer = cluster.zookeeper(1);
    writer.make("/w");
    let path = |number: usize| format!("/w/n{number}");
    for round in 0..ROUNDS {
        let mut client = cluster.zookeeper(1);
        let exists = |number| {
            let path = path(number);
            Request::Exists(ReadRequest { path, watch: true })
        };
        let list = |number: usize| {
            Request::GetChildren(ReadRequest {
                path: if number == 0 {
                    "/w".to_owned()
                } else {
                    "/".to_owned()
                },
                watch: true,
            })
        };
        let mut requests: Vec<Request> = (0..PATHS).map(exists).collect();
        requests.extend([list(0), list(1)]);
        client.send_all(&requests);
        for _ in &requests {
            let _ = client.reply();
        }
        let told = four_letters(address, "wchs").unwrap();
        let due = format!(
            "1 connections watching {} paths\nTotal watches:{}",
            PATHS + 2,
            PATHS + 2
        );
        assert_eq!(told.trim(), due);
        match round % 3 {
            0 => client.cut(),
            1 => drop(client.done(&Request::CloseSession)),
            _ => {
                // The connection that takes the session up has none of them.
                let mut again = client.take_up(address).unwrap();
                assert!(client.is_closed());
                let _ = again.done(&Request::Ping);
            }
        }
        holdfast_tests::until("no watch to be left", || {
            let told = four_letters(address, "wchs").unwrap();
            told.trim() == "0 connections watching 0 paths\nTotal watches:0"
        });
    }
}
