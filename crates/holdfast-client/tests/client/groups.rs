//! Groups: one member however often it is sent, and a guard that leaves.

use holdfast_client::{Error, ErrorCode, Loss, SessionOptions};
use http_types::v1::groups::{GroupMember, MemberLeft};

use crate::answers::healthy;
use crate::client;
use crate::fake::{Fake, Reaction, Request, json, problem};

fn member(value: &str) -> GroupMember {
    GroupMember {
        group: "web/front".into(),
        member: "me".into(),
        session: "s_1".into(),
        owner: None,
        value: Some(value.into()),
        encoding: None,
        content_type: None,
        joined_index: 7,
        joined_at: String::new(),
        changed_index: 7,
    }
}

fn is_member(request: &Request, method: &str) -> bool {
    request.line() == format!("{method} /v1/groups/web/front/-/members/me")
}

fn working(request: &Request) -> Reaction {
    if is_member(request, "PUT") {
        json(201, &member("here"))
    } else if is_member(request, "DELETE") {
        let left = MemberLeft {
            left: true,
            ..MemberLeft::default()
        };
        json(200, &left)
    } else {
        healthy(request, 15_000)
    }
}

#[tokio::test]
async fn joining_is_sent_again_until_it_is_answered() {
    let fake = Fake::start(|request, n| match n {
        1 => Reaction::Cut,
        2 => problem(ErrorCode::OutcomeUnknown),
        _ => working(request),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let group = client.group("web/front").member_id("me").value("here");
    let mut membership = group.join(&session).await.unwrap();
    assert_eq!(membership.member().joined_index, 7);
    let requests = fake.requests();
    for request in &requests[1..=3] {
        assert!(is_member(request, "PUT"), "{}", request.line());
        assert_eq!(request.body, requests[1].body);
        assert_eq!(request.header("holdfast-session"), Some("s_1"));
    }
    membership.set_value("there").await.unwrap();
    let left = membership.leave().await.unwrap();
    assert!(left.left);
    let sent = fake.requests();
    let leaves = sent.iter().filter(|r| is_member(r, "DELETE")).count();
    assert_eq!(leaves, 1, "{:?}", fake.lines());
}

#[tokio::test]
async fn a_dropped_membership_and_a_dropped_join_leave() {
    let fake = Fake::start(|request, _| working(request)).await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let group = client.group("web/front").member_id("me");
    drop(group.join(&session).await.unwrap());
    client.finish_background().await;
    let left = |fake: &Fake| fake.requests().iter().any(|r| is_member(r, "DELETE"));
    assert!(left(&fake), "{:?}", fake.lines());

    let mut fake = Fake::start(|request, _| match request {
        request if is_member(request, "PUT") => Reaction::Hang,
        request => working(request),
    })
    .await;
    let client = crate::client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let group = client.group("web/front").member_id("me");
    let joining = tokio::spawn(async move { group.join(&session).await });
    fake.arrived(2).await;
    joining.abort();
    let _ = joining.await;
    client.finish_background().await;
    assert!(left(&fake), "{:?}", fake.lines());
}

#[tokio::test]
async fn an_id_of_another_session_is_refused_and_nothing_is_left() {
    let fake = Fake::start(|request, _| match request {
        request if is_member(request, "PUT") => problem(ErrorCode::MemberTaken),
        request => working(request),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let session = session.unwrap();
    let group = client.group("web/front").member_id("me");
    let refused = group.join(&session).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::MemberTaken));
    // Whatever the answer is, this process has ended it.
    let _ = session.clone().close().await;
    let group = client.group("web/front").member_id("me");
    let lost = group.join(&session).await.unwrap_err();
    assert!(matches!(lost, Error::SessionLost(Loss::Closed)), "{lost}");
    client.finish_background().await;
    let sent = fake.requests();
    assert!(!sent.iter().any(|r| is_member(r, "DELETE")));
}
