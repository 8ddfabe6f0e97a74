//! Asking a holder to release, and its answer.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Ask, Client, Doors};

const LOCK: &str = "/v1/locks/deploy/prod";

fn ask(client: &Client, body: &Value) -> Ask {
    client.post(&format!("{LOCK}/-/request-release")).json(body)
}

fn answer(client: &Client, session: &str, body: &Value) -> Ask {
    let path = format!("{LOCK}/-/answer");
    client.post(&path).session(session).json(body)
}

async fn acquire(client: &Client, session: &str, id: &str, body: &Value) -> Value {
    let path = format!("{LOCK}/-/claims/{id}");
    let answer = client.put(&path).session(session).json(body).send().await;
    assert!(matches!(answer.status.as_u16(), 201 | 202), "{answer:?}");
    answer.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_hears_of_it_at_another_node_and_those_who_wait_see_its_answer() {
    let doors = Doors::open(3).await;
    let (one, two) = (doors.at(1), doors.at(2));
    one.session("s1").await;
    two.session("s2").await;
    let held = acquire(&one, "s1", "c1", &json!({})).await;
    acquire(&two, "s2", "c2", &json!({"wait": "1m"})).await;
    let mut stream = one.post("/v1/sessions/s1/stream").stream().await;
    let body = json!({"reason": "hotfix", "deadline": "20s"});
    let asked = ask(&two, &body).session("s2").send().await.expect(200);
    assert_eq!(asked["claim"], "c1");
    let request = json!({"who": "s2", "reason": "hotfix", "remaining_ms": 20_000});
    for (field, value) in request.as_object().unwrap() {
        assert_eq!(&asked["release_request"][field], value, "{field}");
    }
    let told = loop {
        let event = stream.change().await;
        if event.name == "lock.release_requested" {
            break event.data;
        }
    };
    assert_eq!(
        (&told["fence"], &told["who"]),
        (&held["fence"], &json!("s2"))
    );
    assert_eq!(
        (&told["within_ms"], &told["reason"]),
        (&json!(20_000), &json!("hotfix"))
    );
    let alive = one
        .post("/v1/sessions/s1/keepalive")
        .send()
        .await
        .expect(200);
    assert_eq!(alive["holds"][0]["release_request"]["reason"], "hotfix");

    doors.cluster.advance(Duration::from_secs(5));
    let needs = json!({"claim": "c1", "needs": "30s"});
    let told = answer(&one, "s1", &needs).send().await.expect(200);
    assert_eq!(told["release_request"]["needs_ms"], 30_000);
    let queue = two.get(&format!("{LOCK}/-/queue")).send().await.expect(200);
    let shown = &queue["holders"][0]["release_request"];
    assert_eq!(
        (&shown["needs_ms"], &shown["remaining_ms"]),
        (&json!(30_000), &json!(15_000))
    );
    let why = two
        .get(&format!("{LOCK}/-/explain"))
        .send()
        .await
        .expect(200);
    assert!(
        why["lines"]
            .to_string()
            .contains("it says it needs 30.0 s more"),
        "{why}"
    );

    // Nothing is taken away when the time is up.
    doors.cluster.advance(Duration::from_secs(2));
    one.post("/v1/sessions/s1/keepalive")
        .send()
        .await
        .expect(200);
    let lock = two.get(LOCK).send().await.expect(200);
    assert_eq!(lock["holders"][0]["claim"], "c1");
    assert_eq!(lock["holders"][0]["release_request"]["who"], "s2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_with_the_hold_and_what_is_wrong_is_refused() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s1").await;
    client.session("s2").await;
    let good = json!({"reason": "hotfix", "deadline": "20s"});
    let nobody = ask(&client, &good).send().await;
    assert!(
        nobody.problem(400, "bad_request")["detail"]
            .to_string()
            .contains("nobody holds")
    );
    let first = acquire(&client, "s1", "c1", &json!({})).await;
    let unasked = json!({"claim": "c1", "needs": "1s"});
    answer(&client, "s1", &unasked)
        .send()
        .await
        .problem(409, "not_asked");
    let tag = format!("\"f{}\"", first["fence"]);
    ask(&client, &good)
        .header("if-match", &tag)
        .send()
        .await
        .expect(200);
    answer(&client, "s2", &unasked)
        .send()
        .await
        .problem(409, "not_owner");
    let path = format!("{LOCK}/-/claims/c1");
    client.delete(&path).session("s1").send().await.expect(200);
    let second = acquire(&client, "s2", "c2", &json!({})).await;
    assert!(second.get("release_request").is_none(), "{second}");
    ask(&client, &good)
        .header("if-match", &tag)
        .send()
        .await
        .problem(412, "fence_stale");
    answer(&client, "s1", &unasked)
        .send()
        .await
        .problem(410, "claim_ended");

    for bad in [
        json!({"reason": " ", "deadline": "20s"}),
        json!({"deadline": "20s"}),
        json!({"reason": "x"}),
        json!({"reason": "x", "deadline": 20}),
        json!({"reason": "x", "deadline": "20s", "by": "me"}),
    ] {
        ask(&client, &bad).send().await.problem(400, "bad_request");
    }
    let long = json!({"reason": "x", "deadline": "8d"});
    ask(&client, &long)
        .send()
        .await
        .problem(507, "quota_exceeded");
    let bad = ask(&client, &good)
        .header("if-match", "\"v1\"")
        .send()
        .await;
    bad.problem(400, "bad_request");
    let bad = json!({"claim": "a b", "needs": "1s"});
    answer(&client, "s1", &bad)
        .send()
        .await
        .problem(400, "invalid_name");
}
