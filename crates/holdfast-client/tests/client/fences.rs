//! Fence registers: what is sent, and what is sent again.

use holdfast_client::http_types::v1::fences::{Advanced, FenceList, FenceRegister, FencesQuery};
use holdfast_client::{Effect, ErrorCode};

use crate::client;
use crate::fake::{Fake, Reaction, Request, json, problem};

fn working(request: &Request) -> Reaction {
    let resource = "reports/2026".to_owned();
    let (highest, moved_index, moved_at) = (18231, 18240, String::new());
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", _) => json(
            200,
            &Advanced {
                resource,
                highest,
                moved: true,
                moved_index,
                moved_at,
            },
        ),
        ("GET", path) if path.starts_with("/v1/fences?") => json(200, &FenceList::default()),
        _ => json(
            200,
            &FenceRegister {
                resource,
                highest,
                moved_index,
                moved_at,
            },
        ),
    }
}

#[tokio::test]
async fn registers_are_asked_for_as_the_contract_says() {
    let fake = Fake::start(|request, _| working(request)).await;
    let client = client(&[&fake.url]);
    let advanced = client.advance_fence("reports/2026", 18231).await.unwrap();
    assert_eq!((advanced.highest, advanced.moved), (18231, true));
    let register = client.fence_register("reports/2026").await.unwrap();
    assert_eq!(register.moved_index, 18240);
    client.forget_fence("reports/2026").await.unwrap();
    let query = FencesQuery {
        prefix: Some("reports/".to_owned()),
        after: None,
        limit: Some(10),
    };
    client.fence_registers(&query).await.unwrap();
    assert_eq!(
        fake.lines(),
        [
            "POST /v1/fences/reports/2026/-/advance",
            "GET /v1/fences/reports/2026",
            "DELETE /v1/fences/reports/2026",
            "GET /v1/fences?prefix=reports/&limit=10",
        ]
    );
    assert_eq!(fake.requests()[0].body, br#"{"fence":18231}"#);
}

/// A yes from before a higher fence came would be worse than a no.
#[tokio::test]
async fn a_fence_whose_answer_was_lost_is_shown_anew() {
    let fake = Fake::start(|request, n| match n {
        0 => Reaction::Cut,
        _ => working(request),
    })
    .await;
    client(&[&fake.url]).advance_fence("a", 1).await.unwrap();
    let requests = fake.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests
            .iter()
            .all(|r| r.header("idempotency-key").is_none())
    );
}

#[tokio::test]
async fn a_late_fence_is_a_definite_no() {
    let fake = Fake::start(|_, _| problem(ErrorCode::FenceRegisterStale)).await;
    let error = client(&[&fake.url]).advance_fence("a", 1).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::FenceRegisterStale));
    assert_eq!(error.outcome(), Effect::NotApplied);
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn forgetting_is_never_sent_again_in_doubt() {
    let fake = Fake::start(|_, _| Reaction::Cut).await;
    let error = client(&[&fake.url]).forget_fence("a").await.unwrap_err();
    assert_eq!(error.outcome(), Effect::Unknown);
    assert_eq!(fake.requests().len(), 1);
}
