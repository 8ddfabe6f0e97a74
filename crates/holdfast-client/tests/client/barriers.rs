//! Barriers: one party however often it is sent, waiting for all, and a guard that leaves.

use std::time::Duration;

use holdfast_client::{ErrorCode, SessionOptions};
use http_types::v1::barriers::{BarrierState, Party, PartyLeft};

use crate::answers::healthy;
use crate::client;
use crate::fake::{Fake, Reaction, Request, json, problem};

fn party(state: BarrierState) -> Party {
    Party {
        barrier: "start".into(),
        member: "me".into(),
        state,
        parties: Some(3),
        inside: 2,
        session: "s_1".into(),
        owner: None,
        entered_index: 6,
        entered_at: String::new(),
        opened_index: None,
        leave: String::new(),
    }
}

fn left(state: BarrierState) -> PartyLeft {
    PartyLeft {
        barrier: "start".into(),
        member: "me".into(),
        left: true,
        state,
        inside: 1,
    }
}

fn is_party(request: &Request, method: &str) -> bool {
    request.line() == format!("{method} /v1/barriers/start/-/members/me")
}

fn working(request: &Request) -> Reaction {
    if is_party(request, "PUT") {
        json(201, &party(BarrierState::Open))
    } else if is_party(request, "DELETE") {
        json(200, &left(BarrierState::Free))
    } else {
        healthy(request, 15_000)
    }
}

#[tokio::test]
async fn entering_goes_on_until_all_are_there_whatever_happens_to_the_answers() {
    let fake = Fake::start(|request, n| match n {
        1 => Reaction::Cut,
        2 => problem(ErrorCode::OutcomeUnknown),
        // The parties of the round before are still in it.
        3 => problem(ErrorCode::BarrierOpen),
        4 => json(202, &left(BarrierState::Open)),
        5 => json(200, &left(BarrierState::Free)),
        6 => json(202, &party(BarrierState::Waiting)),
        _ => working(request),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let (seen, mut heard) = tokio::sync::mpsc::channel(1);
    let passage = client
        .barrier("start", 3)
        .member_id("me")
        .on_waiting(Duration::from_millis(500), move |party| {
            seen.try_send(party.inside).unwrap();
        })
        .enter(&session)
        .await
        .unwrap();
    assert_eq!(passage.party().state, BarrierState::Open);
    assert_eq!(heard.recv().await, Some(2));
    let requests = fake.requests();
    let methods: Vec<bool> = requests[1..=7].iter().map(|r| is_party(r, "PUT")).collect();
    assert_eq!(methods, [true, true, true, false, false, true, true]);
    for request in &requests[1..=3] {
        assert_eq!(request.body, requests[1].body);
        assert_eq!(request.header("holdfast-session"), Some("s_1"));
    }
    let left = passage.leave().await.unwrap();
    assert_eq!(left.state, BarrierState::Free);
}

#[tokio::test]
async fn leaving_waits_for_the_others() {
    let fake = Fake::start(|request, n| match n {
        2 => json(202, &left(BarrierState::Open)),
        3 => Reaction::Cut,
        _ => working(request),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let barrier = client.barrier("start", 3).member_id("me");
    let passage = barrier.enter(&session).await.unwrap();
    passage.leave().await.unwrap();
    let sent = fake.requests();
    let leaves = sent.iter().filter(|r| is_party(r, "DELETE")).count();
    assert_eq!(leaves, 3, "{:?}", fake.lines());
}

#[tokio::test]
async fn a_dropped_passage_and_a_dropped_wait_leave() {
    let fake = Fake::start(|request, _| working(request)).await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let barrier = client.barrier("start", 3).member_id("me");
    drop(barrier.enter(&session).await.unwrap());
    client.finish_background().await;
    let left = |fake: &Fake| fake.requests().iter().any(|r| is_party(r, "DELETE"));
    assert!(left(&fake), "{:?}", fake.lines());

    let mut fake = Fake::start(|request, _| match request {
        request if is_party(request, "PUT") => Reaction::Hang,
        request => working(request),
    })
    .await;
    let client = crate::client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let barrier = client.barrier("start", 3).member_id("me");
    let entering = tokio::spawn(async move { barrier.enter(&session).await });
    fake.arrived(2).await;
    entering.abort();
    let _ = entering.await;
    client.finish_background().await;
    assert!(left(&fake), "{:?}", fake.lines());
}
