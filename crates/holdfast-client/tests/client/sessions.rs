//! Sessions: kept alive, and lost in time.

use std::time::Duration;

use holdfast_client::{Effect, Error, ErrorCode, Loss, Owner, SessionOptions};
use tokio::time::{Instant, timeout};

use crate::answers::healthy;
use crate::client;
use crate::fake::{Fake, Reaction, problem};

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(10);

fn options(ttl_ms: u64) -> SessionOptions {
    SessionOptions {
        ttl: Duration::from_millis(ttl_ms),
        owner: Owner::default(),
        lock_delay: Duration::ZERO,
        id: Some("s_1".into()),
    }
}

#[tokio::test]
async fn a_session_is_kept_alive_beyond_its_time_to_live() {
    let mut fake = Fake::start(|request, _| healthy(request, 600)).await;
    let session = client(&[&fake.url])
        .open_session(options(600))
        .await
        .unwrap();
    let first = session.safe_until();
    fake.arrived(8).await;
    assert_eq!(session.loss(), None);
    assert!(session.safe_until() > first + Duration::from_millis(600));
    let lines = fake.lines();
    assert!(
        lines[1..]
            .iter()
            .all(|line| line == "POST /v1/sessions/s_1/keepalive"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn loss_is_reported_when_the_safe_time_passes_without_a_server() {
    // The node takes every keep-alive and answers none.
    let fake = Fake::start(|request, _| {
        if request.path.ends_with("/keepalive") {
            Reaction::Hang
        } else {
            healthy(request, 500)
        }
    })
    .await;
    let session = client(&[&fake.url])
        .open_session(options(500))
        .await
        .unwrap();
    let guard = session
        .client()
        .lock("orders/42")
        .acquire(&session)
        .await
        .unwrap();
    let safe_until = session.safe_until();
    assert_eq!(guard.safe_until(), safe_until);
    timeout(SOON, guard.lost()).await.unwrap();
    assert!(Instant::now() >= safe_until);
    assert_eq!(session.loss(), Some(Loss::Unconfirmed));
    assert_eq!(guard.loss(), Some(Loss::Unconfirmed));
    let error = session
        .client()
        .lock("a")
        .acquire(&session)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::SessionLost(Loss::Unconfirmed)),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_safe_time_ends_before_the_cluster_could_expire_the_session() {
    let fake = Fake::start(|request, _| healthy(request, 10_000)).await;
    let before = Instant::now();
    let session = client(&[&fake.url])
        .open_session(options(10_000))
        .await
        .unwrap();
    let answered = Instant::now();
    assert!(session.safe_until() > before + Duration::from_secs(9));
    // Counted from sending, less a margin: not a moment of the way back is taken for granted.
    assert!(session.safe_until() < answered + Duration::from_millis(9_600));
}

#[tokio::test]
async fn a_session_survives_the_loss_of_a_node() {
    let dying = Fake::start(|request, n| {
        if n == 0 {
            healthy(request, 600)
        } else {
            Reaction::Cut
        }
    })
    .await;
    let mut other = Fake::start(|request, _| healthy(request, 600)).await;
    let client = client(&[&dying.url, &other.url]);
    let session = client.open_session(options(600)).await.unwrap();
    other.arrived(5).await;
    assert_eq!(session.loss(), None);
}

#[tokio::test]
async fn the_cluster_s_word_that_it_has_ended_is_a_loss_at_once() {
    let fake = Fake::start(|request, _| {
        if request.path.ends_with("/keepalive") {
            problem(ErrorCode::SessionExpired)
        } else {
            healthy(request, 600)
        }
    })
    .await;
    let session = client(&[&fake.url])
        .open_session(options(600))
        .await
        .unwrap();
    let safe_until = session.safe_until();
    timeout(SOON, session.lost()).await.unwrap();
    assert!(Instant::now() < safe_until);
    assert!(
        matches!(session.loss(), Some(Loss::SessionEnded(_))),
        "{:?}",
        session.loss()
    );
}

#[tokio::test]
async fn opening_is_repeated_under_the_same_id() {
    let fake = Fake::start(|request, n| {
        if n < 2 {
            Reaction::Cut
        } else {
            healthy(request, 15_000)
        }
    })
    .await;
    let random = SessionOptions {
        id: None,
        ..options(15_000)
    };
    client(&[&fake.url]).open_session(random).await.unwrap();
    let lines = fake.lines();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| *line == lines[0]), "{lines:?}");
}

#[tokio::test]
async fn a_dropped_session_is_ended_in_the_background() {
    let fake = Fake::start(|request, _| healthy(request, 15_000)).await;
    let client = client(&[&fake.url]);
    drop(client.open_session(options(15_000)).await.unwrap());
    client.finish_background().await;
    assert_eq!(
        fake.lines(),
        ["PUT /v1/sessions/s_1", "DELETE /v1/sessions/s_1"]
    );
}

#[tokio::test]
async fn closing_reports_loss_to_guards_first() {
    let fake = Fake::start(|request, _| {
        if request.method == "DELETE" {
            Reaction::Cut
        } else {
            healthy(request, 15_000)
        }
    })
    .await;
    let session = client(&[&fake.url])
        .open_session(options(15_000))
        .await
        .unwrap();
    let guard = session
        .client()
        .lock("orders/42")
        .acquire(&session)
        .await
        .unwrap();
    let error = session.close().await.unwrap_err();
    assert_eq!(error.outcome(), Effect::Unknown);
    assert_eq!(guard.loss(), Some(Loss::Closed));
    timeout(SOON, guard.lost()).await.unwrap();
}
