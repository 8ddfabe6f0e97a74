use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, Doors};

const C1: &str = "/v1/locks/orders/42/-/claims/c1";
const C2: &str = "/v1/locks/orders/42/-/claims/c2";

async fn held(client: &Client, session: &str, claim: &str) -> Value {
    client
        .put(claim)
        .session(session)
        .text("{}")
        .send()
        .await
        .expect(201)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_free_lock_is_held_and_the_repeat_says_so() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s1").await;
    let ask = || {
        client
            .put(C1)
            .session("s1")
            .json(&json!({"wait": "2m", "reason": "invoices"}))
    };
    let first = ask().send().await;
    assert_eq!(first.header("location"), C1);
    let index: u64 = first.header("holdfast-index").parse().unwrap();
    assert_eq!(first.header("holdfast-node"), "n1");
    assert_eq!(first.header("holdfast-leader"), "n1; url=\"http://node-1\"");
    assert_eq!(
        first.header("link"),
        "</openapi.json>; rel=\"service-desc\""
    );
    let first = first.expect(201);
    assert_eq!(first["state"], "held");
    assert_eq!(first["lock"], "orders/42");
    assert_eq!(first["session"], "s1");
    assert_eq!(first["fence"], first["granted_index"]);
    assert_eq!(first["fence"].as_u64().unwrap(), index);
    assert!(
        first["safe_ms"].as_u64() >= Some(15_000),
        "the session was renewed with a quorum: {first}"
    );
    let again = ask().send().await.expect(200);
    assert_eq!(again["fence"], first["fence"]);
    let other = client
        .put(C1)
        .session("s1")
        .json(&json!({"wait": "1m"}))
        .send()
        .await;
    other.problem(409, "claim_mismatch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_lock_refuses_a_try_and_queues_a_wait() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s1").await;
    client.session("s2").await;
    let first = held(&client, "s1", C1).await;
    let tried = client
        .put(C2)
        .session("s2")
        .json(&json!({"wait": "0s"}))
        .send()
        .await;
    assert_eq!(tried.header("retry-after"), "1");
    let problem = tried.problem(423, "lock_held");
    assert_eq!(problem["outcome"], "not-applied");
    assert_eq!(problem["retryable"], true);
    assert_eq!(problem["instance"], C2);
    assert_eq!(problem["holders"][0]["fence"], first["fence"]);
    assert_eq!(problem["holders"][0]["session"], "s1");

    let c3 = "/v1/locks/orders/42/-/claims/c3";
    let queued = client
        .put(c3)
        .session("s2")
        .json(&json!({"wait": "2m"}))
        .send()
        .await;
    assert_eq!(queued.header("location"), c3);
    let queued = queued.expect(202);
    assert_eq!(
        (&queued["state"], &queued["position"]),
        (&json!("waiting"), &json!(1))
    );
    assert!(queued.get("safe_ms").is_none());
    let queue = client
        .get("/v1/locks/orders/42/-/queue")
        .send()
        .await
        .expect(200);
    assert_eq!(queue["holders"][0]["claim"], "c1");
    assert_eq!(queue["waiters"][0]["claim"], "c3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_hands_over_to_the_request_that_waits_at_another_node() {
    let doors = Doors::open(3).await;
    let (one, two) = (doors.at(1), doors.at(2));
    one.session("s1").await;
    two.session("s2").await;
    let first = held(&one, "s1", C1).await;
    let waiting = two
        .put(C2)
        .session("s2")
        .header("prefer", "wait=30")
        .text("{}");
    let waiting = tokio::spawn(waiting.send());
    let node = doors.cluster.node(1);
    let queued = || node.peek(|state| state.counts().claims == 2).then_some(());
    doors
        .cluster
        .until("the second claim in the queue", queued)
        .await;
    let released = doors
        .at(3)
        .delete(C1)
        .session("s1")
        .send()
        .await
        .expect(200);
    assert_eq!(released["state"], "released");
    let granted = waiting.await.unwrap();
    assert_eq!(granted.header("preference-applied"), "wait=30");
    let granted = granted.expect(201);
    assert_eq!(granted["state"], "held");
    assert!(granted["fence"].as_u64() > first["fence"].as_u64());
    assert!(granted["safe_ms"].as_u64() >= Some(15_000), "{granted}");

    let again = one.delete(C1).session("s1").send().await.expect(200);
    assert_eq!(again["ended_index"], released["ended_index"]);
    one.put(C1)
        .session("s1")
        .text("{}")
        .send()
        .await
        .problem(410, "claim_ended");
    one.delete("/v1/locks/orders/42/-/claims/c9")
        .send()
        .await
        .problem(404, "no_claim");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_is_over_is_a_lock_that_is_held() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s1").await;
    held(&client, "s1", C1).await;
    let line = "/v1/locks/orders/42?wait=5s&ttl=60s";
    let waiting = tokio::spawn(client.post(line).send());
    let node = doors.cluster.node(1);
    let queued = || node.peek(|state| state.counts().claims == 2).then_some(());
    doors
        .cluster
        .until("the second claim in the queue", queued)
        .await;
    doors.cluster.advance(Duration::from_secs(6));
    let problem = waiting.await.unwrap().problem(423, "lock_held");
    assert_eq!(problem["holders"][0]["claim"], "c1");
    assert_eq!(problem["queue_length"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_line_takes_extends_and_releases() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let line = "/v1/locks/deploy?wait=30s&ttl=60s&reason=release+2.8.1";
    let taken = client
        .post(line)
        .header("idempotency-key", "k-1")
        .send()
        .await
        .expect(201);
    assert_eq!(taken["reason"], "release 2.8.1");
    assert_eq!(taken["safe_ms"], 60_000);
    let release = taken["release"].as_str().unwrap();
    let repeated = client
        .post(line)
        .header("idempotency-key", "k-1")
        .send()
        .await;
    assert_eq!(repeated.header("idempotency-replayed"), "true");
    let repeated = repeated.expect(200);
    assert_eq!(repeated["fence"], taken["fence"]);
    assert!(
        repeated.get("safe_ms").is_none(),
        "nobody knows how old it is: {repeated}"
    );
    let misuse = "/v1/locks/deploy?wait=31s&ttl=60s";
    let misuse = client
        .post(misuse)
        .header("idempotency-key", "k-1")
        .send()
        .await;
    misuse.problem(422, "idempotency_mismatch");
    let tried = client.post("/v1/locks/deploy").send().await;
    tried.problem(423, "lock_held");

    doors.cluster.advance(Duration::from_secs(30));
    let extended = client
        .patch(release)
        .json(&json!({"ttl": "90s"}))
        .send()
        .await
        .expect(200);
    assert_eq!(extended["safe_ms"], 90_000);
    client.delete(release).send().await.expect(200);
    client
        .post(line)
        .header("idempotency-key", "k-1")
        .send()
        .await
        .problem(410, "claim_ended");
    let gone = client.get(release).send().await.problem(410, "claim_ended");
    assert_eq!(gone["ended_claim"]["state"], "released");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fence_is_verified_and_guards_other_writes_until_the_hold_is_broken() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s1").await;
    let fence = held(&client, "s1", C1).await["fence"].as_u64().unwrap();
    let verify = || {
        client
            .post("/v1/locks/orders/42/-/verify")
            .json(&json!({"fence": fence}))
    };
    assert_eq!(verify().send().await.expect(200)["valid"], true);
    let guarded = || {
        let write = client.put("/v1/nodes/ledger").text("1");
        write.header("holdfast-fence", &format!("orders/42={fence}"))
    };
    guarded().send().await.expect(201);

    let broken = "/v1/locks/orders/42/-/break";
    let reason = json!({"reason": "stuck job"});
    client
        .post(broken)
        .json(&reason)
        .send()
        .await
        .problem(428, "precondition_required");
    let wrong = client
        .post(broken)
        .header("if-match", "\"f1\"")
        .json(&reason)
        .send()
        .await;
    wrong.problem(412, "fence_stale");
    let tag = format!("\"f{fence}\"");
    let ended = client
        .post(broken)
        .header("if-match", &tag)
        .json(&reason)
        .send()
        .await;
    let ended = ended.expect(200);
    assert_eq!(
        (&ended["state"], &ended["reason"]),
        (&json!("broken"), &json!("stuck job"))
    );
    verify().send().await.problem(412, "fence_stale");
    guarded().send().await.problem(412, "fence_stale");
    client
        .delete(C1)
        .session("s1")
        .send()
        .await
        .problem(410, "claim_ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_guarded_by_their_version() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let lock = "/v1/locks/pool";
    client.get(lock).send().await.problem(404, "no_lock");
    let set = |limit: u32| {
        client
            .put(lock)
            .json(&json!({"kind": "semaphore", "limit": limit}))
    };
    let first = set(2).send().await;
    let tag = first.header("etag").to_owned();
    assert_eq!(first.expect(200)["settings"]["limit"], 2);
    set(3).header("if-match", &tag).send().await.expect(200);
    let stale = set(4)
        .header("if-match", &tag)
        .send()
        .await
        .problem(412, "version_mismatch");
    assert!(
        stale["actual_version"].as_i64() > stale["expected_version"].as_i64(),
        "{stale}"
    );
    // The tag of the view carries the version too.
    let view = client.get(lock).send().await;
    set(4)
        .header("if-match", view.header("etag"))
        .send()
        .await
        .expect(200);
    let bad = client
        .put(lock)
        .json(&json!({"kind": "semaphore"}))
        .send()
        .await;
    bad.problem(400, "bad_request");
    client
        .put(lock)
        .json(&json!({"kind": "mutex", "limit": 2}))
        .send()
        .await
        .problem(400, "bad_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_waits_for_a_change_of_a_lock() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s1").await;
    held(&client, "s1", C1).await;
    let first = client.get("/v1/locks/orders/42").send().await;
    let tag = first.header("etag").to_owned();
    assert_eq!(first.expect(200)["state"], "held");
    let again = || {
        client
            .get("/v1/locks/orders/42")
            .header("if-none-match", &tag)
    };
    assert_eq!(again().send().await.status, 304);
    let waiting = tokio::spawn(again().header("prefer", "wait=30").send());
    client.delete(C1).session("s1").send().await.expect(200);
    let changed = waiting.await.unwrap().expect(200);
    assert_eq!(changed["state"], "free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_are_listed_by_pages_and_explained() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let owner =
        json!({"ttl": "30s", "owner": {"service": "billing", "host": "web-7", "pid": 4121}});
    client
        .put("/v1/sessions/s1")
        .json(&owner)
        .send()
        .await
        .expect(201);
    for name in ["prod/a", "prod/b", "prod/c", "test/a"] {
        held(&client, "s1", &format!("/v1/locks/{name}/-/claims/c")).await;
    }
    let page = client.get("/v1/locks?prefix=prod/&limit=2").send().await;
    let next = page
        .header("link")
        .split('>')
        .next()
        .unwrap()
        .trim_start_matches('<')
        .to_owned();
    let page = page.expect(200);
    assert_eq!(page["locks"][0]["lock"], "prod/a");
    assert_eq!(page["locks"][0]["holder"]["owner"]["service"], "billing");
    assert_eq!(page["next"], "prod/b");
    let rest = client.get(&next).send().await.expect(200);
    assert_eq!(rest["locks"].as_array().unwrap().len(), 1);
    assert!(rest.get("next").is_none());
    let free = client.get("/v1/locks?state=free").send().await.expect(200);
    assert_eq!(free["locks"], json!([]));

    let why = client
        .get("/v1/locks/prod/a/-/explain")
        .send()
        .await
        .expect(200);
    let lines = why["lines"].to_string();
    assert!(lines.contains("billing@web-7 pid 4121"), "{lines}");
    let holders = client
        .get("/v1/locks/prod/a/-/holders")
        .send()
        .await
        .expect(200);
    assert_eq!(holders["holders"][0]["owner"]["pid"], 4121);
}
