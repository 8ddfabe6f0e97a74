//! `POST /v1/claims`: several locks, all or none.

use serde_json::{Value, json};

use crate::harness::{Client, Doors};

async fn claim(client: &Client, session: &str, body: Value) -> crate::harness::Answer {
    client
        .post("/v1/claims")
        .session(session)
        .json(&body)
        .send()
        .await
}

fn transfer(id: &str) -> Value {
    let all_of = json!([
        {"lock": "acct/2"}, {"lock": "acct/1"}, {"lock": "fx-rates", "mode": "shared"},
    ]);
    json!({"id": id, "all_of": all_of, "reason": "transfer"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_are_held_with_one_fence_and_a_repeat_says_so() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s").await;
    let answer = claim(&client, "s", transfer("m1")).await;
    assert_eq!(answer.header("location"), "/v1/locks/acct/1/-/claims/m1");
    let first = answer.expect(201);
    assert_eq!(first["id"], "m1");
    assert_eq!(first["state"], "held");
    let claims = first["claims"].as_array().unwrap();
    let locks: Vec<&str> = claims.iter().map(|c| c["lock"].as_str().unwrap()).collect();
    assert_eq!(locks, ["acct/1", "acct/2", "fx-rates"]);
    for claim in claims {
        assert_eq!(claim["fence"], first["fence"]);
        assert_eq!(claim["all_of"], json!(["acct/1", "acct/2", "fx-rates"]));
        assert!(claim["safe_ms"].as_u64() >= Some(15_000), "{claim}");
    }
    let again = claim(&client, "s", transfer("m1")).await.expect(200);
    assert_eq!(again["fence"], first["fence"]);
    let mut other = transfer("m1");
    other["all_of"][2]["mode"] = json!("exclusive");
    claim(&client, "s", other)
        .await
        .problem(409, "claim_mismatch");
    let one = client
        .get("/v1/locks/fx-rates/-/claims/m1")
        .send()
        .await
        .expect(200);
    assert_eq!(one["mode"], "shared");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_waits_for_all_and_holds_none_until_one_command_gives_it_all() {
    let doors = Doors::open(3).await;
    let client = doors.one();
    for session in ["s", "t"] {
        client.session(session).await;
    }
    let taken = "/v1/locks/acct/1/-/claims/c1";
    client
        .put(taken)
        .session("s")
        .json(&json!({}))
        .send()
        .await
        .expect(201);
    let waiting = claim(&client, "t", transfer("m1")).await.expect(202);
    assert_eq!(waiting["state"], "waiting");
    let explained = client
        .get("/v1/locks/acct/2/-/explain")
        .send()
        .await
        .expect(200);
    let headline = explained["lines"][0].as_str().unwrap();
    assert!(
        headline.contains("held by nobody") && headline.contains("acct/1, fx-rates"),
        "{explained}"
    );
    let one = json!({"wait": "0s"});
    let late = "/v1/locks/acct/2/-/claims/c2";
    let late = client.put(late).session("s").json(&one).send().await;
    late.problem(423, "lock_held");
    // s has what t waits for, so waiting behind t would never end.
    let cycle = "/v1/locks/acct/2/-/claims/c3";
    let cycle = client.put(cycle).session("s").json(&json!({})).send().await;
    cycle.problem(409, "deadlock");

    let other = doors.at(2);
    let waiter = async {
        let request = other.post("/v1/claims").session("t");
        let request = request.header("prefer", "wait=30").json(&transfer("m1"));
        // 200 where the release came first.
        let answer = request.send().await;
        assert!(answer.status.is_success(), "{answer:?}");
        let status = answer.status.as_u16();
        answer.expect(status)
    };
    let release = async { client.delete(taken).session("s").send().await.expect(200) };
    let (held, _) = tokio::join!(waiter, release);
    assert_eq!(held["state"], "held");
    let ended = client
        .delete("/v1/locks/fx-rates/-/claims/m1")
        .session("t")
        .send()
        .await
        .expect(200);
    assert_eq!(ended["state"], "released");
    client
        .get("/v1/locks/acct/1/-/claims/m1")
        .send()
        .await
        .problem(410, "claim_ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_session_it_tries_once_and_lives_by_its_ttl() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let ask = |ttl: &str| json!({"all_of": [{"lock": "a"}, {"lock": "b"}], "ttl": ttl});
    let post = |body: Value| {
        let request = client.post("/v1/claims").header("idempotency-key", "k1");
        request.json(&body)
    };
    let first = post(ask("60s")).send().await.expect(201);
    let again = post(ask("60s")).send().await.expect(200);
    assert_eq!(again["id"], first["id"]);
    assert_eq!(again["fence"], first["fence"]);
    let second = client.post("/v1/claims").json(&ask("60s")).send().await;
    second.problem(423, "lock_held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_refused_before_anything_is_queued() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s").await;
    let many: Vec<Value> = (0..17).map(|n| json!({"lock": format!("l{n}")})).collect();
    for (all_of, status, code) in [
        (json!([]), 400, "bad_request"),
        (
            json!([{"lock": "a"}, {"lock": "a", "mode": "shared"}]),
            400,
            "bad_request",
        ),
        (json!([{"lock": "a"}, {"lock": "//"}]), 400, "invalid_name"),
        (
            json!([{"lock": "a"}, {"lock": "b", "permits": 2}]),
            409,
            "lock_mode_mismatch",
        ),
        (json!(many), 507, "quota_exceeded"),
    ] {
        let body = json!({"id": "m", "all_of": all_of});
        let answer = claim(&client, "s", body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
        answer.problem(status, code);
    }
    client
        .get("/v1/locks/a")
        .send()
        .await
        .problem(404, "no_lock");
}
