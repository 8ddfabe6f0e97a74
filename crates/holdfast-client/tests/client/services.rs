//! Services: one instance however often it is sent, a guard that deregisters, and picks that count once.

use holdfast_client::{ErrorCode, EventFilter, SessionOptions, Start};
use http_types::duration::TextDuration;
use http_types::v1::services::{
    Instance, InstanceLeft, InstanceState, PickQuery, Picked, PickedInstance, Strategy,
};

use crate::answers::healthy;
use crate::client;
use crate::fake::{Fake, Reaction, Request, json, problem};

fn instance() -> Instance {
    Instance {
        service: "shop/api".into(),
        id: "web-7".into(),
        address: "10.0.0.7".into(),
        port: 8080,
        weight: 10,
        zone: None,
        tags: Vec::new(),
        meta: Default::default(),
        session: Some("s_1".into()),
        ttl_ms: None,
        expires_ms: None,
        state: InstanceState::Up,
        unavailable: None,
        check: None,
        verdict: None,
        load: None,
        failures: 0,
        reserved: 0,
        registered_index: 7,
        registered_at: String::new(),
        changed_index: 7,
    }
}

fn picked() -> Picked {
    Picked {
        instance: PickedInstance {
            id: "web-7".into(),
            address: "10.0.0.7".into(),
            port: 8080,
            zone: None,
            meta: Default::default(),
            reservation: None,
        },
        others: Vec::new(),
        strategy: Strategy::LeastLoad,
        ring_version: None,
        considered: Vec::new(),
    }
}

fn is_about(request: &Request, method: &str, rest: &str) -> bool {
    request.line() == format!("{method} /v1/services/shop/api/-/{rest}")
}

fn working(request: &Request) -> Reaction {
    if is_about(request, "PUT", "instances/web-7") {
        json(201, &instance())
    } else if is_about(request, "PUT", "instances/web-7/state")
        || is_about(request, "PUT", "instances/web-7/load")
    {
        json(200, &instance())
    } else if is_about(request, "DELETE", "instances/web-7") {
        let left = InstanceLeft {
            left: true,
            ..InstanceLeft::default()
        };
        json(200, &left)
    } else if request.line().contains("/-/pick") {
        json(200, &picked())
    } else {
        healthy(request, 15_000)
    }
}

#[tokio::test]
async fn registering_is_sent_again_until_it_is_answered_and_dropping_deregisters() {
    let fake = Fake::start(|request, n| match n {
        1 => Reaction::Cut,
        2 => problem(ErrorCode::OutcomeUnknown),
        _ => working(request),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let builder = client.instance("shop/api", "10.0.0.7", 8080).id("web-7");
    let mut registered = builder.weight(10).register(&session).await.unwrap();
    let requests = fake.requests();
    for request in &requests[1..=3] {
        assert!(
            is_about(request, "PUT", "instances/web-7"),
            "{}",
            request.line()
        );
        assert_eq!(request.body, requests[1].body);
        assert_eq!(request.header("holdfast-session"), Some("s_1"));
    }
    registered.set_state(InstanceState::Draining).await.unwrap();
    registered.report_load(12, 64).await.unwrap();
    drop(registered);
    client.finish_background().await;
    let lines = fake.lines();
    let ended = "DELETE /v1/services/shop/api/-/instances/web-7";
    assert!(lines.iter().any(|line| line == ended), "{lines:?}");
}

#[tokio::test]
async fn a_pick_that_reserves_is_sent_again_with_the_same_key() {
    let fake = Fake::start(|request, n| match n {
        0 => Reaction::Cut,
        1 => problem(ErrorCode::OutcomeUnknown),
        _ => working(request),
    })
    .await;
    let client = client(&[&fake.url]);
    let query = PickQuery {
        strategy: Some(Strategy::LeastLoad),
        tag: Some("v2,v3".into()),
        reserve: Some(TextDuration::from_millis(10_000)),
        ..PickQuery::default()
    };
    client.pick_and_reserve("shop/api", &query).await.unwrap();
    let requests = fake.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        let rest = "pick?strategy=least_load&tag=v2,v3&reserve=10s";
        assert!(is_about(request, "POST", rest), "{}", request.line());
        assert!(request.header("idempotency-key").is_some());
        assert_eq!(
            request.header("idempotency-key"),
            requests[0].header("idempotency-key")
        );
    }
}

#[tokio::test]
async fn nobody_to_pick_is_no_reason_to_try_again() {
    let fake = Fake::start(|_, _| problem(ErrorCode::NoInstanceAvailable)).await;
    let client = client(&[&fake.url]);
    let refused = client
        .pick("shop/api", &PickQuery::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NoInstanceAvailable));
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_stream_of_one_service_asks_for_that() {
    let fake = Fake::start(|_, _| problem(ErrorCode::NoLeader)).await;
    let client = client(&[&fake.url]);
    let filter = EventFilter {
        service: Some("shop/api".into()),
        ..EventFilter::default()
    };
    let mut stream = client.events(filter, Start::Now);
    assert!(stream.next().await.unwrap().is_err());
    let lines = fake.lines();
    assert_eq!(lines[0], "GET /v1/services/shop/api/-/events");
}
