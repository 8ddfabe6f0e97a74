//! Asking a holder to release: the guard hears of it and answers.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use holdfast_client::{ErrorCode, LockGuard, SessionOptions};
use serde_json::json as value;
use tokio::time::{Instant, timeout};

use crate::answers::healthy;
use crate::client;
use crate::fake::{Fake, Reaction, Request, json, problem};

const SOON: Duration = Duration::from_secs(10);

fn event(id: &str, data: &serde_json::Value) -> String {
    let name = data["event"].as_str().unwrap();
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}

fn requested(id: &str, fence: u64, who: &str) -> String {
    let data = value!({
        "event": "lock.release_requested", "lock": "orders/42", "claim": "c", "fence": fence,
        "session": "s_1", "who": who, "within_ms": 60_000, "reason": "deploy",
    });
    event(id, &data)
}

/// A node where everything works; its streams say `events` and stay open.
fn telling(request: &Request, events: &str) -> Reaction {
    if request.path.starts_with("/v1/events") {
        return Reaction::Events {
            text: events.to_owned(),
            leave_open: true,
        };
    }
    healthy(request, 15_000)
}

async fn held(fake: &Fake) -> LockGuard {
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    client.lock("orders/42").acquire(&session).await.unwrap()
}

#[tokio::test]
async fn a_holder_hears_of_a_request_for_its_own_hold_only() {
    let events = requested("8.0", 6, "before") + &requested("9.0", 7, "web@h2");
    let fake = Fake::start(move |request, _| telling(request, &events)).await;
    let guard = held(&fake).await;
    let asked = timeout(SOON, guard.release_asked()).await.unwrap();
    assert_eq!(
        (asked.who.as_str(), asked.reason.as_str()),
        ("web@h2", "deploy")
    );
    assert!(asked.deadline <= Instant::now() + Duration::from_secs(60));
    assert!(guard.loss().is_none(), "nothing is taken away");
    let lines = fake.lines();
    let stream = lines
        .iter()
        .find(|line| line.contains("/v1/events"))
        .unwrap();
    assert!(stream.contains("prefix=orders/42"), "{stream}");
    guard.release().await.unwrap();
}

#[tokio::test]
async fn a_request_made_before_anybody_listened_is_heard_of() {
    let holder = value!({
        "claim": "c", "session": "s_1", "fence": 7, "mode": "exclusive",
        "release_request": {
            "who": "web@h2", "reason": "deploy", "asked_at": "", "remaining_ms": 0,
        },
    });
    let state = value!({
        "event": "state",
        "lock": {
            "lock": "orders/42", "state": "held", "version": 0, "holders": [holder],
            "holder_count": 1, "queue_length": 0,
        },
    });
    let events = event("8.0", &state);
    let fake = Fake::start(move |request, _| telling(request, &events)).await;
    let guard = held(&fake).await;
    let asked = timeout(SOON, guard.release_asked()).await.unwrap();
    assert_eq!(asked.who, "web@h2");
    assert!(asked.deadline <= Instant::now());
    guard.release().await.unwrap();
}

#[tokio::test]
async fn each_request_is_heard_of_once_also_where_the_stream_begins_anew() {
    let again = |id, who: &str, time: &str| {
        let data = value!({
            "event": "lock.release_requested", "lock": "orders/42", "claim": "c", "fence": 7,
            "session": "s_1", "who": who, "within_ms": 60_000, "reason": "deploy", "time": time,
        });
        event(id, &data)
    };
    let gap = event("9.1", &value!({"event": "gap", "oldest_index": 9}));
    let events = again("8.0", "web@h2", "t1")
        + &again("8.1", "web@h2", "t1")
        + &again("9.0", "web@h2", "t2")
        + &gap;
    let after = again("8.0", "web@h2", "t2") + &again("9.0", "ops@h3", "t2");
    let streams = AtomicUsize::new(0);
    let fake = Fake::start(move |request, _| {
        let first = request.path.starts_with("/v1/events") && streams.fetch_add(1, Relaxed) == 0;
        telling(request, if first { &events } else { &after })
    })
    .await;
    let guard = held(&fake).await;
    let mut requests = guard.release_requests();
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(timeout(SOON, requests.next()).await.unwrap().who);
    }
    assert_eq!(heard, ["web@h2", "web@h2", "ops@h3"]);
    guard.release().await.unwrap();
}

#[tokio::test]
async fn asking_names_fence_and_deadline_and_an_answer_its_session() {
    let fake = Fake::start(|request, _| {
        let line = request.line();
        if line.ends_with("/-/answer") {
            return problem(ErrorCode::NotAsked);
        }
        if line.ends_with("/-/request-release") {
            let claim = crate::answers::claim(http_types::v1::locks::ClaimState::Held, None);
            return json(200, &claim);
        }
        healthy(request, 15_000)
    })
    .await;
    let guard = held(&fake).await;
    let client = guard.session().client();
    let deadline = Duration::from_secs(30);
    let asking = client.request_release("orders/42", Some(7), "deploy", deadline);
    assert_eq!(asking.await.unwrap().fence, 7);
    let refused = guard
        .answer_release(Duration::from_secs(5))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NotAsked));
    let requests = fake.requests();
    let find = |end: &str| requests.iter().find(|r| r.line().ends_with(end)).unwrap();
    let asked = find("/-/request-release");
    assert_eq!(asked.header("if-match"), Some("\"f7\""));
    assert!(asked.header("idempotency-key").is_some());
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body, value!({"reason": "deploy", "deadline": "30s"}));
    let answered = find("/-/answer");
    assert_eq!(answered.header("holdfast-session"), Some("s_1"));
    guard.release().await.unwrap();
}
