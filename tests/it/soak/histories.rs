//! What a client says it saw, against what happened: right ones pass, and each wrong one is found.

use holdfast_tests::soak::court::Court;
use holdfast_tests::soak::judge::Record;
use holdfast_tests::soak::ledger::{Change, Event, Kind, Ledger, Shown, Told};
use holdfast_tests::soak::notes::{Notes, Seen};
use holdfast_tests::soak::tree::Spot;
use zookeeper::proto::event::EventType;

const GROUP: Spot = Spot::Group(0);
const CHILD: Spot = Spot::Child(0, 0);
const OTHER: Spot = Spot::Child(0, 1);

/// The group was created at 10. Child 0 was created at 20, changed at 30 and 50, deleted at 70, and
/// created again at 90; child 1 was created at 40 and changed at 60. Known up to 100.
fn ledger() -> Ledger {
    let mut ledger = Ledger::new(&[10]);
    for (zxid, child, kind) in [
        (20, 0, Kind::Created),
        (30, 0, Kind::Changed),
        (40, 1, Kind::Created),
        (50, 0, Kind::Changed),
        (60, 1, Kind::Changed),
        (70, 0, Kind::Deleted),
        (90, 0, Kind::Created),
    ] {
        let number = u64::try_from(zxid).unwrap() + 1;
        ledger.add(
            0,
            Change {
                zxid,
                child,
                kind,
                number,
            },
        );
    }
    ledger.known(0, 100);
    ledger
}

fn event(zxid: i64, kind: EventType, spot: Spot) -> Event {
    Event { zxid, kind, spot }
}

#[track_caller]
fn right(record: Record) {
    assert!(record.is_ripe(&ledger()), "{record:?}");
    assert_eq!(record.judge(&ledger()), Ok(()), "{record:?}");
}

#[track_caller]
fn wrong(record: Record, because: &str) {
    let verdict = record
        .judge(&ledger())
        .expect_err("this history must be rejected");
    assert!(verdict.contains(because), "{verdict}");
}

fn once(spot: Spot, from: i64, fired: Option<Event>, until: i64) -> Record {
    Record::Once {
        spot,
        from,
        fired,
        until,
    }
}

#[test]
fn a_one_shot_watch_is_told_the_first_change_after_it_was_armed() {
    use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
    right(once(CHILD, 20, Some(event(30, NodeDataChanged, CHILD)), 0));
    right(once(CHILD, 35, Some(event(50, NodeDataChanged, CHILD)), 0));
    right(once(CHILD, 50, Some(event(70, NodeDeleted, CHILD)), 0));
    right(once(CHILD, 75, Some(event(90, NodeCreated, CHILD)), 0));
    right(once(
        GROUP,
        20,
        Some(event(40, NodeChildrenChanged, GROUP)),
        0,
    ));
    // The second change, one before it was armed, one that never was, one of another kind.
    wrong(
        once(CHILD, 20, Some(event(50, NodeDataChanged, CHILD)), 0),
        "told",
    );
    wrong(
        once(CHILD, 35, Some(event(30, NodeDataChanged, CHILD)), 0),
        "told",
    );
    wrong(
        once(CHILD, 20, Some(event(31, NodeDataChanged, CHILD)), 0),
        "told",
    );
    wrong(
        once(CHILD, 50, Some(event(70, NodeDataChanged, CHILD)), 0),
        "told",
    );
    // Data of a child is no business of a watch on the list.
    wrong(
        once(GROUP, 20, Some(event(30, NodeChildrenChanged, GROUP)), 0),
        "told",
    );
    // Nothing happened any more.
    wrong(
        once(CHILD, 90, Some(event(95, NodeDataChanged, CHILD)), 0),
        "told",
    );
}

#[test]
fn a_one_shot_watch_that_was_told_nothing_had_nothing_to_be_told() {
    right(once(CHILD, 30, None, 49));
    right(once(CHILD, 90, None, 100));
    right(once(GROUP, 40, None, 69));
    wrong(once(CHILD, 30, None, 50), "lost");
    wrong(once(CHILD, 30, None, 100), "lost");
    wrong(once(GROUP, 40, None, 70), "lost");
}

fn stream(watch: Told, from: i64, until: i64, events: &[Event]) -> Record {
    Record::Stream {
        watch,
        from,
        until,
        events: events.to_vec(),
    }
}

#[test]
fn a_watch_that_stays_is_told_everything_once_and_in_order() {
    use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
    let of_child = [
        event(30, NodeDataChanged, CHILD),
        event(50, NodeDataChanged, CHILD),
        event(70, NodeDeleted, CHILD),
        event(90, NodeCreated, CHILD),
    ];
    let told = Told::Of(CHILD);
    right(stream(told, 20, 100, &of_child));
    right(stream(told, 30, 69, &of_child[1..2]));
    right(stream(told, 20, 20, &[]));
    // Beyond the last reply the connection may have ended anywhere.
    right(stream(told, 20, 30, &of_child[..1]));
    right(stream(told, 20, 30, &of_child[..3]));
    right(stream(told, 20, 30, &of_child));
    wrong(stream(told, 20, 100, &of_child[..3]), "lost");
    wrong(stream(told, 20, 100, &of_child[1..]), "was due");
    wrong(stream(told, 20, 50, &of_child[..1]), "lost");
    let gap = [of_child[0], of_child[2]];
    wrong(stream(told, 20, 30, &gap), "was due");
    let swapped = [of_child[1], of_child[0], of_child[2], of_child[3]];
    wrong(stream(told, 20, 100, &swapped), "was due");
    let doubled = [
        of_child[0],
        of_child[0],
        of_child[1],
        of_child[2],
        of_child[3],
    ];
    wrong(stream(told, 20, 100, &doubled), "was due");
    let last_doubled = [
        of_child[0],
        of_child[1],
        of_child[2],
        of_child[3],
        of_child[3],
    ];
    wrong(stream(told, 20, 100, &last_doubled), "or twice");
    let lists = [
        event(40, NodeChildrenChanged, GROUP),
        event(70, NodeChildrenChanged, GROUP),
    ];
    right(stream(Told::Of(GROUP), 20, 80, &lists));
    wrong(stream(Told::Of(GROUP), 20, 80, &of_child[..1]), "was due");
    let below = [
        event(60, NodeDataChanged, OTHER),
        event(70, NodeDeleted, CHILD),
    ];
    right(stream(Told::Below(0), 50, 80, &below));
    wrong(stream(Told::Below(0), 50, 80, &below[..1]), "lost");
    wrong(stream(Told::Below(0), 50, 80, &lists[1..]), "was due");
}

fn again(spot: Spot, waits: bool, seen: i64, at: i64, fired: Option<EventType>) -> Record {
    Record::Again {
        spot,
        waits,
        seen,
        at,
        fired,
    }
}

#[test]
fn a_registration_is_told_what_was_missed_and_only_that() {
    use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
    right(again(CHILD, false, 30, 45, None));
    right(again(CHILD, false, 30, 50, Some(NodeDataChanged)));
    right(again(CHILD, false, 30, 80, Some(NodeDeleted)));
    right(again(CHILD, true, 75, 80, None));
    right(again(CHILD, true, 75, 95, Some(NodeCreated)));
    right(again(GROUP, false, 50, 65, None));
    right(again(GROUP, false, 50, 75, Some(NodeChildrenChanged)));
    wrong(again(CHILD, false, 30, 50, None), "instead of");
    wrong(
        again(CHILD, false, 30, 45, Some(NodeDataChanged)),
        "instead of",
    );
    wrong(
        again(CHILD, false, 30, 80, Some(NodeDataChanged)),
        "instead of",
    );
    wrong(again(CHILD, true, 75, 95, None), "instead of");
    wrong(again(CHILD, true, 75, 80, Some(NodeDeleted)), "instead of");
    wrong(again(GROUP, false, 50, 75, None), "instead of");
    wrong(
        again(GROUP, false, 50, 65, Some(NodeChildrenChanged)),
        "instead of",
    );
}

fn read(spot: Spot, at: i64, shown: Shown) -> Record {
    Record::Read { spot, at, shown }
}

#[test]
fn a_read_shows_what_was_there_at_its_position() {
    let data = |mzxid, number| Shown::Data { mzxid, number };
    right(read(CHILD, 49, data(30, 31)));
    right(read(CHILD, 50, data(50, 51)));
    right(read(CHILD, 50, Shown::There { mzxid: 50 }));
    right(read(CHILD, 80, Shown::Missing));
    right(read(
        GROUP,
        65,
        Shown::List {
            children: 2,
            pzxid: 40,
        },
    ));
    right(read(
        GROUP,
        15,
        Shown::List {
            children: 0,
            pzxid: 10,
        },
    ));
    // Stale, from the future, a value nobody wrote then, a resurrection.
    wrong(read(CHILD, 50, data(30, 31)), "was due");
    wrong(read(CHILD, 49, data(50, 51)), "was due");
    wrong(read(CHILD, 49, data(30, 99)), "was due");
    wrong(read(CHILD, 80, data(50, 51)), "was due");
    wrong(read(CHILD, 50, Shown::There { mzxid: 30 }), "was due");
    wrong(
        read(
            GROUP,
            75,
            Shown::List {
                children: 2,
                pzxid: 40,
            },
        ),
        "was due",
    );
}

#[test]
fn nothing_is_judged_before_its_history_is_known() {
    let seen = |record| Seen {
        record,
        client: 7,
        session: 0xabc,
        node: 1,
    };
    let early = once(CHILD, 90, None, 120);
    let late = event(130, EventType::NodeDataChanged, CHILD);
    let notes = Notes {
        records: vec![
            seen(early),
            seen(once(CHILD, 90, Some(late), 0)),
            seen(stream(Told::Of(CHILD), 90, 95, &[late])),
        ],
        ..Notes::default()
    };
    let mut ledger = ledger();
    let mut court = Court::default();
    court.hear(notes, &ledger);
    assert_eq!((court.judged, court.waiting()), (0, 3));
    // It turns out that something happened before.
    let change = |zxid| Change {
        zxid,
        child: 0,
        kind: Kind::Changed,
        number: 1,
    };
    ledger.add(0, change(110));
    court.hear(Notes::default(), &ledger);
    assert_eq!(court.judged, 0);
    ledger.add(0, change(130));
    court.hear(Notes::default(), &ledger);
    assert_eq!((court.judged, court.waiting()), (3, 0));
    assert_eq!(court.notes.wrong_count, 3);
    assert!(court.notes.wrong[0].contains("session 0xabc at node 2"));
}
