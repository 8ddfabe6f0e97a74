//! What is sent again, and what is not.

use holdfast_client::http_types::v1::dry_run::{DryRun, Effects, OnlyIf};
use holdfast_client::http_types::v1::nodes::Deleted;
use holdfast_client::{Effect, Error, ErrorCode};

use crate::answers::{ended, healthy, written};
use crate::fake::{Fake, Reaction, json, problem};
use crate::{client, nobody};

/// The first request gets `first`, the others work.
async fn first_then_healthy(first: fn() -> Reaction) -> Fake {
    Fake::start(move |request, n| {
        if n == 0 {
            first()
        } else {
            healthy(request, 15_000)
        }
    })
    .await
}

#[tokio::test]
async fn a_blind_write_whose_answer_was_lost_is_never_repeated() {
    for first in [|| Reaction::Cut, || problem(ErrorCode::OutcomeUnknown)] {
        let fake = first_then_healthy(first).await;
        let error = client(&[&fake.url])
            .put("/a", "x")
            .send()
            .await
            .unwrap_err();
        assert_eq!(error.outcome(), Effect::Unknown, "{error}");
        assert_eq!(fake.lines(), ["PUT /v1/nodes/a"]);
    }
}

#[tokio::test]
async fn a_conditional_write_whose_answer_was_lost_is_never_repeated() {
    let fake = first_then_healthy(|| Reaction::Cut).await;
    let error = client(&[&fake.url])
        .put("/a", "x")
        .if_version(3)
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Effect::Unknown, "{error}");
    assert_eq!(fake.requests()[0].header("if-match"), Some("\"v3\""));
    assert_eq!(fake.requests().len(), 1);
    let error = client(&[&first_then_healthy(|| Reaction::Cut).await.url])
        .delete("/a", None)
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Effect::Unknown, "{error}");
}

#[tokio::test]
async fn a_write_that_certainly_did_not_happen_is_repeated() {
    let fake = first_then_healthy(|| problem(ErrorCode::NoLeader)).await;
    let answer = client(&[&fake.url]).put("/a", "x").send().await.unwrap();
    assert_eq!(answer, written());
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn a_post_is_repeated_under_one_key() {
    let fake = Fake::start(|request, n| match n {
        0 => Reaction::Cut,
        1 => problem(ErrorCode::OutcomeUnknown),
        2 => problem(ErrorCode::InProgress),
        _ => healthy(request, 0),
    })
    .await;
    let client = client(&[&fake.url]);
    client.create("/a", "x").send().await.unwrap();
    let keys: Vec<_> = fake
        .requests()
        .iter()
        .map(|r| r.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    // Another call is another key.
    client.create("/a", "x").send().await.unwrap();
    assert_ne!(
        fake.requests()[4].header("idempotency-key"),
        Some(keys[0].as_str())
    );
}

#[tokio::test]
async fn a_node_that_is_gone_is_left_for_the_next() {
    let fake = Fake::start(|request, _| healthy(request, 0)).await;
    let client = client(&[&nobody().await, &fake.url]);
    client.put("/a", "x").send().await.unwrap();
    client.put("/a", "x").send().await.unwrap();
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn nobody_there_means_it_did_not_happen() {
    let error = client(&[&nobody().await])
        .put("/a", "x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Effect::NotApplied, "{error}");
    assert!(
        matches!(error, Error::Exhausted { attempts: 2.., .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_doubt_is_not_forgotten_when_later_attempts_are_refused() {
    let fake = Fake::start(|_, n| {
        if n == 0 {
            Reaction::Cut
        } else {
            problem(ErrorCode::NoLeader)
        }
    })
    .await;
    let error = client(&[&fake.url])
        .create("/a", "x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Effect::Unknown, "{error}");
    assert_eq!(error.code(), Some(ErrorCode::NoLeader));
}

#[tokio::test]
async fn the_word_of_the_state_machine_settles_a_doubt() {
    let fake = Fake::start(|_, n| {
        if n == 0 {
            Reaction::Cut
        } else {
            problem(ErrorCode::NodeExists)
        }
    })
    .await;
    let error = client(&[&fake.url])
        .create("/a", "x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Effect::NotApplied, "{error}");
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    for code in [
        ErrorCode::LockHeld,
        ErrorCode::Deadlock,
        ErrorCode::BadRequest,
    ] {
        let fake = Fake::start(move |_, _| problem(code)).await;
        let error = client(&[&fake.url])
            .break_lock("a", 7, "why")
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert_eq!(fake.requests().len(), 1, "{code:?}");
    }
}

#[tokio::test]
async fn a_read_is_repeated_whatever_happens_to_it_and_is_never_in_doubt() {
    let fake = Fake::start(|_, n| match n {
        0 => Reaction::Cut,
        1 => Reaction::Answer {
            status: 502,
            body: "<html>".into(),
        },
        2 => problem(ErrorCode::NotCaughtUp),
        _ => problem(ErrorCode::NoNode),
    })
    .await;
    assert_eq!(client(&[&fake.url]).get("/a").await.unwrap(), None);
    assert_eq!(fake.requests().len(), 4);
    let fake = Fake::start(|_, _| Reaction::Cut).await;
    let error = client(&[&fake.url]).get("/a").await.unwrap_err();
    assert_eq!(error.outcome(), Effect::NotApplied);
}

#[tokio::test]
async fn an_unreadable_answer_to_a_write_counts_as_done() {
    let fake = Fake::start(|_, _| json(200, &"surprise")).await;
    let error = client(&[&fake.url])
        .put("/a", "x")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.outcome(), Effect::Applied, "{error}");
}

#[tokio::test]
async fn a_node_that_hangs_is_given_up_and_the_next_is_asked() {
    let hanging = Fake::start(|_, _| Reaction::Hang).await;
    let fake = Fake::start(|_, _| problem(ErrorCode::NoNode)).await;
    let client = client(&[&hanging.url, &fake.url]);
    assert_eq!(client.get("/a").await.unwrap(), None);
    assert_eq!(hanging.requests().len(), 1);
    assert_eq!(fake.requests().len(), 1);
}

/// Unlike the requests they stand for: a lost answer leaves nothing in doubt.
#[tokio::test]
async fn a_dry_run_is_repeated_like_a_read_and_carries_no_key() {
    let fake = Fake::start(|request, n| match (n % 2, &*request.method) {
        (0, _) => Reaction::Cut,
        (_, "DELETE") => json(200, &DryRun::<Deleted>::default()),
        _ => json(
            200,
            &DryRun {
                dry_run: true,
                index: 7,
                would: ended(),
                effects: Effects::default(),
                only_if: OnlyIf::default(),
            },
        ),
    })
    .await;
    let client = client(&[&fake.url]);
    let told = client.break_lock_dry_run("a", 7, "stuck").await.unwrap();
    assert_eq!((told.index, told.would), (7, ended()));
    client.delete_dry_run("/a", Some(3)).await.unwrap();
    client.delete_tree_dry_run("/a", Some(9)).await.unwrap();
    let lines = fake.lines();
    let each = lines.iter().step_by(2).map(String::as_str);
    assert_eq!(
        each.collect::<Vec<_>>(),
        [
            "POST /v1/locks/a/-/break?dry_run=1",
            "DELETE /v1/nodes/a?dry_run=1",
            "DELETE /v1/nodes/a?recursive=1&max=9&dry_run=1",
        ]
    );
    for request in fake.requests() {
        assert_eq!(request.header("idempotency-key"), None);
    }
}
