//! Counters: what is sent, and what is sent again.

use holdfast_client::http_types::v1::counters::{
    Added, Block, Counter, CounterList, CountersQuery, Removed,
};
use holdfast_client::{Effect, ErrorCode};

use crate::client;
use crate::fake::{Fake, Reaction, Request, json, problem};

fn working(request: &Request) -> Reaction {
    let counter = "orders/42".to_owned();
    let path = request.path.split('?').next().unwrap_or_default();
    match (request.method.as_str(), path) {
        ("POST", path) if path.ends_with("/-/add") => json(
            200,
            &Added {
                counter,
                value: 42,
                previous: 41,
                version: 7,
            },
        ),
        ("POST", _) => json(
            200,
            &Block {
                counter,
                first: 1,
                last: 1000,
                size: 1000,
                version: 0,
            },
        ),
        ("GET", "/v1/counters") => json(200, &CounterList::default()),
        ("GET", _) => json(
            200,
            &Counter {
                counter,
                value: -3,
                version: 7,
            },
        ),
        _ => json(200, &Removed { counter }),
    }
}

#[tokio::test]
async fn counters_are_asked_for_as_the_contract_says() {
    let fake = Fake::start(|request, _| working(request)).await;
    let client = client(&[&fake.url]);
    assert_eq!(
        client.add_to_counter("orders/42", -1).await.unwrap().value,
        42
    );
    assert_eq!(
        client.counter_block("orders/42", 1000).await.unwrap().last,
        1000
    );
    assert_eq!(client.counter("orders/42").await.unwrap().value, -3);
    client.remove_counter("orders/42", Some(7)).await.unwrap();
    let query = CountersQuery {
        prefix: Some("a b".to_owned()),
        after: Some("x/y".to_owned()),
        limit: Some(3),
    };
    client.counters(&query).await.unwrap();
    assert_eq!(
        fake.lines(),
        [
            "POST /v1/counters/orders/42/-/add",
            "POST /v1/counters/orders/42/-/block",
            "GET /v1/counters/orders/42",
            "DELETE /v1/counters/orders/42",
            "GET /v1/counters?prefix=a%20b&after=x/y&limit=3",
        ]
    );
    let requests = fake.requests();
    assert_eq!(requests[0].body, br#"{"delta":-1}"#);
    assert_eq!(requests[1].body, br#"{"size":1000}"#);
    assert_eq!(requests[3].header("if-match"), Some("\"v7\""));
}

#[tokio::test]
async fn an_addition_whose_answer_was_lost_is_sent_again_under_its_key() {
    let fake = Fake::start(|request, n| match n {
        0 => Reaction::Cut,
        1 => problem(ErrorCode::OutcomeUnknown),
        _ => working(request),
    })
    .await;
    client(&[&fake.url]).add_to_counter("a", 1).await.unwrap();
    let requests = fake.requests();
    let keys: Vec<_> = requests
        .iter()
        .map(|r| r.header("idempotency-key"))
        .collect();
    assert_eq!(keys.len(), 3);
    assert!(keys[0].is_some());
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn a_removal_whose_answer_was_lost_is_never_sent_again() {
    let fake = Fake::start(|_, _| Reaction::Cut).await;
    let error = client(&[&fake.url]).remove_counter("a", None).await;
    assert_eq!(error.unwrap_err().outcome(), Effect::Unknown);
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_told_as_it_is() {
    let fake = Fake::start(|_, _| problem(ErrorCode::CounterOverflow)).await;
    let error = client(&[&fake.url]).add_to_counter("a", 1).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::CounterOverflow));
    assert_eq!(error.outcome(), Effect::NotApplied);
}
