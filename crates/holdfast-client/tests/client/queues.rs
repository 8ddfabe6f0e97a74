//! Work queues: one item however often it is sent, one delivery however often it is asked for, and guards that give
//! back.

use std::time::Duration;

use holdfast_client::http_types::v1::queues::{
    Acked, Delivery, GivenBack, ItemPut, Redriven, Taken,
};
use holdfast_client::{Effect, ErrorCode, SessionOptions};

use crate::answers::healthy;
use crate::client;
use crate::fake::{Fake, Reaction, Request, json, problem};

const WAIT: Duration = Duration::from_secs(60);

fn taken() -> Taken {
    Taken {
        queue: "mail".into(),
        deliveries: vec![Delivery {
            item: "entry-100-0000000000".into(),
            delivery: 7,
            attempt: 1,
            value: "letter".into(),
            ..Delivery::default()
        }],
        ended: Vec::new(),
    }
}

fn is(request: &Request, end: &str) -> bool {
    request.method == "POST" && request.path.ends_with(end)
}

fn working(request: &Request) -> Reaction {
    let (queue, item) = ("mail".to_owned(), "entry-100-0000000000".to_owned());
    if is(request, "/take") {
        json(200, &taken())
    } else if is(request, "/ack") {
        json(200, &Acked { queue, item })
    } else if is(request, "/give-back") {
        json(200, &GivenBack::default())
    } else if is(request, "/redrive") {
        json(200, &Redriven::default())
    } else if request.path.contains("/-/items") {
        json(201, &ItemPut { queue, item })
    } else {
        healthy(request, 15_000)
    }
}

fn keys(fake: &Fake, end: &str) -> Vec<String> {
    let requests = fake.requests();
    let sent = requests.iter().filter(|request| is(request, end));
    sent.map(|request| request.header("idempotency-key").unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_item_whose_answer_was_lost_is_put_again_under_its_key() {
    let fake = Fake::start(|request, n| match n {
        0 => Reaction::Cut,
        1 => problem(ErrorCode::OutcomeUnknown),
        _ => working(request),
    })
    .await;
    let put = client(&[&fake.url])
        .put_item("mail", "letter", Some(7))
        .await;
    assert_eq!(put.unwrap().item, "entry-100-0000000000");
    let end = "/v1/queues/mail/-/items?priority=7";
    let keys = keys(&fake, end);
    assert_eq!(keys.len(), 3, "{:?}", fake.lines());
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(fake.requests()[0].body, b"letter");
}

#[tokio::test]
async fn a_take_waits_on_under_one_key_and_its_delivery_is_acknowledged_once() {
    let fake = Fake::start(|request, n| match n {
        1 => Reaction::Cut,
        2 => json(200, &Taken::default()),
        4 => Reaction::Cut,
        _ => working(request),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let mut taken = client.take("mail", 1, WAIT, &session).await.unwrap();
    let delivery = taken.pop().unwrap();
    assert_eq!((delivery.number(), delivery.attempt()), (7, 1));
    assert_eq!(delivery.data(), "letter");
    delivery.ack().await.unwrap();
    let (takes, acks) = (keys(&fake, "/take"), keys(&fake, "/ack"));
    assert_eq!((takes.len(), acks.len()), (3, 2), "{:?}", fake.lines());
    assert!(takes.iter().all(|key| *key == takes[0]), "{takes:?}");
    assert_eq!(acks[0], acks[1]);
    let sent = fake.requests();
    let ack = sent.iter().find(|request| is(request, "/ack")).unwrap();
    assert_eq!(ack.body, br#"{"delivery":7}"#);
    assert_eq!(ack.header("holdfast-session"), Some("s_1"));
}

#[tokio::test]
async fn a_wait_that_is_over_has_nothing() {
    let fake = Fake::start(|request, _| match request {
        request if is(request, "/take") => json(200, &Taken::default()),
        request => working(request),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let taken = client
        .take("mail", 1, Duration::ZERO, &session.unwrap())
        .await;
    assert!(taken.unwrap().is_empty());
    assert_eq!(keys(&fake, "/take").len(), 1);
}

#[tokio::test]
async fn a_dropped_delivery_and_a_dropped_take_give_back() {
    let fake = Fake::start(|request, _| working(request)).await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    drop(client.take("mail", 1, WAIT, &session).await.unwrap());
    client.finish_background().await;
    let backs = |fake: &Fake| {
        let sent = fake.requests();
        let backs = sent.iter().filter(|request| is(request, "/give-back"));
        backs
            .map(|request| request.body.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(backs(&fake), [br#"{"delivery":7,"uncounted":true}"#]);

    let mut fake = Fake::start(|request, n| match n {
        1 => Reaction::Hang,
        _ => working(request),
    })
    .await;
    let client = crate::client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let taking = {
        let client = client.clone();
        tokio::spawn(async move { client.take("mail", 1, WAIT, &session).await })
    };
    fake.arrived(2).await;
    taking.abort();
    let _ = taking.await;
    client.finish_background().await;
    assert_eq!(backs(&fake).len(), 1, "{:?}", fake.lines());
    let takes = keys(&fake, "/take");
    assert_eq!((takes.len(), &takes[0]), (2, &takes[1]));
}

#[tokio::test]
async fn a_delivery_that_was_taken_away_is_told() {
    let fake = Fake::start(|request, _| match request {
        request if is(request, "/ack") => problem(ErrorCode::DeliveryEnded),
        request => working(request),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let mut taken = client.take("mail", 1, WAIT, &session).await.unwrap();
    let error = taken.pop().unwrap().ack().await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::DeliveryEnded));
    assert_eq!(error.outcome(), Effect::NotApplied);
}

#[tokio::test]
async fn dead_letters_are_put_back_as_the_contract_says() {
    let fake = Fake::start(|request, _| working(request)).await;
    let client = client(&[&fake.url]);
    client.redrive("mail/out", 5).await.unwrap();
    client.redrive_one("mail/out", "entry-1").await.unwrap();
    assert_eq!(
        fake.lines(),
        [
            "POST /v1/queues/mail/out/-/redrive",
            "POST /v1/queues/mail/out/-/dead/entry-1/redrive",
        ]
    );
    assert_eq!(fake.requests()[0].body, br#"{"limit":5}"#);
}
