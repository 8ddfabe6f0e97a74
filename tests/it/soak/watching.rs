//! What a client of the soak makes of the frames it gets: right ones become records, and what no
//! server may send is found at once.

use holdfast_tests::soak::judge::Record;
use holdfast_tests::soak::ledger::{Event, Told};
use holdfast_tests::soak::tree::Spot;
use holdfast_tests::soak::want::Want;
use holdfast_tests::soak::watching::Watching;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::{EventType, WatcherEvent};
use zookeeper::proto::header::Xid;
use zookeeper::proto::request::Request;
use zookeeper::proto::response::{GetDataResponse, Reply, Response};
use zookeeper::proto::stat::Stat;

const CHILD: Spot = Spot::Child(0, 0);

fn reply(zxid: i64, result: Result<Response, ErrorCode>) -> Reply {
    Reply {
        xid: Xid(1),
        zxid,
        result,
    }
}

fn data(zxid: i64) -> Reply {
    let stat = Stat {
        czxid: 1,
        mzxid: 1,
        ctime: 0,
        mtime: 0,
        version: 0,
        cversion: 0,
        aversion: 0,
        ephemeral_owner: 0,
        data_length: 1,
        num_children: 0,
        pzxid: 1,
    };
    let data = Some(bytes::Bytes::from_static(b"7"));
    reply(zxid, Ok(Response::Data(GetDataResponse { data, stat })))
}

fn told(zxid: i64, kind: EventType) -> WatcherEvent {
    WatcherEvent {
        zxid,
        kind,
        path: CHILD.to_string(),
    }
}

/// A client whose watch was armed at 10.
fn armed(want: Want) -> Watching {
    let mut watching = Watching::new(&[want]);
    let [(0, _)] = watching.requests()[..] else {
        panic!("one request");
    };
    let answer = match want {
        Want::Data(_) => data(10),
        _ => reply(10, Ok(Response::AddWatch)),
    };
    watching.answered(0, &answer).unwrap();
    assert!(watching.is_complete());
    let _ = watching.records();
    watching
}

#[test]
fn an_event_uses_a_one_shot_watch_up() {
    let mut watching = armed(Want::Data(CHILD));
    let event = told(20, EventType::NodeDataChanged);
    watching.event(&event).unwrap();
    let fired = Some(Event {
        zxid: 20,
        kind: EventType::NodeDataChanged,
        spot: CHILD,
    });
    let until = 20;
    assert_eq!(
        watching.records(),
        [Record::Once {
            spot: CHILD,
            from: 10,
            fired,
            until
        }]
    );
    assert!(!watching.is_complete());
    // Once more is once too often.
    let wrong = watching.event(&event).unwrap_err();
    assert!(wrong.contains("no watch is armed"), "{wrong}");
}

#[test]
fn an_event_before_the_reply_that_sets_the_watch_is_wrong() {
    let mut watching = Watching::new(&[Want::Data(CHILD)]);
    let _ = watching.requests();
    let wrong = watching.event(&told(20, EventType::NodeDataChanged));
    assert!(wrong.unwrap_err().contains("no watch is armed"));
}

#[test]
fn an_event_of_another_kind_or_path_is_wrong() {
    let mut watching = armed(Want::Data(CHILD));
    let foreign = told(20, EventType::NodeChildrenChanged);
    assert!(watching.event(&foreign).is_err());
    let elsewhere = WatcherEvent {
        path: Spot::Child(0, 1).to_string(),
        ..told(20, EventType::NodeDataChanged)
    };
    assert!(watching.event(&elsewhere).is_err());
    assert!(watching.is_complete());
}

#[test]
fn a_watch_that_was_armed_is_registered_again_and_may_have_missed_something() {
    let mut watching = armed(Want::Data(CHILD));
    watching.disconnected(15);
    let until = 15;
    let leg = Record::Once {
        spot: CHILD,
        from: 10,
        fired: None,
        until,
    };
    assert_eq!(watching.records(), [leg]);
    let Some(Request::SetWatches2(lists)) = watching.register(15, true) else {
        panic!("a registration");
    };
    assert_eq!(
        (lists.relative_zxid, lists.data_watches),
        (15, vec![CHILD.to_string()])
    );
    // A change that is told with its position has to wait for the reply.
    assert!(
        watching
            .event(&told(30, EventType::NodeDataChanged))
            .is_err()
    );
    watching
        .event(&told(-1, EventType::NodeDataChanged))
        .unwrap();
    // It was missed once.
    assert!(
        watching
            .event(&told(-1, EventType::NodeDataChanged))
            .is_err()
    );
    watching
        .registered(&reply(40, Ok(Response::Empty)))
        .unwrap();
    let fired = Some(EventType::NodeDataChanged);
    let again = Record::Again {
        spot: CHILD,
        waits: false,
        seen: 15,
        at: 40,
        fired,
    };
    assert_eq!(watching.records(), [again]);
    assert!(!watching.is_complete());
}

#[test]
fn without_a_registration_nothing_can_have_been_missed() {
    let mut watching = armed(Want::Data(CHILD));
    let wrong = watching
        .event(&told(-1, EventType::NodeDataChanged))
        .unwrap_err();
    assert!(wrong.contains("nothing is being registered"), "{wrong}");
}

#[test]
fn what_comes_behind_the_last_reply_belongs_to_the_next_record_or_to_the_end() {
    let mut watching = armed(Want::Persistent(CHILD));
    for zxid in [20, 30] {
        watching
            .event(&told(zxid, EventType::NodeDataChanged))
            .unwrap();
    }
    let event = |zxid| Event {
        zxid,
        kind: EventType::NodeDataChanged,
        spot: CHILD,
    };
    let stream = |from, until, events: &[Event]| Record::Stream {
        watch: Told::Of(CHILD),
        from,
        until,
        events: events.to_vec(),
    };
    watching.settle_streams(25);
    assert_eq!(watching.records(), [stream(10, 25, &[event(20)])]);
    watching
        .event(&told(40, EventType::NodeDataChanged))
        .unwrap();
    watching.disconnected(35);
    assert_eq!(
        watching.records(),
        [stream(25, 35, &[event(30), event(40)])]
    );
}
