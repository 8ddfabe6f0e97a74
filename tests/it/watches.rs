//! Events: complete, in order, resumed without a gap, honest where history is gone. (P-WATCH)

use std::time::Duration;

use holdfast_tests::locks::{release, stand_in_queue};
use holdfast_tests::sse::Event;
use holdfast_tests::{Cluster, EventStream};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);

fn position(event: &Event) -> (u64, u32) {
    let id = event
        .id
        .as_deref()
        .unwrap_or_else(|| panic!("no id: {event:?}"));
    let (index, ordinal) = id.split_once('.').unwrap();
    (index.parse().unwrap(), ordinal.parse().unwrap())
}

fn write(cluster: &Cluster, node: u64, path: &str, value: &str) {
    let answer = cluster
        .http(node)
        .put(&format!("/v1/nodes{path}"), value)
        .unwrap();
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
}

#[test]
fn changes_arrive_in_order_on_every_node() {
    let cluster = Cluster::start(3);
    let streams = cluster.ids().into_iter().map(|id| {
        EventStream::open(
            &cluster.http(id),
            "/v1/events?prefix=/app&include=value",
            None,
        )
        .unwrap()
    });
    let streams: Vec<EventStream> = streams.collect();
    write(&cluster, 1, "/app", "0");
    for round in 1..=50 {
        write(&cluster, round % 3 + 1, "/app", &round.to_string());
    }
    let mut seen: Vec<Vec<(u64, u32)>> = Vec::new();
    for mut stream in streams {
        let events = stream.until(SOON, |event| event.field("value") == "50");
        let events: Vec<&Event> = events
            .iter()
            .filter(|e| e.name.starts_with("node."))
            .collect();
        let values: Vec<&str> = events.iter().map(|event| event.field("value")).collect();
        let expected: Vec<String> = (0..=50).map(|n| n.to_string()).collect();
        assert_eq!(values, expected);
        seen.push(events.iter().map(|event| position(event)).collect());
    }
    assert!(
        seen.iter()
            .all(|positions| positions.is_sorted() && Some(positions) == seen.first())
    );
}

#[test]
fn a_stream_cut_on_one_node_goes_on_at_another_without_gap_or_repeat() {
    let cluster = Cluster::start(3);
    write(&cluster, 1, "/app", "start");
    let open = |node, after: Option<&str>| {
        EventStream::open(
            &cluster.http(node),
            "/v1/events?prefix=/app&include=value",
            after,
        )
        .unwrap()
    };
    let mut stream = open(1, None);
    let mut values = Vec::new();
    let mut sent = 0;
    for round in 0..10_u64 {
        for _ in 0..5 {
            sent += 1;
            write(&cluster, sent % 3 + 1, "/app", &sent.to_string());
        }
        // Three of the five are read, then the stream is cut.
        for _ in 0..3 {
            values.push(next_change(&mut stream));
        }
        let after = stream.last_id().map(str::to_owned);
        stream = open(round % 3 + 1, after.as_deref());
    }
    while values.last().map(String::as_str) != Some("50") {
        values.push(next_change(&mut stream));
    }
    let expected: Vec<String> = (1..=50).map(|n| n.to_string()).collect();
    assert_eq!(values, expected);
}

fn next_change(stream: &mut EventStream) -> String {
    loop {
        let event = stream.next(SOON).unwrap();
        if event.name == "node.changed" {
            return event.field("value").to_owned();
        }
    }
}

#[test]
fn a_transaction_is_told_as_one_commit() {
    let cluster = Cluster::start(3);
    write(&cluster, 1, "/app", "old");
    let mut stream = EventStream::open(&cluster.http(2), "/v1/events?prefix=/", None).unwrap();
    let txn = json!({"if": [{"node": "/app", "version": 0}],
                     "then": [{"set": "/app", "value": "new"},
                              {"create": "/app/e-", "sequential": true, "value": "x"}]});
    let answer = cluster
        .http(3)
        .post("/v1/txn", txn.to_string())
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(answer["branch"], "then");
    let events = stream.until(SOON, |event| event.name == "node.created");
    let changed = events
        .iter()
        .find(|event| event.name == "node.changed")
        .unwrap();
    let created = events.last().unwrap();
    assert_eq!(position(changed).0, position(created).0);
    assert_eq!(position(changed).1 + 1, position(created).1);
    assert_eq!(created.data["commit_end"], true);
    assert_eq!(answer["index"], position(created).0);
}

#[test]
fn the_initial_state_and_what_follows_it_fit_together() {
    let cluster = Cluster::start(3);
    write(&cluster, 1, "/app", "");
    for n in 0..20 {
        write(&cluster, 1, &format!("/app/{n}"), "v");
    }
    let mut stream = EventStream::open(
        &cluster.http(3),
        "/v1/events?prefix=/app&initial=state",
        None,
    )
    .unwrap();
    write(&cluster, 2, "/app/later", "v");
    let before = stream.until(SOON, |event| event.name == "synced");
    let states = before.iter().filter(|event| event.name == "state").count();
    let after = stream.until(SOON, |event| event.name == "node.created");
    // The write came before or after the state was taken, never in both and never in neither.
    let told = |events: &[Event]| {
        events
            .iter()
            .any(|event| event.data.to_string().contains("later"))
    };
    assert!(told(&before) ^ told(&after), "{before:#?} {after:#?}");
    assert!(states >= 21, "{states}");
}

#[test]
fn lock_events_name_claim_and_fence() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    let mut stream =
        EventStream::open(&cluster.http(2), "/v1/locks/orders/42/-/events", None).unwrap();
    let held = stand_in_queue(&cluster.http(1), "a", "orders/42", "c1");
    stand_in_queue(&cluster.http(1), "a", "orders/42", "c2");
    let _ = release(&cluster.http(3), "a", "orders/42", "c1")
        .unwrap()
        .expect(200);
    let events = stream.until(SOON, |e| {
        e.name == "lock.granted" && e.field("claim") == "c2"
    });
    let told: Vec<(&str, &str)> = events
        .iter()
        .filter(|event| event.name.starts_with("lock."))
        .map(|event| (event.name.as_str(), event.field("claim")))
        .collect();
    let expected = [
        ("lock.granted", "c1"),
        ("lock.queued", "c2"),
        ("lock.released", "c1"),
        ("lock.granted", "c2"),
    ];
    let kept: Vec<_> = told
        .iter()
        .filter(|t| expected.contains(t))
        .copied()
        .collect();
    assert_eq!(kept, expected, "{told:?}");
    let granted = events
        .iter()
        .find(|event| event.name == "lock.granted")
        .unwrap();
    assert_eq!(granted.data["fence"], held["fence"]);
}

#[test]
fn history_that_is_gone_is_said_to_be_gone() {
    let cluster = Cluster::start_with(3, &["--event-commits-max=10"]);
    write(&cluster, 1, "/app", "0");
    let mut stream = EventStream::open(&cluster.http(1), "/v1/events?prefix=/app", None).unwrap();
    write(&cluster, 1, "/app", "1");
    let first = stream.until(SOON, |event| event.name == "node.changed");
    let first = first.last().unwrap().id.clone().unwrap();
    for n in 0..40 {
        write(&cluster, 1, "/app", &n.to_string());
    }
    let http = cluster.http(1).header("Last-Event-ID", &first);
    let gone = http.get("/v1/events?prefix=/app").unwrap().expect(410);
    assert_eq!(gone.problem().0, "history_compacted");
    assert!(gone.json()["oldest_index"].as_u64().is_some());
}

#[test]
fn a_stream_resumed_within_a_commit_tells_the_rest_of_it_and_no_bookmark_before() {
    let cluster = Cluster::start(1);
    let http = cluster.http(1);
    let txn = r#"{"then":[{"create":"/b/one","value":"1","parents":true},{"create":"/b/two","value":"2"}]}"#;
    assert_eq!(http.post("/v1/txn", txn).unwrap().status, 200);
    let mut stream = EventStream::open(&http, "/v1/events?prefix=/b", None).unwrap();
    let txn = r#"{"then":[{"set":"/b/one","value":"3"},{"set":"/b/two","value":"4"}]}"#;
    assert_eq!(http.post("/v1/txn", txn).unwrap().status, 200);
    let events = stream.until(SOON, |event| event.data["path"] == "/b/one");
    let within = events.last().unwrap().id.clone().unwrap();
    let mut resumed = EventStream::open(&http, "/v1/events?prefix=/b", Some(&within)).unwrap();
    let rest = resumed.until(SOON, |event| event.data["path"] == "/b/two");
    let names: Vec<&str> = rest.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["node.changed"]);
    assert_eq!(rest[0].data["commit_end"], true);
}
