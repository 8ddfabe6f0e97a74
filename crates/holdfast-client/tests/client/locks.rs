//! Locks: one claim however often it is sent, withdrawn when nobody wants it any more.

use std::time::Duration;

use holdfast_client::{Effect, ErrorCode, Loss, SessionOptions};
use http_types::v1::locks::{ClaimState, HotLocks, LockHistory};
use tokio::time::timeout;

use crate::answers::{claim, healthy, keepalive};
use crate::client;
use crate::fake::{Fake, Reaction, json, problem};

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(10);

fn is_claim(line: &str, method: &str) -> bool {
    line.starts_with(&format!("{method} /v1/locks/orders/42/-/claims/c_"))
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_asked_for_again_unchanged() {
    let fake = Fake::start(|request, n| match n {
        1 => Reaction::Cut,
        2 => problem(ErrorCode::OutcomeUnknown),
        _ => healthy(request, 15_000),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let guard = client
        .lock("orders/42")
        .wait(Duration::from_secs(5))
        .acquire(&session)
        .await
        .unwrap();
    assert_eq!(guard.fence(), 7);
    let claims = &fake.requests()[1..];
    assert_eq!(claims.len(), 3);
    assert!(is_claim(&claims[0].line(), "PUT"), "{}", claims[0].line());
    for repeat in claims {
        assert_eq!(repeat.line(), claims[0].line());
        assert_eq!(repeat.body, claims[0].body);
        assert_eq!(repeat.header("holdfast-session"), Some("s_1"));
    }
}

#[tokio::test]
async fn waiting_goes_on_until_the_turn_comes() {
    let fake = Fake::start(|request, n| match n {
        1 | 2 => json(202, &claim(ClaimState::Waiting, None)),
        _ => healthy(request, 15_000),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let (seen, mut heard) = tokio::sync::mpsc::channel(2);
    let guard = client
        .lock("orders/42")
        .on_wait(Duration::from_millis(500), move |claim| {
            seen.try_send(claim.fence).unwrap()
        })
        .acquire(&session)
        .await
        .unwrap();
    assert_eq!(fake.requests()[1].header("prefer"), Some("wait=500ms"));
    assert_eq!((heard.recv().await, heard.recv().await), (Some(7), Some(7)));
    assert_eq!(guard.claim().state, ClaimState::Held);
}

#[tokio::test]
async fn a_busy_lock_is_an_answer_and_leaves_nothing_behind() {
    let fake = Fake::start(|request, n| {
        if n == 1 {
            problem(ErrorCode::LockHeld)
        } else {
            healthy(request, 15_000)
        }
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let error = client
        .lock("orders/42")
        .try_now()
        .acquire(&session)
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Some(ErrorCode::LockHeld), Effect::NotApplied)
    );
    client.finish_background().await;
    assert_eq!(fake.requests().len(), 2, "{:?}", fake.lines());
    assert!(
        String::from_utf8(fake.requests()[1].body.clone())
            .unwrap()
            .contains(r#""wait":"0s""#)
    );
}

#[tokio::test]
async fn a_wait_that_nobody_waits_for_any_more_is_withdrawn() {
    let mut fake = Fake::start(|request, n| {
        if n == 1 {
            Reaction::Hang
        } else {
            healthy(request, 15_000)
        }
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let acquiring = tokio::spawn({
        let (client, session) = (client.clone(), session.clone());
        async move { client.lock("orders/42").acquire(&session).await }
    });
    fake.arrived(2).await;
    acquiring.abort();
    assert!(acquiring.await.is_err_and(|error| error.is_cancelled()));
    client.finish_background().await;
    let lines = fake.lines();
    assert!(is_claim(&lines[2], "DELETE"), "{lines:?}");
}

#[tokio::test]
async fn a_dropped_guard_releases_in_the_background() {
    let fake = Fake::start(|request, _| healthy(request, 15_000)).await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    drop(client.lock("orders/42").acquire(&session).await.unwrap());
    client.finish_background().await;
    assert_eq!(fake.requests().len(), 3, "{:?}", fake.lines());
}

#[tokio::test]
async fn a_release_whose_answer_was_lost_is_repeated() {
    let fake = Fake::start(|request, n| {
        if n == 2 {
            Reaction::Cut
        } else {
            healthy(request, 15_000)
        }
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let guard = client.lock("orders/42").acquire(&session).await.unwrap();
    assert_eq!(guard.release().await.unwrap().ended_index, 8);
    assert_eq!(fake.requests().len(), 4);
}

#[tokio::test]
async fn a_hold_missing_from_a_keep_alive_is_lost_and_the_session_is_not() {
    let fake = Fake::start(|request, _| {
        if request.path.ends_with("/keepalive") {
            json(200, &keepalive(600, false))
        } else {
            healthy(request, 600)
        }
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let guard = client.lock("orders/42").acquire(&session).await.unwrap();
    timeout(SOON, guard.lost()).await.unwrap();
    assert!(
        matches!(guard.loss(), Some(Loss::ClaimEnded(_))),
        "{:?}",
        guard.loss()
    );
    assert_eq!(session.loss(), None);
}

#[tokio::test]
async fn a_hold_with_its_own_time_is_lost_when_that_is_over_and_extending_moves_it() {
    let fake = Fake::start(|request, _| match request.method.as_str() {
        "PATCH" => json(200, &claim(ClaimState::Held, Some(1_500))),
        "PUT" if request.path.contains("/-/claims/") => {
            json(201, &claim(ClaimState::Held, Some(60_000)))
        }
        _ => healthy(request, 15_000),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let lock = client.lock("orders/42").ttl(Duration::from_secs(60));
    let mut guard = lock.acquire(&session).await.unwrap();
    assert_eq!(guard.safe_until(), session.safe_until());
    guard.extend(Duration::from_millis(1_500)).await.unwrap();
    assert!(guard.safe_until() < session.safe_until());
    timeout(SOON, guard.lost()).await.unwrap();
    assert_eq!(guard.loss(), Some(Loss::TimeToHoldOver));
    assert_eq!(session.loss(), None);
}

#[tokio::test]
async fn verifying_a_stale_fence_is_a_loss() {
    let fake = Fake::start(|request, _| {
        if request.path.ends_with("/verify") {
            problem(ErrorCode::FenceStale)
        } else {
            healthy(request, 15_000)
        }
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let guard = client.lock("orders/42").acquire(&session).await.unwrap();
    assert_eq!(
        guard.verify().await.unwrap_err().code(),
        Some(ErrorCode::FenceStale)
    );
    assert!(guard.lost_token().is_cancelled());
}

#[tokio::test]
async fn the_past_of_a_lock_and_the_hot_locks_are_asked_for() {
    let fake = Fake::start(|request, _| {
        let line = request.line();
        if line.contains("/v1/hot") {
            return json(200, &HotLocks::default());
        }
        let none = LockHistory {
            lock: "orders/42".into(),
            holds: Vec::new(),
            count: 0,
            statistics: None,
        };
        json(200, &none)
    })
    .await;
    let client = client(&[&fake.url]);
    let history = client.lock_history("orders/42", Some(5)).await.unwrap();
    assert_eq!((history.count, history.statistics), (0, None));
    client.lock_history("orders/42", None).await.unwrap();
    assert!(
        client
            .hot_locks("ord", Some(3))
            .await
            .unwrap()
            .locks
            .is_empty()
    );
    client.hot_locks("", None).await.unwrap();
    let lines: Vec<String> = fake.requests().iter().map(|r| r.line()).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/locks/orders/42/-/history?limit=5",
            "GET /v1/locks/orders/42/-/history",
            "GET /v1/hot?prefix=ord&limit=3",
            "GET /v1/hot",
        ]
    );
}
