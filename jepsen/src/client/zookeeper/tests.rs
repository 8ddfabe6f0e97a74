//! Against a server that is a few scripted frames.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::*;

const SOON: Duration = Duration::from_secs(10);

fn frame_of(peer: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 4];
    peer.read_exact(&mut length).unwrap();
    let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    peer.read_exact(&mut frame).unwrap();
    frame
}

fn say(peer: &mut TcpStream, record: Record) {
    peer.write_all(&Record::default().bytes(&record.0).0)
        .unwrap();
}

fn greet(peer: &mut TcpStream, timeout: i32, session: i64) {
    say(
        peer,
        Record::default()
            .int(0)
            .int(timeout)
            .long(session)
            .bytes(&[7; 16])
            .bool(false),
    );
}

fn header(xid: i32, zxid: i64, code: i32) -> Record {
    Record::default().int(xid).long(zxid).int(code)
}

fn stat(record: Record, version: i32) -> Record {
    let record = record
        .long(5)
        .long(6)
        .long(0)
        .long(0)
        .int(version)
        .int(0)
        .int(0);
    record.long(0).int(1).int(0).long(5)
}

fn client(listener: &TcpListener) -> ZooKeeper {
    let endpoint = Endpoint {
        node: 1,
        api: String::new(),
        zookeeper: listener.local_addr().unwrap().to_string(),
    };
    ZooKeeper::new(&[endpoint], 0, 3_000)
}

#[test]
fn events_before_an_answer_are_kept_and_watches_come_back_with_the_session() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut zookeeper = client(&listener);
    let server = thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        frame_of(&mut peer);
        greet(&mut peer, 2_000, 0x11);
        let get = frame_of(&mut peer);
        assert_eq!(get, Record::default().int(1).int(4).text("/a").bool(true).0);
        say(&mut peer, stat(header(1, 9, 0).text("41"), 3));
        frame_of(&mut peer);
        say(&mut peer, header(XID_EVENT, 10, 0).int(3).int(3).text("/a"));
        say(&mut peer, header(2, 10, NO_NODE));
        frame_of(&mut peer);
        say(&mut peer, stat(header(3, 10, 0).text("42"), 4));
        frame_of(&mut peer);
        drop(peer);
        let mut peer = listener.accept().unwrap().0;
        let again = frame_of(&mut peer);
        assert_eq!(again[4..12], 10_i64.to_be_bytes(), "the last zxid it saw");
        assert_eq!(again[16..24], 0x11_i64.to_be_bytes(), "its session");
        greet(&mut peer, 2_000, 0x11);
        let watches = frame_of(&mut peer);
        assert_eq!(
            watches[..8],
            Record::default()
                .int(XID_SET_WATCHES)
                .int(OP_SET_WATCHES2)
                .0
        );
        say(&mut peer, header(XID_EVENT, 12, 0).int(2).int(3).text("/a"));
        say(&mut peer, header(XID_SET_WATCHES, 12, 0));
        frame_of(&mut peer);
        say(&mut peer, header(5, 12, -103));
    });
    const NO_NODE: i32 = -101;
    let deadline = || Instant::now() + SOON;
    let get = Op::Get("/a".into(), true);
    let Reply::Answer(answer) = zookeeper.ask(&get, deadline()) else {
        panic!("no answer");
    };
    assert_eq!(
        (answer.text.as_deref(), answer.stat.unwrap().version),
        (Some("41"), 3)
    );
    let Reply::Answer(none) = zookeeper.ask(&Op::Exists("/b".into(), false), deadline()) else {
        panic!("no answer");
    };
    assert_eq!(none.code, NO_NODE);
    let fired = zookeeper.next_event(deadline()).unwrap();
    assert_eq!(
        (fired.event, fired.path.as_str(), fired.zxid),
        (3, "/a", 10)
    );
    assert!(matches!(zookeeper.ask(&get, deadline()), Reply::Answer(_)));
    let set = Op::Set {
        path: "/a".into(),
        data: "1".into(),
        version: 9,
    };
    let lost = zookeeper.ask(&set, deadline());
    assert_eq!(lost, Reply::NoAnswer(Why::Reset));
    let Reply::Answer(refused) = zookeeper.ask(&set, deadline()) else {
        panic!("no answer");
    };
    assert_eq!(refused.code, -103);
    assert_eq!(zookeeper.next_event(deadline()).unwrap().event, 2);
    server.join().unwrap();
}

#[test]
fn an_expired_session_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut zookeeper = client(&listener);
    let server = thread::spawn(move || {
        let mut peer = listener.accept().unwrap().0;
        frame_of(&mut peer);
        greet(&mut peer, 2_000, 0x11);
        drop(peer);
        let mut peer = listener.accept().unwrap().0;
        frame_of(&mut peer);
        greet(&mut peer, 0, 0);
        let mut peer = listener.accept().unwrap().0;
        let anew = frame_of(&mut peer);
        assert_eq!(anew[16..24], [0; 8]);
        greet(&mut peer, 2_000, 0x12);
    });
    let deadline = || Instant::now() + SOON;
    zookeeper.connect(deadline()).unwrap();
    assert_eq!(zookeeper.session().as_deref(), Some("0x11"));
    zookeeper.hop(&mut Random::of(1, 1));
    assert_eq!(zookeeper.connect(deadline()), Err(Why::Reset));
    assert_eq!(zookeeper.session(), None);
    zookeeper.connect(deadline()).unwrap();
    assert_eq!(zookeeper.session().as_deref(), Some("0x12"));
    server.join().unwrap();
}
