//! Event streams that are cut.

use std::time::Duration;

use holdfast_client::{
    Error, ErrorCode, EventFilter, EventId, EventKind, EventStream, Start, StreamItem,
};
use tokio::time::timeout;

use crate::client;
use crate::fake::{Fake, Reaction, problem};

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(10);

async fn next(stream: &mut EventStream) -> Option<Result<StreamItem, Error>> {
    timeout(SOON, stream.next()).await.expect("an item in time")
}

/// The lock named by the next event.
async fn next_lock(stream: &mut EventStream) -> String {
    match next(stream).await {
        Some(Ok(StreamItem::Event(_, event))) => {
            let EventKind::LockConfigured { lock } = event.kind else {
                panic!("{event:?}")
            };
            lock
        }
        other => panic!("{other:?}"),
    }
}

fn configured(id: &str, lock: &str) -> String {
    let data = format!(r#"{{"event":"lock.configured","lock":"{lock}"}}"#);
    format!("id: {id}\nevent: lock.configured\ndata: {data}\n\n")
}

fn frame(id: Option<&str>, data: &str) -> String {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    format!("{id}data: {data}\n\n")
}

fn cut_after(text: String) -> Reaction {
    Reaction::Events {
        text,
        leave_open: false,
    }
}

#[tokio::test]
async fn a_cut_stream_goes_on_at_another_node_after_the_last_id() {
    let dying = Fake::start(|_, n| match n {
        0 => cut_after(configured("5.0", "a") + ": heartbeat\n\n" + &configured("5.1", "b")),
        _ => Reaction::Cut,
    })
    .await;
    let other = Fake::start(|_, _| Reaction::Events {
        text: configured("6.0", "c"),
        leave_open: true,
    })
    .await;
    let client = client(&[&dying.url, &other.url]);
    let filter = EventFilter {
        prefix: Some("orders".into()),
        kinds: vec!["lock.*".into()],
        ..EventFilter::default()
    };
    let mut stream = client.events(filter, Start::Now);
    for lock in ["a", "b", "c"] {
        assert_eq!(next_lock(&mut stream).await, lock);
    }
    let first = &dying.requests()[0];
    assert_eq!(first.line(), "GET /v1/events?prefix=orders&kinds=lock.*");
    assert_eq!(first.header("last-event-id"), None);
    assert_eq!(first.header("accept"), Some("text/event-stream"));
    assert_eq!(other.requests()[0].header("last-event-id"), Some("5.1"));
    assert_eq!(
        stream.position(),
        Some(EventId {
            index: 6,
            ordinal: 0
        })
    );
}

#[tokio::test]
async fn a_bookmark_moves_the_position_and_is_not_shown() {
    let fake = Fake::start(|_, n| match n {
        0 => cut_after(frame(Some("9.3"), r#"{"event":"bookmark","index":9}"#)),
        _ => Reaction::Events {
            text: configured("10.0", "a"),
            leave_open: true,
        },
    })
    .await;
    let mut stream = client(&[&fake.url]).events(EventFilter::default(), Start::Now);
    assert_eq!(next_lock(&mut stream).await, "a");
    assert_eq!(fake.requests()[1].header("last-event-id"), Some("9.3"));
}

#[tokio::test]
async fn history_that_is_gone_is_a_gap_and_the_end() {
    let mut gone = http_types::problem::Problem::new(ErrorCode::HistoryCompacted, "gone");
    gone.more.oldest_index = Some(40);
    let fake = Fake::start(move |_, _| crate::fake::json(410, &gone)).await;
    let start = Start::After(EventId {
        index: 5,
        ordinal: 1,
    });
    let mut stream = client(&[&fake.url]).events(EventFilter::default(), start);
    assert_eq!(
        next(&mut stream).await.unwrap().unwrap(),
        StreamItem::Gap { oldest_index: 40 }
    );
    assert!(next(&mut stream).await.is_none());
    assert_eq!(fake.requests()[0].header("last-event-id"), Some("5.1"));
}

#[tokio::test]
async fn a_gap_told_by_the_stream_is_passed_on() {
    let fake = Fake::start(|_, _| {
        cut_after(configured("5.0", "a") + &frame(None, r#"{"event":"gap","oldest_index":8}"#))
    })
    .await;
    let mut stream = client(&[&fake.url]).events(EventFilter::default(), Start::Now);
    assert_eq!(next_lock(&mut stream).await, "a");
    assert_eq!(
        next(&mut stream).await.unwrap().unwrap(),
        StreamItem::Gap { oldest_index: 8 }
    );
    assert!(next(&mut stream).await.is_none());
}

#[tokio::test]
async fn a_stream_cut_before_it_knew_where_it_is_admits_the_gap() {
    let fake = Fake::start(|_, _| cut_after(": heartbeat\n\n".into())).await;
    let mut stream = client(&[&fake.url]).events(EventFilter::default(), Start::Now);
    assert_eq!(
        next(&mut stream).await.unwrap().unwrap(),
        StreamItem::Gap { oldest_index: 0 }
    );
}

#[tokio::test]
async fn a_state_that_was_cut_begins_anew_and_says_so() {
    let state = r#"{"event":"state","lock":null}"#;
    let fake = Fake::start(move |_, n| match n {
        0 => cut_after(frame(None, state)),
        1 => cut_after(frame(None, state) + &frame(Some("7.0"), r#"{"event":"synced","index":7}"#)),
        _ => Reaction::Events {
            text: configured("8.0", "a"),
            leave_open: true,
        },
    })
    .await;
    let mut stream = client(&[&fake.url]).events(EventFilter::default(), Start::State);
    let mut names = Vec::new();
    for _ in 0..4 {
        names.push(match next(&mut stream).await.unwrap().unwrap() {
            StreamItem::Event(_, event) => event.kind.name().to_owned(),
            other @ (StreamItem::Restarted | StreamItem::Gap { .. }) => format!("{other:?}"),
        });
    }
    assert_eq!(names, ["state", "Restarted", "state", "synced"]);
    assert_eq!(next_lock(&mut stream).await, "a");
    let requests = fake.requests();
    assert_eq!(requests[1].path, "/v1/events?initial=state");
    assert_eq!(requests[1].header("last-event-id"), None);
    assert_eq!(requests[2].path, "/v1/events");
    assert_eq!(requests[2].header("last-event-id"), Some("7.0"));
}

#[tokio::test]
async fn a_node_that_stops_sends_its_readers_on() {
    let reconnect = r#"{"event":"reconnect","endpoints":[]}"#;
    let stopping = Fake::start(move |_, n| match n {
        0 => Reaction::Events {
            text: configured("5.0", "a") + &frame(None, reconnect),
            leave_open: true,
        },
        _ => problem(ErrorCode::ShuttingDown),
    })
    .await;
    let other = Fake::start(|_, _| Reaction::Events {
        text: configured("5.1", "b"),
        leave_open: true,
    })
    .await;
    let client = client(&[&stopping.url, &other.url]);
    let mut stream = client.events(EventFilter::default(), Start::Now);
    assert_eq!(next_lock(&mut stream).await, "a");
    assert_eq!(next_lock(&mut stream).await, "b");
    assert_eq!(other.requests()[0].header("last-event-id"), Some("5.0"));
}
