//! Elections: one candidate however often it is sent, and a leadership that hears of its end.

use std::time::Duration;

use holdfast_client::{ErrorCode, Leadership, Loss, SessionOptions};
use http_types::v1::elections::{Candidate, CandidateState};
use serde_json::json as value;
use tokio::time::{Instant, timeout};

use crate::answers::healthy;
use crate::client;
use crate::fake::{Fake, Reaction, Request, json, problem};

const SOON: Duration = Duration::from_secs(10);
const TERM: u64 = 7;

fn candidate(state: CandidateState) -> Candidate {
    let leads = state == CandidateState::Leader;
    Candidate {
        election: "app".into(),
        candidate: "me".into(),
        state,
        term: leads.then_some(TERM),
        position: (!leads).then_some(1),
        weight: 0,
        session: "s_1".into(),
        owner: None,
        value: None,
        encoding: None,
        content_type: None,
        stands_index: 6,
        stands_at: String::new(),
        safe_ms: None,
        leader: if leads { "me" } else { "other" }.into(),
        transfer: None,
        resign: String::new(),
    }
}

fn is_candidate(request: &Request, method: &str) -> bool {
    request.line() == format!("{method} /v1/elections/app/-/candidates/me")
}

/// A node where everything works and this candidate leads; its streams say `events` and stay open.
fn leading(request: &Request, events: &str) -> Reaction {
    let ended = value!({
        "election": "app", "candidate": "me", "state": "resigned", "term": TERM, "session": "s_1",
        "ended_index": 9, "ended_at": "",
    });
    if is_candidate(request, "PUT") {
        json(201, &candidate(CandidateState::Leader))
    } else if is_candidate(request, "DELETE") {
        json(200, &ended)
    } else if request.path.starts_with("/v1/events") {
        Reaction::Events {
            text: events.to_owned(),
            leave_open: true,
        }
    } else {
        healthy(request, 15_000)
    }
}

fn event(id: &str, data: &serde_json::Value) -> String {
    let name = data["event"].as_str().unwrap();
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}

fn elected(id: &str, who: &str, term: u64) -> String {
    let data = value!({
        "event": "election.elected", "election": "app", "candidate": who, "session": "s_2",
        "term": term, "handed_over": false,
    });
    event(id, &data)
}

fn ended(id: &str, how: &str) -> String {
    let data = value!({
        "event": "election.ended", "election": "app", "candidate": "me", "session": "s_1",
        "term": TERM, "state": how,
    });
    event(id, &data)
}

async fn leads(fake: &Fake) -> Leadership {
    let client = client(&[&fake.url]);
    let session = client.open_session(SessionOptions::default()).await;
    let election = client.election("app").candidate_id("me");
    election.campaign(&session.unwrap()).await.unwrap()
}

#[tokio::test]
async fn standing_goes_on_until_it_leads_whatever_happens_to_the_answers() {
    let fake = Fake::start(|request, n| match n {
        1 => Reaction::Cut,
        2 => problem(ErrorCode::OutcomeUnknown),
        3 => json(202, &candidate(CandidateState::Standby)),
        _ => leading(request, ""),
    })
    .await;
    let client = client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let (seen, mut heard) = tokio::sync::mpsc::channel(1);
    let election = client
        .election("app")
        .candidate_id("me")
        .value("10.0.0.1")
        .weight(3);
    let leadership = election
        .on_standby(Duration::from_millis(500), move |candidate| {
            seen.try_send(candidate.leader.clone()).unwrap();
        })
        .campaign(&session)
        .await
        .unwrap();
    assert_eq!(leadership.term(), TERM);
    assert_eq!(heard.recv().await.as_deref(), Some("other"));
    let asked = &fake.requests()[1..=4];
    for request in asked {
        assert!(is_candidate(request, "PUT"), "{}", request.line());
        assert_eq!(request.body, asked[0].body);
        assert_eq!(request.header("holdfast-session"), Some("s_1"));
    }
}

#[tokio::test]
async fn the_end_of_a_leadership_is_heard_of() {
    let events = elected("5.0", "before", 5) + &ended("9.0", "transferred");
    let fake = Fake::start(move |request, _| leading(request, &events)).await;
    let leadership = leads(&fake).await;
    timeout(SOON, leadership.lost()).await.unwrap();
    let Some(Loss::LeadershipEnded(how)) = leadership.loss() else {
        panic!("{:?}", leadership.loss());
    };
    assert_eq!(how, "Transferred");
}

#[tokio::test]
async fn another_leader_in_a_larger_term_ends_it_and_one_of_before_does_not() {
    let events = elected("5.0", "before", 5) + &elected("9.0", "after", 9);
    let fake = Fake::start(move |request, _| leading(request, &events)).await;
    let leadership = leads(&fake).await;
    timeout(SOON, leadership.lost()).await.unwrap();
    let loss = leadership.loss().unwrap().to_string();
    assert_eq!(loss, "the leadership is over: after leads");
}

#[tokio::test]
async fn a_leader_that_is_asked_to_hand_over_knows_how_long_it_has() {
    let ask = event(
        "8.0",
        &value!({
            "event": "election.transfer", "election": "app", "candidate": "me", "session": "s_1",
            "to": "other", "within_ms": 60_000, "reason": "upgrade",
        }),
    );
    let fake = Fake::start(move |request, _| leading(request, &ask)).await;
    let leadership = leads(&fake).await;
    let asked = timeout(SOON, leadership.handover_asked()).await.unwrap();
    assert_eq!(
        (asked.to.as_str(), asked.reason.as_deref()),
        ("other", Some("upgrade"))
    );
    assert!(asked.deadline <= Instant::now() + Duration::from_secs(60));
    assert!(leadership.safe_until() <= asked.deadline);
    assert!(leadership.loss().is_none());
    let ended = leadership.resign().await.unwrap();
    assert_eq!(ended.term, Some(TERM));
}

#[tokio::test]
async fn a_dropped_leadership_and_a_dropped_wait_are_taken_back() {
    let fake = Fake::start(|request, _| leading(request, "")).await;
    let leadership = leads(&fake).await;
    let client = leadership.session().client().clone();
    drop(leadership);
    client.finish_background().await;
    let resigned = |fake: &Fake| fake.requests().iter().any(|r| is_candidate(r, "DELETE"));
    assert!(resigned(&fake), "{:?}", fake.lines());

    let mut fake = Fake::start(|request, _| match request {
        request if is_candidate(request, "PUT") => Reaction::Hang,
        request => leading(request, ""),
    })
    .await;
    let client = crate::client(&[&fake.url]);
    let session = client
        .open_session(SessionOptions::default())
        .await
        .unwrap();
    let election = client.election("app").candidate_id("me");
    let waiting = tokio::spawn({
        let session = session.clone();
        async move { election.campaign(&session).await }
    });
    fake.arrived(2).await;
    waiting.abort();
    let _ = waiting.await;
    client.finish_background().await;
    assert!(resigned(&fake), "{:?}", fake.lines());
}
