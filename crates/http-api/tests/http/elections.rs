//! Elections: standing, leading, handing over, and what a term is good for.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Doors};

fn candidate(id: &str) -> String {
    format!("/v1/elections/app/-/candidates/{id}")
}

async fn stand(client: &Client, session: &str, body: &Value) -> Answer {
    let path = candidate(session);
    client.put(&path).session(session).json(body).send().await
}

/// Sessions of these names, each standing under its own.
async fn standing(client: &Client, names: &[&str]) {
    for name in names {
        client.session(name).await;
        let answer = stand(client, name, &json!({"value": format!("at {name}")})).await;
        assert!(matches!(answer.status.as_u16(), 201 | 202), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_leads_and_the_next_stands_by() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("a").await;
    client.session("b").await;
    let first = stand(&client, "a", &json!({"value": "10.0.0.1"})).await;
    assert_eq!(first.header("location"), candidate("a"));
    let index: u64 = first.header("holdfast-index").parse().unwrap();
    let first = first.expect(201);
    assert_eq!(first["state"], "leader");
    assert_eq!(first["term"].as_u64(), Some(index));
    assert_eq!(first["value"], "10.0.0.1");
    assert!(first["safe_ms"].as_u64() >= Some(15_000), "{first}");
    assert!(first.get("position").is_none());

    let second = stand(&client, "b", &json!({"weight": 3})).await.expect(202);
    assert_eq!(
        (second["state"].as_str(), second["position"].as_u64()),
        (Some("standby"), Some(1))
    );
    assert_eq!(second["leader"], "a");
    assert!(second.get("term").is_none() && second.get("safe_ms").is_none());

    let again = stand(&client, "a", &json!({"value": "10.0.0.1"}))
        .await
        .expect(200);
    assert_eq!(again["term"], first["term"]);

    let election = client.get("/v1/elections/app").send().await.expect(200);
    assert_eq!(election["leader"]["candidate"], "a");
    assert_eq!(election["leader"]["value"], "10.0.0.1");
    assert_eq!(election["standby"][0]["candidate"], "b");
    assert_eq!(election["candidate_count"], 2);
    let list = client
        .get("/v1/elections?prefix=ap")
        .send()
        .await
        .expect(200);
    assert_eq!(list["elections"][0]["leader"], "a");
    assert_eq!(list["elections"][0]["term"], first["term"]);
    // What a ZooKeeper client sees of it.
    let node = client.get("/v1/nodes/elections/app/a").send().await;
    assert_eq!(node.text(), "10.0.0.1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_ends_when_the_leader_resigns() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    standing(&client, &["a"]).await;
    client.session("b").await;
    let waiter = {
        let client = client.clone();
        tokio::spawn(async move {
            let ask = client.put(&candidate("b")).session("b");
            ask.header("prefer", "wait=20")
                .json(&json!({}))
                .send()
                .await
        })
    };
    until_stands(&client, "b").await;
    let resigned = client.delete(&candidate("a")).session("a").send().await;
    let resigned = resigned.expect(200);
    assert_eq!(resigned["state"], "resigned");
    let leads = waiter.await.unwrap().expect(201);
    assert_eq!(leads["state"], "leader");
    assert!(leads["term"].as_u64() > resigned["term"].as_u64());
    assert!(leads["safe_ms"].as_u64().is_some(), "{leads}");

    let again = client.delete(&candidate("a")).session("a").send().await;
    assert_eq!(again.expect(200), resigned);
    let late = stand(&client, "a", &json!({})).await;
    let late = late.problem(410, "candidate_ended");
    assert_eq!(late["ended_candidate"]["state"], "resigned");
    let gone = client.get(&candidate("a")).send().await;
    gone.problem(410, "candidate_ended");
}

async fn until_stands(client: &Client, id: &str) {
    let long = client.get("/v1/elections/app").header("prefer", "wait=20");
    let mut election = long.send().await;
    while !election.text().contains(&format!("\"candidate\":\"{id}\"")) {
        let etag = election.header("etag").to_owned();
        let ask = client.get("/v1/elections/app").header("prefer", "wait=20");
        let next = ask.header("if-none-match", &etag).send().await;
        assert_eq!(next.status, 200, "{id} does not stand: {election:?}");
        election = next;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leadership_is_handed_over_to_the_one_named() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    standing(&client, &["a", "b", "c"]).await;
    let transfer = |body: Value| client.post("/v1/elections/app/-/transfer").json(&body);
    let asked = transfer(json!({"to": "c", "deadline": "1h", "reason": "upgrade"}))
        .send()
        .await;
    let asked = asked.expect(200);
    assert_eq!(asked["leader"]["candidate"], "a");
    assert_eq!(asked["leader"]["transfer"]["to"], "c");
    assert_eq!(asked["leader"]["transfer"]["reason"], "upgrade");
    assert_eq!(asked["standby"][0]["candidate"], "c", "it leads next");
    let known = stand(&client, "a", &json!({"value": "at a"}))
        .await
        .expect(200);
    assert!(
        known["safe_ms"].as_u64() <= Some(15_000),
        "no longer than its session: {known}"
    );
    client
        .delete(&candidate("a"))
        .session("a")
        .send()
        .await
        .expect(200);
    let election = client.get("/v1/elections/app").send().await.expect(200);
    assert_eq!(election["leader"]["candidate"], "c");

    let term = election["term"].as_u64().unwrap();
    let stale = transfer(json!({"to": "b", "term": term - 1})).send().await;
    let stale = stale.problem(412, "term_stale");
    assert_eq!(
        (stale["term"].as_u64(), stale["candidate"].as_str()),
        (Some(term), Some("c"))
    );
    let key = "k1";
    let now = transfer(json!({"to": "b", "term": term})).header("idempotency-key", key);
    let now = now.send().await.expect(200);
    assert_eq!(now["leader"]["candidate"], "b");
    assert_eq!(now["standby"][0]["candidate"], "c", "it stands by again");
    let repeat = transfer(json!({"to": "b", "term": term})).header("idempotency-key", key);
    assert_eq!(repeat.send().await.expect(200)["term"], now["term"]);
    transfer(json!({"to": "nobody"}))
        .send()
        .await
        .problem(404, "no_candidate");
    let none = client
        .post("/v1/elections/none/-/transfer")
        .json(&json!({"to": "b"}));
    none.send().await.problem(404, "no_election");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_in_a_term_is_refused_after_it() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    standing(&client, &["a", "b"]).await;
    let term = client.get("/v1/elections/app").send().await.expect(200)["term"]
        .as_u64()
        .unwrap();
    let write = || {
        let guard = format!("app={term}");
        client
            .put("/v1/nodes/plan")
            .header("holdfast-term", &guard)
            .text("x")
    };
    write().send().await.expect(201);
    let txn = || {
        let body = json!({
            "if": [{"election": "app", "term": term}], "then": [{"set": "/plan", "value": "y"}],
        });
        client.post("/v1/txn").json(&body)
    };
    txn().send().await.expect(200);
    client.delete("/v1/sessions/a").send().await.expect(200);
    let refused = write().send().await.problem(412, "term_stale");
    assert_eq!(refused["candidate"], "b");
    assert_eq!(refused["outcome"], "not-applied");
    txn().send().await.problem(412, "guards_failed");
    let plan = client.get("/v1/nodes/plan").send().await;
    assert_eq!(plan.text(), "y");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_is_its_sessions_and_a_session_stands_once() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    standing(&client, &["a"]).await;
    client.session("b").await;
    let other = client.put(&candidate("a")).session("b").json(&json!({}));
    other.send().await.problem(409, "candidate_taken");
    let twice = client.put(&candidate("z")).session("a").json(&json!({}));
    let twice = twice.send().await.problem(409, "stands_already");
    assert_eq!(twice["candidate"], "a");
    let resign = client.delete(&candidate("a")).session("b").send().await;
    resign.problem(409, "candidate_taken");
    client
        .get(&candidate("z"))
        .send()
        .await
        .problem(404, "no_candidate");
    client
        .get("/v1/elections/none")
        .send()
        .await
        .problem(404, "no_election");
    let large = json!({"value": "x".repeat((16 << 10) + 1)});
    client
        .put(&candidate("b"))
        .session("b")
        .json(&large)
        .send()
        .await
        .problem(507, "quota_exceeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_election_is_observed_from_what_is_to_what_comes() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    standing(&client, &["a", "b"]).await;
    let stream = client.get("/v1/elections/app/-/events?initial=state");
    let mut stream = stream.stream().await;
    let state = stream.change().await;
    assert_eq!(state.name, "state");
    assert_eq!(state.data["election"]["leader"]["candidate"], "a");
    assert_eq!(stream.change().await.name, "synced");
    let mut own = client.get("/v1/sessions/a/stream").stream().await;

    stand(&client, "b", &json!({"value": "at b", "weight": 2}))
        .await
        .expect(202);
    let ask = json!({"to": "b", "deadline": "1h", "reason": "upgrade"});
    client
        .post("/v1/elections/app/-/transfer")
        .json(&ask)
        .send()
        .await
        .expect(200);
    client.delete("/v1/sessions/a").send().await.expect(200);
    let changes = stream.changes(5).await;
    let names: Vec<&str> = changes.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "election.changed",
            "election.transfer",
            "election.ended",
            "election.left",
            "election.elected"
        ]
    );
    assert_eq!(changes[0].data["weight"], 2);
    assert_eq!(changes[2].data["state"], "session_closed");
    let elected = &changes[4].data;
    assert_eq!(
        (
            elected["candidate"].as_str(),
            elected["handed_over"].as_bool()
        ),
        (Some("b"), Some(true))
    );
    assert!(elected["term"].as_u64() > changes[2].data["term"].as_u64());

    let told = own.change().await;
    assert_eq!(
        (told.name.as_str(), told.data["to"].as_str()),
        ("election.transfer", Some("b"))
    );
    assert_eq!(told.data["reason"], "upgrade");
}
