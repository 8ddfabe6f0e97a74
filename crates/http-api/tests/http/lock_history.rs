//! What is remembered of the holds of locks, and what is foreseen from it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, Doors};

fn claim(id: &str) -> String {
    format!("/v1/locks/jobs/nightly/-/claims/{id}")
}

async fn acquire(client: &Client, session: &str, id: &str, body: &Value) -> Value {
    let path = claim(id);
    let answer = client.put(&path).session(session).json(body).send().await;
    assert!(matches!(answer.status.as_u16(), 201 | 202), "{answer:?}");
    answer.json()
}

async fn release(client: &Client, session: &str, id: &str) {
    let path = claim(id);
    client
        .delete(&path)
        .session(session)
        .send()
        .await
        .expect(200);
}

async fn history(client: &Client, query: &str) -> Value {
    let path = format!("/v1/locks/jobs/nightly/-/history{query}");
    client.get(&path).send().await.expect(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_are_remembered_the_newest_first_with_who_why_and_how_they_ended() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let owner = json!({"owner": {"service": "web", "host": "h1", "pid": 7}});
    let opened = client.put("/v1/sessions/s1").json(&owner).send().await;
    opened.expect(201);
    client.session("s2").await;
    let first = acquire(&client, "s1", "c1", &json!({"reason": "reports"})).await;
    release(&client, "s1", "c1").await;
    let second = acquire(&client, "s2", "c2", &json!({})).await;
    let broken = client
        .post("/v1/locks/jobs/nightly/-/break")
        .header("if-match", &format!("\"f{}\"", second["fence"]))
        .json(&json!({"reason": "stuck"}));
    broken.send().await.expect(200);

    let all = history(&client, "").await;
    assert_eq!(
        (&all["lock"], &all["count"]),
        (&json!("jobs/nightly"), &json!(2))
    );
    let newest = &all["holds"][0];
    assert_eq!(newest["claim"], "c2");
    assert_eq!(newest["session"], "s2");
    assert_eq!(
        (&newest["end"], &newest["end_reason"]),
        (&json!("broken"), &json!("stuck"))
    );
    assert!(newest.get("owner").is_none(), "{newest}");
    let oldest = &all["holds"][1];
    assert_eq!(oldest["fence"], first["fence"]);
    assert_eq!(
        (&oldest["end"], &oldest["mode"]),
        (&json!("released"), &json!("exclusive"))
    );
    assert_eq!(
        (&oldest["owner"], &oldest["reason"]),
        (&json!("web@h1 pid 7"), &json!("reports"))
    );
    assert_eq!(oldest["granted_at"], first["granted_at"]);
    assert_eq!(all["statistics"]["holds"], 2);
    assert_eq!(all["statistics"]["since"], first["granted_at"]);

    let one = history(&client, "?limit=1").await;
    assert_eq!(one["holds"].as_array().map(Vec::len), Some(1));
    assert_eq!(one["holds"][0], *newest);
    assert_eq!(one["statistics"], all["statistics"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_without_a_past_has_no_statistics_and_an_unknown_one_is_not_found() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let unknown = client.get("/v1/locks/jobs/nightly/-/history").send().await;
    unknown.problem(404, "no_lock");
    client.session("s1").await;
    acquire(&client, "s1", "c1", &json!({})).await;
    let none = history(&client, "").await;
    assert_eq!(
        none,
        json!({"lock": "jobs/nightly", "holds": [], "count": 0})
    );
    for bad in ["?limit=-1", "?limit=x", "?page=1"] {
        let path = format!("/v1/locks/jobs/nightly/-/history{bad}");
        client.get(&path).send().await.problem(400, "bad_request");
    }
}

/// Holds of one second.
async fn hold_often(doors: &Doors, client: &Client, times: usize) {
    for n in 0..times {
        let id = format!("p{n}");
        acquire(client, "s1", &id, &json!({})).await;
        doors.cluster.advance(Duration::from_secs(1));
        release(client, "s1", &id).await;
    }
}

async fn explained(client: &Client) -> Value {
    let path = "/v1/locks/jobs/nightly/-/explain";
    client.get(path).send().await.expect(200)
}

async fn tried(client: &Client) -> Value {
    let path = claim("t");
    let ask = client.put(&path).session("s2").json(&json!({"wait": "0s"}));
    ask.send().await.problem(423, "lock_held")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_are_foreseen_as_soon_as_three_holds_have_ended() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s1").await;
    client.session("s2").await;
    hold_often(&doors, &client, 2).await;
    acquire(&client, "s1", "c1", &json!({})).await;
    assert!(tried(&client).await.get("eta_ms").is_none());
    let unknown = explained(&client).await;
    assert!(unknown.get("eta_ms").is_none(), "{unknown}");
    assert_eq!(
        unknown["statistics"]["hold_ms"],
        json!({"p50": 1000, "p95": 1000})
    );
    let advice = unknown["advice"].to_string();
    assert!(advice.contains("not known before 3"), "{advice}");
    doors.cluster.advance(Duration::from_secs(3));
    release(&client, "s1", "c1").await;

    acquire(&client, "s1", "c2", &json!({})).await;
    doors.cluster.advance(Duration::from_millis(400));
    let waiting = acquire(&client, "s2", "c3", &json!({"wait": "1m"})).await;
    assert_eq!(waiting["eta_ms"], json!({"p50": 600, "p95": 2600}));
    let behind = json!({"p50": 1600, "p95": 5600});
    assert_eq!(tried(&client).await["eta_ms"], behind);
    let queue = client.get("/v1/locks/jobs/nightly/-/queue").send().await;
    let queue = queue.expect(200);
    assert_eq!(queue["waiters"][0]["eta_ms"], waiting["eta_ms"]);
    assert!(queue["holders"][0].get("eta_ms").is_none(), "{queue}");
    let why = explained(&client).await;
    assert_eq!(why["eta_ms"], behind);
    let lines = why["lines"].to_string();
    assert!(
        lines.contains("half of the last 3 holds took up to 1.0 s, 95 % up to 3.0 s"),
        "{lines}"
    );
    assert!(lines.contains("its session was renewed"), "{lines}");
    assert!(lines.contains("about 0.6 s more"), "{lines}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_explanation_says_what_frees_a_lock_and_who_may_break_it() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s1").await;
    acquire(&client, "s1", "c1", &json!({"ttl": "1m"})).await;
    let open = explained(&client).await;
    assert_eq!(open["may_break"], true);
    let advice = open["advice"].to_string();
    assert!(
        advice.contains("at the latest in") && advice.contains("/-/break"),
        "{advice}"
    );

    let acl = client.put("/v1/nodes/locks/jobs/nightly/-/acl");
    let only_read = json!([{"scheme": "world", "id": "anyone", "perms": "rwca"}]);
    acl.json(&json!({"acl": only_read}))
        .send()
        .await
        .expect(200);
    let closed = explained(&client).await;
    assert_eq!(closed["may_break"], false);
    assert!(
        closed["advice"]
            .to_string()
            .contains("does not let you delete"),
        "{closed}"
    );
    let holder = &closed["queue"]["holders"][0];
    let broken = client
        .post("/v1/locks/jobs/nightly/-/break")
        .header("if-match", &format!("\"f{}\"", holder["fence"]))
        .json(&json!({"reason": "stuck"}));
    broken.send().await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_locks_are_those_that_are_or_were_waited_for() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s1").await;
    client.session("s2").await;
    // Nobody waits for this one.
    let quiet = client
        .put("/v1/locks/quiet/-/claims/c")
        .session("s1")
        .text("{}");
    quiet.send().await.expect(201);
    acquire(&client, "s1", "c1", &json!({})).await;
    acquire(&client, "s2", "c2", &json!({"wait": "1m"})).await;
    let hot = |query: &'static str| {
        let path = format!("/v1/hot{query}");
        let ask = client.get(&path);
        async { ask.send().await.expect(200) }
    };
    assert_eq!(hot("").await, json!({"locks": []}), "no time has passed");
    doors.cluster.advance(Duration::from_secs(2));
    let now = hot("").await;
    assert_eq!(now["locks"].as_array().map(Vec::len), Some(1), "{now}");
    let lock = &now["locks"][0];
    assert_eq!(
        (&lock["lock"], &lock["holder"]["claim"]),
        (&json!("jobs/nightly"), &json!("c1"))
    );
    assert_eq!(
        (&lock["waited_ms"], &lock["waiting_ms"]),
        (&json!(2000), &json!(2000))
    );
    assert_eq!(lock["queue_length"], 1);
    assert!(lock.get("statistics").is_none(), "{now}");

    release(&client, "s1", "c1").await;
    release(&client, "s2", "c2").await;
    let past = hot("?prefix=jobs").await;
    let lock = &past["locks"][0];
    assert_eq!(
        (&lock["waited_ms"], &lock["waiting_ms"]),
        (&json!(2000), &json!(0))
    );
    assert_eq!(
        lock["statistics"]["wait_ms"],
        json!({"p50": 0, "p95": 2000})
    );
    assert_eq!(hot("?prefix=quiet&limit=5").await, json!({"locks": []}));
    for bad in ["?limit=x", "?sort=name"] {
        let path = format!("/v1/hot{bad}");
        client.get(&path).send().await.problem(400, "bad_request");
    }
}
